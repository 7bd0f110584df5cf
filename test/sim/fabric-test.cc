// SPDX-License-Identifier: GPL-2.0-only
#include "fabric-fixture.h"
#include "leaf-spine.h"
#include "lean-fabric.h"
#include "waiting-ring.h"

#include <gtest/gtest.h>

#include <ns3/nstime.h>
#include <ns3/simulator.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>

namespace flowchain::fabric_test
{
namespace
{

constexpr std::uint32_t HEADERS = 14 + 20 + 8; ///< Ethernet, IPv4, UDP; bytes

/** The latency of a lone frame is the sum over its links of bytes * 8 / rate + propagation. */
struct LatencyCase
{
    std::uint64_t hostRateBps;
    std::uint64_t fabricRateBps;
    std::uint32_t payloadLength;
    NodeId to;
    std::int64_t expected; ///< ps
};

class FabricLatency : public testing::TestWithParam<LatencyCase>
{
};

TEST_P(FabricLatency, OfALoneFrameIsItsClosedForm)
{
    FabricConfig config = MakeConfig(4, 2, 2); // hosts 0 and 2 on leaf 0, 1 and 3 on leaf 1
    config.hostRateBps = GetParam().hostRateBps;
    config.fabricRateBps = GetParam().fabricRateBps;
    config.hostDelay = Duration(500'000);
    config.fabricDelay = Duration(700'000);
    Outcome outcome;
    RunFabric(
        config,
        {{.at = 1'000, .from = 0, .to = GetParam().to, .payloadLength = GetParam().payloadLength}},
        {},
        outcome);
    ASSERT_EQ(outcome.deliveries.size(), 1U);
    EXPECT_EQ(outcome.deliveries[0].at, 1'000 + GetParam().expected);
    EXPECT_EQ(outcome.deliveries[0].host, GetParam().to);
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    FabricLatency,
    testing::Values(
        // 1000 + 24 bytes at 25 Gbit/s: 327680 ps, twice
        LatencyCase{25'000'000'000, 100'000'000'000, 1000 - HEADERS, 2, 2 * (327'680 + 500'000)},
        // 60 + 24 bytes, padded, at 25 Gbit/s: 26880 ps
        LatencyCase{25'000'000'000, 100'000'000'000, 1, 2, 2 * (26'880 + 500'000)},
        LatencyCase{25'000'000'000, 100'000'000'000, 60 - HEADERS, 2, 2 * (26'880 + 500'000)},
        LatencyCase{25'000'000'000, 100'000'000'000, 61 - HEADERS, 2, 2 * (27'200 + 500'000)},
        // 1024 bytes at 100 Gbit/s: 81920 ps, on both middle links
        LatencyCase{25'000'000'000,
                    100'000'000'000,
                    1000 - HEADERS,
                    1,
                    2 * (327'680 + 500'000) + 2 * (81'920 + 700'000)},
        LatencyCase{1'000'000'000,
                    10'000'000'000,
                    1000 - HEADERS,
                    3,
                    2 * (8'192'000 + 500'000) + 2 * (819'200 + 700'000)},
        // 84 bytes at 9 Gbit/s: 74666.67 ps, rounded on each link
        LatencyCase{9'000'000'000, 1'000'000'000, 0, 2, 2 * (74'667 + 500'000)},
        // 85 bytes at 9 Gbit/s: 75555.56 ps; 86: 76444.44 ps, rounded down
        LatencyCase{9'000'000'000, 1'000'000'000, 61 - HEADERS, 2, 2 * (75'556 + 500'000)},
        LatencyCase{9'000'000'000, 1'000'000'000, 62 - HEADERS, 2, 2 * (76'444 + 500'000)}));

TEST(Fabric, QueueOfAPortIsDropTailBesidesTheFrameInTransmission)
{
    FabricConfig config = MakeConfig(3, 1, 1);
    config.queueFrames = 4;
    std::vector<Sending> burst;
    for (int i = 0; i < 8; ++i)
    {
        burst.push_back({.at = 0, .from = 0, .to = 1, .payloadLength = 1000 - HEADERS});
    }
    // The first frame leaves at 327680 ps: one more place, one tick too early and just in time.
    burst.push_back({.at = 327'679, .from = 0, .to = 2, .payloadLength = 1000 - HEADERS});
    burst.push_back({.at = 327'680, .from = 0, .to = 2, .payloadLength = 1000 - HEADERS});
    burst.push_back({.at = 327'680, .from = 0, .to = 2, .payloadLength = 1000 - HEADERS});
    Outcome outcome;
    RunFabric(config, burst, {}, outcome);
    EXPECT_EQ(outcome.deliveries.size(), 6U); // 1 + 4, and the one that came in time
    EXPECT_EQ(outcome.deliveries.back().host, 2U);
    EXPECT_EQ(outcome.links[0].Drops(DropReason::QUEUE_FULL), 5U);
    EXPECT_EQ(outcome.links[0].Frames(), 6U);
    EXPECT_EQ(outcome.links[0].Bytes(), 6000U);
    EXPECT_EQ(outcome.links[0].queueFramesMax, 4U);
    // 6 x 327680 ps without a gap; the k-th of four frames waits k x 327680 ps, the last one 4 x.
    EXPECT_EQ(outcome.links[0].busyTime, Duration(6 * 327'680));
    EXPECT_EQ(outcome.links[0].queueTime, Duration((1 + 2 + 3 + 4 + 4) * 327'680));
    // In the mean over 14 such times one frame waits; over 28 half a frame.
    EXPECT_EQ(outcome.links[0].QueueFramesMeanMilli(Duration(14 * 327'680)), 1000U);
    EXPECT_EQ(outcome.links[0].QueueFramesMeanMilli(Duration(28 * 327'680)), 500U);
    // At the last link each frame comes just when the one before it has left: none waits.
    EXPECT_EQ(outcome.links[3 + 1].Frames(), 5U);
    EXPECT_EQ(outcome.links[3 + 1].queueFramesMax, 0U);
    EXPECT_EQ(outcome.ledger.Dropped(DropReason::QUEUE_FULL), 5U);
}

TEST(Fabric, EcmpSpreadsFlowsAndKeepsEachOnOnePath)
{
    const std::uint16_t spines = 4;
    FabricConfig config = MakeConfig(4, 2, spines);
    std::map<std::uint32_t, int> flowsOfSpine;
    const LeafSpine network(config);
    for (std::uint16_t port = 1; port <= 4000; ++port)
    {
        Frame frame;
        BuildFrame({.from = 0, .to = 1, .sourcePort = port}, frame);
        const auto first = network.Route(0, std::as_const(frame).Header());
        BuildFrame({.from = 0, .to = 1, .sourcePort = port, .payloadLength = 999}, frame);
        const auto second = network.Route(0, std::as_const(frame).Header());
        ASSERT_EQ(first.hops, 4);
        ASSERT_EQ(first.links[1], second.links[1]) << "port " << port;
        const std::uint32_t spine = first.links[1] - network.LeafToSpine(0, 0);
        ASSERT_EQ(first.links[2], network.SpineToLeaf(spine, 1));
        ++flowsOfSpine[spine];
    }
    ASSERT_EQ(flowsOfSpine.size(), spines);
    for (const auto& [spine, flows] : flowsOfSpine)
    {
        // 1000 expected, standard deviation 27
        EXPECT_NEAR(flows, 1000, 5 * 27) << "spine " << spine;
    }
}

TEST(Fabric, EcmpHashIgnoresPortsOfFragmentsAndReadsPastIpOptions)
{
    Frame frame;
    BuildFrame({.from = 0, .to = 1, .sourcePort = 77}, frame);
    auto ip = frame.Header().subspan(14);
    const auto withPorts = EcmpHash(frame.Header());
    ip[21] ^= 0xff; // source port
    EXPECT_NE(EcmpHash(frame.Header()), withPorts);

    ip[6] = 0x20; // more fragments
    const auto fragment = EcmpHash(frame.Header());
    ip[21] ^= 0xff;
    EXPECT_EQ(EcmpHash(frame.Header()), fragment);
    ip[6] = 0x00;
    ip[7] = 0x01; // a later fragment
    EXPECT_EQ(EcmpHash(frame.Header()), fragment);
    ip[7] = 0x00;
    EXPECT_EQ(EcmpHash(frame.Header()), withPorts);

    Frame optioned;
    BuildFrame({.from = 0, .to = 1, .sourcePort = 77}, optioned);
    optioned.Append(4);
    auto wider = optioned.Header().subspan(14);
    std::copy_backward(wider.begin() + 20, wider.end() - 4, wider.end());
    std::fill(wider.begin() + 20, wider.begin() + 24, std::uint8_t{1});
    wider[0] = 0x46;
    EXPECT_EQ(EcmpHash(optioned.Header()), withPorts);

    frame.Header()[12] = 0x86; // not IPv4 any more: one value for all
    frame.Header()[13] = 0xdd;
    const auto other = EcmpHash(frame.Header());
    ip[12] ^= 0xff;
    EXPECT_EQ(EcmpHash(frame.Header()), other);
}

TEST(Fabric, NamesAndReversesItsLinksInTheStatedOrder)
{
    const LeafSpine network(MakeConfig(3, 2, 3));
    ASSERT_EQ(network.Links(), 2U * 3 + 2 * 2 * 3);
    EXPECT_EQ(network.NameOf(1), "host1->leaf1");
    EXPECT_EQ(network.NameOf(3 + 2), "leaf0->host2");
    EXPECT_EQ(network.NameOf(6 + 5), "leaf1->spine2");
    EXPECT_EQ(network.NameOf(12 + 1), "spine0->leaf1");
    for (std::size_t link = 0; link < network.Links(); ++link)
    {
        const auto there = network.EndsOf(link);
        const auto back = network.EndsOf(network.ReverseOf(link));
        EXPECT_EQ(there.from, back.to) << network.NameOf(link);
        EXPECT_EQ(there.to, back.from) << network.NameOf(link);
    }
}

TEST(Fabric, LinkCountersAddUp)
{
    FabricConfig config = MakeConfig(10, 3, 2);
    config.queueFrames = 8;
    config.faults.everywhere.lossPerMillion = 10'000;
    RandomTraffic traffic;
    traffic.meanGap = 20'000;
    const auto sendings = MakeTraffic(config, traffic);
    Outcome outcome;
    RunFabric(config, sendings, {}, outcome);
    const LeafSpine network(config);
    std::uint64_t hops = 0;
    std::vector<std::uint64_t> in(10 + 3 + 2);
    std::vector<std::uint64_t> out(in.size());
    for (std::size_t link = 0; link < outcome.links.size(); ++link)
    {
        const LinkCounters& counters = outcome.links[link];
        const std::uint64_t crossed = counters.Frames() - counters.Drops(DropReason::LINK_LOSS);
        hops += crossed;
        out[network.EndsOf(link).from] +=
            counters.Frames() + counters.Drops(DropReason::QUEUE_FULL);
        in[network.EndsOf(link).to] += crossed;
    }
    EXPECT_EQ(outcome.packetHops, hops);
    for (std::size_t node = 10; node < in.size(); ++node)
    {
        EXPECT_EQ(in[node], out[node]) << "switch " << node - 10;
    }
    EXPECT_EQ(std::accumulate(in.begin(), in.begin() + 10, std::uint64_t{0}),
              outcome.deliveries.size());
    EXPECT_EQ(std::accumulate(out.begin(), out.begin() + 10, std::uint64_t{0}), sendings.size());
}

TEST(WaitingRing, AgreesWithADeque)
{
    std::mt19937_64 random(5);
    WaitingRing ring;
    std::deque<std::int64_t> deque;
    std::int64_t last = 0;
    std::int64_t now = 0;
    for (int i = 0; i < 100'000; ++i)
    {
        now += static_cast<std::int64_t>(random() % 1000);
        ring.DropStarted(now);
        while (!deque.empty() && deque.front() <= now)
        {
            deque.pop_front();
        }
        last = std::max(last, now) + static_cast<std::int64_t>(random() % 1100);
        ring.Push(last);
        deque.push_back(last);
        ASSERT_EQ(ring.Size(), deque.size());
    }
}

class FabricKind : public testing::TestWithParam<const char*>
{
};

INSTANTIATE_TEST_SUITE_P(Each,
                         FabricKind,
                         testing::Values("lean", "point-to-point"),
                         [](const auto& test)
                         {
    return std::string(test.param) == "lean" ? "Lean" : "PointToPoint";
});

TEST_P(FabricKind, WhatIsUnderWayAtTheEndIsInFlight)
{
    const FabricConfig config = MakeConfig(6, 2, 2);
    const auto sendings = MakeTraffic(config, {});
    Outcome outcome;
    RunFabric(config, sendings, {.kind = GetParam(), .stop = sendings[1500].at}, outcome);
    EXPECT_TRUE(outcome.ledger.Check());
    EXPECT_EQ(outcome.ledger.ViolationCount(), 0U);
    EXPECT_GT(outcome.ledger.InFlight(), 0U);
    EXPECT_EQ(outcome.ledger.Injected(), outcome.ledger.Delivered() + outcome.ledger.InFlight());
    EXPECT_GE(outcome.ledger.Injected(), 1500U);
}

TEST_P(FabricKind, TellsTheLedgerOfClonesAndEnds)
{
    UsePicoseconds();
    PacketLedger ledger;
    auto fabric = MakeFabric(GetParam(), MakeConfig(2, 1, 1), &ledger);
    auto frame = fabric->Acquire();
    BuildFrame({.from = 0, .to = 1, .payloadLength = 5}, *frame);
    frame->packetId = ledger.Inject();
    auto copy = fabric->Clone(*frame);
    EXPECT_EQ(copy->packetId, 1U);
    EXPECT_EQ(copy->Length(), HEADERS + 5);
    frame.reset(); // merely not needed any more
    EXPECT_EQ(ledger.Dropped(), 0U);
    fabric->Discard(std::move(copy), DropReason::NO_BINDING);
    EXPECT_EQ(ledger.Dropped(DropReason::NO_BINDING), 1U);
    EXPECT_EQ(ledger.ViolationCount(), 0U);

    auto last = fabric->Acquire();
    EXPECT_EQ(last->packetId, 0U);
    EXPECT_EQ(last->Length(), 0U);
    last->packetId = ledger.Inject();
    last.reset();
    EXPECT_EQ(ledger.ViolationCount(), 1U); // its last frame, and no reason

    auto crashed = fabric->Acquire();
    crashed->packetId = ledger.Inject();
    fabric->SetReturnReason(DropReason::NODE_DOWN);
    crashed.reset();
    EXPECT_EQ(ledger.Dropped(DropReason::NODE_DOWN), 1U);
    fabric.reset();
    ns3::Simulator::Destroy();
}

TEST_P(FabricKind, PoolIsBounded)
{
    UsePicoseconds();
    FabricConfig config = MakeConfig(2, 1, 1);
    config.framesMax = 3;
    auto fabric = MakeFabric(GetParam(), config, nullptr);
    std::vector<FramePtr> frames;
    for (int i = 0; i < 3; ++i)
    {
        frames.push_back(fabric->Acquire());
    }
    EXPECT_THROW(fabric->Acquire(), std::runtime_error);
    EXPECT_THROW(fabric->Clone(*frames[0]), std::runtime_error);
    // A frame on its way is alive, too.
    BuildFrame({.from = 0, .to = 1}, *frames[0]);
    fabric->Send(0, std::move(frames[0]));
    EXPECT_THROW(fabric->Acquire(), std::runtime_error);
    frames[1].reset();
    frames[1] = fabric->Acquire();
    frames.clear();
    fabric.reset();
    ns3::Simulator::Destroy();
}

using FabricDeathTest = FabricKind;

INSTANTIATE_TEST_SUITE_P(Each, FabricDeathTest, testing::Values("lean", "point-to-point"));

/** In a child process, since ns-3 does not free the event that throws. */
TEST_P(FabricDeathTest, RunIsBoundedInEvents)
{
    FabricConfig config = MakeConfig(2, 1, 1);
    config.eventsMax = 100'000;
    RandomTraffic traffic;
    traffic.frames = 70'000;
    const auto sendings = MakeTraffic(config, traffic);
    const auto run = [&config, &sendings]
    {
        Outcome outcome;
        try
        {
            RunFabric(config, sendings, {.kind = GetParam()}, outcome);
        }
        catch (const std::runtime_error& error)
        {
            std::fputs(error.what(), stderr);
            std::_Exit(7);
        }
    };
    EXPECT_EXIT(run(), testing::ExitedWithCode(7), "more than 100000 events in one run");
}

TEST_P(FabricKind, MayBeDestroyedBeforeOrAfterTheSimulator)
{
    UsePicoseconds();
    for (const bool fabricFirst : {true, false})
    {
        auto fabric = MakeFabric(GetParam(), MakeConfig(2, 1, 1), nullptr);
        auto frame = fabric->Acquire();
        BuildFrame({.from = 0, .to = 1}, *frame);
        fabric->Send(0, std::move(frame));
        if (fabricFirst)
        {
            fabric.reset();
        }
        ns3::Simulator::Destroy();
    }
}

TEST_P(FabricKind, RefusesNetworksThatCannotBe)
{
    UsePicoseconds();
    const std::vector<std::function<void(FabricConfig&)>> faults = {
        [](FabricConfig& config)
        {
        config.leaves = 0;
        },
        [](FabricConfig& config)
        {
        config.spines = 0;
    },
                                                          [](FabricConfig& config)
    {
        config.leafOfHost[1] = 2;
    },
        [](FabricConfig& config)
    {
        config.hostRateBps = 0;
        },
        [](FabricConfig& config)
    {
        config.fabricDelay = Duration(-1);
        },
        [](FabricConfig& config)
    {
        config.faults.everywhere.lossPerMillion = 1'000'001;
        },
        [](FabricConfig& config)
    {
        config.queueFrames = 0;
        },
        };
    for (std::size_t i = 0; i < faults.size(); ++i)
    {
        FabricConfig config = MakeConfig(4, 2, 2);
        faults[i](config);
        EXPECT_THROW(MakeFabric(GetParam(), config, nullptr), std::invalid_argument) << i;
    }
    EXPECT_THROW(MakeFabric("thick", MakeConfig(4, 2, 2), nullptr), std::invalid_argument);
    ns3::Simulator::Destroy();
}

TEST_P(FabricDeathTest, AbortsOnFramesThatCannotBeRouted)
{
    UsePicoseconds();
    auto fabric = MakeFabric(GetParam(), MakeConfig(2, 1, 1), nullptr);
    const auto send = [&fabric](NodeId to)
    {
        auto frame = fabric->Acquire();
        BuildFrame({.from = 0, .to = to}, *frame);
        fabric->Send(0, std::move(frame));
    };
    EXPECT_DEATH(send(0), "host 0 sent a frame to itself");
    EXPECT_DEATH(send(2), "to an address that is no host's");
    EXPECT_DEATH(fabric->Send(0, fabric->Acquire()), "without an Ethernet header");
}

/** Events of one instant run in the order of their scheduling, whatever the scheduler. */
TEST(Fabric, EverySchedulerGivesOneDigest)
{
    FabricConfig config = MakeConfig(12, 4, 2);
    config.queueFrames = 4;
    RandomTraffic traffic;
    traffic.grid = 1'000'000;
    traffic.payloadMax = 1;
    traffic.meanGap = 10'000;
    const auto sendings = MakeTraffic(config, traffic);
    Outcome reference;
    RunFabric(config, sendings, {.scheduler = "ns3::MapScheduler"}, reference);
    ASSERT_GT(reference.deliveries.size(), 1000U);
    for (const char* scheduler : {"flowchain::QuaternaryHeapScheduler",
                                  "ns3::PriorityQueueScheduler",
                                  "ns3::MapScheduler",
                                  "ns3::HeapScheduler",
                                  "ns3::CalendarScheduler",
                                  "ns3::ListScheduler"})
    {
        Outcome outcome;
        RunFabric(config, sendings, {.scheduler = scheduler}, outcome);
        EXPECT_EQ(outcome.Digest(), reference.Digest()) << scheduler;
    }
}

} // namespace
} // namespace flowchain::fabric_test
