// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-fixture.h"
#include "scenario-reader.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

constexpr const char* TWO_SERVICES = R"([sim]
stop = "1s"
[group]
managers = 4
[chain]
length = 2
release = "chain"
[[service]]
name = "east"
[[service]]
name = "west"
inside = "11.0.0.0/8"
external = "192.0.2.0/24"
[service.group]
count = 2
[service.chain]
length = 4
[[service.accelerator]]
count = 3
[[service.accelerator]]
[[accelerator]]
count = 1
)";

TEST(ScenarioService, ServiceGroupsShareSectionsOrHaveTheirOwn)
{
    const auto s = ParseScenario(TWO_SERVICES, "x.toml", {});
    ASSERT_EQ(s.services.size(), 2U);
    const auto& east = s.services[0];
    const auto& west = s.services[1];
    EXPECT_EQ(east.group.count, 1);
    EXPECT_EQ(east.group.managers, 4);
    EXPECT_EQ(west.group.count, 2);
    EXPECT_EQ(west.group.managers, 4); // as in [group]
    EXPECT_EQ(east.chain.length, 2);
    EXPECT_EQ(west.chain.length, 4);
    EXPECT_EQ(west.chain.release, "chain"); // as in [chain]
    ASSERT_EQ(east.accelerators.size(), 1U);
    EXPECT_EQ(east.accelerators[0].count, 1);
    ASSERT_EQ(west.accelerators.size(), 2U);
    EXPECT_EQ(west.accelerators[0].count, 3);

    // Written and read again, it is the same.
    const auto text = ResolvedToml(s);
    EXPECT_EQ(ResolvedToml(ParseScenario(text, "x.toml", {})), text);
    EXPECT_NE(text.find("\n[service.group]\n"), std::string::npos);
    EXPECT_NE(text.find("\n[[service.accelerator]]\n"), std::string::npos);
}

TEST(ScenarioService, SeveralServiceGroupsHaveADirectoryEach)
{
    const auto directories = MakeDirectories(ParseScenario(TWO_SERVICES, "x.toml", {}));
    ASSERT_EQ(directories.services.size(), 2U);
    const auto& east = directories.services[0];
    const auto& west = directories.services[1];
    // 2 clients, 2 servers; 1 + 4 + 4; 5 + 8 + 4; controller.
    ASSERT_EQ(east.nodes.size(), 31U);
    EXPECT_EQ(west.nodes.size(), 31U);
    EXPECT_EQ(east.controller, 30);
    EXPECT_EQ(west.controller, 30);
    EXPECT_EQ(east.accelerators, (std::vector<NodeId>{4}));
    EXPECT_EQ(east.groups, (std::vector<std::vector<NodeId>>{{5, 6, 7, 8}}));
    EXPECT_EQ(east.serviceNodes, (std::vector<NodeId>{9, 10, 11, 12}));
    EXPECT_EQ(west.accelerators, (std::vector<NodeId>{13, 14, 15, 16, 17}));
    EXPECT_EQ(west.groups, (std::vector<std::vector<NodeId>>{{18, 19, 20, 21}, {22, 23, 24, 25}}));
    EXPECT_EQ(west.serviceNodes, (std::vector<NodeId>{26, 27, 28, 29}));
    EXPECT_EQ(west.inside.address, 0x0b000000U);
    for (NodeId node = 4; node < 30; ++node)
    {
        EXPECT_EQ(west.nodes[node].service, node < 13 ? 0 : 1) << node;
    }
    EXPECT_EQ(west.nodes[18].group, 0);
    EXPECT_EQ(west.nodes[25].group, 1);
    EXPECT_EQ(NodeName(east, 0), "client[0]");
    EXPECT_EQ(NodeName(east, 9), "east.service[0]");
    EXPECT_EQ(NodeName(east, 17), "west.accelerator[4]");
    EXPECT_EQ(NodeName(west, 25), "west.manager[7]");
    EXPECT_EQ(NodeName(west, 30), "controller");
    EXPECT_EQ(FindNode(east, "west.service[3]"), 29);
    const auto& network = directories.network;
    EXPECT_EQ(network.accelerators, (std::vector<NodeId>{4, 13, 14, 15, 16, 17}));
    EXPECT_EQ(network.groups,
              (std::vector<std::vector<NodeId>>{{5, 6, 7, 8}, {18, 19, 20, 21}, {22, 23, 24, 25}}));
    EXPECT_EQ(network.serviceNodes, (std::vector<NodeId>{9, 10, 11, 12, 26, 27, 28, 29}));
    EXPECT_EQ(FindNode(east, "service[3]"), NO_NODE);
}

