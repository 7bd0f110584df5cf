// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CN116389549 says of the system, claim by claim and paragraph by paragraph; doc/claims.rst
 * has the table. Where the source says "any", "at least one" or "several", the sentence is tested
 * for several numbers of groups, managers and positions.
 */
#include "claims-fixture.h"
#include "selector.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace flowchain
{
namespace
{

/** Let `check` look at several sessions in systems of every shape. */
template <typename Check>
void
ForSessions(Check check)
{
    for (const ClaimedShape& shape : AllShapes())
    {
        SCOPED_TRACE(shape);
        ClaimedSystem system(shape);
        for (std::uint16_t port = 5001; port <= 5008; ++port)
        {
            SCOPED_TRACE("client's port " + std::to_string(port));
            ASSERT_NO_FATAL_FAILURE(system.Open(port));
            check(system);
        }
    }
}

/** Who stored the session because of a FAN_OUT, and who sent that. */
void
ExpectFanOut(const ClaimedSystem& system, NodeId sender)
{
    std::set<NodeId> reached;
    for (const SentMessage& one : system.story.Of(MessageKind::FAN_OUT))
    {
        EXPECT_EQ(one.from, sender);
        EXPECT_EQ(one.message.record, system.record);
        EXPECT_TRUE(reached.insert(one.to).second) << "twice to " << one.to;
        EXPECT_GT(system.story.StoredAt(one.to), one.order);
    }
    EXPECT_EQ(reached, system.Others());
}

/** Claims 1 and 6, [0005], [0006]: the way of the first packet to the first service node and back.
 */
void
ExpectFirstPacketServed(const ClaimedSystem& system)
{
    const auto misses = system.story.Of(MessageKind::PACKET_IN);
    const auto asked = system.story.Of(MessageKind::PROCESS);
    const auto states = system.story.Of(MessageKind::STATE);
    ASSERT_EQ(misses.size(), 1U);
    ASSERT_EQ(asked.size(), 1U);
    ASSERT_EQ(states.size(), 1U);
    EXPECT_TRUE(system.Is(misses[0].from, NodeRole::ACCELERATOR));
    EXPECT_TRUE(system.Is(misses[0].to, NodeRole::MANAGER));
    EXPECT_EQ(asked[0].from, misses[0].to);
    EXPECT_EQ(asked[0].to, system.owner);
    EXPECT_EQ(asked[0].packetId, misses[0].packetId);
    EXPECT_EQ(states[0].from, system.owner);
    EXPECT_EQ(states[0].to, misses[0].to);
    EXPECT_EQ(states[0].message.record, system.record);
}

TEST(Claims, Claim1_TheAcceleratorSendsPendingPacketsToManagersOfAnyGroup)
{
    ClaimedSystem system({3, 2, 2, 2});
    std::set<std::uint16_t> groups;
    for (std::uint16_t port = 5001; port <= 5060; ++port)
    {
        ASSERT_NO_FATAL_FAILURE(system.Open(port));
        ASSERT_NO_FATAL_FAILURE(ExpectFirstPacketServed(system));
        groups.insert(system.Nodes().nodes[system.first].group);
    }
    EXPECT_EQ(groups.size(), 3U);
}

TEST(Claims, Claim1_ManagersGetTheStateOfTheFirstServiceNodeAndGiveItToTheOthers)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        ExpectFirstPacketServed(system);
        for (const SentMessage& one : system.story.Of(MessageKind::FAN_OUT))
        {
            EXPECT_TRUE(system.Is(one.from, NodeRole::MANAGER));
        }
        for (const NodeId node : system.Nodes().serviceNodes)
        {
            SessionStore store = *system.Harness().StoreOf(node);
            const auto match = store.Find(system.key);
            ASSERT_NE(match.record, nullptr) << "service node " << node;
            EXPECT_EQ(*match.record, system.record);
        }
    });
}

