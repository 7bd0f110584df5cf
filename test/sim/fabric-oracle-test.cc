// SPDX-License-Identifier: GPL-2.0-only
#include "fabric-fixture.h"
#include "leaf-spine.h"

#include <gtest/gtest.h>

#include <ns3/data-rate.h>
#include <ns3/nstime.h>

#include <algorithm>
#include <numeric>

namespace flowchain::fabric_test
{
namespace
{

/** A network and its traffic, and what the case is about: checked, so that no case is empty. */
struct OracleCase
{
    const char* name;
    FabricConfig config;
    RandomTraffic traffic;
    bool queues = false; ///< frames wait somewhere
    bool drops = false;  ///< a queue overflows
    bool loses = false;  ///< links lose frames
    std::int64_t echoAfter = -1;
};

std::ostream&
operator<<(std::ostream& os, const OracleCase& oracleCase)
{
    return os << oracleCase.name;
}

std::vector<OracleCase>
OracleCases()
{
    std::vector<OracleCase> cases;
    const auto add = [&cases](const char* name) -> OracleCase&
    {
        cases.push_back({name, MakeConfig(12, 4, 2), {}});
        cases.back().traffic.seed = cases.size();
        return cases.back();
    };
    add("NoQueueing").traffic.leastGap = 5'000'000; // no frame is longer under way
    {
        auto& c = add("Queueing");
        c.traffic.meanGap = 20'000;
        c.queues = true;
    }
    {
        auto& c = add("Drops");
        c.config.queueFrames = 3;
        c.traffic.meanGap = 20'000;
        c.queues = c.drops = true;
    }
    {
        auto& c = add("IncastDropsAtQueueOfOne");
        c.config.queueFrames = 1;
        c.traffic.isIncast = true;
        c.queues = c.drops = true;
    }
    {
        auto& c = add("Loss");
        c.config.faults.everywhere.lossPerMillion = 50'000;
        c.traffic.meanGap = 20'000;
        c.queues = c.loses = true;
    }
    {
        auto& c = add("LossAndDrops");
        c.config.faults.everywhere.lossPerMillion = 200'000;
        c.config.queueFrames = 2;
        c.traffic.meanGap = 20'000;
        c.queues = c.drops = c.loses = true;
    }
    {
        auto& c = add("EverythingGoesWrong");
        c.config.faults.everywhere = {.lossPerMillion = 50'000,
                                      .duplicatePerMillion = 100'000,
                                      .reorderPerMillion = 100'000,
                                      .reorderDelay = Duration(3'000'000),
                                      .corruptPerMillion = 100'000,
                                      .extraDelay = Duration(1'234)};
        c.config.queueFrames = 5;
        c.traffic.meanGap = 20'000;
        c.queues = c.drops = c.loses = true;
    }
    {
        auto& c = add("TiesAmongDelayedFramesAndCopies");
        c.config.faults.everywhere = {.duplicatePerMillion = 300'000,
                                      .reorderPerMillion = 300'000,
                                      .reorderDelay = Duration(20 * 26'880)};
        c.config.fabricRateBps = 25'000'000'000;
        c.config.hostDelay = Duration(10 * 26'880);
        c.config.fabricDelay = Duration(10 * 26'880);
        c.config.queueFrames = 4;
        c.traffic.grid = 26'880;
        c.traffic.payloadMax = 1;
        c.traffic.meanGap = 20'000;
        c.queues = c.drops = true;
    }
    {
        auto& c = add("JitterInOrder");
        c.config.faults.everywhere = {.lossPerMillion = 50'000,
                                      .reorderPerMillion = 50'000,
                                      .reorderDelay = Duration(3'000'000),
                                      .jitter = Duration(2'000'000)};
        c.traffic.meanGap = 20'000;
        c.queues = c.loses = true;
    }
    {
        auto& c = add("CutsPartitionsAndADeadSpine");
        const LeafSpine network(c.config);
        const auto at = [](std::int64_t microseconds)
        {
            return Instant(Duration(microseconds * 1'000'000));
        };
        FaultPlan& faults = c.config.faults;
        LinkRule rule;
        rule.links = {network.Downlink(0), network.LeafToSpine(0, 1)};
        rule.from = at(20);
        rule.until = at(60);
        rule.lossPerMillion = 100'000;
        rule.corruptPerMillion = 500'000;
        rule.extraDelay = Duration(700'000);
        faults.rules.push_back(rule);
        rule = {};
        rule.links = {network.Downlink(0)};
        rule.from = at(40);
        rule.until = at(80);
        rule.corruptPerMillion = 0;
        faults.rules.push_back(rule);
        faults.outages = {{{network.Uplink(3), network.Downlink(4)}, at(10), at(50)},
                          {{}, at(30), at(70), DropReason::SWITCH_DOWN}};
        for (std::uint32_t leaf = 0; leaf < 4; ++leaf)
        {
            faults.outages[1].links.push_back(network.LeafToSpine(leaf, 0));
            faults.outages[1].links.push_back(network.SpineToLeaf(0, leaf));
        }
        faults.detours = {{0, at(45), at(85)}};
        faults.partitions = {{{}, {}, true, at(15), at(75)}};
        faults.partitions[0].first.assign(12, false);
        faults.partitions[0].second.assign(12, false);
        faults.partitions[0].first[5] = faults.partitions[0].first[6] = true;
        faults.partitions[0].second[7] = faults.partitions[0].second[9] = true;
        c.traffic.meanGap = 50'000;
        c.traffic.frames = 4000;
        c.queues = c.loses = true;
    }
    {
        auto& c = add("SameLeafOnly");
        c.config = MakeConfig(5, 1, 1);
        c.traffic.meanGap = 40'000;
        c.queues = true;
    }
    {
        auto& c = add("OtherLeafOnly");
        c.config = MakeConfig(4, 4, 3);
        c.traffic.meanGap = 60'000;
        c.queues = true;
    }
    {
        auto& c = add("SlowFabricLinks");
        c.config.hostRateBps = 40'000'000'000;
        c.config.fabricRateBps = 1'000'000'000;
        c.config.queueFrames = 10;
        c.queues = c.drops = true;
    }
    {
        auto& c = add("TenGigabitAndNoDelay");
        c.config.hostRateBps = 10'000'000'000;
        c.config.fabricRateBps = 40'000'000'000;
        c.config.hostDelay = Duration::zero();
        c.config.fabricDelay = Duration::zero();
        c.queues = true;
    }
    {
        auto& c = add("NoOverheadNoPadding");
        c.config.overheadBytes = 0;
        c.config.minimumFrameBytes = 0;
        c.traffic.payloadMax = 8;
        c.traffic.meanGap = 2'000;
        c.queues = true;
    }
    {
        auto& c = add("TiesEverywhere");
        c.config.queueFrames = 4;
        c.traffic.grid = 1'000'000;
        c.traffic.payloadMax = 1;
        c.traffic.meanGap = 10'000;
        c.queues = c.drops = true;
    }
    {
        // 60 + 24 bytes take 26880 ps at 25 Gbit/s: frames arrive just when ports become free.
        auto& c = add("ArrivalsWhenPortsBecomeFree");
        c.config.queueFrames = 2;
        c.config.fabricRateBps = 25'000'000'000;
        c.config.hostDelay = Duration(10 * 26'880);
        c.config.fabricDelay = Duration(10 * 26'880);
        c.traffic.grid = 26'880;
        c.traffic.payloadMax = 1;
        c.traffic.meanGap = 3'000;
        c.queues = c.drops = true;
    }
    {
        auto& c = add("HostsThatWorkAndAnswer");
        c.config.queueFrames = 6;
        c.traffic.meanGap = 40'000;
        c.echoAfter = 300'000;
        c.queues = c.drops = true;
    }
    {
        auto& c = add("TiesAmongHostsThatWorkAndAnswer");
        c.config.queueFrames = 3;
        c.config.fabricRateBps = 25'000'000'000;
        c.config.hostDelay = Duration(10 * 26'880);
        c.config.fabricDelay = Duration(10 * 26'880);
        c.traffic.grid = 26'880;
        c.traffic.payloadMax = 1;
        c.traffic.meanGap = 4'000;
        c.echoAfter =
            10 * 26'880 + 7; // answers tie with answers, not with the timers of MakeTraffic()
        c.queues = c.drops = true;
    }
    return cases;
}

std::string
Text(const LinkCounters& counters)
{
    return counters.name + ": frames " + std::to_string(counters.Frames()) + ", bytes " +
           std::to_string(counters.Bytes()) + ", drops " + std::to_string(counters.Drops()) +
           ", longest queue " + std::to_string(counters.queueFramesMax) + ", busy " +
           std::to_string(counters.busyTime.count()) + " ps, queueing " +
           std::to_string(counters.queueTime.count()) + " ps";
}

class FabricOracle : public testing::TestWithParam<OracleCase>
{
};

TEST_P(FabricOracle, LeanAgreesWithPointToPointDevices)
{
    const OracleCase& oracleCase = GetParam();
    const auto sendings = MakeTraffic(oracleCase.config, oracleCase.traffic);
    Outcome lean;
    Outcome devices;
    RunOptions options{.isTapped = true, .echoAfter = oracleCase.echoAfter};
    RunFabric(oracleCase.config, sendings, options, lean);
    options.kind = "point-to-point";
    RunFabric(oracleCase.config, sendings, options, devices);

    EXPECT_EQ(lean.deliveries, devices.deliveries); // in this order, not only sorted
    EXPECT_EQ(lean.packetHops, devices.packetHops);
    EXPECT_FALSE(lean.deliveries.empty());
    std::ranges::sort(lean.sightings);
    std::ranges::sort(devices.sightings);
    EXPECT_EQ(lean.sightings, devices.sightings);

    std::uint64_t overflows = 0;
    std::uint64_t losses = 0;
    Duration queueTime{};
    std::uint64_t seen = 0;
    ASSERT_EQ(lean.links.size(), devices.links.size());
    for (std::size_t link = 0; link < lean.links.size(); ++link)
    {
        const LinkCounters& counters = lean.links[link];
        EXPECT_TRUE(counters == devices.links[link]) << Text(counters) << " against\n"
                                                     << Text(devices.links[link]);
        overflows += counters.Drops(DropReason::QUEUE_FULL);
        losses += counters.Drops(DropReason::LINK_LOSS);
        queueTime += counters.queueTime;
        seen += link % 2 == 0 ? counters.Frames() : 0;
    }
    EXPECT_EQ(lean.sightings.size(), seen);
    EXPECT_EQ(queueTime > Duration::zero(), oracleCase.queues);
    EXPECT_EQ(overflows > 0, oracleCase.drops);
    EXPECT_EQ(losses > 0, oracleCase.loses);

    for (const Outcome* outcome : {&lean, &devices})
    {
        const PacketLedger& ledger = outcome->ledger;
        EXPECT_TRUE(ledger.Check());
        EXPECT_EQ(ledger.ViolationCount(), 0U);
        EXPECT_EQ(ledger.Injected(), sendings.size());
        if (oracleCase.config.faults.everywhere.duplicatePerMillion == 0)
        {
            EXPECT_EQ(ledger.Delivered(), outcome->deliveries.size());
            EXPECT_EQ(ledger.Dropped(DropReason::QUEUE_FULL), overflows);
            EXPECT_EQ(ledger.Dropped(DropReason::LINK_LOSS), losses);
        }
        EXPECT_EQ(ledger.InFlight(), 0U);
    }
}

INSTANTIATE_TEST_SUITE_P(Each,
                         FabricOracle,
                         testing::ValuesIn(OracleCases()),
                         [](const auto& test)
                         {
    return std::string(test.param.name);
});

/** Ports of the lean fabric count what lies ahead; a result must not show it. */
TEST(FabricCounters, OfBothFabricsAgreeInTheMiddleOfARun)
{
    const FabricConfig config = MakeConfig(12, 4, 2);
    RandomTraffic traffic;
    traffic.meanGap = 20'000;
    const auto sendings = MakeTraffic(config, traffic);
    int waiting = 0;
    for (const std::int64_t stop : {1'234'567, 10'234'567, 30'234'567})
    {
        Outcome lean;
        Outcome devices;
        RunFabric(config, sendings, {.stop = stop}, lean);
        RunFabric(config, sendings, {.kind = "point-to-point", .stop = stop}, devices);
        for (std::size_t link = 0; link < lean.links.size(); ++link)
        {
            EXPECT_TRUE(lean.links[link] == devices.links[link])
                << Text(lean.links[link]) << " against\n"
                << Text(devices.links[link]);
            waiting += lean.links[link].queueFramesMax > 0 ? 1 : 0;
        }
    }
    EXPECT_GT(waiting, 20);
}

/** ns-3 computes transmission times in floating point; at the usual rates that is exact. */
TEST(WireRate, EqualsNs3AtUsualRates)
{
    UsePicoseconds();
    for (const std::uint64_t gigabits : {1, 10, 25, 40, 100})
    {
        const std::uint64_t bitsPerSecond = gigabits * 1'000'000'000;
        const ns3::DataRate rate(bitsPerSecond);
        for (std::uint32_t length = 0; length <= 9216; ++length)
        {
            const WireRate wire(bitsPerSecond, 60, 24);
            ASSERT_EQ(wire.SerialisationTime(length).count(),
                      rate.CalculateBytesTxTime(std::max(length, 60U) + 24).GetTimeStep())
                << length << " bytes at " << gigabits << " Gbit/s";
        }
    }
}

} // namespace
} // namespace flowchain::fabric_test
