// SPDX-License-Identifier: GPL-2.0-only
// What a run's timeline tells, by stories and by a run.
#include "forked-runs.h"
#include "planned-events.h"
#include "run-timeline.h"
#include "scenario-fixture.h"
#include "units.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

constexpr std::int64_t MS = 1'000'000'000;

Instant
At(std::int64_t ms)
{
    return Instant(Duration{ms * MS});
}

/** "5ms cut manager[0] both directions" */
std::vector<std::string>
LinesOf(const std::vector<EventData>& events)
{
    std::vector<std::string> lines;
    for (const EventData& event : events)
    {
        lines.push_back(FormatDuration(event.time.time_since_epoch()) + " " + event.kind + " " +
                        event.node + " " + event.detail);
    }
    return lines;
}

using Lines = std::vector<std::string>;

const std::string SYSTEM = R"(
[sim]
stop = "100ms"
[topology]
clients = 1
servers = 1
[group]
managers = 3
[[service]]
nodes = 2
[[accelerator]]
count = 1
)";

TEST(PlannedEvents, BeginningsAndEnds)
{
    const Scenario scenario = ParseScenario(SYSTEM + R"(
[[link]]
node = "server[0]"
loss = "5%"
[[link]]
spine = 1
from = "7ms"
until = "8ms"
loss = "1%"
delay = "3us"
[[failure]]
kind = "crash"
node = "manager[0]"
at = "1ms"
[[failure]]
kind = "slow"
node = "manager[1]"
factor = 2.5
at = "10ms"
recover_after = "20ms"
[[failure]]
kind = "cut"
node = "manager[1]"
direction = "to"
at = "20ms"
[[failure]]
kind = "partition"
between = ["service[*]", "*"]
direction = "one-way"
at = "2ms"
recover_after = "3ms"
[[failure]]
kind = "spine"
spine = 0
at = "40ms"
recover_after = "30ms"
reroute_after = "10ms"
[[failure]]
kind = "leaf"
leaf = 3
at = "50ms"
[[failure]]
kind = "upgrade"
node = "service[1]"
at = "60ms"
recover_after = "1ms"
)",
                                            "x.toml");
    EXPECT_EQ(LinesOf(PlannedEvents(scenario, MakeDirectories(scenario).network)),
              (Lines{"2ms partition  service[*] -> *",
                     "5ms partition-end  service[*] -> *",
                     "7ms link  leaf *, spine 1, loss 1%, delay 3us",
                     "8ms link-end  leaf *, spine 1, loss 1%, delay 3us",
                     "10ms slow manager[1] processing takes 2.5 times as long",
                     "20ms cut manager[1] to it only",
                     "30ms slow-end manager[1] ",
                     "40ms spine  spine 0",
                     "50ms reroute  leaves avoid spine 0",
                     "50ms leaf  leaf 3",
                     "60ms upgrade service[1] ",
                     "70ms spine-end  spine 0",
                     "80ms reroute-end  leaves use spine 0 again"}));
}

/** Client 0, server 1, accelerator 2, managers 3 to 5, service nodes 6 and 7, controller 8. */
class RunTimelineTest : public testing::Test
{
  protected:
    static constexpr NodeId MANAGER = 3;
    static constexpr NodeId SERVICE = 6;
    static constexpr NodeId CONTROLLER = 8;

    void Adopt(NodeId node, std::uint64_t epoch, std::int64_t ms)
    {
        timeline.OnNote(node, {.kind = NoteKind::VIEW_ADOPTED, .value = epoch}, At(ms));
    }

    Scenario scenario = ParseScenario(SYSTEM, "x.toml");
    Directory directory = MakeDirectories(scenario).network;
    RunTimeline timeline{directory,
                         [this](NodeId node)
                         {
        return NodeName(directory, node);
                         }};
};