TEST(ScenarioService, SeveralServiceGroupsAreChecked)
{
    const auto errors = [](const std::string& second, const std::string& rest = "")
    {
        return ErrorsOf("[sim]\nstop = \"1s\"\n[[service]]\nname = \"east\"\n[[service]]\n" +
                        second + "[[accelerator]]\n" + rest);
    };
    const std::string west = "name = \"west\"\ninside = \"11.0.0.0/8\"\n"
                             "external = \"192.0.2.0/24\"\n"; // lines 6 to 8
    EXPECT_EQ(errors(west), "");
    EXPECT_EQ(errors("name = \"west\"\n"),
              "x.toml:5:1: error: service[1].inside: 10.0.0.0/8 overlaps service[0].inside "
              "(10.0.0.0/8)\n"
              "x.toml:5:1: error: service[1].external: 203.0.113.0/24 overlaps "
              "service[0].external (203.0.113.0/24)");
    EXPECT_EQ(errors("name = \"west\"\ninside = \"11.0.0.0/8\"\nexternal = \"10.2.0.0/16\"\n"),
              "x.toml:8:12: error: service[1].external: 10.2.0.0/16 overlaps service[0].inside "
              "(10.0.0.0/8)");
    EXPECT_EQ(errors("name = \"we.st\"\ninside = \"11.0.0.0/8\"\nexternal = \"192.0.2.0/24\"\n"),
              "x.toml:6:8: error: service[1].name: \"we.st\" has other characters than letters, "
              "digits, - and _");
    EXPECT_EQ(errors("name = \"east\"\ninside = \"11.0.0.0/8\"\nexternal = \"192.0.2.0/24\"\n"),
              "x.toml:6:8: error: service[1].name: \"east\" is the name of service[0] too");
    EXPECT_EQ(errors(west + "[service.group]\nmanagers = 2\n"),
              "x.toml:1:1: error: chain.length: 3 is more than service[1].group.managers (2)");
    EXPECT_EQ(errors(west + "[service.chain]\nscheme = \"none\"\n"),
              "x.toml:10:1: error: service[1].chain.scheme: unknown key");
    EXPECT_EQ(errors(west + "[service.chian]\n"),
              "x.toml:9:10: error: service[1].chian: unknown key, did you mean 'chain'?");
    EXPECT_EQ(errors(west + "[[service.accelerator]]\ncount = 0\n"),
              "x.toml:10:9: error: service[1].accelerator[0].count: 0 is out of range, 1 to 160");
    EXPECT_EQ(errors(west + "accelerator = []\n"),
              "x.toml:9:15: error: service[1].accelerator: at least one [[service.accelerator]] is "
              "needed");
    const std::string sessions = "[[workload]]\nkind = \"sessions\"\nsessions = 1\nrate = 1\n";
    EXPECT_EQ(errors(west, sessions),
              "x.toml:10:1: error: workload[0].service: required with several service groups "
              "(east, west)");
    EXPECT_EQ(errors(west, sessions + "service = \"wset\"\n"),
              "x.toml:14:11: error: workload[0].service: no service group \"wset\" (east, west), "
              "did you mean 'west'?");
    EXPECT_EQ(errors(west, sessions + "service = \"west\"\n"), "");
    EXPECT_EQ(
        errors(west, "[[failure]]\nnode = \"service[0]\"\nat = \"1ms\"\n"),
        "x.toml:11:8: error: failure[0].node: no node \"service[0]\" that can fail, there are "
        "east.accelerator[0..1], east.manager[0..2], east.service[0..3], "
        "west.accelerator[0..1], west.manager[0..2], west.service[0..3], controller");
    EXPECT_EQ(
        errors(west + "nodes = 64\n[service.group]\nmanagers = 81\n"),
        "x.toml:1:1: error: topology: 161 nodes (2 clients, 2 servers, 4 accelerators, 84 flow "
        "managers, 68 service nodes, 1 controller) are more than 160");
}

constexpr const char* BALANCER = R"([sim]
stop = "1s"
[[accelerator]]
[[service]]
[[service]]
kind = "lb"
[[service.vip]]
address = "192.0.2.1"
[[service.vip]]
address = "192.0.2.1"
protocol = "udp"
[[service.backend]]
address = "198.51.100.1"
drain_at = "300ms"
[[service.backend]]
address = "198.51.100.2"
port = 8080
weight = 3
restore_at = "200ms"
)";

