// SPDX-License-Identifier: GPL-2.0-only
// Whom failures strike, and when: selectors, events, chance.
#include "failure-event.h"
#include "failure-plan.h"
#include "forked-runs.h"
#include "node-application.h"
#include "node-selector.h"
#include "scenario-fixture.h"
#include "simulation.h"

#include <gtest/gtest.h>

#include <set>

namespace flowchain
{
namespace
{

constexpr Duration MS{1'000'000'000};

/** Clients 0 and 1, servers 2 and 3, accelerators 4 and 5, managers 6 to 9 in two groups, service
 * nodes 10 to 13, controller 14. */
Directory
TwoGroups()
{
    return MakeDirectories(
               ParseScenario(MINIMAL + "[group]\ncount = 2\nnames = [\"a-1\", \"zone-b\", \"c\"]\n"
                                       "managers = 2\n[chain]\nlength = 2\n",
                             "x.toml"))
        .network;
}

TEST(NodeSelectorTest, NamesNodesByNamePlaceAndGroup)
{
    const std::pair<const char*, std::vector<NodeId>> cases[] = {
        {"service[1]", {11}},
        {"controller", {14}},
        {"service[*]", {10, 11, 12, 13}},
        {"service[first]", {10}},
        {"service[middle]", {12}},
        {"service[last]", {13}},
        {"accelerator[middle]", {5}},
        {"manager[last]", {9}},
        {"group[1]", {8, 9}},
        {"group[1], manager[first], manager[last]", {6, 8, 9}},
        {"group[zone-b]", {8, 9}},
        {"group[a-1].last, group[zone-b].first", {7, 8}},
        {"group[1].first", {8}},
        {"group[0].last", {7}},
        {"group[1].middle", {9}},
        {"group[0].random(2)", {6, 7}},
        {"service[random(4)]", {10, 11, 12, 13}},
    };
    const Directory directory = TwoGroups();
    for (const auto& [text, nodes] : cases)
    {
        const NodeSelection found = SelectNodes(directory, text, SplitMix64(1));
        EXPECT_EQ(found.nodes, nodes) << text;
        EXPECT_EQ(found.unknown, "") << text;
        EXPECT_TRUE(found.roles.empty()) << text;
    }
}

TEST(NodeSelectorTest, DrawsDifferentNodesByTheStreamAlone)
{
    const Directory directory = TwoGroups();
    std::map<NodeId, int> drawn;
    constexpr int SEEDS = 1000;
    for (std::uint64_t seed = 0; seed < SEEDS; ++seed)
    {
        const auto nodes = SelectNodes(directory, "service[random(2)]", SplitMix64(seed)).nodes;
        ASSERT_EQ(nodes.size(), 2);
        EXPECT_EQ(nodes, SelectNodes(directory, "service[random(2)]", SplitMix64(seed)).nodes);
        ++drawn[nodes[0]];
        ++drawn[nodes[1]];
    }
    ASSERT_EQ(drawn.size(), 4);
    for (const auto& [node, count] : drawn)
    {
        EXPECT_NEAR(count, SEEDS / 2, 64) << node; // 4 sigma of a binomial with p = 1/2
    }
}

TEST(NodeSelectorTest, KeepsWhatOnlyTheRunKnows)
{
    const auto found = SelectNodes(
        TwoGroups(), "session[7].owner, session[0].chain[2], manager[0]", SplitMix64(1));
    EXPECT_EQ(found.nodes, (std::vector<NodeId>{6}));
    EXPECT_EQ(found.roles,
              (std::vector<SessionRole>{{7, SessionPart::OWNER, 0}, {0, SessionPart::CHAIN, 2}}));
    EXPECT_EQ(ToString(found.roles[1]), "session[0].chain[2]");
}

TEST(NodeSelectorTest, SaysWhatThereIsInstead)
{
    const std::string failure = MINIMAL + "[[failure]]\nat = \"1ms\"\nnode = ";
    const std::pair<const char*, const char*> cases[] = {
        {"service[random(5)]", "there are 4 to draw from: service[0] to service[3]"},
        {"service[midle]", "service[...] is 0 to 3, *, first, middle, last or random(N)"},
        {"group[1]",
         "no node \"group[1]\" that can fail: groups are group[0], there are accelerator[0..1], "
         "manager[0..2], service[0..3], controller"},
        {"group[0].tail",
         "of a group there are group[0].first, group[0].middle, group[0].last and"},
        {"group[0].random(4)", "there are 3 to draw from: manager[0] to manager[2]"},
        {"session[0].fourth", "session[K].owner, first, second, tail, third and chain[I]"},
        {"session[0].owner", "no node \"session[0].owner\": there are no sessions"},
        {"service[0], client[last]", "no node \"service[0], client[last]\" that can fail"},
    };
    for (const auto& [node, message] : cases)
    {
        const auto errors = ErrorsOf(failure + '"' + node + "\"\n");
        EXPECT_TRUE(errors.starts_with("x.toml:10:8: error: failure[0].node: ")) << errors;
        EXPECT_NE(errors.find(message), std::string::npos) << errors;
    }
}

TEST(NodeSelectorTest, GroupsHaveNamesInTheirServiceGroup)
{
    const std::string two = "[sim]\nstop = \"1s\"\n[group]\nnames = [\"a\"]\n"
                            "[[service]]\nname = \"east\"\ninside = \"10.0.0.0/9\"\n"
                            "[[service]]\nname = \"west\"\ninside = \"10.128.0.0/9\"\n"
                            "external = \"192.0.2.0/24\"\n"
                            "[service.group]\nnames = [\"b\"]\ncount = 2\n"
                            "[[accelerator]]\n[[failure]]\nat = \"1ms\"\nnode = ";
    EXPECT_EQ(ErrorsOf(two + "\"east.group[a], west.group[b].first, west.group[1]\"\n"), "");
    const auto errors = ErrorsOf(two + "\"west.group[a]\"\n");
    EXPECT_NE(errors.find("groups are east.group[a], west.group[b], west.group[1], there are "),
              std::string::npos)
        << errors;
}

TEST(NodeSelectorTest, ANameOfAGroupMustBeToldFromItsNumber)
{
    const std::pair<const char*, const char*> cases[] = {
        {"\"1\"", "names[0]: \"1\" is no name: letters, digits, - and _, not digits alone"},
        {"\"a\", \"\"", "names[1]: \"\" is no name"},
        {"\"a]\"", "names[0]: \"a]\" is no name"},
        {"\"a\", \"b\", \"a\"", "names[2]: \"a\" is the name of group.names[0] too"},
        {"\"a\", 2", "names[1]: expected a string"},
    };
    for (const auto& [names, message] : cases)
    {
        const auto errors = ErrorsOf(MINIMAL + "[group]\nnames = [" + names + "]\n");
        EXPECT_TRUE(errors.starts_with("x.toml:9:")) << errors;
        EXPECT_NE(errors.find(message), std::string::npos) << errors;
    }
}

TEST(FailureEventTest, HasANameAndANumber)
{
    const auto chain = ParseFailureEvent("chain-done.receive#12");
    ASSERT_TRUE(chain.has_value());
    EXPECT_EQ(chain->kind, FailureEvent::Kind::RECEIVE);
    EXPECT_EQ(chain->message, MessageKind::CHAIN_DONE);
    EXPECT_EQ(chain->number, 12);
    const auto view = ParseFailureEvent("view#2");
    ASSERT_TRUE(view.has_value());
    EXPECT_TRUE(view->ofController);
    for (const std::string& name : FailureEventNames())
    {
        EXPECT_TRUE(ParseFailureEvent(name + "#1").has_value()) << name;
    }
    for (const char* const text : {"chain.send",
                                   "chain.send#0",
                                   "chain.send#",
                                   "chain.send#1x",
                                   "chain.sent#1",
                                   "batch.send#1",
                                   "#1",
                                   ""})
    {
        EXPECT_FALSE(ParseFailureEvent(text).has_value()) << text;
    }
}

TEST(FailureScheduleTest, RefusesWhatCannotBe)
{
    const std::pair<const char*, const char*> cases[] = {
        {"node = \"service[0]\"\non = \"chain.sent#1\"", "did you mean 'chain.send'?"},
        {"node = \"service[0]\"\non = \"release\"", "such as \"release#1\", the first"},
        {"kind = \"add\"\nnode = \"service[0]\"\non = \"release#1\"",
         "only these kinds wait for an event: crash, pause, slow, clock, cut, partition, spine, "
         "leaf, impair, drain, upgrade, suspect"},
        {"kind = \"impair\"\nnode = \"service[0]\"\nat = \"1ms\"", "it does nothing"},
        {"kind = \"impair\"\nat = \"1ms\"\nloss = \"1%\"", "either a node is needed, or a leaf"},
        {"kind = \"impair\"\nat = \"1ms\"\nloss = \"1%\"\nspine = 9", "no spine 9, there are 2"},
        {"kind = \"partition\"\nat = \"1ms\"\nbetween = [\"manager[0]\", \"servce[0]\"]",
         "x.toml:11:26: error: failure[0].between[1]: no node \"servce[0]\", there are "
         "client[0..1]"},
        {"kind = \"drain\"\nnode = \"service[0]\"\nmtbf = \"1ms\"", "only these kinds strike by"},
        {"node = \"service[0]\"\nmtbf = \"1ms\"", "an mttr is needed"},
        {"node = \"service[0]\"\nmtbf = \"1ns\"\nmttr = \"1ns\"", "about 500000000 strikes are"},
        {"node = \"service[0]\"", "at"},
        {"kind = \"cut\"\nat = \"1ms\"\nnode = \"session[0].owner\"", "there are no sessions"},
    };
    for (const auto& [failure, message] : cases)
    {
        const auto errors = ErrorsOf(MINIMAL + "[[failure]]\n" + failure + "\n");
        EXPECT_NE(errors.find(message), std::string::npos) << failure << '\n' << errors;
    }
}

TEST(FailureScheduleTest, StrikesByChanceAreARenewalProcess)
{
    FailureSection failure;
    failure.mtbf = 40 * MS;
    failure.mttr = 10 * MS;
    // 20,000 cycles: the means' standard errors are 1/sqrt(20,000) = 0.7 % of them.
    const auto strikes = StrikesByChance(failure, 1'000'000 * MS, SplitMix64(3), 1'000'000);
    Duration up{};
    Duration down{};
    Duration recovered{};
    for (const Strike& strike : strikes)
    {
        ASSERT_GT(strike.at, recovered);
        up += strike.at - recovered;
        down += *strike.recoverAfter;
        recovered = strike.at + *strike.recoverAfter;
    }
    const auto count = static_cast<double>(strikes.size());
    EXPECT_NEAR(count, 20'000, 4 * 117); // renewal theorem: variance n (40^2 + 10^2) / 50^2
    EXPECT_NEAR(static_cast<double>(up.count()) / count, 40e9, 4 * 0.0071 * 40e9);
    EXPECT_NEAR(static_cast<double>(down.count()) / count, 10e9, 4 * 0.0071 * 10e9);
}

TEST(FailureScheduleTest, KeepsToItsTimesAndItsStream)
{
    const std::string text = MINIMAL + R"([[failure]]
node = "service[*]"
mtbf = "50ms"
mttr = "10ms"
at = "200ms"
until = "700ms"
)";
    Scenario scenario = ParseScenario(text, "x.toml");
    const auto planned = PlannedFailures(scenario);
    std::set<NodeId> nodes;
    std::set<Duration> times;
    for (const FailureSection& failure : planned)
    {
        EXPECT_GT(failure.at, 200 * MS);
        EXPECT_LT(failure.at, 700 * MS);
        EXPECT_TRUE(failure.recoverAfter.has_value());
        nodes.insert(failure.target);
        times.insert(failure.at);
    }
    EXPECT_EQ(nodes.size(), 4);
    EXPECT_EQ(times.size(), planned.size()); // each node has a process of its own
    EXPECT_EQ(PlannedFailures(scenario).front().at, planned.front().at);
    scenario.sim.seed = 2;
    EXPECT_NE(PlannedFailures(scenario).front().at, planned.front().at);
}

/** What happens to the nodes of a session, in a run of its own. */
std::string
StoryOf(const std::string& failure)
{
    const std::string text = R"([sim]
stop = "100ms"
[group]
managers = 4
[[service]]
[[accelerator]]
[[workload]]
kind = "sessions"
sessions = 3
rate = 1000
protocol = "udp"
[[failure]]
)";
    const Scenario scenario = ParseScenario(text + failure, "x.toml");
    const RunOutcome outcome = RunScenario(scenario, nullptr);
    std::string story;
    for (const EventData& event : outcome.timeline)
    {
        if (event.kind == "crash" || event.kind == "no-target")
        {
            story += event.kind + ' ' + event.node + event.detail + ' ' +
                     std::to_string(event.time.time_since_epoch() / MS) + "ms\n";
        }
    }
    return story + std::to_string(outcome.metrics.ValueOr0("failures.struck")) + " struck, " +
           std::to_string(outcome.metrics.ValueOr0("failures.missed")) + " missed";
}

TEST(FailureScheduleTest, NobodyIsStruckBeforeTheSessionStarts)
{
    EXPECT_EQ(StoryOf("node = \"session[2].tail\"\nat = \"1ms\"\n"),
              "no-target crash finds no session[2].tail 1ms\n0 struck, 1 missed");
}

/** @returns why the run has no result; empty if it has one */
std::string
ErrorAfterRestarts(int restarts)
{
    std::string text = MINIMAL;
    for (int i = 1; i <= restarts; ++i)
    {
        text += "[[failure]]\nnode = \"manager[0]\"\nrecover_after = \"1ms\"\nat = \"" +
                std::to_string(10 * i) + "ms\"\n";
    }
    return RunForked(1,
                     1,
                     [&](std::size_t)
                     {
        return RecordRun(ParseScenario(text, "x.toml"));
           },
                     {})
        .front()
        .error;
}

/** Nobody could tell its next life from its first one. */
TEST(FailureScheduleTest, ANodeThatRestartsTooOftenEndsTheRun)
{
    EXPECT_EQ(ErrorAfterRestarts(NodeApplication::INCARNATION_MAX), "");
    EXPECT_NE(
        ErrorAfterRestarts(NodeApplication::INCARNATION_MAX + 1).find("restarts more than 63"),
        std::string::npos);
}

} // namespace
} // namespace flowchain