TEST_F(RunTimelineTest, ACrashUntilAllIsWellAgain)
{
    timeline.OnNodeDown(SERVICE, 3, 5, At(10));
    timeline.OnNote(CONTROLLER, {.kind = NoteKind::SUSPECTED, .peer = SERVICE}, At(20));
    Adopt(CONTROLLER, 2, 21);
    for (const NodeId node : {2, 3, 4, 5})
    {
        Adopt(node, 2, 22);
    }
    timeline.OnWentOn(At(10), At(23));
    timeline.OnNote(SERVICE + 1, {.kind = NoteKind::ADOPTED}, At(24));
    Adopt(SERVICE + 1, 2, 25); // the last one that lives
    timeline.OnNote(SERVICE + 1, {.kind = NoteKind::ADOPTED}, At(26));
    timeline.OnWentOn(At(10), At(27));
    timeline.OnNodeUp(SERVICE, At(30));
    timeline.OnNote(CONTROLLER, {.kind = NoteKind::SUSPECTED, .peer = MANAGER}, At(31));
    timeline.OnNote(MANAGER, {.kind = NoteKind::REMOVED}, At(32));
    timeline.OnNodeDown(MANAGER, 0, 5, At(32));
    timeline.OnNodeUp(MANAGER, At(32));
    timeline.OnNodeDown(MANAGER, 0, 5, At(33)); // now it really crashes
    timeline.OnViolation("durability at ...", At(33));
    EXPECT_EQ(
        LinesOf(
            timeline.Finish(At(40), {{At(10), "cut", "manager[0]", ""}, {At(41), "late", "", ""}})),
        (Lines{"10ms cut manager[0] ",
               "10ms crash service[0] ",
               "10ms sessions-lost service[0] 3 sessions, 5 so far",
               "20ms suspected service[0] ",
               "21ms view controller epoch 2",
               "25ms view-complete  every live node has epoch 2",
               "26ms adopted service[1] the last of 2 sessions that it takes over under epoch 2, "
               "the first at 24.000 ms",
               "27ms recovered service[0] the last of 2 first packets goes on that waited since "
               "the crash at 10.000 ms",
               "30ms restart service[0] ",
               "31ms suspected manager[0] wrongly: it is up",
               "32ms removed manager[0] learns that it is taken to be down",
               "32ms restart manager[0] ",
               "33ms crash manager[0] ",
               "33ms violation  durability at ..."}));
}

TEST_F(RunTimelineTest, TheDeathOfTheLastOneWithoutAViewCompletesIt)
{
    Adopt(CONTROLLER, 2, 1);
    for (const NodeId node : {2, 3, 4, 5, 6})
    {
        Adopt(node, 2, 2);
    }
    timeline.OnNote(7, {.kind = NoteKind::DRAINED}, At(3));
    timeline.OnNodeDown(7, 0, 0, At(3));
    EXPECT_EQ(LinesOf(timeline.Finish(At(4), {})),
              (Lines{"1ms view controller epoch 2",
                     "3ms stop service[1] drained",
                     "3ms view-complete  every live node has epoch 2"}));
}

TEST_F(RunTimelineTest, TooManyEventsAreCounted)
{
    constexpr std::size_t MAX = RunTimeline::EVENTS_MAX;
    for (std::size_t i = 0; i < MAX + 5; ++i)
    {
        timeline.OnNote(CONTROLLER, {.kind = NoteKind::READMITTED, .peer = SERVICE}, At(2));
    }
    const auto events = timeline.Finish(At(9), {{At(1), "cut", "", ""}});
    ASSERT_EQ(events.size(), MAX + 1);
    EXPECT_EQ(events.front().kind, "cut");
    EXPECT_EQ(LinesOf({events.back()}),
              (Lines{"9ms truncated  6 events more, which are not kept"}));
}

TEST(RunTimeline, OfARunWithACrash)
{
    const auto record = RunForked(1,
                                  1,
                                  [](std::size_t)
                                  {
        return RecordRun(ParseScenario(SYSTEM + R"(
[chain]
release = "immediate"
[controller]
heartbeat_interval = "1ms"
detection_timeout = "3ms"
[[workload]]
kind = "sessions"
sessions = 400
rate = 20000
packets = 4
gap = "5ms"
[[failure]]
node = "service[1]"
at = "15ms"
recover_after = "40ms"
)",
                                       "x.toml"));
    },
                                  {})[0];
    ASSERT_EQ(record.error, "");
    const MetricSet& metrics = record.outcome.metrics;
    const auto time = [&](const std::string& kind)
    {
        for (const EventData& event : record.outcome.timeline)
        {
            if (event.kind == kind)
            {
                return event.time;
            }
        }
        return NEVER;
    };
    EXPECT_EQ(time("crash"), At(15));
    EXPECT_EQ(time("view"), At(15) + Duration{metrics.Find("failover.detection_time")->value});
    EXPECT_LE(time("suspected"), time("view"));
    EXPECT_EQ(std::max(time("view-complete"), time("recovered")),
              At(15) + Duration{metrics.Find("failover.recovery_time")->value});
    EXPECT_EQ(time("restart"), At(55));
    EXPECT_NE(time("snapshot-end"), NEVER);
    EXPECT_EQ(time("truncated"), NEVER);
}

} // namespace
} // namespace flowchain