TEST(Claims, Claim2_TheAcceleratorSelectsTheFirstManagerAmongAllManagersOfAllGroups)
{
    ClaimedSystem system({3, 3, 3, 3});
    std::set<NodeId> selected;
    for (std::uint16_t port = 5001; port <= 5120; ++port)
    {
        ASSERT_NO_FATAL_FAILURE(system.Open(port));
        selected.insert(system.first);
        const NodeId accelerator = system.story.Of(MessageKind::PACKET_IN)[0].from;
        EXPECT_EQ(system.first,
                  Selector::Manager(system.key, system.Harness().Machine(accelerator).View()));
    }
    EXPECT_EQ(selected.size(), 9U) << "some manager is never the first";
}

TEST(Claims, Claim3_TheFirstManagerLetsASecondOneOfItsGroupGiveTheStateToTheOthers)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        ExpectFirstPacketServed(system);
        const NodeId second = system.Second();
        EXPECT_EQ(second != system.first, system.shape.position > 1);
        EXPECT_EQ(system.Nodes().nodes[second].group, system.Nodes().nodes[system.first].group);
        ExpectFanOut(system, second);
    });
}

/** Claims 4 and 8: from the first manager on, one after the other, each storing before it forwards.
 */
void
ExpectChainInOrder(const ClaimedSystem& system)
{
    const std::vector<NodeId> chain = system.Chain();
    const auto links = system.story.Of(MessageKind::CHAIN);
    ASSERT_EQ(links.size(), chain.size() - 1);
    for (std::size_t i = 0; i < links.size(); ++i)
    {
        EXPECT_EQ(links[i].from, chain[i]);
        EXPECT_EQ(links[i].to, chain[i + 1]);
        EXPECT_EQ(links[i].message.header.position, i + 2);
        EXPECT_EQ(links[i].message.record, system.record);
        EXPECT_LT(system.story.StoredAt(chain[i]), links[i].order);
        EXPECT_GT(system.story.StoredAt(chain[i + 1]), links[i].order);
    }
}

TEST(Claims, Claim4_TheStateGoesInOrderFromTheFirstManagerToTheSecondAtItsPosition)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        ExpectChainInOrder(system);
        ExpectFanOut(system, system.Second());
        for (const SentMessage& one : system.story.Of(MessageKind::FAN_OUT))
        {
            EXPECT_GT(one.order, system.story.StoredAt(system.Second()));
        }
    });
}

TEST(Claims, Claim5_TheStateHoldsTheForwardEntry)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        const FlowEntry entry =
            ForwardEntry(system.story.Of(MessageKind::STATE).at(0).message.record);
        EXPECT_EQ(entry.match, system.key);
        EXPECT_EQ(entry.rewrite, system.story.delivered[0].key);
        const auto given = system.story.Of(MessageKind::ENTRY);
        ASSERT_EQ(given.size(), 1U);
        EXPECT_EQ(given[0].from, system.first);
        EXPECT_EQ(given[0].message.entry, entry);
    });
}

// The manager that gets the entry is compared with the one that an accelerator asks later, not with
// the function by which both are selected.
TEST(Claims, Claim5_TheThirdManagerIsTheOneThatTheAcceleratorSelectsForTheWayBack)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        const auto stored = system.story.Of(NoteKind::REVERSE_STORED);
        ASSERT_EQ(stored.size(), 1U);
        const NodeId third = stored[0].node;
        const auto messages = system.story.Of(MessageKind::REVERSE_ENTRY);
        ASSERT_EQ(messages.size(), third == system.first ? 0U : 1U);
        for (const SentMessage& one : messages)
        {
            EXPECT_EQ(one.from, system.first);
            EXPECT_EQ(one.to, third);
            EXPECT_EQ(one.message.entry.match, system.story.delivered[0].key.Reversed());
            EXPECT_EQ(one.message.entry.rewrite, system.key.Reversed());
        }
        system.Answer();
        const auto misses = system.story.Of(MessageKind::PACKET_IN);
        ASSERT_EQ(misses.size(), 1U);
        EXPECT_EQ(misses[0].to, third);
    });
}

