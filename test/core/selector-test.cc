// SPDX-License-Identifier: GPL-2.0-only
#include "selector.h"

#include "directory-builder.h"
#include "selection-flows.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace flowchain
{
namespace
{

/** All four selections with the signature of three of them. */
NodeId
SelectAdopter(const FlowKey& key, const MembershipView& view)
{
    const std::uint64_t serial = (std::uint64_t{key.source.address} << 16) | key.source.port;
    return Selector::Adopter(MakeSessionId(3, serial), view);
}

using Select = NodeId (*)(const FlowKey&, const MembershipView&);

struct Purpose
{
    const char* name;
    Select select;
};

const Purpose PURPOSES[] = {
    {"manager", Selector::Manager},
    {"service node", Selector::ServiceNode},
    {"accelerator", Selector::Accelerator},
    {"adopter", SelectAdopter},
};

/** Nodes 0-5 accelerators, 6-9, 10-11 and 12-14 managers, 15-24 service nodes. */
Directory
MidDirectory()
{
    return DirectoryBuilder().Accelerators(6).Group(4).Group(2).Group(3).ServiceNodes(10).Build();
}

TEST(Selector, SharesAreEqual)
{
    const Directory directory = MidDirectory();
    const MembershipView view = MembershipView::Initial(directory);
    std::map<NodeId, std::uint32_t> serviceNodes;
    std::map<NodeId, std::uint32_t> accelerators;
    std::map<NodeId, std::uint32_t> adopters;
    for (std::uint32_t i = 0; i < FLOWS; ++i)
    {
        ++serviceNodes[Selector::ServiceNode(Flow(i), view)];
        ++accelerators[Selector::Accelerator(Flow(i), view)];
        ++adopters[SelectAdopter(Flow(i), view)];
    }
    EXPECT_TRUE(AreEqualShares(serviceNodes, 10));
    EXPECT_TRUE(AreEqualShares(accelerators, 6));
    EXPECT_TRUE(AreEqualShares(adopters, 10));
}

TEST(Selector, AManagerIsPickedInTwoStages)
{
    // Group 0 has the nodes 0-3: stages that are not independent would favour node 0 in it.
    const Directory directory = DirectoryBuilder().Group(4).Group(2).Group(3).Build();
    const MembershipView view = MembershipView::Initial(directory);
    std::map<std::uint16_t, std::uint32_t> groups;
    std::map<std::uint16_t, std::map<NodeId, std::uint32_t>> nodes;
    for (std::uint32_t i = 0; i < FLOWS; ++i)
    {
        const NodeId node = Selector::Manager(Flow(i), view);
        const std::uint16_t group = directory.nodes[node].group;
        ++groups[group];
        ++nodes[group][node];
    }
    EXPECT_TRUE(AreEqualShares(groups, 3)) << "groups have equal shares, large or small";
    for (std::uint16_t group = 0; group < 3; ++group)
    {
        EXPECT_TRUE(AreEqualShares(nodes[group], directory.groups[group].size())) << group;
    }
}

TEST(Selector, PurposesAreIndependent)
{
    // Nodes that hold every role: selections with the same hash would be the same node.
    Directory directory = DirectoryBuilder().Accelerators(5).Build();
    directory.groups = {directory.accelerators};
    directory.serviceNodes = directory.accelerators;
    const MembershipView view = MembershipView::Initial(directory);
    for (const Purpose& one : PURPOSES)
    {
        for (const Purpose& other : PURPOSES)
        {
            if (one.select == other.select)
            {
                continue;
            }
            std::map<std::pair<NodeId, NodeId>, std::uint32_t> pairs;
            for (std::uint32_t i = 0; i < FLOWS; ++i)
            {
                ++pairs[{one.select(Flow(i), view), other.select(Flow(i), view)}];
            }
            EXPECT_TRUE(AreEqualShares(pairs, 25)) << one.name << ", " << other.name;
        }
    }
}

TEST(Selector, BothDirectionsOfAFlowSelectIndependently)
{
    const Directory directory = DirectoryBuilder().Group(5).Build();
    const MembershipView view = MembershipView::Initial(directory);
    std::map<std::pair<NodeId, NodeId>, std::uint32_t> pairs;
    for (std::uint32_t i = 0; i < FLOWS; ++i)
    {
        ++pairs[{Selector::Manager(Flow(i), view), Selector::Manager(Flow(i).Reversed(), view)}];
    }
    EXPECT_TRUE(AreEqualShares(pairs, 25));
}

TEST(Selector, OnlyTheFlowsOfADeadNodeMove)
{
    const Directory directory = MidDirectory();
    const MembershipView before = MembershipView::Initial(directory);
    for (NodeId dead = 0; dead < directory.nodes.size(); ++dead)
    {
        const MembershipView after = With(before, dead, MemberStatus::DOWN);
        std::uint32_t moved = 0;
        for (std::uint32_t i = 0; i < FLOWS / 10; ++i)
        {
            for (const Purpose& purpose : PURPOSES)
            {
                const NodeId old = purpose.select(Flow(i), before);
                const NodeId now = purpose.select(Flow(i), after);
                ASSERT_NE(now, dead) << purpose.name;
                ASSERT_TRUE(now == old || old == dead) << purpose.name;
                moved += now != old ? 1 : 0;
            }
        }
        EXPECT_GT(moved, 0U) << dead;
    }
}

TEST(Selector, AManagersFlowsStayInItsGroup)
{
    const Directory directory = MidDirectory();
    const MembershipView before = MembershipView::Initial(directory);
    const MembershipView after = With(before, 7, MemberStatus::DOWN);
    std::set<NodeId> heirs;
    for (std::uint32_t i = 0; i < FLOWS / 10; ++i)
    {
        if (Selector::Manager(Flow(i), before) == 7)
        {
            heirs.insert(Selector::Manager(Flow(i), after));
        }
    }
    EXPECT_EQ(heirs, (std::set<NodeId>{6, 8, 9}));
}

TEST(Selector, AnEmptyGroupIsNeverPicked)
{
    const Directory directory = MidDirectory();
    MembershipView view = MembershipView::Initial(directory);
    view = With(view, 10, MemberStatus::DOWN);
    view = With(view, 11, MemberStatus::JOINING);
    std::set<std::uint16_t> groups;
    for (std::uint32_t i = 0; i < FLOWS / 10; ++i)
    {
        const NodeId node = Selector::Manager(Flow(i), view);
        ASSERT_NE(node, NO_NODE);
        groups.insert(directory.nodes[node].group);
    }
    EXPECT_EQ(groups, (std::set<std::uint16_t>{0, 2}));
}

TEST(Selector, OnlyActiveNodesAreSelected)
{
    const Directory directory = MidDirectory();
    MembershipView view = MembershipView::Initial(directory);
    for (const NodeId node : {1, 7, 13, 16})
    {
        view = With(view, node, MemberStatus::JOINING);
    }
    for (std::uint32_t i = 0; i < FLOWS / 10; ++i)
    {
        for (const Purpose& purpose : PURPOSES)
        {
            ASSERT_TRUE(view.IsActive(purpose.select(Flow(i), view))) << purpose.name;
        }
    }
}

TEST(Selector, NobodyIsSelectedWhereNobodyIsActive)
{
    const Directory everybody = MidDirectory();
    const MembershipView none(everybody);
    const Directory nobody = DirectoryBuilder().Clients(1).Build();
    const MembershipView empty = MembershipView::Initial(nobody);
    for (const Purpose& purpose : PURPOSES)
    {
        EXPECT_EQ(purpose.select(Flow(1), none), NO_NODE) << purpose.name;
        EXPECT_EQ(purpose.select(Flow(1), empty), NO_NODE) << purpose.name;
    }
    EXPECT_EQ(Selector::Rendezvous(5, {}), NO_NODE);
    EXPECT_EQ(Selector::Rendezvous(5, {42}), 42);
}

TEST(Selector, EqualMembershipAgreesWhateverTheEpoch)
{
    const Directory directory = MidDirectory();
    const MembershipView one = MembershipView::Initial(directory);
    const Directory copy = MidDirectory();
    MembershipView other(copy);
    ViewBody body = one.Body();
    body.epoch = 99;
    body.members[6].incarnation = 5;
    other.Adopt(body);
    for (std::uint32_t i = 0; i < 1000; ++i)
    {
        for (const Purpose& purpose : PURPOSES)
        {
            ASSERT_EQ(purpose.select(Flow(i), one), purpose.select(Flow(i), other));
        }
    }
}

RC_GTEST_PROP(Selector, RendezvousIgnoresOrderAndLosers, ())
{
    const auto hash = *rc::gen::arbitrary<std::uint64_t>();
    const auto ids =
        *rc::gen::nonEmpty(rc::gen::unique<std::vector<NodeId>>(rc::gen::inRange<NodeId>(0, 160)));
    const NodeId winner = Selector::Rendezvous(hash, ids);
    std::vector<NodeId> others = ids;
    std::reverse(others.begin(), others.end());
    RC_ASSERT(Selector::Rendezvous(hash, others) == winner);
    RC_ASSERT(std::count(ids.begin(), ids.end(), winner) == 1);
    const auto drop = *rc::gen::elementOf(ids);
    std::erase(others, drop);
    if (drop != winner)
    {
        RC_ASSERT(Selector::Rendezvous(hash, others) == winner);
    }
}

} // namespace
} // namespace flowchain
