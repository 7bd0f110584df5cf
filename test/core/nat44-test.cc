// SPDX-License-Identifier: GPL-2.0-only
#include "nat44.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <set>

namespace flowchain
{
namespace
{

constexpr std::uint32_t EXTERNAL = 0xcb007100; // 203.0.113.0

Nat44Config
Config(std::uint8_t length, std::uint16_t portFirst, std::uint16_t portLast)
{
    Nat44Config config;
    config.inside = {0x0a000000, 8};
    config.external = {EXTERNAL, length};
    config.portFirst = portFirst;
    config.portLast = portLast;
    return config;
}

TEST(Nat44, AllocatesAddressesInRotationAndPortsAscending)
{
    Nat44 nat(Config(31, 1024, 1026)); // two addresses, three ports
    const Endpoint expected[] = {
        {EXTERNAL, 1024},
        {EXTERNAL + 1, 1024},
        {EXTERNAL, 1025},
        {EXTERNAL + 1, 1025},
        {EXTERNAL, 1026},
        {EXTERNAL + 1, 1026},
    };
    EXPECT_EQ(nat.Capacity(), 6U);
    for (const Endpoint& endpoint : expected)
    {
        EXPECT_TRUE(nat.Allocate(IpProtocol::TCP) == endpoint);
    }
    EXPECT_FALSE(nat.Allocate(IpProtocol::TCP).has_value());
    EXPECT_EQ(nat.InUse(), 6U);
}

TEST(Nat44, EachLifeBeginsInAnotherSixteenthOfTheBlock)
{
    struct Row
    {
        std::uint8_t generation;
        std::uint16_t first;
    };
    // 64 ports: a sixteenth is four of them.
    for (const Row& row : {Row{0, 1024}, Row{1, 1028}, Row{15, 1084}, Row{16, 1024}, Row{17, 1028}})
    {
        Nat44Config config = Config(32, 1024, 1087);
        config.generation = row.generation;
        Nat44 nat(config);
        std::uint16_t port = row.first;
        for (int i = 0; i < 64; ++i)
        {
            EXPECT_EQ(nat.Allocate(IpProtocol::TCP)->port, port) << int{row.generation};
            port = port == 1087 ? 1024 : static_cast<std::uint16_t>(port + 1);
        }
        EXPECT_FALSE(nat.Allocate(IpProtocol::TCP).has_value());
        nat.Free(IpProtocol::TCP, {EXTERNAL, 1087});
        EXPECT_EQ(nat.Allocate(IpProtocol::TCP)->port, 1087);
    }
}

TEST(Nat44, ReleasedEndpointsComeLastAndInOrderOfRelease)
{
    Nat44 nat(Config(32, 1024, 1027));
    for (int i = 0; i < 3; ++i)
    {
        nat.Allocate(IpProtocol::UDP);
    }
    nat.Free(IpProtocol::UDP, {EXTERNAL, 1025});
    nat.Free(IpProtocol::UDP, {EXTERNAL, 1024});
    EXPECT_EQ(nat.InUse(), 1U);
    for (const std::uint16_t port : {1027, 1025, 1024})
    {
        EXPECT_EQ(nat.Allocate(IpProtocol::UDP)->port, port);
    }
    EXPECT_FALSE(nat.Allocate(IpProtocol::UDP).has_value());
    nat.Free(IpProtocol::UDP, {EXTERNAL, 1026});
    EXPECT_EQ(nat.Allocate(IpProtocol::UDP)->port, 1026);
}

TEST(Nat44, ProtocolsHaveEndpointsOfTheirOwn)
{
    Nat44 nat(Config(32, 1024, 1024));
    for (const IpProtocol protocol : {IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP})
    {
        EXPECT_TRUE(nat.Allocate(protocol) == (Endpoint{EXTERNAL, 1024}));
        EXPECT_FALSE(nat.Allocate(protocol).has_value());
    }
    EXPECT_EQ(nat.InUse(), 3U);
    nat.Free(IpProtocol::ICMP, {EXTERNAL, 1024});
    EXPECT_EQ(nat.InUse(), 2U);
    EXPECT_FALSE(nat.Allocate(IpProtocol::TCP).has_value());
    EXPECT_TRUE(nat.Allocate(IpProtocol::ICMP).has_value());
}

TEST(Nat44, ExternalIsThePrefixAndNothingElse)
{
    const Nat44 nat(Config(24, 1024, 65535));
    EXPECT_TRUE(nat.IsExternal(EXTERNAL));
    EXPECT_TRUE(nat.IsExternal(EXTERNAL + 255));
    EXPECT_FALSE(nat.IsExternal(EXTERNAL + 256));
    EXPECT_FALSE(nat.IsExternal(EXTERNAL - 1));
    EXPECT_EQ(nat.Capacity(), std::uint64_t{64512} * 256);
}

TEST(Nat44, HostBitsOfTheExternalPrefixDoNotMatter)
{
    Nat44Config config = Config(30, 1024, 1024);
    config.external.address = EXTERNAL + 3;
    Nat44 nat(config);
    for (std::uint32_t i = 0; i < 4; ++i)
    {
        EXPECT_EQ(nat.Allocate(IpProtocol::TCP)->address, EXTERNAL + i);
    }
}

TEST(Nat44, TheHighestPortIsUsable)
{
    Nat44Config config = Config(32, 65534, 65535);
    config.blocks = 2;
    config.block = 1;
    Nat44 nat(config);
    EXPECT_EQ(nat.Allocate(IpProtocol::TCP)->port, 65535);
    EXPECT_FALSE(nat.Allocate(IpProtocol::TCP).has_value());
    EXPECT_EQ(nat.BlockOf(65535), 1);
}

RC_GTEST_PROP(Nat44, BlocksDivideThePortRange, ())
{
    const auto first = *rc::gen::inRange<std::uint32_t>(0, 65536);
    const auto ports = *rc::gen::inRange<std::uint32_t>(1, std::min(66000 - first, 3000U) + 1);
    RC_PRE(first + ports <= 65536);
    Nat44Config config = Config(
        32, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(first + ports - 1));
    config.blocks = static_cast<std::uint16_t>(*rc::gen::inRange(1U, std::min(ports, 200U) + 1));
    std::uint32_t next = first;
    std::set<std::uint64_t> sizes;
    for (config.block = 0; config.block < config.blocks; ++config.block)
    {
        Nat44 nat(config);
        sizes.insert(nat.Capacity());
        while (const auto endpoint = nat.Allocate(IpProtocol::TCP))
        {
            RC_ASSERT(endpoint->port == next);
            RC_ASSERT(nat.BlockOf(endpoint->port) == config.block);
            ++next;
        }
    }
    RC_ASSERT(next == first + ports);
    RC_ASSERT(*sizes.rbegin() - *sizes.begin() <= 1);
    const Nat44 nat(Config(32, config.portFirst, config.portLast));
    RC_ASSERT(first == 0 || !nat.BlockOf(static_cast<std::uint16_t>(first - 1)).has_value());
    RC_ASSERT(next == 65536 || !nat.BlockOf(static_cast<std::uint16_t>(next)).has_value());
}

RC_GTEST_PROP(Nat44, AgreesWithAQueueOfEndpoints, ())
{
    Nat44 nat(Config(30, 2000, 2004));
    // The specification, word by word: a queue of all endpoints; released ones go to its end.
    std::deque<Endpoint> free;
    for (std::uint16_t port = 2000; port <= 2004; ++port)
    {
        for (std::uint32_t i = 0; i < 4; ++i)
        {
            free.push_back({EXTERNAL + i, port});
        }
    }
    std::vector<Endpoint> used;
    const auto steps =
        *rc::gen::container<std::vector<std::uint8_t>>(100, rc::gen::arbitrary<std::uint8_t>());
    for (const std::uint8_t step : steps)
    {
        if (step % 3 == 0 && !used.empty())
        {
            const auto at = used.begin() + step / 3 % static_cast<std::ptrdiff_t>(used.size());
            nat.Free(IpProtocol::TCP, *at);
            free.push_back(*at);
            used.erase(at);
        }
        else if (free.empty())
        {
            RC_ASSERT(!nat.Allocate(IpProtocol::TCP).has_value());
        }
        else
        {
            const auto endpoint = nat.Allocate(IpProtocol::TCP);
            RC_ASSERT(endpoint.has_value() && *endpoint == free.front());
            used.push_back(free.front());
            free.pop_front();
        }
        RC_ASSERT(nat.InUse() == used.size());
    }
}

TEST(Nat44DeathTest, FreeingWhatIsNotInUseIsABrokenInvariant)
{
    Nat44 nat(Config(31, 1024, 1030));
    const Endpoint endpoint = *nat.Allocate(IpProtocol::TCP);
    EXPECT_DEATH(nat.Free(IpProtocol::UDP, endpoint), "");
    EXPECT_DEATH(nat.Free(IpProtocol::TCP, {EXTERNAL + 1, 1024}), "");
    EXPECT_DEATH(nat.Free(IpProtocol::TCP, {EXTERNAL, 1023}), "");
    EXPECT_DEATH(nat.Free(IpProtocol::TCP, {EXTERNAL + 2, 1024}), "");
    EXPECT_DEATH(nat.Allocate(IpProtocol::NONE), "");
    nat.Free(IpProtocol::TCP, endpoint);
    EXPECT_DEATH(nat.Free(IpProtocol::TCP, endpoint), "");
}

TEST(Nat44DeathTest, FreeingAnotherNodesPortIsABrokenInvariant)
{
    Nat44Config config = Config(32, 1024, 1055);
    config.blocks = 2;
    Nat44 nat(config);
    nat.Allocate(IpProtocol::TCP);
    EXPECT_DEATH(nat.Free(IpProtocol::TCP, {EXTERNAL, 1024 + 16}), "");
}

TEST(Nat44DeathTest, EveryNodeNeedsAPort)
{
    Nat44Config config = Config(32, 1024, 1025);
    config.blocks = 3;
    EXPECT_DEATH(Nat44{config}, "");
    config.blocks = 2;
    config.block = 2;
    EXPECT_DEATH(Nat44{config}, "");
}

} // namespace
} // namespace flowchain
