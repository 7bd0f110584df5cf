// SPDX-License-Identifier: GPL-2.0-only
// The list of links in a result, against the sums over all links and by hand.
#include "forked-runs.h"
#include "result-writer.h"
#include "scenario-reader.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace flowchain
{
namespace
{

/** A client's port can send 1000-byte packets as fast as 1 Gbit/s lets it: bursts of 10 sessions
 * wait there, and some of their packets find no room. */
const std::string SCENARIO = R"(
[sim]
stop = "20ms"
[topology]
clients = 1
servers = 1
leaves = 2
spines = 2
host_rate = "1Gbps"
fabric_rate = "10Gbps"
queue_limit = 15
loss = "0.5%"
[group]
managers = 2
[chain]
length = 2
[[service]]
[[accelerator]]
count = 1
[[workload]]
kind = "sessions"
protocol = "udp"
sessions = 40
rate = 1000000
packets = 10
gap = "1ms"
payload = 958
)";

using Settings = std::vector<std::string>;

std::vector<RunRecord>
RunWith(const std::vector<Settings>& settings)
{
    return RunForked(settings.size(),
                     1,
                     [&](std::size_t i)
                     {
        return RecordRun(ParseScenario(SCENARIO, "links.toml", settings[i]));
    },
                     {});
}

TEST(LinkReport, SumsOverLinksAreThoseOfTheMetrics)
{
    const auto records = RunWith({Settings{}});
    const RunOutcome& outcome = records.front().outcome;
    ASSERT_EQ(records.front().error, "");
    const std::size_t nodes = 1 + 1 + 1 + 2 + 4 + 1;
    EXPECT_EQ(outcome.links.size(), 2 * nodes + 2 * 2 * 2);
    EXPECT_EQ(outcome.linksLeftOut, 0U);
    std::array<TrafficCounters, TRAFFIC_CLASS_COUNT> sums;
    std::uint64_t drops = 0;
    std::uint32_t queueMax = 0;
    for (const LinkData& link : outcome.links)
    {
        for (std::size_t i = 0; i < TRAFFIC_CLASS_COUNT; ++i)
        {
            sums[i].frames += link.traffic[i].frames;
            sums[i].bytes += link.traffic[i].bytes;
        }
        for (const std::uint64_t count : link.drops)
        {
            drops += count;
        }
        queueMax = std::max(queueMax, link.queueFramesMax);
        EXPECT_LE(link.utilisationPermille, 1000U);
        EXPECT_LE(link.queueFramesMeanMilli, 1000U * link.queueFramesMax);
    }
    const auto metric = [&](const std::string& name)
    {
        return static_cast<std::uint64_t>(outcome.metrics.Find(name)->value);
    };
    for (std::size_t i = 0; i < TRAFFIC_CLASS_COUNT; ++i)
    {
        const std::string name = ToString(static_cast<TrafficClass>(i));
        EXPECT_EQ(sums[i].frames, metric("fabric.frames." + name)) << name;
        EXPECT_EQ(sums[i].bytes, metric("fabric.bytes." + name)) << name;
        EXPECT_GT(sums[i].frames, 0U) << name;
    }
    EXPECT_EQ(drops, metric("fabric.link_drops"));
    EXPECT_GT(drops, 0U);
    EXPECT_EQ(queueMax, metric("fabric.queue_max"));
    EXPECT_EQ(queueMax, 15U);
}

/** What the client's own link carries is known without a run: 40 x 10 packets, of which those count
 * that its port has accepted. 1000 bytes and 24 more take 8.192 us at 1 Gbit/s. */
TEST(LinkReport, TheClientsLinkByHand)
{
    const auto records = RunWith({Settings{"topology.loss=0%"}});
    ASSERT_EQ(records.front().error, "");
    const LinkData& link = records.front().outcome.links.front();
    EXPECT_EQ(link.from, "client[0]");
    EXPECT_EQ(link.to.substr(0, 5), "leaf[");
    EXPECT_TRUE(link.isHostLink);
    const auto& data = link.traffic[static_cast<std::size_t>(TrafficClass::DATA)];
    const std::uint64_t full = link.drops[static_cast<std::size_t>(DropReason::QUEUE_FULL)];
    EXPECT_GT(full, 0U);
    EXPECT_EQ(data.frames + full, 400U);
    EXPECT_EQ(data.bytes, 1000 * data.frames);
    // Every 1 ms, 40 sessions send at intervals of 1 us while one packet takes 8.192 us, so the
    // port sends without a pause until it has sent all it has room for.
    const std::uint64_t busyNs = 8192 * data.frames;
    EXPECT_GE(link.utilisationPermille, busyNs * 1000 / 20'000'000);
    EXPECT_LE(link.utilisationPermille, busyNs * 1000 / 20'000'000 + 1); // and what is no data
    EXPECT_GT(link.queueFramesMeanMilli, 0U);
}

TEST(LinkReport, BothFabricsReportTheSame)
{
    const auto records = RunWith({Settings{}, Settings{"topology.fabric=point-to-point"}});
    EXPECT_EQ(records[0].outcome.links, records[1].outcome.links);
    const auto& links = records[0].outcome.links;
    EXPECT_TRUE(std::ranges::any_of(links,
                                    [](const LinkData& link)
                                    {
        return !link.isHostLink && link.utilisationPermille > 0;
    }));
}

TEST(LinkReport, TheListIsBounded)
{
    const auto records = RunWith({Settings{"output.links_max=3"}, Settings{"output.links_max=0"}});
    ASSERT_EQ(records[0].outcome.links.size(), 3U);
    EXPECT_EQ(records[0].outcome.linksLeftOut, 25U);
    EXPECT_TRUE(records[1].outcome.links.empty());
    EXPECT_EQ(records[1].outcome.linksLeftOut, 28U);
}

TEST(LinkReport, TheResultFileNamesWhatItCounts)
{
    RunReport report;
    report.scenario = ParseScenario(SCENARIO, "links.toml");
    LinkData link;
    link.from = "manager[1]";
    link.to = "leaf[0]";
    link.isHostLink = true;
    link.traffic[static_cast<std::size_t>(TrafficClass::SYNC)] = {3, 450};
    link.traffic[static_cast<std::size_t>(TrafficClass::CONTROL)] = {2, 172};
    link.drops[static_cast<std::size_t>(DropReason::QUEUE_FULL)] = 7;
    link.utilisationPermille = 12;
    link.queueFramesMeanMilli = 34;
    link.queueFramesMax = 5;
    report.outcome.links = {link};
    report.outcome.linksLeftOut = 6;
    const auto json = nlohmann::json::parse(ResultJson(report));
    const auto expected = nlohmann::json::parse(R"([{"from": "manager[1]", "to": "leaf[0]",
        "class": "host", "frames": 5, "bytes": 622,
        "traffic": {"data": {"frames": 0, "bytes": 0}, "encapsulated": {"frames": 0, "bytes": 0},
                    "sync": {"frames": 3, "bytes": 450}, "control": {"frames": 2, "bytes": 172}},
        "drops": {"queue-full": 7}, "utilisation": 12, "queue_mean": 34, "queue_max": 5}])");
    EXPECT_EQ(json.at("links"), expected);
    EXPECT_EQ(json.at("links_left_out"), 6);
}

} // namespace
} // namespace flowchain