TEST(Claims, Claim5_TheThirdManagerMayBeAnyOfAnyGroup)
{
    ClaimedSystem system({3, 3, 3, 3});
    std::set<NodeId> thirds;
    std::set<bool> otherGroup;
    for (std::uint16_t port = 5001; port <= 5120; ++port)
    {
        ASSERT_NO_FATAL_FAILURE(system.Open(port));
        const NodeId third = system.story.Of(NoteKind::REVERSE_STORED).at(0).node;
        thirds.insert(third);
        otherGroup.insert(system.Nodes().nodes[third].group !=
                          system.Nodes().nodes[system.first].group);
    }
    EXPECT_EQ(thirds.size(), 9U);
    EXPECT_EQ(otherGroup.size(), 2U) << "in the first manager's group, and in another one";
}

TEST(Claims, Claim6_TheFirstManagerReceivesForwardsGetsTheStateAndHasItSynchronised)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        ExpectFirstPacketServed(system);
        const std::size_t received = system.story.Of(MessageKind::STATE).at(0).order;
        EXPECT_LT(system.story.Of(MessageKind::PACKET_IN)[0].order,
                  system.story.Of(MessageKind::PROCESS)[0].order);
        EXPECT_LT(system.story.Of(MessageKind::PROCESS)[0].order, received);
        EXPECT_GT(system.story.StoredAt(system.first), received);
        for (const NodeId node : system.Others())
        {
            EXPECT_GT(system.story.StoredAt(node), system.story.StoredAt(system.first));
        }
    });
}

TEST(Claims, Claim6_WithoutASecondManagerTheFirstItselfGivesTheStateToTheOthers)
{
    for (const int groups : {1, 2, 4})
    {
        ClaimedSystem system({groups, 2, 1, 1});
        for (std::uint16_t port = 5001; port <= 5008; ++port)
        {
            ASSERT_NO_FATAL_FAILURE(system.Open(port));
            EXPECT_TRUE(system.story.Of(MessageKind::CHAIN).empty());
            ExpectFanOut(system, system.first);
        }
    }
}

TEST(Claims, Claim7_TheSecondManagerHasTheStateFromItsGroupAndGivesItToTheOthers)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        const NodeId second = system.Second();
        int received = 0;
        for (const SentMessage& one : system.story.Of(MessageKind::CHAIN))
        {
            EXPECT_EQ(system.Nodes().nodes[one.from].group, system.Nodes().nodes[second].group);
            EXPECT_EQ(system.Nodes().nodes[one.to].group, system.Nodes().nodes[second].group);
            received += one.to == second;
        }
        EXPECT_EQ(received, second == system.first ? 0 : 1);
        ExpectFanOut(system, second);
    });
}

TEST(Claims, Claim8_TheFirstManagerReachesTheSecondThroughTheChain)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        ExpectChainInOrder(system);
        for (const SentMessage& one : system.story.Of(MessageKind::CHAIN))
        {
            EXPECT_EQ(one.message.header.first, system.first);
        }
    });
}

TEST(Claims, Paragraph0004_EveryServiceNodeHasEverySession)
{
    for (const ClaimedShape& shape :
         {ClaimedShape{1, 1, 1, 1}, ClaimedShape{2, 3, 3, 2}, ClaimedShape{4, 4, 4, 4}})
    {
        SCOPED_TRACE(shape);
        ClaimedSystem system(shape);
        for (std::uint16_t port = 5001; port <= 5040; ++port)
        {
            ASSERT_NO_FATAL_FAILURE(system.Open(port));
        }
        for (const NodeId node : system.Nodes().serviceNodes)
        {
            EXPECT_EQ(system.Harness().StoreOf(node)->Size(), 40U);
        }
    }
}

TEST(Claims, Paragraph0005_AcceleratorManagersAndFirstServiceNodeServeAPacketTogether)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        ExpectFirstPacketServed(system);
        EXPECT_EQ(system.story.Of(NoteKind::CREATED)[0].node, system.owner);
        EXPECT_TRUE(system.Is(system.owner, NodeRole::SERVICE_NODE));
        EXPECT_EQ(system.story.delivered[0].key, system.record.translated);
    });
}

TEST(Claims, Paragraph0006_MethodOfTheFirstManager)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        ExpectFirstPacketServed(system);
        ExpectFanOut(system, system.Second());
    });
}

