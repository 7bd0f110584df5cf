// SPDX-License-Identifier: GPL-2.0-only
#include "sync-scheme.h"

#include "directory-builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace flowchain
{
namespace
{

using Nodes = std::vector<NodeId>;

/** Managers 0-3 in one group and 4-5 in another, service nodes 6-10. */
Directory
SmallDirectory()
{
    return DirectoryBuilder().Group(4).Group(2).ServiceNodes(5).Build();
}

/** A session that service node `owner` has made. */
SessionRecord
SessionOf(NodeId owner, std::uint16_t port = 1024)
{
    SessionRecord record;
    record.id = MakeSessionId(owner, port);
    record.version = MakeSessionVersion(1, 1);
    record.original = {{0x0a010001, port}, {0xc6336401, 443}, IpProtocol::TCP};
    record.translated = {
        {0xcb007101, static_cast<std::uint16_t>(port + 7)}, {0xc6336401, 443}, IpProtocol::TCP};
    record.owner = owner;
    return record;
}

CopyPlan
PlanOf(const char* scheme,
       const SessionRecord& record,
       NodeId root,
       const MembershipView& view,
       const SchemeConfig& config = {},
       bool known = false)
{
    CopyPlan plan;
    const SyncScheme* found = SyncSchemeByName(scheme);
    SchemeConfig effective = config;
    effective.release = found->Release(config.release);
    found->Plan(record, root, known, view, effective, plan);
    return plan;
}

/** Everybody who has the state in the end. */
std::set<NodeId>
HoldersOf(const CopyPlan& plan, NodeId owner)
{
    std::set<NodeId> holders(plan.path.begin(), plan.path.end());
    holders.insert(plan.fan.begin(), plan.fan.end());
    holders.insert(owner);
    return holders;
}

class SyncSchemeTest : public testing::Test
{
  protected:
    Directory m_directory = SmallDirectory();
    MembershipView m_view = MembershipView::Initial(m_directory);
};

TEST_F(SyncSchemeTest, TheTenSchemesOfTheDesignHaveTheirNames)
{
    std::set<std::string> names;
    for (const SyncScheme* scheme : SyncSchemes())
    {
        names.emplace(scheme->Name());
        EXPECT_EQ(SyncSchemeByName(scheme->Name()), scheme);
    }
    const std::set<std::string> expected = {"none",
                                            "mesh",
                                            "pass-through",
                                            "fan-out",
                                            "chain",
                                            "ring",
                                            "pair",
                                            "store",
                                            "director",
                                            "direction-pairs"};
    EXPECT_EQ(names, expected);
    EXPECT_EQ(SyncSchemeByName("chains"), nullptr);
}

TEST_F(SyncSchemeTest, NoneGivesNothingToAnybody)
{
    const CopyPlan plan = PlanOf("none", SessionOf(6), 1, m_view);
    EXPECT_EQ(plan.path, Nodes{1});
    EXPECT_TRUE(plan.fan.empty());
    EXPECT_EQ(SyncSchemeByName("none")->Root(), SchemeRoot::NOBODY);
}

// CN116389549, claim 4: in order from the first manager on, inside its own group; claim 3: the one
// at the configured position gives the state to the other service nodes.
TEST_F(SyncSchemeTest, ClaimsThreeAndFourChainRunsThroughTheGroupAndFansOutAtItsPosition)
{
    CopyPlan plan = PlanOf("chain", SessionOf(7), 2, m_view, {.length = 3, .position = 2});
    EXPECT_EQ(plan.path, (Nodes{2, 3, 0}));
    EXPECT_EQ(plan.position, 2U);
    EXPECT_EQ(plan.fan, (Nodes{6, 8, 9, 10}));
    EXPECT_EQ(plan.packet, PacketPath::STAYS);

    // The whole group, and no manager of another one, however long the chain may be.
    plan = PlanOf("chain", SessionOf(7), 4, m_view, {.length = 8, .position = 8});
    EXPECT_EQ(plan.path, (Nodes{4, 5}));
    EXPECT_EQ(plan.position, 2U);
}

TEST_F(SyncSchemeTest, ChainLeavesDeadManagersOutAndServiceNodesToo)
{
    const MembershipView view = With(With(m_view, 3, MemberStatus::DOWN), 9, MemberStatus::DOWN);
    const CopyPlan plan = PlanOf("chain", SessionOf(7), 2, view, {.length = 3, .position = 3});
    EXPECT_EQ(plan.path, (Nodes{2, 0, 1}));
    EXPECT_EQ(plan.fan, (Nodes{6, 8, 10}));
}

// The group is a zone that can be lost: one manager outside of it has the session, too.
TEST_F(SyncSchemeTest, AcrossGroupsOneManagerOfAnotherGroupGetsACopy)
{
    std::set<NodeId> chosen;
    for (std::uint16_t port = 1024; port < 1124; ++port)
    {
        const CopyPlan plan = PlanOf("chain", SessionOf(7, port), 2, m_view, {.crossGroup = true});
        ASSERT_EQ(plan.fan.size(), 5U);
        EXPECT_EQ(Nodes(plan.fan.begin(), plan.fan.end() - 1), (Nodes{6, 8, 9, 10}));
        chosen.insert(plan.fan.back());
    }
    EXPECT_EQ(chosen, (std::set<NodeId>{4, 5}));
    const MembershipView alone = With(With(m_view, 4, MemberStatus::DOWN), 5, MemberStatus::DOWN);
    EXPECT_EQ(PlanOf("chain", SessionOf(7), 2, alone, {.crossGroup = true}).fan.size(), 4U);
}

// An owner that may have lost the state, or has not made this version, gets it like the others.
TEST_F(SyncSchemeTest, ChainGivesAKnownSessionToItsOwnerToo)
{
    const CopyPlan plan = PlanOf("chain", SessionOf(7), 2, m_view, {}, true);
    EXPECT_EQ(plan.fan, (Nodes{6, 7, 8, 9, 10}));
}

TEST_F(SyncSchemeTest, UnderTailThePacketTravelsAlongTheChain)
{
    const CopyPlan plan = PlanOf("chain", SessionOf(7), 2, m_view, {.release = ReleaseRule::TAIL});
    EXPECT_EQ(plan.packet, PacketPath::RELEASED_AT_END);
}

// CN116389549, claims 1 and 6: the first manager itself gives the state to all others.
TEST_F(SyncSchemeTest, ClaimsOneAndSixFanOutGoesFromTheFirstManagerToAll)
{
    const CopyPlan plan = PlanOf("fan-out", SessionOf(7), 2, m_view);
    EXPECT_EQ(plan.path, Nodes{2});
    EXPECT_EQ(plan.position, 1U);
    EXPECT_EQ(plan.fan, (Nodes{6, 8, 9, 10}));
}

TEST_F(SyncSchemeTest, MeshGoesFromTheOwnerToAllJoiningOnesIncluded)
{
    const MembershipView view = With(m_view, 9, MemberStatus::JOINING);
    const CopyPlan plan = PlanOf("mesh", SessionOf(7), 7, view);
    EXPECT_EQ(plan.path, Nodes{7});
    EXPECT_EQ(plan.fan, (Nodes{6, 8, 9, 10}));
}

// Fig. 1 of the source: the packet passes through the service nodes, one after the other.
TEST_F(SyncSchemeTest, PassThroughTakesThePacketAlongAllServiceNodes)
{
    const CopyPlan plan = PlanOf("pass-through", SessionOf(9), 9, m_view);
    EXPECT_EQ(plan.path, (Nodes{9, 10, 6, 7, 8}));
    EXPECT_EQ(plan.position, 0U);
    EXPECT_EQ(plan.packet, PacketPath::RELEASED_AT_END);
}

TEST_F(SyncSchemeTest, RingGoesOnceAroundAndLeavesThePacketAtTheOwner)
{
    const MembershipView view = With(m_view, 6, MemberStatus::DOWN);
    const CopyPlan plan = PlanOf("ring", SessionOf(9), 9, view);
    EXPECT_EQ(plan.path, (Nodes{9, 10, 7, 8}));
    EXPECT_EQ(plan.packet, PacketPath::STAYS);
}

TEST_F(SyncSchemeTest, PairSendsThePacketToThePartnerAndBack)
{
    const CopyPlan plan = PlanOf("pair", SessionOf(9), 9, m_view);
    EXPECT_EQ(plan.path, (Nodes{9, 8}));
    EXPECT_EQ(plan.packet, PacketPath::RETURNED);
    EXPECT_EQ(PlanOf("pair", SessionOf(8), 8, m_view).path, (Nodes{8, 9}));
    // The fifth node has none; neither has one whose partner is down.
    EXPECT_EQ(PlanOf("pair", SessionOf(10), 10, m_view).path, Nodes{10});
    const MembershipView view = With(m_view, 8, MemberStatus::DOWN);
    EXPECT_EQ(PlanOf("pair", SessionOf(9), 9, view).path, Nodes{9});
}

TEST_F(SyncSchemeTest, ThePartnerInheritsAndIsAsked)
{
    const SyncScheme& pair = *SyncSchemeByName("pair");
    const MembershipView view = With(m_view, 9, MemberStatus::DOWN);
    const SessionRecord record = SessionOf(9);
    EXPECT_EQ(pair.Heir(record, view), 8);
    EXPECT_EQ(pair.Holder(record.original, record.id, 9, 0, view), 8);
    EXPECT_EQ(pair.Holder(record.original, record.id, 9, 1, view), NO_NODE);
}

TEST_F(SyncSchemeTest, StoreWritesThroughAChainOfServersThatLookupsGoTo)
{
    const SyncScheme& store = *SyncSchemeByName("store");
    for (std::uint16_t port = 1024; port < 1124; ++port)
    {
        const SessionRecord record = SessionOf(7, port);
        const CopyPlan plan = PlanOf("store", record, 7, m_view, {.length = 2, .position = 2});
        ASSERT_EQ(plan.path.size(), 3U);
        EXPECT_EQ(plan.path[0], 7);
        EXPECT_EQ(plan.packet, PacketPath::RETURNED);
        // Both tuples are found at the server that is asked for them.
        const std::set<NodeId> holders = HoldersOf(plan, 7);
        EXPECT_EQ(plan.path[1], store.FetchFrom(record.original, m_view));
        EXPECT_TRUE(holders.contains(store.FetchFrom(record.translated.Reversed(), m_view)));
    }
}

TEST_F(SyncSchemeTest, TheDirectorHasACopyAndIsNotTheOwner)
{
    const SyncScheme& director = *SyncSchemeByName("director");
    for (std::uint16_t port = 1024; port < 1124; ++port)
    {
        const SessionRecord record = SessionOf(7, port);
        const CopyPlan plan = PlanOf("director", record, 7, m_view);
        EXPECT_EQ(plan.path, Nodes{7});
        ASSERT_GE(plan.fan.size(), 1U);
        ASSERT_LE(plan.fan.size(), 2U);
        EXPECT_FALSE(std::count(plan.fan.begin(), plan.fan.end(), 7));
        // With the owner gone, either tuple leads to a node that has the session.
        const MembershipView view = With(m_view, 7, MemberStatus::DOWN);
        const std::set<NodeId> holders = HoldersOf(plan, 7);
        for (const FlowKey& key : {record.original, record.translated.Reversed()})
        {
            EXPECT_TRUE(holders.contains(director.Holder(key, record.id, 7, 0, view)));
        }
        EXPECT_TRUE(holders.contains(director.Heir(record, view)));
    }
}

// US11082338, claim 1: a primary and a secondary node for each direction.
TEST_F(SyncSchemeTest, DirectionPairsHaveTwoNodesForEachDirection)
{
    const SyncScheme& pairs = *SyncSchemeByName("direction-pairs");
    std::size_t most = 0;
    for (std::uint16_t port = 1024; port < 1124; ++port)
    {
        const SessionRecord record = SessionOf(7, port);
        const CopyPlan plan = PlanOf("direction-pairs", record, 7, m_view);
        EXPECT_EQ(plan.path, Nodes{7});
        // One node may be in both pairs.
        EXPECT_GE(plan.fan.size(), 1U);
        EXPECT_LE(plan.fan.size(), 3U);
        most = std::max(most, plan.fan.size());
        const MembershipView view = With(m_view, 7, MemberStatus::DOWN);
        const std::set<NodeId> holders = HoldersOf(plan, 7);
        for (const FlowKey& key : {record.original, record.translated.Reversed()})
        {
            EXPECT_TRUE(holders.contains(pairs.Holder(key, record.id, 7, 0, view)));
        }
    }
    EXPECT_EQ(most, 3U);
}

TEST_F(SyncSchemeTest, WhoeverSpreadsForAnotherOwnerGivesItTheSessionToo)
{
    for (const SyncScheme* scheme : SyncSchemes())
    {
        if (scheme->Root() == SchemeRoot::OWNER)
        {
            const CopyPlan plan = PlanOf(scheme->Name().data(), SessionOf(8), 6, m_view, {}, true);
            std::set<NodeId> holders(plan.path.begin(), plan.path.end());
            holders.insert(plan.fan.begin(), plan.fan.end());
            EXPECT_TRUE(holders.contains(8)) << scheme->Name();
        }
    }
}

// What a plan must be for ReplicaMachine to carry it out, whatever the scheme and the view.
TEST_F(SyncSchemeTest, EveryPlanStartsAtItsRootAndNamesNobodyTwice)
{
    for (const SyncScheme* scheme : SyncSchemes())
    {
        for (unsigned down = 0; down < 1U << m_directory.nodes.size(); ++down)
        {
            MembershipView view = m_view;
            ViewBody body = view.Body();
            for (std::size_t node = 0; node < m_directory.nodes.size(); ++node)
            {
                body.members[node].status =
                    (down >> node & 1) != 0 ? MemberStatus::DOWN : MemberStatus::ACTIVE;
            }
            view.Adopt(body);
            const NodeId root = scheme->Root() == SchemeRoot::OWNER ? 7 : 2;
            const CopyPlan plan = PlanOf(scheme->Name().data(), SessionOf(7), root, view);
            ASSERT_FALSE(plan.path.empty());
            ASSERT_EQ(plan.path.front(), root);
            ASSERT_LE(plan.position, plan.path.size());
            ASSERT_TRUE(plan.position != 0 || plan.fan.empty()) << scheme->Name();
            Nodes all = plan.path;
            all.insert(all.end(), plan.fan.begin(), plan.fan.end());
            ASSERT_EQ(std::set<NodeId>(all.begin(), all.end()).size(), all.size())
                << scheme->Name();
            for (const NodeId node : all)
            {
                ASSERT_TRUE(node == root || view.IsMember(node)) << scheme->Name();
            }
        }
    }
}

} // namespace
} // namespace flowchain
