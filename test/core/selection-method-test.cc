// SPDX-License-Identifier: GPL-2.0-only
// Properties that every method of selection has, and those in which they differ.
#include "directory-builder.h"
#include "flow-hash.h"
#include "selection-flows.h"
#include "selector.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace flowchain
{
namespace
{

/** Nodes 0-4 and 5-8 managers of two groups, 9-18 service nodes. */
Directory
MakeDirectory(SelectionMethod method, SelectionHash hash = SelectionHash::DIRECTIONAL)
{
    Directory directory = DirectoryBuilder().Group(5).Group(4).ServiceNodes(10).Build();
    directory.selection.method = method;
    directory.selection.hash = hash;
    return directory;
}

std::vector<std::uint16_t>
SlotsOf(const SelectionTable& table)
{
    return table.table.Slots();
}

class SelectionMethods : public testing::TestWithParam<SelectionMethod>
{
};

std::string
NameOf(const testing::TestParamInfo<SelectionMethod>& row)
{
    static const std::vector<std::string> NAMES = {"Rendezvous", "Maglev", "Jump"};
    return NAMES[static_cast<std::size_t>(row.param)];
}

INSTANTIATE_TEST_SUITE_P(Each,
                         SelectionMethods,
                         testing::Values(SelectionMethod::RENDEZVOUS,
                                         SelectionMethod::MAGLEV,
                                         SelectionMethod::JUMP),
                         NameOf);

TEST_P(SelectionMethods, SharesAreEqual)
{
    const Directory directory = MakeDirectory(GetParam());
    const MembershipView view = MembershipView::Initial(directory);
    std::map<NodeId, std::uint32_t> serviceNodes;
    std::map<NodeId, std::uint32_t> adopters;
    std::map<std::uint16_t, std::uint32_t> groups;
    std::map<std::uint16_t, std::map<NodeId, std::uint32_t>> managers;
    for (std::uint32_t i = 0; i < FLOWS; ++i)
    {
        ++serviceNodes[Selector::ServiceNode(Flow(i), view)];
        ++adopters[Selector::Adopter(MakeSessionId(9, i + 1), view)];
        const NodeId manager = Selector::Manager(Flow(i), view);
        const std::uint16_t group = directory.nodes[manager].group;
        ++groups[group];
        ++managers[group][manager];
    }
    EXPECT_TRUE(AreEqualShares(serviceNodes, 10));
    EXPECT_TRUE(AreEqualShares(adopters, 10));
    EXPECT_TRUE(AreEqualShares(groups, 2));
    EXPECT_TRUE(AreEqualShares(managers[0], 5));
    EXPECT_TRUE(AreEqualShares(managers[1], 4));
}

/** Selections of the manager and of the service node, and the two stages, tell nothing of each
 * other. */
TEST_P(SelectionMethods, PurposesAreIndependent)
{
    const Directory directory = MakeDirectory(GetParam());
    const MembershipView view = MembershipView::Initial(directory);
    std::map<std::pair<NodeId, NodeId>, std::uint32_t> pairs;
    for (std::uint32_t i = 0; i < FLOWS; ++i)
    {
        const NodeId manager = Selector::Manager(Flow(i), view);
        if (directory.nodes[manager].group == 0)
        {
            ++pairs[{manager, Selector::ServiceNode(Flow(i), view)}];
        }
    }
    EXPECT_TRUE(AreEqualShares(pairs, 50));
}

/** Minimal disruption: exact for rendezvous and jump; with Maglev a few others move, too. */
TEST_P(SelectionMethods, FewFlowsMoveWhenANodeGoes)
{
    const Directory directory = MakeDirectory(GetParam());
    const MembershipView before = MembershipView::Initial(directory);
    for (NodeId dead = 0; dead < directory.nodes.size(); ++dead)
    {
        const MembershipView after = With(before, dead, MemberStatus::DOWN);
        std::uint32_t others = 0;
        std::uint32_t its = 0;
        for (std::uint32_t i = 0; i < FLOWS / 10; ++i)
        {
            for (const auto& select :
                 {Selector::Manager,
                  static_cast<NodeId (*)(const FlowKey&, const MembershipView&)>(
                      Selector::ServiceNode)})
            {
                const NodeId was = select(Flow(i), before);
                const NodeId is = select(Flow(i), after);
                ASSERT_NE(is, dead);
                its += was == dead ? 1 : 0;
                others += was != dead && is != was ? 1 : 0;
            }
        }
        EXPECT_GT(its, 0U);
        EXPECT_LE(others, GetParam() == SelectionMethod::MAGLEV ? FLOWS / 10 * 2 * 5 / 100 : 0);
    }
}

/** A node that comes back gets its flows again, whatever has happened in between. */
TEST_P(SelectionMethods, NothingIsRememberedOfEarlierViews)
{
    const Directory directory = MakeDirectory(GetParam());
    const MembershipView before = MembershipView::Initial(directory);
    MembershipView later = With(before, 3, MemberStatus::DOWN);
    later = With(later, 12, MemberStatus::DOWN);
    later = With(later, 3, MemberStatus::ACTIVE);
    later = With(later, 12, MemberStatus::ACTIVE);
    for (std::uint32_t i = 0; i < FLOWS / 10; ++i)
    {
        ASSERT_EQ(Selector::Manager(Flow(i), before), Selector::Manager(Flow(i), later));
        ASSERT_EQ(Selector::ServiceNode(Flow(i), before), Selector::ServiceNode(Flow(i), later));
    }
}

TEST_P(SelectionMethods, OnlyActiveNodesAreSelectedAndNobodyIfThereAreNone)
{
    const Directory directory = MakeDirectory(GetParam());
    MembershipView view = MembershipView::Initial(directory);
    for (NodeId node = 0; node < directory.nodes.size(); ++node)
    {
        for (std::uint32_t i = 0; i < 500; ++i)
        {
            const NodeId manager = Selector::Manager(Flow(i), view);
            const NodeId serviceNode = Selector::ServiceNode(Flow(i), view);
            ASSERT_TRUE(node < 9 ? view.IsActive(manager) : manager == NO_NODE);
            ASSERT_TRUE(view.IsActive(serviceNode));
        }
        view = With(view, node, MemberStatus::DOWN);
    }
    EXPECT_EQ(Selector::Manager(Flow(0), view), NO_NODE);
    EXPECT_EQ(Selector::ServiceNode(Flow(0), view), NO_NODE);
    EXPECT_EQ(Selector::Adopter(MakeSessionId(9, 1), view), NO_NODE);
}

TEST_P(SelectionMethods, OneNodeIsAlwaysIt)
{
    Directory directory = DirectoryBuilder().Group(1).ServiceNodes(1).Build();
    directory.selection.method = GetParam();
    const MembershipView view = MembershipView::Initial(directory);
    EXPECT_EQ(Selector::Manager(Flow(5), view), 0);
    EXPECT_EQ(Selector::ServiceNode(Flow(5), view), 1);
}

TEST_P(SelectionMethods, ASymmetricHashSelectsAlikeForBothDirections)
{
    const Directory symmetric = MakeDirectory(GetParam(), SelectionHash::SYMMETRIC);
    const Directory directional = MakeDirectory(GetParam());
    const MembershipView view = MembershipView::Initial(symmetric);
    const MembershipView other = MembershipView::Initial(directional);
    std::map<NodeId, std::uint32_t> serviceNodes;
    std::uint32_t same = 0;
    for (std::uint32_t i = 0; i < FLOWS; ++i)
    {
        const FlowKey back = Flow(i).Reversed();
        ASSERT_EQ(Selector::Manager(Flow(i), view), Selector::Manager(back, view));
        ASSERT_EQ(Selector::ServiceNode(Flow(i), view), Selector::ServiceNode(back, view));
        ++serviceNodes[Selector::ServiceNode(Flow(i), view)];
        same += Selector::Manager(Flow(i), other) == Selector::Manager(back, other) ? 1 : 0;
    }
    EXPECT_TRUE(AreEqualShares(serviceNodes, 10));
    // 2 groups of 5 and 4: the directional choices coincide in 1/4 * (1/5 + 1/4) of all cases.
    EXPECT_NEAR(same, FLOWS * 0.1125, 5 * 78);
}

RC_GTEST_PROP(SymmetricFlowHash, IsThatOfOneDirection, ())
{
    const FlowKey key{{*rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::uint16_t>()},
                      {*rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::uint16_t>()},
                      *rc::gen::element(IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP)};
    const std::uint64_t hash = SymmetricFlowHash(key, 1);
    RC_ASSERT(hash == SymmetricFlowHash(key.Reversed(), 1));
    RC_ASSERT(hash == FlowHash(key, 1) || hash == FlowHash(key.Reversed(), 1));
}

TEST(SelectionTables, FollowTheViewAndOnlyForMaglev)
{
    const Directory directory = MakeDirectory(SelectionMethod::MAGLEV);
    const MembershipView before = MembershipView::Initial(directory);
    const MembershipView after = With(before, 2, MemberStatus::DOWN);
    EXPECT_EQ(after.Tables().managers[0].members, (std::vector<std::uint16_t>{0, 1, 3, 4}));
    EXPECT_EQ(after.Tables().managers[1].members, (std::vector<std::uint16_t>{5, 6, 7, 8}));
    EXPECT_EQ(SlotsOf(after.Tables().managers[0]).size(), directory.selection.tableSize);
    EXPECT_NE(SlotsOf(after.Tables().managers[0]), SlotsOf(before.Tables().managers[0]));
    EXPECT_EQ(SlotsOf(after.Tables().serviceNodes), SlotsOf(before.Tables().serviceNodes));
    EXPECT_EQ(before.Tables().groups.members, (std::vector<std::uint16_t>{0, 1}));
    const Directory other = MakeDirectory(SelectionMethod::RENDEZVOUS);
    EXPECT_TRUE(MembershipView::Initial(other).Tables().groups.table.IsEmpty());
}

TEST(LeastLoaded, TheFewestSessionsWinAndTiesGoByRendezvous)
{
    Directory directory = MakeDirectory(SelectionMethod::RENDEZVOUS);
    directory.selection.serviceNode = ServiceNodeRule::LEAST_LOADED;
    const MembershipView view = MembershipView::Initial(directory);
    std::map<NodeId, std::uint64_t> load;
    const ServiceLoad count = [&](NodeId node)
    {
        return load[node];
    };
    for (std::uint32_t i = 0; i < 1000; ++i)
    {
        ++load[Selector::ServiceNode(Flow(i), view, count)];
        const auto [least, most] = std::minmax_element(load.begin(),
                                                       load.end(),
                                                       [](const auto& a, const auto& b)
                                                       {
            return a.second < b.second;
        });
        ASSERT_LE(most->second - least->second, 1U);
    }
    load[14] = 0;
    EXPECT_EQ(Selector::ServiceNode(Flow(1), view, count), 14);
    const MembershipView without = With(view, 14, MemberStatus::DOWN);
    EXPECT_NE(Selector::ServiceNode(Flow(1), without, count), 14);
    const ServiceLoad none = [](NodeId)
    {
        return std::uint64_t{0};
    };
    std::map<NodeId, std::uint32_t> ties;
    for (std::uint32_t i = 0; i < FLOWS; ++i)
    {
        ++ties[Selector::ServiceNode(Flow(i), view, none)];
    }
    EXPECT_TRUE(AreEqualShares(ties, 10));
}

TEST(LeastLoaded, WithTheRuleHashTheLoadIsNotAskedFor)
{
    const Directory directory = MakeDirectory(SelectionMethod::RENDEZVOUS);
    const MembershipView view = MembershipView::Initial(directory);
    const ServiceLoad load = [](NodeId) -> std::uint64_t
    {
        ADD_FAILURE();
        return 0;
    };
    EXPECT_EQ(Selector::ServiceNode(Flow(1), view, load), Selector::ServiceNode(Flow(1), view));
}

} // namespace
} // namespace flowchain
