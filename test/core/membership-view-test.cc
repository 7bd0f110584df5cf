// SPDX-License-Identifier: GPL-2.0-only
#include "membership-view.h"

#include "directory-builder.h"

#include <gtest/gtest.h>

#include <set>

namespace flowchain
{
namespace
{

using Ids = std::vector<NodeId>;
using Mac = std::array<std::uint8_t, 6>;

/** Nodes 0-1 clients, 2 server, 3-4 accelerators, 5-7 and 8 managers, 9-11 service nodes. */
Directory
SmallDirectory()
{
    Directory directory = DirectoryBuilder()
                              .Clients(2)
                              .Servers(1)
                              .Accelerators(2)
                              .Group(3)
                              .Group(1)
                              .ServiceNodes(3)
                              .Build();
    directory.inside = {0x0a000000, 8};
    return directory;
}

TEST(Prefix, ContainsExactlyItsBlock)
{
    struct Row
    {
        Prefix prefix;
        std::uint32_t address;
        bool contains;
    };
    const Row rows[] = {
        {{0x0a000000, 8}, 0x0a000000, true},
        {{0x0a000000, 8}, 0x0affffff, true},
        {{0x0a000000, 8}, 0x0b000000, false},
        {{0x0a000000, 8}, 0x09ffffff, false},
        {{0xcb007101, 32}, 0xcb007101, true},
        {{0xcb007101, 32}, 0xcb007100, false},
        {{0, 0}, 0xffffffff, true},
    };
    for (const Row& row : rows)
    {
        EXPECT_EQ(row.prefix.Contains(row.address), row.contains) << row.address;
    }
    EXPECT_EQ((Prefix{0, 0}.Size()), std::uint64_t{1} << 32);
    EXPECT_EQ((Prefix{0, 24}.Size()), 256U);
    EXPECT_EQ((Prefix{0, 32}.Size()), 1U);
}

TEST(Directory, AHostIsAClientExactlyForInsideAddresses)
{
    const Directory directory = SmallDirectory();
    std::set<NodeId> hosts;
    for (std::uint32_t i = 0; i < 100; ++i)
    {
        const NodeId host = directory.HostOf(0x0a000000 + i);
        EXPECT_EQ(directory.nodes[host].role, NodeRole::CLIENT);
        EXPECT_EQ(directory.HostOf(0x0a000000 + i), host);
        hosts.insert(host);
        EXPECT_EQ(directory.HostOf(0xc6336400 + i), 2);
    }
    EXPECT_EQ(hosts, (std::set<NodeId>{0, 1}));
}

TEST(Directory, NodesHaveAddressesOfTheirOwn)
{
    EXPECT_EQ(MacOf(0), (Mac{0x02, 0xfc, 0, 0, 0, 0}));
    EXPECT_EQ(MacOf(0x1234), (Mac{0x02, 0xfc, 0, 0, 0x12, 0x34}));
    EXPECT_EQ(UnderlayAddressOf(0), 0xac100001U);   // 172.16.0.1
    EXPECT_EQ(UnderlayAddressOf(159), 0xac1000a0U); // 172.16.0.160
    EXPECT_EQ(UnderlayAddressOf(255), 0xac100100U); // 172.16.1.0
}

TEST(MembershipView, InitialViewHasEverybodyActive)
{
    const Directory directory = SmallDirectory();
    const MembershipView view = MembershipView::Initial(directory);
    EXPECT_EQ(view.Epoch(), 1U);
    EXPECT_EQ(view.Body().count, 12);
    for (NodeId node = 0; node < 12; ++node)
    {
        EXPECT_TRUE(view.IsActive(node));
        EXPECT_EQ(view.Incarnation(node), 0);
    }
    EXPECT_EQ(view.ActiveAccelerators(), (Ids{3, 4}));
    EXPECT_EQ(view.ActiveGroups(), (std::vector<Ids>{{5, 6, 7}, {8}}));
    EXPECT_EQ(view.ActiveServiceNodes(), (Ids{9, 10, 11}));
    EXPECT_EQ(view.MemberServiceNodes(), (Ids{9, 10, 11}));
}

TEST(MembershipView, WithoutAViewEverybodyIsDown)
{
    const Directory directory = SmallDirectory();
    const MembershipView view(directory);
    EXPECT_EQ(view.Epoch(), 0U);
    EXPECT_EQ(view.Body().count, 12);
    for (NodeId node = 0; node < 12; ++node)
    {
        EXPECT_FALSE(view.IsActive(node));
        EXPECT_FALSE(view.IsMember(node));
    }
    EXPECT_TRUE(view.ActiveAccelerators().empty());
    EXPECT_EQ(view.ActiveGroups(), (std::vector<Ids>{{}, {}}));
    EXPECT_TRUE(view.ActiveServiceNodes().empty());
    EXPECT_TRUE(view.MemberServiceNodes().empty());
}

TEST(MembershipView, ListsFollowAnAdoptedView)
{
    const Directory directory = SmallDirectory();
    MembershipView view = MembershipView::Initial(directory);
    ViewBody body = view.Body();
    body.epoch = 7;
    body.members[4].status = MemberStatus::DOWN;
    body.members[5].status = MemberStatus::DOWN;
    body.members[8].status = MemberStatus::DOWN;
    body.members[9].status = MemberStatus::JOINING;
    body.members[9].incarnation = 2;
    body.members[10].status = MemberStatus::DOWN;
    view.Adopt(body);

    EXPECT_EQ(view.Epoch(), 7U);
    EXPECT_EQ(view.ActiveAccelerators(), (Ids{3}));
    EXPECT_EQ(view.ActiveGroups(), (std::vector<Ids>{{6, 7}, {}}));
    EXPECT_EQ(view.ActiveServiceNodes(), (Ids{11}));
    EXPECT_EQ(view.MemberServiceNodes(), (Ids{9, 11}));
    EXPECT_TRUE(view.IsMember(9));
    EXPECT_FALSE(view.IsActive(9));
    EXPECT_EQ(view.Incarnation(9), 2);
    EXPECT_FALSE(view.IsMember(10));
}

TEST(MembershipView, EveryRoleHasAName)
{
    EXPECT_STREQ(ToString(NodeRole::CLIENT), "client");
    EXPECT_STREQ(ToString(NodeRole::SERVER), "server");
    EXPECT_STREQ(ToString(NodeRole::ACCELERATOR), "accelerator");
    EXPECT_STREQ(ToString(NodeRole::MANAGER), "manager");
    EXPECT_STREQ(ToString(NodeRole::SERVICE_NODE), "service-node");
    EXPECT_STREQ(ToString(NodeRole::CONTROLLER), "controller");
}

TEST(MembershipViewDeathTest, AViewOfAnotherNumberOfNodesIsABrokenInvariant)
{
    const Directory directory = SmallDirectory();
    MembershipView view(directory);
    ViewBody body = view.Body();
    body.count = 11;
    EXPECT_DEATH(view.Adopt(body), "");
}

} // namespace
} // namespace flowchain
