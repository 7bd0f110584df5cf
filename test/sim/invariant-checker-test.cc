// SPDX-License-Identifier: GPL-2.0-only
// Each invariant is told a story in which it holds, and one in which it is broken.
#include "invariant-checker.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

constexpr NodeId MANAGER = 1;
constexpr NodeId SERVICE_A = 4;
constexpr NodeId SERVICE_B = 5;
constexpr NodeId HOST = 9;

Instant
At(std::int64_t ns)
{
    return Instant(Duration(ns * 1000));
}

SessionRecord
Record(NodeId creator, std::uint64_t serial, std::uint16_t externalPort)
{
    SessionRecord record;
    record.id = MakeSessionId(creator, serial);
    record.version = MakeSessionVersion(1, 1);
    record.original = {
        {0x0a000001, static_cast<std::uint16_t>(serial)}, {0xc6336401, 80}, IpProtocol::TCP};
    record.translated = record.original;
    record.translated.source = {0xcb007101, externalPort};
    record.owner = creator;
    return record;
}

NodeMask
Mask(std::initializer_list<NodeId> nodes)
{
    NodeMask mask;
    for (const NodeId node : nodes)
    {
        mask.set(node);
    }
    return mask;
}

/** A checker that is promised everything. */
class InvariantCheckerTest : public testing::Test
{
  protected:
    SessionRecord Open(std::uint64_t serial, std::uint16_t externalPort)
    {
        const SessionRecord record = Record(SERVICE_A, serial, externalPort);
        checker.Created(SERVICE_A, record, At(10));
        checker.Stored(SERVICE_A, record, At(10));
        return record;
    }

    /** The same, after the creator has restarted. */
    SessionRecord OpenInNextLife(std::uint64_t serial, std::uint16_t externalPort)
    {
        SessionRecord record = Record(SERVICE_A, serial, externalPort);
        record.id = MakeSessionId(SERVICE_A, serial, 1);
        checker.Created(SERVICE_A, record, At(11));
        checker.Stored(SERVICE_A, record, At(11));
        return record;
    }

    void Release(const SessionRecord& record)
    {
        checker.Released(MANAGER, record, Mask({SERVICE_A, SERVICE_B}), Mask({MANAGER}), 1, At(20));
    }

    /** Whether exactly one violation was found, and of this invariant. */
    testing::AssertionResult Only(Invariant invariant) const
    {
        if (checker.ViolationCount() != 1)
        {
            return testing::AssertionFailure() << checker.ViolationCount() << " violations";
        }
        return checker.Violations().front().invariant == invariant
                   ? testing::AssertionSuccess()
                   : testing::AssertionFailure() << checker.Violations().front().Text();
    }

    SessionRegistry registry;
    InvariantChecker checker{{Promises{true, true, true, true, true}},
                             registry,
                             [](NodeId node)
                             {
        return "node" + std::to_string(node);
                             }};
};

TEST_F(InvariantCheckerTest, ASessionThatIsEverywhereMayBeReleased)
{
    const SessionRecord record = Open(1, 2000);
    checker.Stored(MANAGER, record, At(11));
    checker.Stored(SERVICE_B, record, At(12));
    registry.Find(record.id)->reverseStored = true;
    Release(record);
    EXPECT_EQ(checker.ViolationCount(), 0U);
    EXPECT_EQ(checker.Checks(Invariant::DURABILITY), 1U);
}

TEST_F(InvariantCheckerTest, DurabilityWantsEveryServiceNode)
{
    const SessionRecord record = Open(1, 2000);
    checker.Stored(MANAGER, record, At(11));
    registry.Find(record.id)->reverseStored = true;
    Release(record);
    EXPECT_TRUE(Only(Invariant::DURABILITY));
    EXPECT_EQ(checker.Violations().front().Text(),
              "durability at 0.000000020 s: node1 released session 4:1 while node5 has no copy");
}

TEST_F(InvariantCheckerTest, DurabilityWantsTheWholeChain)
{
    const SessionRecord record = Open(1, 2000);
    checker.Stored(SERVICE_B, record, At(12));
    registry.Find(record.id)->reverseStored = true;
    Release(record);
    EXPECT_TRUE(Only(Invariant::DURABILITY));
}

TEST_F(InvariantCheckerTest, DurabilityWantsTheReverseEntry)
{
    const SessionRecord record = Open(1, 2000);
    checker.Stored(MANAGER, record, At(11));
    checker.Stored(SERVICE_B, record, At(12));
    Release(record);
    EXPECT_TRUE(Only(Invariant::DURABILITY));
}

