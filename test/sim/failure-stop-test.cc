// SPDX-License-Identifier: GPL-2.0-only
// Nodes that stop and go on, and clocks that run fast or slow: what happens exactly when.
#include "forked-runs.h"
#include "scenario-fixture.h"
#include "simulation.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace flowchain
{
namespace
{

constexpr std::int64_t MS = 1'000'000'000;
constexpr std::int64_t US = 1'000'000;

/** A packet takes a service node 2 ms; heartbeats come every 10 ms, and 30 ms without are too many.
 */
const std::string SYSTEM = R"([sim]
stop = "300ms"
[topology]
clients = 1
servers = 1
[[service]]
nodes = 2
cores = 1
packet_cost = "2ms"
[[accelerator]]
[[workload]]
kind = "sessions"
start = "1ms"
sessions = 2
rate = 10
protocol = "udp"
packets = 1
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
    EXPECT_EQ(lean.violations, std::vector<std::string>{});
    EXPECT_EQ(RunIn("point-to-point", failure).digest, lean.digest) << failure;
    return lean;
}

std::int64_t
FirstPacketMax(const RunOutcome& outcome)
{
    return outcome.metrics.ValueOr0("latency.first_packet.max");
}

/** "kind node ms" of all events of some kinds. */
std::string
Events(const RunOutcome& outcome, const std::vector<std::string>& kinds)
{
    std::string text;
    for (const EventData& event : outcome.timeline)
    {
        if (std::ranges::find(kinds, event.kind) != kinds.end())
        {
            text += event.kind + ' ' + event.node + ' ' +
                    std::to_string(event.time.time_since_epoch().count() / MS) + '\n';
        }
    }
    return text;
}

std::string
Owner(const std::string& kind, const std::string& when, const std::string& length)
{
    return "[[failure]]\nkind = \"" + kind + "\"\nnode = \"session[0].owner\"\n" + when +
           "recover_after = \"" + length + "\"\n";
}

TEST(FailureStop, APauseInTheMiddleOfItsWorkDelaysItByItsLength)
{
    const auto normal = FirstPacketMax(RunBoth(""));
    for (const int ms : {1, 5, 15})
    {
        const auto paused = RunBoth(
            Owner("pause", "on = \"ask#1\"\ndelay = \"500us\"\n", std::to_string(ms) + "ms"));
        EXPECT_EQ(FirstPacketMax(paused), normal + ms * MS);
        EXPECT_EQ(paused.metrics.ValueOr0("failures.struck"), 1);
        EXPECT_EQ(Events(paused, {"suspected"}), "");
    }
}

TEST(FailureStop, WhatComesInAPauseIsProcessedAtItsEnd)
{
    // The pause begins while the packet is on its way: so much less does it wait.
    const auto normal = FirstPacketMax(RunBoth(""));
    const auto five = FirstPacketMax(RunBoth(Owner("pause", "on = \"ask#1\"\n", "5ms")));
    const auto six = FirstPacketMax(RunBoth(Owner("pause", "on = \"ask#1\"\n", "6ms")));
    EXPECT_EQ(six - five, MS);
    EXPECT_GT(five, normal + 5 * MS - 10 * US);
    EXPECT_LT(five, normal + 5 * MS);
}

TEST(FailureStop, TwoPausesOfOneWorkAddUpAndTheSecondOfTwoAtOnceMisses)
{
    const auto normal = FirstPacketMax(RunBoth(""));
    const auto twice =
        RunBoth(Owner("pause", "on = \"ask#1\"\ndelay = \"500us\"\n", "3ms") +
                Owner("pause", "on = \"ask#1\"\ndelay = \"1ms\"\n", "9ms") + // is paused already
                Owner("pause", "on = \"ask#1\"\ndelay = \"4ms\"\n", "2ms"));
    EXPECT_EQ(FirstPacketMax(twice), normal + 5 * MS);
    EXPECT_EQ(twice.metrics.ValueOr0("failures.struck"), 2);
    EXPECT_EQ(twice.metrics.ValueOr0("failures.missed"), 1);
}

TEST(FailureStop, WhoIsPausedTooLongIsFencedAndStartsAgainWhenItIsTold)
{
    const auto outcome = RunBoth(Owner("pause", "on = \"release#1\"\n", "80ms"));
    // Silent from 3 ms on, so that its last heartbeat was the one of the start.
    const auto story =
        Events(outcome, {"pause", "suspected", "pause-end", "restart", "readmitted"});
    EXPECT_TRUE(story.starts_with("pause service[")) << story;
    EXPECT_NE(story.find("] 3\nsuspected service["), std::string::npos) << story;
    EXPECT_NE(story.find("] 30\npause-end service["), std::string::npos) << story;
    EXPECT_NE(story.find("] 83\nrestart service["), std::string::npos) << story;
    EXPECT_EQ(outcome.metrics.ValueOr0("sessions.lost"), 0);
    EXPECT_EQ(outcome.metrics.ValueOr0("sessions.completed"), 2);
}

TEST(FailureStop, ACrashEndsAPause)
{
    const auto outcome = RunBoth(Owner("pause", "on = \"ask#1\"\n", "20ms") +
                                 Owner("crash", "on = \"ask#1\"\ndelay = \"5ms\"\n", "1ms"));
    EXPECT_EQ(outcome.metrics.ValueOr0("failures.struck"), 2);
    EXPECT_EQ(Events(outcome, {"restart"}).substr(0, 8), "restart ");
    EXPECT_LT(FirstPacketMax(outcome), 15 * MS) << "the return is not held up by the pause";
    EXPECT_EQ(outcome.metrics.ValueOr0("sessions.completed"), 2);
}

TEST(FailureStop, AForeverPausedNodeIsAsGoodAsDead)
{
    const auto outcome = RunBoth("[[failure]]\nkind = \"pause\"\nnode = \"session[0].owner\"\n"
                                 "on = \"ask#1\"\n");
    EXPECT_EQ(Events(outcome, {"pause-end", "restart", "readmitted"}), "");
    EXPECT_EQ(Events(outcome, {"suspected"}).substr(0, 9), "suspected");
    EXPECT_EQ(outcome.metrics.ValueOr0("sessions.completed"), 2);
}

TEST(FailureStop, ACrashThatKeepsStateLosesFramesButNoTables)
{
    // In the middle of its work: the packet is lost, and the manager asks again 500 us later.
    const auto lost =
        RunBoth(Owner("crash", "on = \"ask#1\"\ndelay = \"500us\"\nstate = \"kept\"\n", "5ms"));
    EXPECT_GE(lost.metrics.ValueOr0("sync.retransmissions"), 1);
    EXPECT_EQ(lost.metrics.ValueOr0("sessions.completed"), 2);
    // With the session stored: it is there again, and no other node need adopt it.
    const auto kept = RunBoth(Owner("crash", "on = \"release#1\"\nstate = \"kept\"\n", "5ms"));
    EXPECT_EQ(Events(kept, {"crash", "restart", "suspected", "readmitted"}).find("suspected"),
              std::string::npos);
    EXPECT_EQ(kept.metrics.ValueOr0("failures.struck"), 1);
    const auto gone = RunBoth(Owner("crash", "on = \"release#1\"\n", "5ms"));
    EXPECT_NE(gone.digest, kept.digest);
}

TEST(FailureStop, AClockOfTheDetectorShiftsDetectionByItsFactor)
{
    // The crashed node's last heartbeat came at 50 ms and a little; the detector waits 30 ms of
    // its own time. At 50 ms all clocks of a half or twice the rate have gone wrong for 40 ms.
    const auto detectionWith = [](const std::string& clock)
    {
        return RunBoth("[[failure]]\nnode = \"service[0]\"\nat = \"59ms\"\n" + clock)
            .metrics.ValueOr0("failover.detection_time");
    };
    const auto clockOf = [](const char* factor)
    {
        return std::string(
                   "[[failure]]\nkind = \"clock\"\nnode = \"controller\"\nat = \"10ms\"\n") +
               "factor = " + factor + "\n";
    };
    const auto right = detectionWith("");
    EXPECT_GE(right, 21 * MS);
    EXPECT_LT(right, 21 * MS + 50 * US);
    EXPECT_EQ(detectionWith(clockOf("0.5")), right + 30 * MS);
    EXPECT_EQ(detectionWith(clockOf("2.0")), right - 15 * MS);
}

TEST(FailureStop, AClockThatIsRightAgainIsAsIfItHadBeenAllTheTime)
{
    const std::string clock =
        "[[failure]]\nkind = \"clock\"\nnode = \"controller\"\nat = \"10ms\"\n"
        "factor = 0.5\nrecover_after = \"20ms\"\n";
    const std::string crash = "[[failure]]\nnode = \"service[0]\"\nat = \"59ms\"\n";
    EXPECT_EQ(RunBoth(clock + crash).metrics.ValueOr0("failover.detection_time"),
              RunBoth(crash).metrics.ValueOr0("failover.detection_time"));
}

TEST(FailureStop, ASlowHeartbeatClockBringsSuspicion)
{
    // Every 40 ms instead of 10: nobody is silent for 30 ms otherwise.
    // After each restart it is in step with the others: both fabrics need not order them alike.
    const auto outcome = RunIn("lean",
                               "[[failure]]\nkind = \"clock\"\nnode = \"service[1]\"\n"
                               "at = \"0s\"\nfactor = 0.25\n");
    EXPECT_EQ(Events(outcome, {"suspected"}).substr(0, 20), "suspected service[1]");
    EXPECT_EQ(outcome.metrics.ValueOr0("sessions.completed"), 2);
}

TEST(FailureStop, RefusesWhatMakesNoSense)
{
    const auto errorOf = [](const std::string& failure)
    {
        return ErrorsOf(MINIMAL + "[[failure]]\nat = \"1ms\"\nnode = \"service[0]\"\n" + failure);
    };
    EXPECT_NE(errorOf("state = \"kept\"\n").find("x.toml:11:9: error: failure[0].state: of a node"),
              std::string::npos)
        << errorOf("state = \"kept\"\n");
    EXPECT_EQ(errorOf("state = \"kept\"\nrecover_after = \"1ms\"\n"), "");
    EXPECT_NE(errorOf("kind = \"clock\"\n").find("factor"), std::string::npos);
    EXPECT_NE(errorOf("kind = \"clock\"\nfactor = 0\n").find("range"), std::string::npos);
    EXPECT_NE(errorOf("kind = \"pause\"\n[[failure]]\nkind = \"pause\"\nat = \"2ms\"\n"
                      "node = \"service[*]\"\n")
                  .find("service[*] is still paused from failure[0] then"),
              std::string::npos);
}

} // namespace
} // namespace flowchain
