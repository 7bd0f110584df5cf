// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-fixture.h"
#include "scenario-reader.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

TEST(ScenarioOverrides, SetValues)
{
    const auto text = MINIMAL + "[[workload]]\nkind = \"sessions\"\nsessions = 5\nrate = 1\n";
    const auto s = ParseScenario(text,
                                 "x.toml",
                                 {"chain.length=2",
                                  "chain.release=immediate",
                                  "workload[0].rate=2000",
                                  "workload[0].gap=\"3us\"",
                                  "topology.loss=0.5%",
                                  "output.pcap=[\"client[0]\"]",
                                  "service[0].nodes=6",
                                  "failure[0].node=service[5]",
                                  "failure[0].at=20ms",
                                  "sim.stop=2s"});
    EXPECT_EQ(s.chain.length, 2);
    EXPECT_EQ(s.chain.release, "immediate");
    EXPECT_EQ(s.workloads[0].sessions.ratePerSecondMilli, 2'000'000);
    EXPECT_EQ(s.workloads[0].sessions.sessions, 5);
    EXPECT_EQ(s.workloads[0].sessions.gap, Duration{3'000'000});
    EXPECT_EQ(s.topology.lossPerMillion, 5000);
    EXPECT_EQ(s.output.pcap, std::vector<std::string>{"client[0]"});
    EXPECT_EQ(s.services.front().nodes, 6);
    ASSERT_EQ(s.failures.size(), 1);
    EXPECT_EQ(s.failures[0].at, Duration{20'000'000'000});
    EXPECT_EQ(s.sim.stop, Duration{2'000'000'000'000});
}

TEST(ScenarioOverrides, LaterOnesWin)
{
    const auto s = ParseScenario(MINIMAL, "x.toml", {"sim.seed=1", "sim.seed=2"});
    EXPECT_EQ(s.sim.seed, 2);
}

TEST(ScenarioOverrides, Errors)
{
    const struct
    {
        std::vector<std::string> overrides;
        const char* messages;
    } rows[] = {
        {{"chain.length=9"}, "-s chain.length: 9 is out of range, 1 to 8"},
        {{"chain.lenght=2"}, "-s chain.lenght: unknown key, did you mean 'length'?"},
        {{"chian.length=2"}, "-s chian.length: chian: unknown section, did you mean 'chain'?"},
        {{"chain.length=two"}, "-s chain.length: expected an integer, got a string"},
        {{"group.managers=2", "chain.length=3"},
         "-s chain.length: 3 is more than group.managers (2)"},
        {{"failure[0].at=1ms"}, "-s failure[0].at: failure[0].node: required, but missing"},
        {{"failure[1].at=1ms"}, "-s failure[1].at: failure has 0 elements, counted from 0"},
        {{"service.nodes=3"}, "-s service.nodes: service is an array, write service[0].nodes"},
        {{"sim[0].seed=3"}, "-s sim[0].seed: sim is no array"},
        {{"sim.seed.x=3"}, "-s sim.seed.x: sim.seed has no keys"},
        {{"sim.seed"}, "-s sim.seed: expected section.key=value"},
        {{"=3"}, "-s =3: expected section.key=value"},
        {{"sim..seed=3"}, "-s sim..seed=3: expected section.key=value"},
        {{"sim[x]=3"}, "-s sim[x]=3: expected section.key=value"},
        {{"sim=3"}, "-s sim: expected one table, written [sim], got an integer"},
        {{"sim.seed=1\nstop = 2"}, "-s sim.seed: expected an integer, got a string"},
    };
    for (const auto& row : rows)
    {
        EXPECT_EQ(ErrorsOf("[sim]\nstop = \"1s\"\nseed = 1\n[[service]]\n[[accelerator]]\n",
                           row.overrides),
                  row.messages);
    }
}

TEST(ScenarioWriter, ResolvedTextReadsBackToTheSameScenario)
{
    const auto text = R"(
[sim]
stop = "1.25s"
seed = 9223372036854775807
[topology]
loss = "0.0001%"
host_rate = "2.5Gbps"
[chain]
position = 2
[[service]]
name = "a \"quoted\" \\ name\twith a tab"
[[accelerator]]
[[accelerator]]
name = "b"
[[workload]]
kind = "sessions"
sessions = 3
rate = 0.125
[[failure]]
node = "manager[0]"
at = "1.5ms"
[[failure]]
node = "manager[1]"
at = "2ms"
recover_after = "250ps"
[output]
pcap = ["client[1]", "all"]
[[expect]]
metric = "failover.recovery_time"
at_most = "1.5s"
[[expect]]
metric = "packets.dropped.queue-full"
at_least = -3
[[expect]]
metric = "trace.digest"
equals = "0123456789012345"
)";
    const auto first = ParseScenario(text, "dir/x.toml");
    const auto resolved = ResolvedToml(first);
    const auto second = ParseScenario(resolved, "dir/x.toml");
    EXPECT_EQ(ResolvedToml(second), resolved);

    EXPECT_NE(resolved.find("\n[chain]\nscheme = \"chain\"\nlength = 3\nposition = 2\n"
                            "release = \"all\"\n"),
              std::string::npos)
        << resolved;
    EXPECT_NE(resolved.find("host_rate = \"2500Mbps\"\n"), std::string::npos);
    EXPECT_NE(resolved.find("rate = 0.125\n"), std::string::npos);
    EXPECT_NE(resolved.find("directory = \"results/x\"\n"), std::string::npos);

    // Every kind of value once more, by hand: equal texts alone could be equally wrong.
    EXPECT_EQ(second.sim.stop, Duration{1'250'000'000'000});
    EXPECT_EQ(second.sim.seed, 9'223'372'036'854'775'807u);
    EXPECT_EQ(second.topology.lossPerMillion, 1);
    EXPECT_EQ(second.topology.hostRateBps, 2'500'000'000);
    EXPECT_EQ(second.chain.position, 2);
    EXPECT_EQ(second.services[0].name, "a \"quoted\" \\ name\twith a tab");
    EXPECT_EQ(second.accelerators.size(), 2);
    EXPECT_EQ(second.workloads.at(0).sessions.ratePerSecondMilli, 125);
    EXPECT_EQ(second.failures.at(0).target, first.failures.at(0).target);
    EXPECT_FALSE(second.failures.at(0).recoverAfter.has_value());
    EXPECT_EQ(second.failures.at(1).recoverAfter, Duration{250});
    EXPECT_EQ(second.output.pcap, first.output.pcap);
    EXPECT_EQ(second.expectations.at(0).number, 1'500'000'000'000);
    EXPECT_EQ(second.expectations.at(1).number, -3);
    EXPECT_EQ(second.expectations.at(2).value, "0123456789012345");
}

TEST(ScenarioDirectory, IdsAreDenseInTheDocumentedOrder)
{
    const auto s = ParseScenario(MINIMAL + "[group]\ncount = 2\nmanagers = 3\n", "x.toml");
    const auto directory = MakeDirectories(s).network;
    ASSERT_EQ(directory.nodes.size(), 17); // 2 + 2 + 2 + 6 + 4 + 1
    EXPECT_EQ(directory.clients, (std::vector<NodeId>{0, 1}));
    EXPECT_EQ(directory.servers, (std::vector<NodeId>{2, 3}));
    EXPECT_EQ(directory.accelerators, (std::vector<NodeId>{4, 5}));
    EXPECT_EQ(directory.groups, (std::vector<std::vector<NodeId>>{{6, 7, 8}, {9, 10, 11}}));
    EXPECT_EQ(directory.serviceNodes, (std::vector<NodeId>{12, 13, 14, 15}));
    EXPECT_EQ(directory.controller, 16);
    EXPECT_EQ(directory.nodes[9].group, 1);
    EXPECT_EQ(NodeName(directory, 1), "client[1]");
    EXPECT_EQ(NodeName(directory, 11), "manager[5]");
    EXPECT_EQ(NodeName(directory, 16), "controller");
    EXPECT_EQ(FindNode(directory, "service[3]"), 15);
    EXPECT_EQ(FindNode(directory, "service[4]"), NO_NODE);
    EXPECT_EQ(LeavesOfNodes(s, directory)[5], 1); // four leaves
}

} // namespace
} // namespace flowchain