TEST(ScenarioService, ALoadBalancerHasVipsAndBackends)
{
    const auto s = ParseScenario(BALANCER, "x.toml", {});
    EXPECT_EQ(s.services[0].name, "nat");
    EXPECT_EQ(s.services[1].name, "lb");
    const auto text = ResolvedToml(s);
    EXPECT_EQ(ResolvedToml(ParseScenario(text, "x.toml", {})), text);

    const auto directories = MakeDirectories(s).services;
    EXPECT_EQ(directories[0].function.kind, "nat");
    EXPECT_TRUE(directories[0].function.lb.services.empty());
    const auto& function = directories[1].function;
    EXPECT_EQ(function.kind, "lb");
    EXPECT_EQ(function.nodes, directories[1].serviceNodes);
    ASSERT_EQ(function.lb.services.size(), 2U);
    EXPECT_EQ(function.lb.services[0].endpoint, (Endpoint{0xc0000201, 443}));
    EXPECT_EQ(function.lb.services[0].protocol, IpProtocol::TCP);
    EXPECT_EQ(function.lb.services[1].protocol, IpProtocol::UDP);
    ASSERT_EQ(function.lb.backends.size(), 2U);
    EXPECT_EQ(function.lb.backends[0].address, 0xc6336401U);
    EXPECT_EQ(function.lb.backends[0].port, 0);
    EXPECT_EQ(function.lb.backends[1].port, 8080);
    EXPECT_EQ(function.lb.backends[1].weight, 3);
    ASSERT_EQ(function.lb.changes.size(), 2U); // in order of time
    EXPECT_EQ(function.lb.changes[0].at, Instant(Duration{200'000'000'000}));
    EXPECT_EQ(function.lb.changes[0].backend, 1);
    EXPECT_TRUE(function.lb.changes[0].inService);
    EXPECT_EQ(function.lb.changes[1].backend, 0);
    EXPECT_FALSE(function.lb.changes[1].inService);
}

TEST(ScenarioService, ALoadBalancerIsChecked)
{
    const auto errors = [](const std::string& lines)
    {
        return ErrorsOf("[sim]\nstop = \"1s\"\n[[accelerator]]\n[[service]]\n[[service]]\n"
                        "kind = \"lb\"\n" +
                        lines);
    };
    const std::string vip = "[[service.vip]]\naddress = \"192.0.2.1\"\n";            // lines 7, 8
    const std::string backend = "[[service.backend]]\naddress = \"198.51.100.1\"\n"; // 9, 10
    EXPECT_EQ(errors(vip + backend), "");
    EXPECT_EQ(errors(backend),
              "x.toml:5:1: error: service[1].vip: 1 to 64 [[service.vip]] are needed, not 0");
    EXPECT_EQ(errors(vip + "[[service.backend]]\n"),
              "x.toml:9:1: error: service[1].backend[0].address: required, but missing");
    EXPECT_EQ(
        errors(vip + "[[service.backend]]\naddress = \"198.51.100\"\n"),
        "x.toml:10:11: error: service[1].backend[0].address: \"198.51.100\" is no address such "
        "as \"10.0.0.1\"");
    EXPECT_EQ(errors(vip + "[[service.backend]]\naddress = \"10.1.1.1\"\n"),
              "x.toml:10:11: error: service[1].backend[0].address: 10.1.1.1 overlaps "
              "service[0].inside (10.0.0.0/8)");
    EXPECT_EQ(errors("[[service.vip]]\naddress = \"203.0.113.9\"\n" + backend),
              "x.toml:8:11: error: service[1].vip[0].address: 203.0.113.9 overlaps "
              "service[0].external (203.0.113.0/24)");
    EXPECT_EQ(errors(vip + "[[service.backend]]\naddress = \"192.0.2.1\"\n"),
              "x.toml:10:11: error: service[1].backend[0].address: 192.0.2.1 overlaps "
              "service[1].vip[0].address (192.0.2.1)");
    EXPECT_EQ(errors(vip + vip + backend),
              "x.toml:10:11: error: service[1].vip[1].address: the same as service[1].vip[0]");
    EXPECT_EQ(errors(vip + vip + "port = 80\n" + backend), "");
    EXPECT_EQ(errors(vip + backend + backend + "port = 80\n"),
              "x.toml:12:11: error: service[1].backend[1].address: the same as "
              "service[1].backend[0]");
    EXPECT_EQ(errors("table_size = 100\n" + vip + backend),
              "x.toml:7:14: error: service[1].table_size: 100 is no prime that is more than the "
              "number of backends (1)");
    EXPECT_EQ(errors("port_first = 80\n" + vip + backend),
              "x.toml:7:1: error: service[1].port_first: unknown key");
    EXPECT_EQ(errors(vip + backend + "drian_at = \"1s\"\n"),
              "x.toml:11:1: error: service[1].backend[0].drian_at: unknown key, did you mean "
              "'drain_at'?");
    EXPECT_EQ(errors(vip + backend +
                     "[[workload]]\nservice = \"lb\"\nkind = \"sessions\"\nsessions = 1\nrate = 1\n"
                     "protocol = \"udp\"\n"),
              "x.toml:16:12: error: workload[0].protocol: service group \"lb\" has no "
              "[[service.vip]] of udp");
}

} // namespace
} // namespace flowchain