TEST_F(InvariantCheckerTest, DurabilityWantsTheReverseEntryWhereItWillBeAskedFor)
{
    const SessionRecord record = Open(1, 2000);
    checker.Stored(MANAGER, record, At(11));
    checker.Stored(SERVICE_B, record, At(12));
    registry.Find(record.id)->reverseStored = true;
    registry.Find(record.id)->thirds.set(2);
    checker.Released(
        MANAGER, record, Mask({SERVICE_A, SERVICE_B}), Mask({MANAGER}), 1, At(20), NodeId{3});
    EXPECT_TRUE(Only(Invariant::DURABILITY));
    EXPECT_EQ(
        checker.Violations().front().Text(),
        "durability at 0.000000020 s: node1 released session 4:1 before its reverse entry was "
        "stored at node3");
}

TEST_F(InvariantCheckerTest, DurabilityWantsEverythingFromWhoHasJoined)
{
    const SessionRecord record = Open(1, 2000);
    checker.Stored(MANAGER, record, At(11));
    checker.Stored(SERVICE_B, record, At(12));
    registry.Find(record.id)->reverseStored = true;
    Release(record);
    Open(2, 2001); // it has been promised nothing yet
    checker.Activated(SERVICE_B, 0, At(30));
    EXPECT_EQ(checker.ViolationCount(), 0U);
    checker.Activated(6, 0, At(31));
    EXPECT_TRUE(Only(Invariant::DURABILITY));
    EXPECT_EQ(
        checker.Violations().front().Text(),
        "durability at 0.000000031 s: node6 is active without session 4:1 (1 sessions in all)");
}

TEST_F(InvariantCheckerTest, AgreementLetsNoOlderVersionOverwriteANewer)
{
    SessionRecord record = Open(1, 2000);
    const std::uint64_t first = record.version;
    record.version = MakeSessionVersion(1, 2);
    checker.Stored(SERVICE_B, record, At(11));
    checker.Stored(SERVICE_A, record, At(12), true, first);
    EXPECT_EQ(checker.ViolationCount(), 0U);
    SessionRecord old = record;
    old.version = first;
    checker.Stored(SERVICE_B, old, At(13), true, record.version);
    EXPECT_TRUE(Only(Invariant::AGREEMENT));
}

TEST_F(InvariantCheckerTest, DurabilityIsJudgedAtEveryCrash)
{
    const SessionRecord record = Open(1, 2000);
    checker.Stored(MANAGER, record, At(11));
    checker.Stored(SERVICE_B, record, At(12));
    registry.Find(record.id)->reverseStored = true;
    Release(record);
    EXPECT_TRUE(checker.Crashed(SERVICE_A, 0, Mask({SERVICE_B, 6}), {}, At(30)).empty());
    EXPECT_EQ(checker.ViolationCount(), 0U);
    // Node 6 is alive, so not all have failed; but it never had the session.
    EXPECT_EQ(checker.Crashed(SERVICE_B, 0, Mask({6}), {}, At(31)).size(), 1U);
    EXPECT_TRUE(Only(Invariant::DURABILITY));
}

TEST_F(InvariantCheckerTest, WhenAllServiceNodesFailNothingWasPromised)
{
    const SessionRecord record = Open(1, 2000);
    checker.Stored(MANAGER, record, At(11));
    checker.Stored(SERVICE_B, record, At(12));
    registry.Find(record.id)->reverseStored = true;
    Release(record);
    checker.Crashed(SERVICE_A, 0, Mask({SERVICE_B}), {}, At(30));
    EXPECT_EQ(checker.Crashed(SERVICE_B, 0, {}, {}, At(31)).size(), 1U);
    EXPECT_EQ(checker.ViolationCount(), 0U);
}