TEST(Claims, Paragraph0007_EveryOtherManagerHearsFromThePreviousOneAndTheSecondGoesOn)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        const std::vector<NodeId> chain = system.Chain();
        ASSERT_EQ(system.story.Of(MessageKind::CHAIN).size(), chain.size() - 1);
        ASSERT_EQ(system.story.Of(MessageKind::FAN_OUT).size(), system.Others().size());
        for (std::size_t i = 1; i < chain.size(); ++i)
        {
            for (const SentMessage& one : system.story.Of(MessageKind::CHAIN))
            {
                EXPECT_EQ(one.to == chain[i], one.from == chain[i - 1]);
            }
            for (const SentMessage& one : system.story.Of(MessageKind::FAN_OUT))
            {
                EXPECT_EQ(one.from == chain[i], chain[i] == system.Second());
            }
        }
    });
}

TEST(Claims, Paragraph0008_TheThirdManagerGivesTheEntryAndTheAcceleratorGoesOnAlone)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        const NodeId third = system.story.Of(NoteKind::REVERSE_STORED).at(0).node;
        system.Answer();
        const auto misses = system.story.Of(MessageKind::PACKET_IN);
        const auto given = system.story.Of(MessageKind::ENTRY);
        ASSERT_EQ(misses.size(), 1U);
        ASSERT_EQ(given.size(), 1U);
        EXPECT_EQ(given[0].from, third);
        EXPECT_EQ(given[0].to, misses[0].from);
        EXPECT_EQ(given[0].message.entry, ReverseEntry(system.record));
        EXPECT_TRUE(system.story.Of(MessageKind::PROCESS).empty()) << "no service node is asked";
        ASSERT_EQ(system.story.delivered.size(), 1U);
        EXPECT_EQ(system.story.delivered[0].key, system.key.Reversed());
        EXPECT_EQ(system.story.delivered[0].from, given[0].to);

        // From now on both directions pass through accelerators alone.
        system.Answer();
        system.Send("client", system.key, tcp_flag::ACK);
        EXPECT_TRUE(system.story.Of(MessageKind::PACKET_IN).empty());
        ASSERT_EQ(system.story.delivered.size(), 2U);
        EXPECT_EQ(system.story.delivered[0].key, system.key.Reversed());
        EXPECT_EQ(system.story.delivered[1].key, system.record.translated);
    });
}

TEST(Claims, Paragraph0011_AServiceNodeTellsTheFirstManagerAndKnowsNoOther)
{
    ForSessions(
        [](ClaimedSystem& system)
        {
        for (const SentMessage& one : system.story.sent)
        {
            if (system.Is(one.from, NodeRole::SERVICE_NODE))
            {
                EXPECT_FALSE(system.Is(one.to, NodeRole::SERVICE_NODE)) << "to " << one.to;
            }
        }
        EXPECT_EQ(system.story.Of(MessageKind::STATE).size(), 1U) << "however many nodes there are";
    });
}

TEST(Claims, Paragraph0012_WhenAServiceNodeDiesAnotherGoesOnFromItsOwnCopy)
{
    for (const ClaimedShape& shape : AllShapes())
    {
        SCOPED_TRACE(shape);
        ClaimedSystem system(shape);
        ASSERT_NO_FATAL_FAILURE(system.Open(5001));
        system.Answer();
        system.Harness().Crash(system.owner);
        system.Run(Duration{2000 * MICROSECOND});

        system.story.Clear();
        system.Send("client", system.key, tcp_flag::ACK);
        system.Send("server", system.record.translated.Reversed(), tcp_flag::ACK);
        EXPECT_TRUE(system.story.Of(NoteKind::CREATED).empty());
        ASSERT_EQ(system.story.Of(NoteKind::ADOPTED).size(), 1U);
        const NotedEvent adoption = system.story.Of(NoteKind::ADOPTED)[0];
        EXPECT_TRUE(system.Others().contains(adoption.node));
        EXPECT_EQ(adoption.note.record.id, system.record.id);
        ASSERT_EQ(system.story.delivered.size(), 2U);
        EXPECT_EQ(system.story.delivered[0].key, system.record.translated);
        EXPECT_EQ(system.story.delivered[1].key, system.key.Reversed());
    }
}

} // namespace
} // namespace flowchain
