// SPDX-License-Identifier: GPL-2.0-only
#include "flow-hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>

namespace flowchain
{
namespace
{

const FlowKey KEY{{0x0a000001, 40000}, {0xc6336401, 443}, IpProtocol::TCP};

TEST(FlowHash, MixIsTheFinalizerOfSplitMix64)
{
    // First three outputs of the reference implementation (splitmix64.c, Vigna) from state 0.
    constexpr std::uint64_t STEP = 0x9e3779b97f4a7c15;
    EXPECT_EQ(Mix64(1 * STEP), 0xe220a8397b1dcdafU);
    EXPECT_EQ(Mix64(2 * STEP), 0x6e789e6aa1b965f4U);
    EXPECT_EQ(Mix64(3 * STEP), 0x06c45d188009454fU);
}

TEST(FlowHash, EveryFieldTheDirectionAndTheSeedCount)
{
    std::set<std::uint64_t> hashes{FlowHash(KEY), FlowHash(KEY, 1), FlowHash(KEY.Reversed())};
    FlowKey other = KEY;
    other.source.address ^= 1;
    hashes.insert(FlowHash(other));
    other = KEY;
    other.destination.address ^= 1;
    hashes.insert(FlowHash(other));
    other = KEY;
    other.source.port ^= 1;
    hashes.insert(FlowHash(other));
    other = KEY;
    other.destination.port ^= 1;
    hashes.insert(FlowHash(other));
    other = KEY;
    other.protocol = IpProtocol::UDP;
    hashes.insert(FlowHash(other));
    EXPECT_EQ(hashes.size(), 8U);
}

TEST(FlowHash, OnePortBitChangesHalfOfTheHashBits)
{
    std::uint64_t changed = 0;
    constexpr std::uint64_t KEYS = 4096;
    for (std::uint64_t i = 0; i < KEYS; ++i)
    {
        FlowKey key = KEY;
        key.source.address += static_cast<std::uint32_t>(i);
        const std::uint64_t hash = FlowHash(key);
        key.source.port ^= static_cast<std::uint16_t>(1 << (i % 16));
        changed += static_cast<std::uint64_t>(std::popcount(hash ^ FlowHash(key)));
    }
    // Binomial with mean 32 a key: the standard deviation of the mean is 4 / sqrt(4096).
    EXPECT_NEAR(static_cast<double>(changed) / KEYS, 32.0, 6 * 4.0 / 64);
}

} // namespace
} // namespace flowchain
