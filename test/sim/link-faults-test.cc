// SPDX-License-Identifier: GPL-2.0-only
#include "fabric-fixture.h"
#include "frame-damage.h"
#include "leaf-spine.h"
#include "link-faults.h"
#include "packet-view.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace flowchain::fabric_test
{
namespace
{

constexpr std::int64_t MICROSECOND = 1'000'000;

Instant
At(std::int64_t picoseconds)
{
    return Instant(Duration(picoseconds));
}

TEST(LinkDraws, AreOfTheStatedRateAndIndependent)
{
    const LinkDraws draws(7);
    const LinkDraws otherSeed(8);
    constexpr std::uint32_t TENTH = 100'000; // parts per million
    int hits = 0;
    int withOtherLink = 0;
    int withOtherSeed = 0;
    int withOtherEvent = 0;
    for (std::uint64_t frame = 0; frame < 100'000; ++frame)
    {
        const bool hit = draws.Happens(LinkEvent::LOSS, TENTH, 3, frame);
        hits += hit ? 1 : 0;
        withOtherLink += hit && draws.Happens(LinkEvent::LOSS, TENTH, 4, frame) ? 1 : 0;
        withOtherSeed += hit && otherSeed.Happens(LinkEvent::LOSS, TENTH, 3, frame) ? 1 : 0;
        withOtherEvent += hit && draws.Happens(LinkEvent::CORRUPTION, TENTH, 3, frame) ? 1 : 0;
    }
    // Binomial: n p = 10000 and 1000, standard deviations 95 and 31.
    EXPECT_NEAR(hits, 10'000, 5 * 95);
    EXPECT_NEAR(withOtherLink, 1'000, 5 * 32);
    EXPECT_NEAR(withOtherSeed, 1'000, 5 * 32);
    EXPECT_NEAR(withOtherEvent, 1'000, 5 * 32);
    for (std::uint64_t frame = 0; frame < 1'000; ++frame)
    {
        EXPECT_FALSE(draws.Happens(LinkEvent::LOSS, 0, 0, frame));
        EXPECT_TRUE(draws.Happens(LinkEvent::LOSS, 1'000'000, 0, frame));
    }
}

/** Frames that go from host 0 to host 1 on one leaf, so slowly that none waits. */
std::vector<Sending>
OneWay(int frames)
{
    std::vector<Sending> sendings;
    for (int i = 0; i < frames; ++i)
    {
        sendings.push_back({.at = i * MICROSECOND,
                            .from = 0,
                            .to = 1,
                            .sourcePort = static_cast<std::uint16_t>(1024 + i % 1000),
                            .payloadLength = 100});
    }
    return sendings;
}

/** A network in which only the link of host 0 to its leaf is impaired. */
FabricConfig
OneImpairedLink(const LinkRule& how)
{
    FabricConfig config = MakeConfig(4, 1, 1);
    config.faults.rules = {how};
    config.faults.rules[0].links = {LeafSpine(config).Uplink(0)};
    return config;
}

void
ExpectSound(const Outcome& outcome, std::size_t injected)
{
    EXPECT_TRUE(outcome.ledger.Check());
    EXPECT_EQ(outcome.ledger.ViolationCount(), 0U);
    EXPECT_EQ(outcome.ledger.Injected(), injected);
    EXPECT_EQ(outcome.ledger.InFlight(), 0U);
}

constexpr int FRAMES = 20'000;
const double DEVIATION = std::sqrt(FRAMES * 0.1 * 0.9); ///< of a binomial count at 10 %

TEST(LinkFaults, TenPercentOfTheFramesAreLost)
{
    LinkRule rule;
    rule.lossPerMillion = 100'000;
    Outcome outcome;
    RunFabric(OneImpairedLink(rule), OneWay(FRAMES), {}, outcome);
    ExpectSound(outcome, FRAMES);
    EXPECT_NEAR(static_cast<double>(outcome.links[0].Drops(DropReason::LINK_LOSS)),
                FRAMES * 0.1,
                5 * DEVIATION);
    EXPECT_EQ(outcome.ledger.Dropped(DropReason::LINK_LOSS),
              outcome.links[0].Drops(DropReason::LINK_LOSS));
}

TEST(LinkFaults, TenPercentOfTheFramesComeTwiceAndTakeTheirTimeOnTheWire)
{
    LinkRule rule;
    rule.duplicatePerMillion = 100'000;
    Outcome outcome;
    RunFabric(OneImpairedLink(rule), OneWay(FRAMES), {}, outcome);
    ExpectSound(outcome, FRAMES);
    EXPECT_EQ(outcome.ledger.Delivered(), static_cast<std::uint64_t>(FRAMES));
    const auto copies = outcome.deliveries.size() - FRAMES;
    EXPECT_NEAR(static_cast<double>(copies), FRAMES * 0.1, 5 * DEVIATION);
    EXPECT_EQ(outcome.links[0].Frames(), FRAMES + copies);
    // 42 header bytes, 100 of payload and 24 of overhead at 25 Gbit/s.
    constexpr std::int64_t SENDING = 166 * 320;
    EXPECT_EQ(outcome.links[0].busyTime, outcome.links[0].Frames() * Duration(SENDING));
    for (std::size_t i = 1; i < outcome.deliveries.size(); ++i)
    {
        const Delivery& first = outcome.deliveries[i - 1];
        const Delivery& second = outcome.deliveries[i];
        if (first.packetId == second.packetId)
        {
            ASSERT_EQ(second.at - first.at, SENDING);
            ASSERT_EQ(second.bytes, first.bytes);
        }
    }
}

TEST(LinkFaults, TenPercentOfTheFramesAreOvertaken)
{
    LinkRule rule;
    rule.reorderPerMillion = 100'000;
    rule.reorderDelay = Duration(5 * MICROSECOND / 2);
    Outcome plain;
    Outcome outcome;
    RunFabric(OneImpairedLink({}), OneWay(FRAMES), {}, plain);
    RunFabric(OneImpairedLink(rule), OneWay(FRAMES), {}, outcome);
    ExpectSound(outcome, FRAMES);
    ASSERT_EQ(outcome.deliveries.size(), plain.deliveries.size());
    std::vector<std::int64_t> arrivals(FRAMES + 1);
    for (const Delivery& delivery : outcome.deliveries)
    {
        arrivals[delivery.packetId] = delivery.at;
    }
    int late = 0;
    for (const Delivery& delivery : plain.deliveries)
    {
        const std::int64_t delay = arrivals[delivery.packetId] - delivery.at;
        ASSERT_TRUE(delay == 0 || delay == 5 * MICROSECOND / 2) << delay;
        late += delay > 0 ? 1 : 0;
    }
    EXPECT_NEAR(late, FRAMES * 0.1, 5 * DEVIATION);
    // Each late frame is passed by the two that are sent 1 and 2 us after it, unless they are late.
    int overtakings = 0;
    for (std::size_t i = 1; i < outcome.deliveries.size(); ++i)
    {
        overtakings += outcome.deliveries[i].packetId < outcome.deliveries[i - 1].packetId ? 1 : 0;
    }
    EXPECT_GT(overtakings, late / 2);
}

TEST(LinkFaults, EveryDamagedFrameIsFoundByAChecksumOrGoesAstray)
{
    LinkRule rule;
    rule.corruptPerMillion = 100'000;
    Outcome outcome;
    RunFabric(OneImpairedLink(rule), OneWay(FRAMES), {}, outcome);
    ExpectSound(outcome, FRAMES);
    const std::uint64_t astray = outcome.links[0].Drops(DropReason::NO_ROUTE);
    int damaged = static_cast<int>(astray);
    int unnoticed = 0;
    for (const Delivery& delivery : outcome.deliveries)
    {
        Frame frame;
        const auto bytes = frame.Append(42);
        std::copy_n(delivery.bytes.begin(), bytes.size(), bytes.begin());
        Frame good;
        BuildFrame({.from = 0,
                    .to = 1,
                    .sourcePort = static_cast<std::uint16_t>(1024 + (delivery.packetId - 1) % 1000),
                    .payloadLength = 100},
                   good);
        const auto header = std::as_const(good).Header();
        const bool isSame = std::equal(header.begin(), header.end(), bytes.begin());
        const bool isEthernet = std::equal(header.begin() + 14, header.end(), bytes.begin() + 14);
        frame.payload = {nullptr, 100, delivery.payloadSum};
        PacketView view;
        const bool isRefused = ParsePacket(frame, 0, view) != PacketVerdict::OK;
        damaged += !isSame || delivery.payloadSum != 0 ? 1 : 0;
        // Nothing covers the Ethernet header; the type is checked, and a host its own address.
        unnoticed += !isRefused && (!isEthernet || delivery.payloadSum != 0) ? 1 : 0;
    }
    EXPECT_EQ(unnoticed, 0);
    EXPECT_NEAR(damaged, FRAMES * 0.1, 5 * DEVIATION);
    // 48 of 1136 bits are the destination's, and one of them leads to a host, 3 instead of 1.
    EXPECT_NEAR(static_cast<double>(astray), FRAMES * 0.1 * 47 / 1136, 5 * std::sqrt(83.0));
}

TEST(LinkFaults, FramesAreDamagedOnceAtMost)
{
    FabricConfig config = MakeConfig(2, 2, 1);
    config.faults.everywhere.corruptPerMillion = 1'000'000;
    Outcome outcome;
    RunFabric(config, {{.at = 0, .from = 0, .to = 1, .payloadLength = 1000}}, {}, outcome);
    ASSERT_EQ(outcome.deliveries.size(), 1U);
    EXPECT_EQ(outcome.packetHops, 4U);
    Frame good;
    BuildFrame({.from = 0, .to = 1, .payloadLength = 1000}, good);
    int flipped = outcome.deliveries[0].payloadSum != 0 ? 1 : 0;
    for (std::size_t i = 0; i < good.Header().size(); ++i)
    {
        flipped += __builtin_popcount(static_cast<std::uint8_t>(outcome.deliveries[0].bytes[i]) ^
                                      good.Header()[i]);
    }
    EXPECT_EQ(flipped, 1);
}

/** 166 bytes at 25 Gbit/s take 53.12 ns, and 500 ns to the leaf. */
TEST(LinkFaults, ACutTakesWhatIsOnTheLinkAtAnyInstantOfIt)
{
    constexpr std::int64_t ARRIVAL = 53'120 + 500'000;
    FabricConfig config = MakeConfig(4, 1, 1);
    const auto delivered = [&config](std::int64_t from, std::int64_t until)
    {
        config.faults.outages = {{{LeafSpine(config).Uplink(0)}, At(from), At(until)}};
        Outcome outcome;
        const std::int64_t start = 10 * MICROSECOND;
        RunFabric(config, {{.at = start, .from = 0, .to = 1, .payloadLength = 100}}, {}, outcome);
        EXPECT_EQ(outcome.deliveries.size() + outcome.links[0].Drops(DropReason::LINK_CUT), 1U);
        return outcome.deliveries.size();
    };
    const std::int64_t start = 10 * MICROSECOND;
    EXPECT_EQ(delivered(start - 1000, start), 1U);
    EXPECT_EQ(delivered(start - 1000, start + 1), 0U);
    EXPECT_EQ(delivered(start + 1000, start + 1001), 0U);
    EXPECT_EQ(delivered(start + ARRIVAL, start + ARRIVAL + 1), 0U);
    EXPECT_EQ(delivered(start + ARRIVAL + 1, start + ARRIVAL + 2), 1U);
}

TEST(LinkFaults, LeavesAvoidADeadSpineOnceTheyKnow)
{
    FabricConfig config = MakeConfig(2, 2, 2);
    const LeafSpine network(config);
    config.faults.outages = {{{network.LeafToSpine(0, 1), network.SpineToLeaf(1, 1)},
                              At(100 * MICROSECOND),
                              At(300 * MICROSECOND),
                              DropReason::SWITCH_DOWN}};
    config.faults.detours = {{1, At(200 * MICROSECOND), At(400 * MICROSECOND)}};
    Outcome outcome;
    RunFabric(config, OneWay(500), {}, outcome);
    ExpectSound(outcome, 500);
    std::set<std::uint32_t> arrived;
    for (const Delivery& delivery : outcome.deliveries)
    {
        arrived.insert(delivery.packetId);
    }
    const auto lostBetween = [&arrived](std::uint32_t first, std::uint32_t last)
    {
        int lost = 0;
        for (std::uint32_t id = first; id <= last; ++id)
        {
            lost += arrived.contains(id) ? 0 : 1;
        }
        return lost;
    };
    EXPECT_EQ(lostBetween(1, 98), 0);
    EXPECT_NEAR(lostBetween(101, 200), 50, 5 * 5); // half of the flows
    EXPECT_EQ(lostBetween(203, 500), 0);
    EXPECT_EQ(outcome.ledger.Dropped(DropReason::SWITCH_DOWN), outcome.ledger.Dropped());
}

TEST(LinkFaults, APartitionMayBeOneWay)
{
    FabricConfig config = MakeConfig(3, 1, 1);
    for (const bool isOneWay : {false, true})
    {
        config.faults.partitions = {
            {{true, false, false}, {false, true, false}, isOneWay, At(MICROSECOND), NEVER}};
        std::vector<Sending> sendings;
        for (const std::int64_t at : {std::int64_t{0}, 2 * MICROSECOND})
        {
            sendings.push_back({.at = at, .from = 0, .to = 1});
            sendings.push_back({.at = at, .from = 1, .to = 0});
            sendings.push_back({.at = at, .from = 0, .to = 2});
            sendings.push_back({.at = at, .from = 2, .to = 1});
        }
        Outcome outcome;
        RunFabric(config, sendings, {}, outcome);
        ExpectSound(outcome, 8);
        EXPECT_EQ(outcome.ledger.Dropped(DropReason::PARTITIONED), isOneWay ? 1U : 2U);
        EXPECT_EQ(outcome.links[0].Drops(DropReason::PARTITIONED), 1U);
    }
}

TEST(LinkFaults, EverySchedulerGivesOneDigest)
{
    FabricConfig config = MakeConfig(12, 4, 2);
    config.faults.everywhere = {.lossPerMillion = 100'000,
                                .duplicatePerMillion = 100'000,
                                .reorderPerMillion = 100'000,
                                .reorderDelay = Duration(3 * MICROSECOND),
                                .corruptPerMillion = 100'000};
    RandomTraffic traffic;
    traffic.grid = MICROSECOND;
    traffic.payloadMax = 1;
    traffic.meanGap = 10'000;
    const auto sendings = MakeTraffic(config, traffic);
    Outcome reference;
    RunFabric(config, sendings, {.scheduler = "ns3::MapScheduler"}, reference);
    ASSERT_GT(reference.deliveries.size(), 1000U);
    for (const char* scheduler : {"flowchain::QuaternaryHeapScheduler",
                                  "ns3::PriorityQueueScheduler",
                                  "ns3::HeapScheduler",
                                  "ns3::CalendarScheduler",
                                  "ns3::ListScheduler"})
    {
        Outcome outcome;
        RunFabric(config, sendings, {.scheduler = scheduler}, outcome);
        EXPECT_EQ(outcome.Digest(), reference.Digest()) << scheduler;
        EXPECT_EQ(outcome.links, reference.links) << scheduler;
    }
}

TEST(FlipBit, ChangesASumAsItWouldChangeTheBytes)
{
    static constexpr std::uint8_t BYTES[] = {0x12, 0xff, 0x00, 0x80};
    Frame frame;
    frame.Append(14);
    frame.payload = {BYTES, 4, 0x12ff + 0x0080};
    FlipBit(frame, 8 * 14 + 8); // the upper bit of 0xff: 0x7f
    EXPECT_EQ(frame.payload.sum, 0x127f + 0x0080);
    FlipBit(frame, 8 * 16); // the upper bit of 0x00: 0x80, in the upper byte
    EXPECT_EQ(frame.payload.sum, 0x127f + 0x8080);
    frame.payload = {nullptr, 4, 0};
    FlipBit(frame, 8 * 18 - 1);
    EXPECT_EQ(frame.payload.sum, 0x0001);
}

} // namespace
} // namespace flowchain::fabric_test
