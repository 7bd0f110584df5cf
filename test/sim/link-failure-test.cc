// SPDX-License-Identifier: GPL-2.0-only
// Failures of links that strike on an event, and impaired links: what happens exactly when.
#include "forked-runs.h"
#include "link-faults.h"
#include "scenario-fixture.h"
#include "simulation.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

constexpr std::int64_t MS = 1'000'000'000;

const std::string SYSTEM = R"([sim]
stop = "300ms"
[topology]
clients = 1
servers = 1
[[service]]
nodes = 2
[[accelerator]]
count = 1
[[workload]]
kind = "sessions"
start = "1ms"
sessions = 2
rate = 10
protocol = "udp"
packets = 1
[[failure]]
)";

RunOutcome
RunIn(const std::string& fabric, const std::string& failure)
{
    return RunForked(1,
                     1,
                     [&](std::size_t)
                     {
        return RecordRun(ParseScenario(SYSTEM + failure, "x.toml", {"topology.fabric=" + fabric}));
           },
                     {})
        .front()
        .outcome;
}

/** What both fabrics make of it, which must be the same. */
RunOutcome
RunBoth(const std::string& failure)
{
    RunOutcome lean = RunIn("lean", failure);
    EXPECT_EQ(lean.violations, std::vector<std::string>{}) << failure;
    EXPECT_EQ(RunIn("point-to-point", failure).digest, lean.digest) << failure;
    return lean;
}

std::int64_t
Metric(const RunOutcome& outcome, const char* name)
{
    return outcome.metrics.ValueOr0(name);
}

TEST(LinkFailure, WhatIsSentBeforeTheEventGetsThroughAndWhatIsSentAfterItDoesNot)
{
    // The manager's question is on the link when that fails; nothing that it sends later is.
    const std::string cut = "kind = \"cut\"\nnode = \"session[0].first\"\ndirection = \"from\"\n"
                            "recover_after = \"4ms\"\n";
    const auto first =
        Metric(RunBoth("kind = \"drain\"\non = \"view#99\"\nnode = \"service[0]\"\n"),
               "latency.first_packet.max");
    const auto before = RunBoth(cut + "on = \"ask#1\"\n");
    EXPECT_EQ(Metric(before, "failures.of_links"), 1);
    EXPECT_EQ(Metric(before, "sessions.completed"), 2);
    // The state comes back to it, so it asks nobody again; but its chain messages wait.
    EXPECT_GT(Metric(before, "latency.first_packet.max"), first + 3 * MS);
    EXPECT_LT(Metric(before, "latency.service.max"), MS);
    const auto after = RunBoth(cut + "on = \"process.receive#1\"\n");
    EXPECT_GT(Metric(after, "latency.first_packet.max"), first + 3 * MS);
}

TEST(LinkFailure, EveryKindOfLinkFailureStrikesOnAnEventAlikeInBothFabrics)
{
    for (const char* const failure : {
             "kind = \"cut\"\nnode = \"session[0].owner\"\n",
             "kind = \"partition\"\nbetween = [\"session[0].owner\", \"manager[*]\"]\n",
             "kind = \"partition\"\nbetween = [\"controller\", \"service[random(1)]\"]\n"
             "direction = \"one-way\"\n",
             "kind = \"spine\"\nspine = 1\nreroute_after = \"2ms\"\n",
             "kind = \"leaf\"\nleaf = 2\n",
             "kind = \"impair\"\nnode = \"session[0].second\"\nloss = \"50%\"\n",
             "kind = \"impair\"\nspine = 0\nextra_delay = \"30us\"\njitter = \"20us\"\n",
             "kind = \"impair\"\nleaf = 1\nspine = 1\ndirection = \"to\"\nduplicate = \"50%\"\n"
             "corrupt = \"50%\"\n",
         })
    {
        const auto outcome =
            RunBoth(failure + std::string("on = \"chain.send#1\"\nrecover_after = \"9ms\"\n"));
        EXPECT_EQ(Metric(outcome, "failures.of_links"), 1) << failure;
        EXPECT_EQ(Metric(outcome, "failures.struck"), 0) << failure;
        EXPECT_EQ(Metric(outcome, "failures.missed"), 0) << failure;
        EXPECT_EQ(Metric(outcome, "sessions.lost"), 0) << failure;
    }
}

TEST(LinkFailure, WhatATimerSendsAtThatInstantGetsThroughInBothFabrics)
{
    // All heartbeats of 10 ms are on their way when the cut follows the first of them; those of 20
    // ms are lost.
    const auto outcome = RunBoth("kind = \"cut\"\nnode = \"*\"\ndirection = \"from\"\n"
                                 "on = \"heartbeat.send#7\"\nrecover_after = \"15ms\"\n");
    std::uint64_t lost = 0;
    for (const LinkData& link : outcome.links)
    {
        lost += link.drops[static_cast<std::size_t>(DropReason::LINK_CUT)];
    }
    EXPECT_EQ(lost, 6); // of an accelerator, three managers and two service nodes
}

TEST(LinkFailure, APartitionOfOneNodeFindsNoOtherSide)
{
    const auto outcome = RunBoth("kind = \"partition\"\non = \"ask#1\"\n"
                                 "between = [\"session[0].first\", \"session[0].first\"]\n");
    EXPECT_EQ(Metric(outcome, "failures.missed"), 1);
    EXPECT_EQ(Metric(outcome, "failures.of_links"), 0);
}

TEST(LinkFailure, ExtraDelayIsExact)
{
    const auto delayed = [](const char* delay)
    {
        return Metric(RunBoth("kind = \"impair\"\nnode = \"server[0]\"\ndirection = \"to\"\n"
                              "at = \"500us\"\nextra_delay = \"" +
                              std::string(delay) + "\"\n"),
                      "latency.first_packet.max");
    };
    EXPECT_EQ(delayed("3ms"), delayed("1ms") + 2 * MS);
}

TEST(LinkFailure, JitterIsUniformAndKeepsTheOrder)
{
    FabricConfig config;
    config.leafOfHost = {0, 1};
    config.faults.everywhere.jitter = Duration(1'000'000);
    const LinkFaults faults(config, LeafSpine(config));
    const LinkSchedule& link = *faults.ScheduleOf(0);
    // Frames that are far apart: the mean is half, with a standard error of 1e6 / sqrt(12 n).
    constexpr int FRAMES = 10'000;
    Instant inOrder{};
    std::int64_t sum = 0;
    for (int i = 0; i < FRAMES; ++i)
    {
        const Instant arrival(Duration(i * 2'000'000LL));
        const LinkFate fate =
            link.Judge(faults.Draws(), static_cast<std::uint64_t>(i), arrival, arrival, 8, inOrder);
        EXPECT_LE(fate.delay, Duration(1'000'000));
        sum += fate.delay.count();
    }
    EXPECT_NEAR(static_cast<double>(sum) / FRAMES, 500'000, 4 * 2'887);
    // Frames close to each other wait for those that are late.
    inOrder = Instant{};
    Instant latest{};
    for (int i = 0; i < FRAMES; ++i)
    {
        const Instant arrival(Duration(i * 1'000LL));
        const LinkFate fate =
            link.Judge(faults.Draws(), static_cast<std::uint64_t>(i), arrival, arrival, 8, inOrder);
        EXPECT_GE(arrival + fate.delay, latest);
        latest = arrival + fate.delay;
        EXPECT_LE(fate.delay, Duration(1'000'000));
    }
}

} // namespace
} // namespace flowchain
