// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-fixture.h"
#include "scenario-reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>

namespace flowchain
{
namespace
{

TEST(ScenarioReader, MinimalScenarioHasTheDefaults)
{
    const auto s = ParseScenario(MINIMAL, "some/where/first.toml");
    EXPECT_EQ(s.name, "first");
    EXPECT_EQ(s.path, "some/where/first.toml");
    EXPECT_EQ(s.sim.stop, Duration{1'000'000'000'000});
    EXPECT_EQ(s.sim.scheduler, "quaternary-heap");
    EXPECT_EQ(s.chain.position, 0);
    EXPECT_EQ(s.chain.release, "all");
    EXPECT_EQ(s.accelerators.size(), 1);
    EXPECT_EQ(s.accelerators[0].count, 2);
    EXPECT_TRUE(s.workloads.empty());
    EXPECT_EQ(s.output.directory, "results/first");
}

TEST(ScenarioReader, ReadsEveryKindOfValue)
{
    const auto s = ParseScenario(R"(
[sim]
stop = "1.5s"
warmup = "250ps"
seed = 42
scheduler = "calendar"
[topology]
fabric = "point-to-point"
host_rate = "2.5Gbps"
queue_limit = 7
loss = "0.1%"
[group]
managers = 5
cores = 2
packet_cost = "500ns"
[chain]
length = 4
position = 3
[[service]]
inside = "192.168.0.0/16"
tcp_strict = false
[[accelerator]]
name = "north"
count = 3
queue = 99
[[accelerator]]
name = "south"
count = 1
[[workload]]
kind = "sessions"
sessions = 10
rate = 0.5
payload = "1.5kB"
[[workload]]
name = "second"
kind = "sessions"
start = "20us"
sessions = 1
rate = 2000
[[failure]]
node = "manager[4]"
at = "60ms"
recover_after = "1ms"
[output]
directory = "out/here"
result = false
pcap = ["client[0]", "controller"]
[[expect]]
metric = "latency.first_packet.p99"
at_most = "60ms"
[[expect]]
metric = "sessions.lost"
equals = 0
)",
                                 "x.toml");
    EXPECT_EQ(s.sim.stop, Duration{1'500'000'000'000});
    EXPECT_EQ(s.sim.warmup, Duration{250});
    EXPECT_EQ(s.sim.seed, 42);
    EXPECT_EQ(s.sim.scheduler, "calendar");
    EXPECT_EQ(s.topology.fabric, "point-to-point");
    EXPECT_EQ(s.topology.hostRateBps, 2'500'000'000);
    EXPECT_EQ(s.topology.queueFrames, 7);
    EXPECT_EQ(s.topology.lossPerMillion, 1000);
    EXPECT_EQ(s.group.processing.cores, 2);
    EXPECT_EQ(s.group.processing.packetCost, Duration{500'000});
    EXPECT_EQ(s.group.processing.messageCost, Duration{200'000}); // the default stays
    EXPECT_EQ(s.chain.position, 3);
    EXPECT_EQ(s.services[0].inside.address, 0xc0a80000);
    EXPECT_EQ(s.services[0].inside.length, 16);
    EXPECT_FALSE(s.services[0].tcpStrict);
    ASSERT_EQ(s.accelerators.size(), 2);
    EXPECT_EQ(s.accelerators[0].processing.queueFrames, 99);
    EXPECT_EQ(s.accelerators[1].name, "south");
    ASSERT_EQ(s.workloads.size(), 2);
    EXPECT_EQ(s.workloads[0].name, "workload[0]");
    EXPECT_EQ(s.workloads[0].sessions.ratePerSecondMilli, 500);
    EXPECT_EQ(s.workloads[0].sessions.payloadBytes, 1500);
    EXPECT_EQ(s.workloads[1].sessions.ratePerSecondMilli, 2'000'000);
    EXPECT_EQ(s.workloads[1].start, Duration{20'000'000});
    ASSERT_EQ(s.failures.size(), 1);
    // 2 clients, 2 servers, 4 accelerators, then the managers
    EXPECT_EQ(s.failures[0].target, 12);
    EXPECT_EQ(s.failures[0].recoverAfter, Duration{1'000'000'000});
    EXPECT_EQ(s.output.directory, "out/here");
    EXPECT_EQ(s.output.pcap, (std::vector<std::string>{"client[0]", "controller"}));
    ASSERT_EQ(s.expectations.size(), 2);
    EXPECT_TRUE(s.expectations[0].isDuration);
    EXPECT_EQ(s.expectations[0].number, 60'000'000'000);
    EXPECT_EQ(s.expectations[0].line, 48);
    EXPECT_EQ(s.expectations[1].comparison, "equals");
    EXPECT_EQ(s.expectations[1].number, 0);
}

/** Lines to add behind MINIMAL: the first is line 8 of the file. */
struct BadInput
{
    const char* lines;
    const char* messages;
};

class ScenarioReaderErrors : public testing::TestWithParam<BadInput>
{
};

TEST_P(ScenarioReaderErrors, AreReportedWithTheirPlace)
{
    EXPECT_EQ(ErrorsOf(MINIMAL + GetParam().lines), GetParam().messages);
}

// Keys and sections that are not part of the format.
INSTANTIATE_TEST_SUITE_P(
    Unknown,
    ScenarioReaderErrors,
    testing::Values(
        BadInput{"[topology]\n  leafs = 4\n",
                 "x.toml:9:3: error: topology.leafs: unknown key, did you mean 'leaves'?"},
        BadInput{"[chian]\nlength = 2\n",
                 "x.toml:8:2: error: chian: unknown section, did you mean 'chain'?"},
        BadInput{"[topology]\nwheels = 4\n", "x.toml:9:1: error: topology.wheels: unknown key"},
        BadInput{"[group]\nprocessing = {cores = 2}\n",
                 "x.toml:9:1: error: group.processing: unknown key"},
        BadInput{"[[workload]]\nkind = \"sessions\"\nsessions = 1\nrate = 1\nfile = \"a\"\n",
                 "x.toml:12:1: error: workload[0].file: unknown key"},
        BadInput{"[[failure]]\nnode = \"manager[0]\"\nat = \"1ms\"\nrecover = \"2ms\"\n",
                 "x.toml:11:1: error: failure[0].recover: unknown key"}));

INSTANTIATE_TEST_SUITE_P(
    Types,
    ScenarioReaderErrors,
    testing::Values(
        BadInput{"[topology]\nleaves = \"4\"\n",
                 "x.toml:9:10: error: topology.leaves: expected an integer, got a string"},
        BadInput{"[topology]\nleaves = 4.0\n",
                 "x.toml:9:10: error: topology.leaves: expected an integer, got a floating-point "
                 "number"},
        BadInput{"[topology]\nhost_delay = 500\n",
                 "x.toml:9:14: error: topology.host_delay: expected a duration such as \"60ms\", "
                 "got an integer"},
        BadInput{"[topology]\nloss = 0.001\n",
                 "x.toml:9:8: error: topology.loss: expected a percentage such as \"0.1%\", got a "
                 "floating-point number"},
        BadInput{"[output]\nresult = 1\n",
                 "x.toml:9:10: error: output.result: expected true or false, got an integer"},
        BadInput{"[output]\npcap = \"all\"\n",
                 "x.toml:9:8: error: output.pcap: expected an array of strings, got a string"},
        BadInput{"[output]\npcap = [\"all\", 2]\n",
                 "x.toml:9:16: error: output.pcap[1]: expected a string, got an integer"},
        BadInput{"[chain]\nposition = true\n",
                 "x.toml:9:12: error: chain.position: expected \"tail\" or an integer"},
        BadInput{"[[chain]]\nlength = 2\n",
                 "x.toml:8:1: error: chain: expected one table, written [chain], got an array"},
        BadInput{"[failure]\nnode = \"manager[0]\"\n",
                 "x.toml:8:1: error: failure: expected tables, each written [[failure]], got a "
                 "table"},
        BadInput{"[[workload]]\nkind = \"sessions\"\nsessions = 1\nrate = \"1\"\n",
                 "x.toml:11:8: error: workload[0].rate: expected a number, got a string"}));

INSTANTIATE_TEST_SUITE_P(
    Values,
    ScenarioReaderErrors,
    testing::Values(
        BadInput{"[chain]\nlength = 9\n",
                 "x.toml:9:10: error: chain.length: 9 is out of range, 1 to 8"},
        BadInput{"[chain]\nlength = 0\n",
                 "x.toml:9:10: error: chain.length: 0 is out of range, 1 to 8"},
        BadInput{"[chain]\nrelease = \"al\"\n",
                 "x.toml:9:11: error: chain.release: \"al\" is not possible (immediate, chain, "
                 "all, tail), did you mean 'all'?"},
        BadInput{"[topology]\nhost_rate = \"0Gbps\"\n",
                 "x.toml:9:13: error: topology.host_rate: 0bps is out of range, 1bps to 1000Tbps"},
        BadInput{"[topology]\nhost_delay = \"2s\"\n",
                 "x.toml:9:14: error: topology.host_delay: 2s is out of range, 0s to 1s"},
        BadInput{"[sync]\nretransmit_timeout = \"60mss\"\n",
                 "x.toml:9:22: error: sync.retransmit_timeout: \"60mss\" is no duration such as "
                 "\"60ms\" (units: ps, ns, us, ms, s)"},
        BadInput{"[output]\ndirectory = \"\"\n",
                 "x.toml:9:13: error: output.directory: must not be empty"},
        BadInput{"[[workload]]\nkind = \"sessions\"\nsessions = 1\nrate = 0.0005\n",
                 "x.toml:11:8: error: workload[0].rate: 0.0005 is not a multiple of 0.001"},
        BadInput{"[[workload]]\nkind = \"sessions\"\nsessions = 1\nrate = -1.5\n",
                 "x.toml:11:8: error: workload[0].rate: -1.5 is out of range, 0.001 to "
                 "1000000000.0"},
        BadInput{"[[workload]]\nkind = \"sessions\"\nsessions = 1\nrate = nan\n",
                 "x.toml:11:8: error: workload[0].rate: nan is out of range, 0.001 to "
                 "1000000000.0"},
        BadInput{"[[workload]]\nkind = \"sesions\"\nsessions = 1\nrate = 2\n",
                 "x.toml:9:8: error: workload[0].kind: \"sesions\" is not possible (replay, "
                 "sessions), did you mean 'sessions'?"}));

INSTANTIATE_TEST_SUITE_P(
    Missing,
    ScenarioReaderErrors,
    testing::Values(BadInput{"[[workload]]\nstart = \"1ms\"\n",
                             "x.toml:8:1: error: workload[0].kind: required, but missing"},
                    BadInput{"[[workload]]\nkind = \"sessions\"\nrate = 1\n",
                             "x.toml:8:1: error: workload[0].sessions: required, but missing"},
                    BadInput{"[[failure]]\nat = \"1ms\"\n[[failure]]\nnode = \"manager[0]\"\n",
                             "x.toml:8:1: error: failure[0].node: required, but missing\n"
                             "x.toml:10:1: error: failure[1].at: required, but missing"},
                    BadInput{
                        "[[expect]]\nmetric = \"sessions.lost\"\n",
                        "x.toml:8:1: error: expect[0]: needs one of equals, at_most, at_least"}));

INSTANTIATE_TEST_SUITE_P(
    Expectations,
    ScenarioReaderErrors,
    testing::Values(
        BadInput{"[[expect]]\nmetric = \"session.lost\"\nequals = 0\n",
                 "x.toml:9:10: error: expect[0].metric: unknown metric \"session.lost\", did you "
                 "mean 'sessions.lost'?"},
        BadInput{"[[expect]]\nmetric = \"sessions.lost\"\nequals = 0\nat_most = 1\n",
                 "x.toml:11:11: error: expect[0].at_most: stands beside equals, only one "
                 "comparison is possible"},
        BadInput{"[[expect]]\nmetric = \"sessions.lost\"\nequals = \"0\"\n",
                 "x.toml:10:10: error: expect[0].equals: sessions.lost is a number of sessions, "
                 "expected an integer"},
        BadInput{"[[expect]]\nmetric = \"sessions.lost\"\nequals = 0.5\n",
                 "x.toml:10:10: error: expect[0].equals: expected an integer or a string, got a "
                 "floating-point number"},
        BadInput{"[[expect]]\nmetric = \"failover.recovery_time\"\nat_most = 60\n",
                 "x.toml:10:11: error: expect[0].at_most: \"60\" is no duration such as \"60ms\" "
                 "(units: ps, ns, us, ms, s)"},
        BadInput{"[[expect]]\nmetric = \"trace.digest\"\nat_most = \"ab\"\n",
                 "x.toml:10:11: error: expect[0].at_most: trace.digest is a text, expected equals "
                 "= \"...\""}));

// What is wrong between keys that are each right.
INSTANTIATE_TEST_SUITE_P(
    CrossChecks,
    ScenarioReaderErrors,
    testing::Values(
        BadInput{"[group]\nmanagers = 2\n[chain]\nlength = 3\n",
                 "x.toml:11:10: error: chain.length: 3 is more than group.managers (2)"},
        BadInput{"[chain]\nlength = 2\nposition = 3\n",
                 "x.toml:10:12: error: chain.position: 3 is more than chain.length (2)"},
        BadInput{"[controller]\nheartbeat_interval = \"5ms\"\ndetection_timeout = \"5ms\"\n",
                 "x.toml:10:21: error: controller.detection_timeout: 5ms is not more than "
                 "controller.heartbeat_interval (5ms)"},
        BadInput{"[sync]\nretransmit_timeout = \"60ms\"\n",
                 "x.toml:8:1: error: sync.retransmit_timeout_max: 50ms is less than "
                 "sync.retransmit_timeout (60ms)"},
        BadInput{"[group]\ncount = 50\n",
                 "x.toml:1:1: error: topology: 161 nodes (2 clients, 2 servers, 2 accelerators, "
                 "150 flow managers, 4 service nodes, 1 controller) are more than 160"},
        BadInput{"[[failure]]\nnode = \"manager[3]\"\nat = \"1ms\"\n",
                 "x.toml:9:8: error: failure[0].node: no node \"manager[3]\" that can fail, there "
                 "are accelerator[0..1], manager[0..2], service[0..3], controller"},
        BadInput{"[[failure]]\nkind = \"drain\"\nnode = \"controller\"\nat = \"1ms\"\n",
                 "x.toml:10:8: error: failure[0].node: no node \"controller\" that can fail, there "
                 "are accelerator[0..1], manager[0..2], service[0..3]"},
        BadInput{"[[failure]]\nkind = \"add\"\nnode = \"service[0]\"\nat = \"9ms\"\n"
                 "[[failure]]\nnode = \"service[0]\"\nat = \"5ms\"\n",
                 "x.toml:14:6: error: failure[1].at: service[0] is not there before failure[0]"},
        BadInput{"[[failure]]\nkind = \"add\"\nnode = \"service[0]\"\nat = \"0s\"\n",
                 "x.toml:11:6: error: failure[0].at: a node that is there from the start is not "
                 "added"},
        BadInput{"[[failure]]\nnode = \"client[0]\"\nat = \"1ms\"\n",
                 "x.toml:9:8: error: failure[0].node: no node \"client[0]\" that can fail, there "
                 "are accelerator[0..1], manager[0..2], service[0..3], controller"},
        BadInput{"[[failure]]\nnode = \"service[0]\"\nat = \"1s\"\n",
                 "x.toml:10:6: error: failure[0].at: 1s is not before sim.stop (1s)"},
        BadInput{"[[failure]]\nnode = \"service[0]\"\nat = \"1ms\"\nrecover_after = \"9ms\"\n"
                 "[[failure]]\nnode = \"service[0]\"\nat = \"10ms\"\n",
                 "x.toml:14:6: error: failure[1].at: service[0] is still down from failure[0] "
                 "then"},
        BadInput{"[output]\npcap = [\"controller\", \"manger[0]\"]\n",
                 "x.toml:9:23: error: output.pcap[1]: no node \"manger[0]\", did you mean "
                 "'manager[0]'?"},
        BadInput{"[[workload]]\nname = \"a\"\nkind = \"replay\"\nfile = \"none.pcap\"\n",
                 "x.toml:11:8: error: workload[0].file: no such file: none.pcap"},
        BadInput{"[[workload]]\nkind = \"sessions\"\nsessions = 1\nrate = 1\nstart = \"2s\"\n",
                 "x.toml:12:9: error: workload[0].start: 2s is not before sim.stop (1s)"},
        BadInput{"[[workload]]\nkind = \"sessions\"\nsessions = 1\nrate = 1\n"
                 "protocol = \"udp\"\npackets = 0\n",
                 "x.toml:13:11: error: workload[0].packets: a udp session has at least one packet"},
        BadInput{"[[workload]]\nname = \"a\"\nkind = \"sessions\"\nsessions = 1\nrate = 1\n"
                 "[[workload]]\nname = \"a\"\nkind = \"sessions\"\nsessions = 1\nrate = 1\n",
                 "x.toml:14:8: error: workload[1].name: \"a\" is the name of workload[0] too"}));

TEST(ScenarioReader, ServiceChecks)
{
    const auto errors = [](const std::string& lines)
    {
        return ErrorsOf("[sim]\nstop = \"1s\"\n[[accelerator]]\n[[service]]\n" + lines);
    };
    EXPECT_EQ(errors("port_first = 1024\nport_last = 1026\n"),
              "x.toml:6:13: error: service[0].port_last: 3 ports (1024 to 1026) are too few for a "
              "block for each of 4 nodes");
    EXPECT_EQ(errors("port_first = 1024\nport_last = 1027\n"), "");
    EXPECT_EQ(errors("external = \"10.1.0.0/16\"\n"),
              "x.toml:5:12: error: service[0].external: 10.1.0.0/16 overlaps service[0].inside "
              "(10.0.0.0/8)");
    EXPECT_EQ(errors("inside = \"172.16.4.0/24\"\n"),
              "x.toml:5:10: error: service[0].inside: 172.16.4.0/24 overlaps 172.16.0.0/16, the "
              "addresses of the nodes themselves");
    EXPECT_EQ(errors("external = \"198.19.0.0/24\"\n"),
              "x.toml:5:12: error: service[0].external: 198.19.0.0/24 overlaps 198.18.0.0/15, the "
              "addresses of generated servers");
    EXPECT_EQ(errors("inside = \"10.0.0.0/32\"\n"),
              "x.toml:5:10: error: service[0].inside: 10.0.0.0/32 has fewer addresses than "
              "topology.clients (2)");
    EXPECT_EQ(errors("kind = \"balancer\"\n"),
              "x.toml:5:8: error: service[0].kind: \"balancer\" is not possible (nat, lb)");
}

TEST(ScenarioReader, TheLeastLoadedNodeNeedsManagersThatKnowTheSessions)
{
    const std::string rule = "[selection]\nservice_node = \"least-loaded\"\n";
    const auto scheme = [](const std::string& name)
    {
        return "[chain]\nscheme = \"" + name + "\"\n";
    };
    EXPECT_EQ(ErrorsOf(MINIMAL + rule), "");
    EXPECT_EQ(ErrorsOf(MINIMAL + rule + scheme("fan-out")), "");
    for (const std::string name : {"none", "mesh", "pair", "store", "director"})
    {
        EXPECT_EQ(
            ErrorsOf(MINIMAL + rule + scheme(name)),
            "x.toml:9:16: error: selection.service_node: \"least-loaded\" needs flow managers "
            "that know the sessions; under scheme \"" +
                name + "\" they do not (\"chain\" and \"fan-out\" have such managers)");
    }
}

TEST(ScenarioReader, RequiredSections)
{
    EXPECT_EQ(ErrorsOf(""),
              "x.toml:1:1: error: sim.stop: required, but missing\n"
              "x.toml:1:1: error: service: at least one [[service]] is needed\n"
              "x.toml:1:1: error: accelerator: at least one [[accelerator]] is needed");
}

TEST(ScenarioReader, LimitsThemselvesAreLegal)
{
    const auto s = ParseScenario(MINIMAL + "[topology]\nclients = 1\n[group]\ncount = 50\n",
                                 "x.toml",
                                 {"sim.seed=0", "chain.length=3", "topology.loss=100%"});
    EXPECT_EQ(MakeDirectories(s).network.nodes.size(), MAX_NODES); // 1 + 2 + 2 + 150 + 4 + 1
    EXPECT_EQ(s.sim.seed, 0);
    EXPECT_EQ(s.topology.lossPerMillion, 1'000'000);
}

/** A text with some of its characters replaced, left out or doubled is a scenario or an error. */
RC_GTEST_PROP(ScenarioReader, SurvivesDamagedText, ())
{
    std::string text = MINIMAL + R"([[workload]]
kind = "sessions"
sessions = 10
rate = 0.5
[[failure]]
node = "manager[1]"
at = "60ms"
[output]
pcap = ["client[0]", "all"]
[[expect]]
metric = "sessions.lost"
at_most = 0
)";
    const auto edits = *rc::gen::inRange(1, 8);
    for (int i = 0; i < edits; ++i)
    {
        const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
        const auto length = *rc::gen::inRange<std::size_t>(0, 12);
        text.replace(at,
                     length,
                     *rc::gen::element<std::string>(
                         "", "[", "]]", "=", "\"", "-1", "\n", ".", "0", "s", "{a=1}", "\xff"));
    }
    try
    {
        const auto scenario = ParseScenario(text, "x.toml");
        RC_ASSERT(ResolvedToml(ParseScenario(ResolvedToml(scenario), "x.toml")) ==
                  ResolvedToml(scenario));
    }
    catch (const ScenarioError& error)
    {
        RC_ASSERT(!error.Messages().empty());
    }
}

TEST(ScenarioReader, TomlItself)
{
    EXPECT_EQ(ErrorsOf("[sim]\nstop = \n").substr(0, 20), "x.toml:2:8: error: E");
    EXPECT_NE(ErrorsOf("[sim]\nseed = 1\nseed = 2\n").find("x.toml:3:8: error: "),
              std::string::npos)
        << "a key written twice: " << ErrorsOf("[sim]\nseed = 1\nseed = 2\n");
}

TEST(ScenarioReader, SeveralErrorsComeInTheOrderOfTheFile)
{
    EXPECT_EQ(
        ErrorsOf(MINIMAL + "[output]\nresult = 2\n[chain]\nlenght = 2\nrelease = \"no\"\n"
                           "[group]\ncount = 0\n"),
        "x.toml:9:10: error: output.result: expected true or false, got an integer\n"
        "x.toml:11:1: error: chain.lenght: unknown key, did you mean 'length'?\n"
        "x.toml:12:11: error: chain.release: \"no\" is not possible (immediate, chain, all, tail)\n"
        "x.toml:14:9: error: group.count: 0 is out of range, 1 to 160");
}

TEST(ScenarioReader, ShowsTwentyErrorsAndCountsTheRest)
{
    std::string text = MINIMAL + "[topology]\n";
    for (int i = 0; i < 23; ++i)
    {
        text += "unknown_" + std::to_string(i) + " = 1\n";
    }
    try
    {
        ParseScenario(text, "x.toml");
        FAIL();
    }
    catch (const ScenarioError& error)
    {
        ASSERT_EQ(error.Messages().size(), 21);
        EXPECT_EQ(error.Messages()[19], "x.toml:28:1: error: topology.unknown_19: unknown key");
        EXPECT_EQ(error.Messages()[20], "x.toml: 3 more errors");
    }
}

TEST(ScenarioReader, FilesThatCannotBeRead)
{
    const auto what = [](const std::string& path) -> std::string
    {
        try
        {
            ReadScenario(path);
            return "";
        }
        catch (const ScenarioError& error)
        {
            return error.what();
        }
    };
    EXPECT_EQ(what("/no/such.toml"), "/no/such.toml: No such file or directory");
    EXPECT_EQ(what("/tmp"), "/tmp: is a directory");
}

TEST(ScenarioReader, ReplayFileIsFoundBesideTheScenario)
{
    const auto folder = std::filesystem::path(testing::TempDir()) / "scenario-reader-test";
    std::filesystem::create_directories(folder / "data");
    std::ofstream(folder / "data" / "a.pcap") << "x";
    std::ofstream(folder / "s.toml")
        << MINIMAL << "[[workload]]\nkind = \"replay\"\nfile = \"data/a.pcap\"\n";
    const auto s = ReadScenario((folder / "s.toml").string());
    EXPECT_EQ(s.workloads.at(0).replay.file, "data/a.pcap");
    EXPECT_EQ(s.workloads.at(0).replay.fileResolved, (folder / "data/a.pcap").string());
    std::filesystem::remove_all(folder);
}

} // namespace
} // namespace flowchain