TEST_F(InvariantCheckerTest, WhatAManagerWillRestoreIsNotLostYet)
{
    const SessionRecord kept = Open(1, 2000);
    const SessionRecord half = Open(2, 2001);
    const SessionRecord gone = Open(3, 2002);
    for (const SessionRecord& record : {kept, half, gone})
    {
        checker.Stored(MANAGER, record, At(11));
        checker.Stored(SERVICE_B, record, At(12));
        registry.Find(record.id)->reverseStored = true;
        Release(record);
    }
    EXPECT_TRUE(checker.Crashed(SERVICE_A, 0, Mask({SERVICE_B}), {}, At(30)).empty());
    EXPECT_TRUE(checker.Crashed(SERVICE_B, 0, {}, Mask({MANAGER}), At(31)).empty());
    checker.Stored(SERVICE_A, kept, At(40));
    checker.Stored(SERVICE_A, half, At(40));
    EXPECT_EQ(checker.Restored(0, Mask({SERVICE_A})).size(), 1U);
    EXPECT_TRUE(registry.Find(gone.id)->lost);
    checker.Stored(SERVICE_B, kept, At(41));
    EXPECT_EQ(checker.Restored(0, Mask({SERVICE_A, SERVICE_B})).size(), 1U);
    EXPECT_TRUE(registry.Find(half.id)->lost) << "whom SERVICE_B gets may be opened anew";
    EXPECT_FALSE(registry.Find(kept.id)->lost);
    EXPECT_EQ(checker.ViolationCount(), 0U);
}

TEST_F(InvariantCheckerTest, DurabilityForbidsToReplaceAReleasedSession)
{
    const SessionRecord record = Open(1, 2000);
    checker.Superseded(SERVICE_A, record.id, At(13));
    EXPECT_EQ(checker.ViolationCount(), 0U) << "it was not released yet";
    checker.Stored(SERVICE_A, record, At(14));
    checker.Stored(MANAGER, record, At(14));
    checker.Stored(SERVICE_B, record, At(14));
    registry.Find(record.id)->reverseStored = true;
    Release(record);
    checker.Superseded(SERVICE_B, record.id, At(21));
    EXPECT_TRUE(Only(Invariant::DURABILITY));
}

TEST_F(InvariantCheckerTest, AgreementOnTheBindingOfEveryVersion)
{
    const SessionRecord record = Open(1, 2000);
    SessionRecord other = record;
    other.translated.source.port = 2001;
    other.version = MakeSessionVersion(2, 1);
    checker.Stored(SERVICE_B, other, At(11));
    EXPECT_TRUE(Only(Invariant::AGREEMENT));
}

TEST_F(InvariantCheckerTest, AgreementOnTheOwnerWithinAVersion)
{
    const SessionRecord record = Open(1, 2000);
    SessionRecord adopted = record;
    adopted.owner = SERVICE_B;
    adopted.version = MakeSessionVersion(2, 1);
    checker.Stored(SERVICE_B, adopted, At(11));
    EXPECT_EQ(checker.ViolationCount(), 0U) << "a new version may have a new owner";
    adopted.owner = SERVICE_A;
    checker.Stored(MANAGER, adopted, At(12));
    EXPECT_TRUE(Only(Invariant::AGREEMENT));
}

TEST_F(InvariantCheckerTest, AgreementKnowsNoSessionThatNobodyMade)
{
    checker.Stored(SERVICE_B, Record(SERVICE_A, 7, 2000), At(11));
    EXPECT_TRUE(Only(Invariant::AGREEMENT));
}

TEST_F(InvariantCheckerTest, UniquenessOfTheExternalTuple)
{
    Open(1, 2000);
    Open(2, 2001);
    EXPECT_EQ(checker.ViolationCount(), 0U);
    Open(3, 2000);
    EXPECT_TRUE(Only(Invariant::UNIQUENESS));
}

/** Copies of a session that was given up may be left over from the earlier life. */
TEST_F(InvariantCheckerTest, UniquenessOfWhatARestartedNodeMakes)
{
    const auto giveToAll = [this](const SessionRecord& record)
    {
        for (const NodeId node : {SERVICE_B, MANAGER})
        {
            checker.Stored(node, record, At(12));
        }
        registry.Find(record.id)->reverseStored = true;
    };
    const SessionRecord first = Open(1, 2000);
    giveToAll(first);
    const SessionRecord second = OpenInNextLife(1, 2000);
    giveToAll(second);
    Release(second);
    EXPECT_EQ(checker.ViolationCount(), 0U);
    Release(first);
    EXPECT_TRUE(Only(Invariant::UNIQUENESS));
}

TEST_F(InvariantCheckerTest, UniquenessOfAReleasedTupleHoldsInTheNextLife)
{
    registry.Find(Open(1, 2000).id)->released = true;
    OpenInNextLife(1, 2000);
    EXPECT_TRUE(Only(Invariant::UNIQUENESS));
}

TEST_F(InvariantCheckerTest, AnExternalTupleMayReturnAfterDeletion)
{
    checker.Deleted(Open(1, 2000));
    Open(2, 2000);
    EXPECT_EQ(checker.ViolationCount(), 0U);
}

