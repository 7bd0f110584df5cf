// SPDX-License-Identifier: GPL-2.0-only
// A run that goes on from a shared warm-up is the run that was made alone, byte by byte.
#include "branched-runs.h"
#include "process-pool.h"
#include "result-writer.h"
#include "run-record.h"
#include "scenario-fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace flowchain
{
namespace
{

/** Heartbeats come every millisecond, so they meet failures at whole milliseconds. */
const std::string SYSTEM = R"(
[sim]
stop = "70ms"
warmup = "30ms"
[topology]
loss = "0.1%"
reorder = "0.1%"
reorder_delay = "20us"
[group]
managers = 3
[[service]]
nodes = 4
[[accelerator]]
[controller]
heartbeat_interval = "1ms"
detection_timeout = "4ms"
[[link]]
node = "manager[1]"
from = "40ms"
until = "45ms"
loss = "5%"
[[workload]]
kind = "sessions"
sessions = 600
rate = 10000
arrivals = "poisson"
protocol = "tcp"
packets = 3
gap = "5ms"
)";

/** A scenario with these failures. */
Scenario
With(const std::string& failures, const std::vector<std::string>& overrides = {})
{
    return ParseScenario(SYSTEM + failures, "x.toml", overrides);
}

std::string
Failure(const std::string& kind, const std::string& at, const std::string& more = "")
{
    return "[[failure]]\nkind = \"" + kind + "\"\nat = \"" + at + "\"\n" + more + "\n";
}

std::string
Node(const std::string& name)
{
    return "node = \"" + name + "\"\n";
}

/** All that is kept of a run and does not depend on the clock. */
std::string
TextOf(const Scenario& scenario, RunOutcome outcome)
{
    outcome.wallSeconds = 0;
    outcome.cpuSeconds = 0;
    RunReport report;
    report.scenario = scenario;
    report.outcome = outcome;
    RunRecord record = MakeRecord(scenario, std::move(outcome), "then");
    record.memoryBytes = 0;
    return ResultJson(report) + EncodeRecord(record);
}

struct Results
{
    std::map<std::size_t, std::string> texts; ///< by branch
    std::vector<std::size_t> left;            ///< that were not run
    std::string error;
};

/** Do the job in a process of its own. */
Results
InProcess(const ProcessPool::Job& job)
{
    Results results;
    ProcessPool pool;
    pool.Start(0, job);
    while (pool.Count() > 0)
    {
        pool.Wait(
            [&](std::size_t, const std::string& message)
            {
            const auto space = message.find(' ');
            const std::size_t branch = std::stoul(message.substr(0, space));
            if (space == std::string::npos)
            {
                results.left.push_back(branch);
            }
            else
            {
                results.texts[branch] = message.substr(space + 1);
            }
            },
            [&](std::size_t, const std::string& error)
            {
            results.error = error;
        });
    }
    return results;
}

Results
Branched(const std::vector<Scenario>& scenarios, std::size_t jobs)
{
    return InProcess(
        [&](const ProcessPool::Send& send)
        {
        std::vector<const Scenario*> branches;
        std::ranges::transform(scenarios,
                               std::back_inserter(branches),
                               [](const Scenario& scenario)
                               {
            return &scenario;
        });
        const auto left = RunBranches(
            branches,
            jobs,
            [&](std::size_t branch, RunOutcome outcome)
            {
            return TextOf(scenarios[branch], std::move(outcome));
            },
            [&](std::size_t branch, const std::string& result, const std::string& error)
            {
            send(std::to_string(branch) + " " + result + error);
        });
        for (const std::size_t branch : left)
        {
            send(std::to_string(branch));
        }
    });
}

std::string
Alone(const Scenario& scenario)
{
    const Results results = InProcess(
        [&](const ProcessPool::Send& send)
        {
        send("0 " + TextOf(scenario, RunScenario(scenario, nullptr)));
    });
    EXPECT_EQ(results.error, "");
    return results.texts.at(0);
}

void
ExpectAsAlone(const std::vector<Scenario>& scenarios, std::size_t jobs = 2)
{
    const Results results = Branched(scenarios, jobs);
    EXPECT_EQ(results.error, "");
    EXPECT_TRUE(results.left.empty());
    ASSERT_EQ(results.texts.size(), scenarios.size());
    std::vector<std::string> distinct;
    for (std::size_t i = 0; i < scenarios.size(); ++i)
    {
        const std::string alone = Alone(scenarios[i]);
        const std::string& branched = results.texts.at(i);
        const auto [a, b] = std::ranges::mismatch(alone, branched);
        const auto from = std::max<std::ptrdiff_t>(0, a - alone.begin() - 200);
        EXPECT_TRUE(alone == branched)
            << "branch " << i << ": " << alone.substr(static_cast<std::size_t>(from), 300)
            << "\n--- but ---\n"
            << branched.substr(static_cast<std::size_t>(from), 300);
        distinct.push_back(alone);
    }
    std::ranges::sort(distinct);
    EXPECT_TRUE(std::ranges::adjacent_find(distinct) == distinct.end())
        << "two scenarios that are not told apart show nothing";
}

TEST(BranchedRuns, NodesThatFail)
{
    ExpectAsAlone({
        With(""),
        With(Failure("crash", "30ms", Node("service[1]"))), // at the very end of the warm-up
        With(Failure("crash", "40ms", Node("manager[0]")) +
             Failure("crash", "40ms", Node("service[0]"))), // both at once, and with heartbeats
        With(Failure("crash", "31ms", Node("manager[2]") + "recover_after = \"9ms\"") +
             Failure("slow",
                     "40ms",
                     Node("service[2]") + "factor = 20.0\n" + "recover_after = \"10ms\"")),
        With(Failure("drain", "35ms", Node("service[3]"))),
        With(Failure("upgrade", "35ms", Node("manager[1]") + "recover_after = \"2ms\"")),
        With(Failure("suspect", "50ms", Node("service[2]"))),
        With(Failure("crash", "45ms", Node("controller") + "recover_after = \"5ms\"")),
        With(Failure("crash", "45ms", Node("accelerator[0]") + "recover_after = \"5ms\"")),
    });
}

TEST(BranchedRuns, NodesThatStopAndClocksThatAreWrong)
{
    const std::string pause =
        Failure("pause", "40ms", Node("manager[0]") + "recover_after = \"9ms\"");
    ExpectAsAlone({
        With(pause),
        With(Failure("pause", "30ms", Node("service[*]") + "recover_after = \"1500us\"") + pause),
        With(Failure("pause", "33ms", Node("controller") + "recover_after = \"3ms\"") + pause),
        With(pause + Failure("crash", "45ms", Node("manager[0]") + "recover_after = \"5ms\"")),
        With(Failure(
            "crash", "31ms", Node("service[1]") + "state = \"kept\"\nrecover_after = \"2ms\"")),
        With(pause + Failure("clock",
                             "35ms",
                             Node("controller") + "factor = 3.5\nrecover_after = \"10ms\"")),
        With(pause + Failure("clock", "31ms", Node("service[2]") + "factor = 0.2")),
    });
}

TEST(BranchedRuns, LinksThatFail)
{
    for (const char* fabric : {"lean", "point-to-point"})
    {
        const std::vector<std::string> overrides = {std::string("topology.fabric=") + fabric};
        ExpectAsAlone({
            With("", overrides),
            With(Failure("cut", "30ms", Node("manager[0]") + "recover_after = \"10ms\""),
                 overrides),
            With(Failure("partition",
                         "40ms",
                         "between = [\"service[*]\", \"controller\"]\nrecover_after = \"6ms\""),
                 overrides),
            With(Failure("spine",
                         "40ms",
                         "spine = 1\nreroute_after = \"2ms\"\nrecover_after = \"9ms\""),
                 overrides),
            With(Failure("leaf", "50ms", "leaf = 2"), overrides),
        });
    }
}

TEST(BranchedRuns, LinksThatAreImpaired)
{
    for (const char* fabric : {"lean", "point-to-point"})
    {
        const std::vector<std::string> overrides = {std::string("topology.fabric=") + fabric};
        const std::string jitter =
            Failure("impair", "40ms", Node("manager[0]") + "jitter = \"50us\"");
        ExpectAsAlone({
            With(jitter, overrides),
            With(jitter + Failure("impair",
                                  "31ms",
                                  "spine = 0\ndirection = \"to\"\nloss = \"30%\"\n"
                                  "recover_after = \"20ms\""),
                 overrides),
            With(Failure("impair",
                         "30ms",
                         Node("service[*]") + "corrupt = \"5%\"\nduplicate = \"5%\"\n"
                                              "reorder = \"5%\"\nextra_delay = \"9us\"\n"
                                              "recover_after = \"10ms\""),
                 overrides),
        });
    }
}

TEST(BranchedRuns, EarlierFailuresAreSharedAndMayEndLater)
{
    // The last one comes between the trunk's end, a hundredth before the warm-up's, and that.
    const std::string early =
        Failure("crash", "10ms", Node("service[0]") + "recover_after = \"25ms\"") +
        Failure("spine", "20ms", "spine = 0\nreroute_after = \"5ms\"\nrecover_after = \"20ms\"") +
        Failure("slow", "29900us", Node("manager[0]") + "factor = 3.0");
    ExpectAsAlone({
        With(early),
        // 35 ms: together with the return of the first, behind it and before it.
        With(early + Failure("crash", "35ms", Node("service[1]"))),
        With(Failure("crash", "35ms", Node("service[1]")) + early),
        With(early + Failure("cut", "30ms", Node("service[2]"))),
    });
}

TEST(BranchedRuns, NodesThatAreAdded)
{
    const auto add = [](const std::string& at)
    {
        return Failure("add", at, Node("service[3]"));
    };
    ExpectAsAlone({With(add("30ms")),
                   With(add("50ms")),
                   With(Failure("crash", "40ms", Node("service[0]")) + add("40ms"))},
                  1);
}

TEST(BranchedRuns, FramesOnALinkThatFailsAreNotJudgedTwice)
{
    // 5 ms are more than the trunk's margin: the frames of the third one are on the link already.
    const std::string slow = "[[link]]\nnode = \"manager[0]\"\ndelay = \"5ms\"\n";
    const std::vector<Scenario> scenarios = {
        With(slow),
        With(slow + Failure("crash", "30ms", Node("service[0]"))),
        With(slow + Failure("cut", "30ms", Node("manager[0]"))),
        With(slow + Failure("cut", "36ms", Node("manager[0]"))),
    };
    const Results results = Branched(scenarios, 2);
    EXPECT_EQ(results.error, "");
    EXPECT_EQ(results.left, std::vector<std::size_t>{2});
    EXPECT_TRUE(results.texts.at(3) == Alone(scenarios[3]));
}

TEST(BranchedRuns, WhatCanShare)
{
    const Scenario plain = With("");
    const Scenario early = With(Failure("crash", "29999us", Node("service[0]")));
    const Scenario late = With(Failure("crash", "30ms", Node("service[0]")));
    const Scenario later = With(Failure("leaf", "50ms", "leaf = 1"));
    const Scenario added = With(Failure("add", "50ms", Node("service[3]")));
    EXPECT_TRUE(SharesPrefix(plain, plain));
    EXPECT_TRUE(SharesPrefix(plain, late));
    EXPECT_TRUE(SharesPrefix(late, later));
    EXPECT_FALSE(SharesPrefix(plain, early));
    EXPECT_FALSE(SharesPrefix(plain, added));
    EXPECT_TRUE(SharesPrefix(added, With(Failure("add", "60ms", Node("service[3]")))));
    EXPECT_FALSE(SharesPrefix(added, With(Failure("add", "50ms", Node("service[2]")))));
    const Scenario paused = With(Failure("pause", "50ms", Node("service[3]")));
    EXPECT_FALSE(SharesPrefix(plain, paused)) << "its nodes are told of frames at their arrival";
    EXPECT_TRUE(SharesPrefix(paused, With(Failure("pause", "60ms", Node("manager[0]")))));
    const auto sharesWith = [&](const std::string& override)
    {
        return SharesPrefix(plain, With("", {override}));
    };
    EXPECT_TRUE(sharesWith("output.directory=elsewhere"));
    EXPECT_TRUE(SharesPrefix(plain, With("[[expect]]\nmetric = \"sessions.lost\"\nequals = 0\n")));
    EXPECT_FALSE(sharesWith("sim.seed=2"));
    EXPECT_FALSE(sharesWith("sim.stop=71ms")) << "how often a run is looked at depends on it";
    EXPECT_FALSE(sharesWith("output.series_interval=1ms"));
    EXPECT_FALSE(sharesWith("chain.length=2"));
    EXPECT_FALSE(sharesWith("workload[0].sessions=601"));
    const Scenario cold = With("", {"sim.warmup=0s"});
    EXPECT_FALSE(SharesPrefix(cold, cold)) << "nothing to share";
    const Scenario captured = With("", {"output.pcap=[\"all\"]"});
    EXPECT_FALSE(SharesPrefix(captured, captured)) << "all would write one file";
}

TEST(BranchedRuns, ABranchThatThrowsSaysSo)
{
    const Scenario scenario = With("", {"sim.stop=31ms"});
    const Results results = InProcess(
        [&](const ProcessPool::Send& send)
        {
        RunBranches(
            {&scenario, &scenario},
            1,
            [](std::size_t branch, const RunOutcome&) -> std::string
            {
            return branch == 0 ? throw std::runtime_error("no good") : "all well";
            },
            [&](std::size_t branch, const std::string& result, const std::string& error)
            {
            send(std::to_string(branch) + " " + result + "|" + error);
        });
    });
    EXPECT_EQ(results.texts.at(0), "|no good");
    EXPECT_EQ(results.texts.at(1), "all well|");
}

} // namespace
} // namespace flowchain
