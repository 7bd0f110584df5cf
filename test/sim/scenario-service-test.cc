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

} // namespace
} // namespace flowchain