TEST_F(InvariantCheckerTest, Resurrection)
{
    const SessionRecord record = Open(1, 2000);
    checker.Deleted(record);
    EXPECT_EQ(checker.ViolationCount(), 0U);
    checker.Stored(SERVICE_B, record, At(16));
    EXPECT_TRUE(Only(Invariant::RESURRECTION));
}

TEST_F(InvariantCheckerTest, WhoIsLeftOutOfTheViewMayNotKnowOfADeletion)
{
    const SessionRecord record = Open(1, 2000);
    checker.Deleted(record);
    checker.Stored(SERVICE_B, record, At(16), false);
    EXPECT_EQ(checker.ViolationCount(), 0U);
    checker.Stored(SERVICE_B, record, At(17), true);
    EXPECT_TRUE(Only(Invariant::RESURRECTION));
}

TEST_F(InvariantCheckerTest, TheExternalTupleIsTakenUntilTheDeletionIsConfirmed)
{
    const SessionRecord record = Open(1, 2000);
    checker.Deleting(*registry.Find(record.id));
    Open(2, 2000);
    EXPECT_TRUE(Only(Invariant::UNIQUENESS));
}

TEST_F(InvariantCheckerTest, ACopyThatWasRemovedDoesNotReturnToItsNode)
{
    const SessionRecord record = Open(1, 2000);
    SessionInfo& session = *registry.Find(record.id);
    checker.Deleting(session);
    checker.Removed(SERVICE_A, session);
    checker.Stored(SERVICE_B, record, At(15)); // has not been told yet
    EXPECT_EQ(checker.ViolationCount(), 0U);
    EXPECT_EQ(session.holders, Mask({SERVICE_B}));
    checker.Stored(SERVICE_A, record, At(16));
    EXPECT_TRUE(Only(Invariant::RESURRECTION));
}

TEST_F(InvariantCheckerTest, NobodyNeedsACopyOfASessionThatIsBeingDeleted)
{
    const SessionRecord record = Open(1, 2000);
    registry.Find(record.id)->released = true;
    checker.Deleting(*registry.Find(record.id));
    EXPECT_TRUE(checker.Crashed(SERVICE_A, 0, Mask({SERVICE_B}), {}, At(15)).empty());
    checker.Superseded(SERVICE_B, record.id, At(16));
    EXPECT_EQ(checker.ViolationCount(), 0U);
    const SessionRecord early = Open(2, 2001);
    checker.Deleting(*registry.Find(early.id));
    Release(early);
    EXPECT_EQ(checker.ViolationCount(), 0U);
}

TEST_F(InvariantCheckerTest, ConsistencyOfTheTranslation)
{
    checker.PacketRight();
    EXPECT_EQ(checker.ViolationCount(), 0U);
    checker.TranslationChanged(HOST, 0, "a packet", At(17));
    EXPECT_TRUE(Only(Invariant::CONSISTENCY));
}

TEST_F(InvariantCheckerTest, ConservationAndBoundedness)
{
    checker.Conservation(true, "", At(1));
    checker.Bounded("a queue", 10, 10, At(1));
    EXPECT_EQ(checker.ViolationCount(), 0U);
    checker.Bounded("a queue", 11, 10, At(2));
    EXPECT_TRUE(Only(Invariant::BOUNDEDNESS));
    EXPECT_EQ(checker.Violations().front().what, "a queue: 11 of 10");
    checker.Conservation(false, "packet 3 vanished", At(3));
    EXPECT_EQ(checker.Violations().back().invariant, Invariant::CONSERVATION);
}

TEST(InvariantCheckerPromises, WhatIsNotPromisedIsCountedButNoViolation)
{
    SessionRegistry registry;
    InvariantChecker checker({Promises{}},
                             registry,
                             [](NodeId)
                             {
        return std::string("node");
    });
    const SessionRecord record = Record(SERVICE_A, 1, 2000);
    checker.Created(SERVICE_A, record, At(1));
    checker.Stored(SERVICE_A, record, At(1));
    checker.Released(MANAGER, record, Mask({SERVICE_A, SERVICE_B}), {}, 3, At(2));
    EXPECT_EQ(checker.Crashed(SERVICE_A, 0, Mask({SERVICE_B}), {}, At(3)).size(), 1U);
    checker.TranslationChanged(HOST, 0, "a packet", At(4));
    EXPECT_EQ(checker.ViolationCount(), 0U);
    EXPECT_EQ(checker.Checks(Invariant::DURABILITY), 2U);
}

} // namespace
} // namespace flowchain
