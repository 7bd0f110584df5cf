// SPDX-License-Identifier: GPL-2.0-only
#include "checksum.h"

#include "byte-order.h"
#include "wire-samples.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace flowchain
{
namespace
{

using test::PlainSum;

std::uint16_t
Checksum(const Bytes& bytes)
{
    return static_cast<std::uint16_t>(~PlainSum(bytes));
}

// RFC 1071, section 3: the bytes 00 01 f2 03 f4 f5 f6 f7 have the sum ddf2.
TEST(Checksum, HasTheSumOfRfc1071Section3)
{
    const Bytes bytes = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    EXPECT_EQ(OnesComplementSum(bytes), 0xddf2);
}

// RFC 1624, section 4: HC = DD2F, m = 5555, m' = 3285 give HC' = 0000, where eqn. 2 gives FFFF.
TEST(Checksum, UpdatesAsTheExampleOfRfc1624)
{
    EXPECT_EQ(ChecksumUpdate(0xdd2f).Replace16(0x5555, 0x3285).Checksum(), 0x0000);
}

TEST(Checksum, FoldsEveryCarryAndKeepsTheZeroOfANonEmptySum)
{
    const struct
    {
        std::uint64_t sum;
        std::uint16_t folded;
    } cases[] = {{0, 0},
                 {0xffff, 0xffff},
                 {0x10000, 1},
                 {0x1ffff, 1},
                 {0x1fffe, 0xffff},
                 {0xffffffff, 0xffff},
                 {0x100000000, 1},
                 {0xffffffffffffffff, 0xffff},
                 {0xfffe0001fffe0001, 0xffff}};
    for (const auto& c : cases)
    {
        EXPECT_EQ(FoldSum(c.sum), c.folded) << std::hex << c.sum;
    }
}

TEST(Checksum, SumsEmptyAndOddBytes)
{
    EXPECT_EQ(OnesComplementSum({}), 0);
    EXPECT_EQ(OnesComplementSum(Bytes{0xab}), 0xab00);
    EXPECT_EQ(OnesComplementSum(Bytes(65535, 0xff)), PlainSum(Bytes(65535, 0xff)));
}

TEST(Checksum, SendsAUdpChecksumOfZeroAsAllOnes)
{
    EXPECT_EQ(UdpChecksumToSend(0), 0xffff);
    EXPECT_EQ(UdpChecksumToSend(0xffff), 0xffff);
    EXPECT_EQ(UdpChecksumToSend(1), 1);
}

RC_GTEST_PROP(ChecksumProperty, FastSumIsThePlainSumAtAnyAlignment, (Bytes bytes))
{
    const auto skip = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
    const auto part = std::span<const std::uint8_t>(bytes).subspan(skip);
    RC_ASSERT(OnesComplementSum(part) == PlainSum(part));
}

RC_GTEST_PROP(ChecksumProperty, SumsOfPartsAtEvenOffsetsAddUp, (Bytes bytes))
{
    const auto cut = 2 * *rc::gen::inRange<std::size_t>(0, bytes.size() / 2 + 1);
    const std::span<const std::uint8_t> all(bytes);
    const std::uint64_t sum =
        std::uint64_t{OnesComplementSum(all.first(cut))} + OnesComplementSum(all.subspan(cut));
    RC_ASSERT(FoldSum(sum) == PlainSum(bytes));
}

// RFC 1624, section 3: the incremental checksum is the one that a new computation gives.
RC_GTEST_PROP(ChecksumProperty, UpdateIsTheFullChecksum, (std::uint16_t first, Bytes rest))
{
    RC_PRE(first != 0); // as in any IPv4 header or pseudo-header: not all words are zero
    Bytes bytes(8 + rest.size(), 0);
    Store16(bytes.data(), first);
    std::copy(rest.begin(), rest.end(), bytes.begin() + 8);
    ChecksumUpdate update(Checksum(bytes));
    const auto new16 = *rc::gen::arbitrary<std::uint16_t>();
    const auto new32 = *rc::gen::arbitrary<std::uint32_t>();
    update.Replace16(Load16(bytes.data() + 2), new16).Replace32(Load32(bytes.data() + 4), new32);
    Store16(bytes.data() + 2, new16);
    Store32(bytes.data() + 4, new32);
    RC_ASSERT(update.Checksum() == Checksum(bytes));
}

} // namespace
} // namespace flowchain
