// SPDX-License-Identifier: GPL-2.0-only
#include "session-store.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <utility>

namespace flowchain
{

std::ostream&
operator<<(std::ostream& out, SessionStore::Outcome outcome)
{
    static constexpr const char* NAMES[] = {
        "INSERTED", "UPDATED", "UNCHANGED", "CONFLICT", "FULL", "DELETED"};
    return out << NAMES[static_cast<int>(outcome)];
}

namespace
{

using Outcome = SessionStore::Outcome;

constexpr Endpoint SERVER{0xc6336401, 443};

/** Session `serial` of 10.0.x.x, translated to 203.0.113.0:port. */
SessionRecord
Record(std::uint32_t serial, std::uint16_t port, std::uint32_t version = 1)
{
    SessionRecord record;
    record.id = MakeSessionId(3, serial);
    record.version = MakeSessionVersion(1, version);
    record.original = {{0x0a000000 + serial, 40000}, SERVER, IpProtocol::TCP};
    record.translated = {{0xcb007100, port}, SERVER, IpProtocol::TCP};
    record.createdNs = 12'345;
    record.owner = 7;
    return record;
}

TEST(SessionStore, FindsASessionByTheTupleOfEitherDirection)
{
    SessionStore store(10);
    const SessionRecord record = Record(1, 2000);
    ASSERT_EQ(store.Apply(record), Outcome::INSERTED);

    const SessionStore::Match forward = store.Find(record.original);
    ASSERT_NE(forward.record, nullptr);
    EXPECT_FALSE(forward.reverse);
    EXPECT_TRUE(*forward.record == record);

    const SessionStore::Match reverse = store.Find(record.translated.Reversed());
    EXPECT_EQ(reverse.record, forward.record);
    EXPECT_TRUE(reverse.reverse);

    // What neither direction looks like at the accelerator.
    EXPECT_EQ(store.Find(record.translated).record, nullptr);
    EXPECT_EQ(store.Find(record.original.Reversed()).record, nullptr);
}

TEST(SessionStore, OnlyANewerVersionReplaces)
{
    struct Row
    {
        std::uint32_t epoch;
        std::uint32_t counter;
        Outcome outcome;
    };
    const Row rows[] = {
        {2, 5, Outcome::INSERTED},
        {2, 5, Outcome::UNCHANGED},
        {2, 4, Outcome::UNCHANGED},
        {1, 9, Outcome::UNCHANGED},
        {2, 6, Outcome::UPDATED},
        {3, 0, Outcome::UPDATED},
        {2, 7, Outcome::UNCHANGED},
    };
    SessionStore store(1);
    SessionVersion newest = 0;
    for (const Row& row : rows)
    {
        SessionRecord record = Record(1, 2000);
        record.version = MakeSessionVersion(row.epoch, row.counter);
        record.owner = static_cast<NodeId>(row.epoch * 10 + row.counter);
        ASSERT_EQ(store.Apply(record), row.outcome) << row.epoch << '.' << row.counter;
        newest = std::max(newest, record.version);
        EXPECT_EQ(store.At(0).version, newest);
        EXPECT_EQ(store.At(0).owner, (newest >> 32) * 10 + (newest & 0xffffffff));
        EXPECT_EQ(store.Size(), 1U);
    }
}

/** Records that each want one tuple of Record(1, 2000), in the four possible ways. */
std::vector<SessionRecord>
Rivals(std::uint32_t version)
{
    const SessionRecord known = Record(1, 2000);
    std::vector<SessionRecord> rivals = {
        Record(2, 2001, version),
        Record(3, 2000, version),
        Record(4, 2002, version),
        Record(5, 2003, version),
    };
    rivals[0].original = known.original;
    rivals[2].original = known.translated.Reversed();
    rivals[3].translated = known.original.Reversed();
    return rivals;
}

/** What makes a session older or newer than Record(1, ...) of epoch 8; its version's counter is 5,
 * its time of creation 12345, its id smaller than a rival's. */
struct Age
{
    std::uint32_t epoch;
    std::uint32_t counter;
    std::uint64_t createdNs;
    bool smallerId;
};

SessionRecord
Aged(SessionRecord record, const Age& age)
{
    record.version = MakeSessionVersion(age.epoch, age.counter);
    record.createdNs = age.createdNs;
    record.id = age.smallerId ? MakeSessionId(2, record.id & 0xff) : record.id;
    return record;
}

TEST(SessionStore, AnOlderSessionGetsNoTupleOfANewerOne)
{
    const Age older[] = {{7, 9, 99'999, false}, {8, 9, 12'344, false}, {8, 9, 12'345, true}};
    for (const Age& age : older)
    {
        SessionStore store(10);
        const SessionRecord known = Aged(Record(1, 2000), {8, 5, 12'345, false});
        ASSERT_EQ(store.Apply(known), Outcome::INSERTED);
        for (const SessionRecord& rival : Rivals(1))
        {
            EXPECT_EQ(store.Apply(Aged(rival, age)), Outcome::CONFLICT) << rival.id;
            EXPECT_TRUE(store.Superseded().empty());
        }
        EXPECT_EQ(store.Size(), 1U);
        EXPECT_TRUE(store.At(0) == known);
        EXPECT_EQ(store.Find(Rivals(1)[0].translated.Reversed()).record, nullptr);
    }
}

TEST(SessionStore, ANewerSessionTakesTheTuples)
{
    const Age newer[] = {{9, 1, 1, true}, {8, 1, 12'346, true}, {8, 1, 12'345, false}};
    for (const Age& age : newer)
    {
        for (const SessionRecord& plain : Rivals(1))
        {
            SessionStore store(10);
            const SessionRecord known = Aged(Record(1, 2000), {8, 5, 12'345, false});
            const SessionRecord rival = Aged(plain, age);
            store.Apply(known);
            EXPECT_EQ(store.Apply(rival), Outcome::INSERTED) << rival.id;
            EXPECT_EQ(store.Superseded(), std::vector<SessionRecord>{known});
            EXPECT_EQ(store.Size(), 1U);
            EXPECT_TRUE(*store.Find(rival.original).record == rival);
            EXPECT_TRUE(*store.Find(rival.translated.Reversed()).record == rival);
            EXPECT_EQ(store.Apply(known), Outcome::CONFLICT) << "it does not come back";
            EXPECT_TRUE(store.Superseded().empty()) << "of the last call only";
        }
    }
}

TEST(SessionStore, ANewerSessionTakesTheTuplesOfTwo)
{
    SessionStore store(10);
    store.Apply(Record(1, 2000));
    store.Apply(Record(2, 2001));
    SessionRecord both = Record(3, 2001);
    both.original = Record(1, 2000).original;
    EXPECT_EQ(store.Apply(both), Outcome::INSERTED);
    EXPECT_EQ(store.Superseded(), (std::vector{Record(1, 2000), Record(2, 2001)}));
    EXPECT_EQ(store.Size(), 1U);
    EXPECT_EQ(store.Find(Record(2, 2001).original).record, nullptr);
    EXPECT_EQ(store.Find(Record(1, 2000).translated.Reversed()).record, nullptr);
    EXPECT_TRUE(*store.Find(both.translated.Reversed()).record == both);
}

TEST(SessionStore, AFullStoreStillUpdates)
{
    SessionStore store(2);
    EXPECT_EQ(store.Apply(Record(1, 2001)), Outcome::INSERTED);
    EXPECT_EQ(store.Apply(Record(2, 2002)), Outcome::INSERTED);
    EXPECT_EQ(store.Apply(Record(3, 2003)), Outcome::FULL);
    EXPECT_EQ(store.Apply(Record(1, 2001, 2)), Outcome::UPDATED);
    EXPECT_EQ(store.Size(), 2U);
    EXPECT_EQ(store.Apply(Record(3, 2002)), Outcome::INSERTED) << "it takes the place of 2";
    EXPECT_EQ(store.Size(), 2U);
    EXPECT_EQ(store.Find(Record(2, 2002).original).record, nullptr);
    EXPECT_TRUE(*store.Find(Record(1, 2001).original).record == Record(1, 2001, 2));
}

TEST(SessionStore, ASnapshotWalksRecordsInOrderOfArrival)
{
    constexpr std::uint32_t SESSIONS = 10'000;
    SessionStore store(SESSIONS);
    for (std::uint32_t i = 0; i < SESSIONS; ++i)
    {
        ASSERT_EQ(store.Apply(Record(SESSIONS - i, static_cast<std::uint16_t>(1024 + i))),
                  Outcome::INSERTED);
    }
    for (std::uint32_t i = 0; i < SESSIONS; i += 3)
    {
        store.Apply(Record(SESSIONS - i, static_cast<std::uint16_t>(1024 + i), 2));
    }
    for (std::uint32_t i = 0; i < SESSIONS; ++i)
    {
        ASSERT_EQ(store.At(i).id, MakeSessionId(3, SESSIONS - i));
    }
}

TEST(SessionStore, AnUntranslatedHostThatTalksToItselfIsOneEntry)
{
    SessionRecord record = Record(1, 2000);
    record.original = {SERVER, SERVER, IpProtocol::UDP};
    record.translated = record.original;
    SessionStore store(10);
    EXPECT_EQ(store.Apply(record), Outcome::INSERTED);
    EXPECT_EQ(store.Apply(record), Outcome::UNCHANGED);
    EXPECT_FALSE(store.Find(record.original).reverse);
}

TEST(SessionStore, AMillionSessionsTakeLessThan150BytesEach)
{
    constexpr std::uint32_t SESSIONS = 1'000'000;
    SessionStore store(SESSIONS);
    EXPECT_EQ(store.Bytes(), 0U);
    for (std::uint32_t i = 0; i < SESSIONS; ++i)
    {
        SessionRecord record = Record(i, static_cast<std::uint16_t>(i));
        record.translated.source.address += i >> 16;
        ASSERT_EQ(store.Apply(record), Outcome::INSERTED);
        if (i >= 100'000)
        {
            ASSERT_LT(store.Bytes(), std::size_t{150} * (i + 1));
        }
    }
}

TEST(SessionStoreDeathTest, ATupleThatChangesIsABrokenInvariant)
{
    SessionStore store(10);
    store.Apply(Record(1, 2000));
    EXPECT_DEATH(store.Apply(Record(1, 2001, 2)), "");
}

/** Every record in a list, every look-up a walk. */
class NaiveStore
{
  public:
    NaiveStore(std::size_t sessionsMax, std::size_t tombstonesMax)
        : m_sessionsMax(sessionsMax)
        , m_tombstonesMax(tombstonesMax)
    {
    }

    Outcome Apply(const SessionRecord& record)
    {
        for (SessionRecord& known : m_records)
        {
            if (known.id == record.id)
            {
                const bool newer = record.version > known.version;
                known = newer ? record : known;
                return newer ? Outcome::UPDATED : Outcome::UNCHANGED;
            }
        }
        if (std::find(m_deleted.begin(), m_deleted.end(), record.id) != m_deleted.end())
        {
            return Outcome::DELETED;
        }
        const auto rival = [&](const SessionRecord& known)
        {
            return Holds(known, record.original) || Holds(known, record.translated.Reversed());
        };
        for (const SessionRecord& known : m_records)
        {
            if (rival(known) && known.id > record.id) // of one epoch, made at the same time
            {
                return Outcome::CONFLICT;
            }
        }
        if (std::erase_if(m_records, rival) == 0 && m_records.size() >= m_sessionsMax)
        {
            return Outcome::FULL;
        }
        m_records.push_back(record);
        return Outcome::INSERTED;
    }

    bool Remove(SessionId id)
    {
        if (std::find(m_deleted.begin(), m_deleted.end(), id) == m_deleted.end())
        {
            m_deleted.push_back(id);
        }
        if (m_deleted.size() > m_tombstonesMax)
        {
            m_deleted.erase(m_deleted.begin());
        }
        return std::erase_if(m_records,
                             [id](const SessionRecord& known)
                             {
            return known.id == id;
               }) != 0;
    }

    std::size_t Size() const
    {
        return m_records.size();
    }

    const SessionRecord* Find(const FlowKey& key) const
    {
        for (const SessionRecord& known : m_records)
        {
            if (Holds(known, key))
            {
                return &known;
            }
        }
        return nullptr;
    }

  private:
    static bool Holds(const SessionRecord& record, const FlowKey& key)
    {
        return record.original == key || record.translated.Reversed() == key;
    }

    std::size_t m_sessionsMax;
    std::size_t m_tombstonesMax;
    std::vector<SessionRecord> m_records;
    std::vector<SessionId> m_deleted; ///< in order of time
};

TEST(SessionStore, ARemovedSessionDoesNotComeBack)
{
    SessionStore store(10, 2);
    store.Apply(Record(1, 2001));
    EXPECT_TRUE(store.Remove(Record(1, 2001))) << "whatever its version";
    EXPECT_EQ(store.Size(), 0U);
    EXPECT_EQ(store.Find(Record(1, 2001).original).record, nullptr);
    EXPECT_EQ(store.Find(Record(1, 2001).translated.Reversed()).record, nullptr);
    EXPECT_EQ(store.Apply(Record(1, 2001, 9)), Outcome::DELETED) << "nor a newer version of it";
    EXPECT_FALSE(store.Remove(Record(2, 2002))) << "a session that was never here";
    EXPECT_EQ(store.Apply(Record(2, 2002)), Outcome::DELETED);
    EXPECT_EQ(store.Deleted().Size(), 2U);
    EXPECT_EQ(store.Deleted().Evicted(), 0U);

    store.Remove(Record(3, 2003)); // the third tombstone takes the place of the first
    EXPECT_EQ(store.Deleted().Size(), 2U);
    EXPECT_EQ(store.Deleted().Evicted(), 1U);
    EXPECT_EQ(store.Apply(Record(1, 2001)), Outcome::INSERTED);
    EXPECT_EQ(store.Apply(Record(2, 2002)), Outcome::DELETED);
}

TEST(SessionStore, ASlotIsUsedAgain)
{
    SessionStore store(3);
    for (std::uint32_t i = 0; i < 3; ++i)
    {
        store.Apply(Record(i, static_cast<std::uint16_t>(2000 + i)));
    }
    EXPECT_EQ(store.Apply(Record(3, 2003)), Outcome::FULL);
    const SessionRecord* last = store.Find(Record(2, 2002).original).record;
    store.Remove(Record(1, 2001));
    EXPECT_EQ(store.At(1).id, 0U);
    EXPECT_EQ(store.Apply(Record(3, 2003)), Outcome::INSERTED);
    EXPECT_EQ(store.Slots(), 3U);
    EXPECT_EQ(store.At(1).id, Record(3, 2003).id);
    EXPECT_EQ(store.Find(Record(3, 2003).original).slot, 1U);
    EXPECT_EQ(store.Find(Record(2, 2002).original).record, last) << "the others stay in place";
}

RC_GTEST_PROP(SessionStore, AgreesWithAList, ())
{
    const auto limit = *rc::gen::inRange<std::uint32_t>(0, 30);
    const auto tombstones = *rc::gen::inRange<std::uint32_t>(1, 20);
    // Session, version or 0: remove it; several sessions want the same port.
    const auto steps =
        *rc::gen::container<std::vector<std::pair<std::uint32_t, std::uint32_t>>>(rc::gen::pair(
            rc::gen::inRange<std::uint32_t>(0, 40), rc::gen::inRange<std::uint32_t>(0, 5)));
    const auto portOf = [](std::uint32_t session)
    {
        return static_cast<std::uint16_t>(2000 + session * 7 % 30);
    };
    SessionStore store(limit, tombstones);
    NaiveStore oracle(limit, tombstones);
    for (const auto& [session, version] : steps)
    {
        SessionRecord record = Record(session, portOf(session), version);
        record.owner = version == 4 ? NO_NODE : static_cast<NodeId>(session % 2 + version);
        if (version == 0)
        {
            RC_ASSERT(store.Remove(record) == oracle.Remove(record.id));
        }
        else
        {
            RC_ASSERT(store.Apply(record) == oracle.Apply(record));
        }
        RC_ASSERT(store.Size() == oracle.Size());
        RC_ASSERT(store.Slots() <= limit);
        std::map<NodeId, std::uint32_t> owned;
        for (std::size_t slot = 0; slot < store.Slots(); ++slot)
        {
            owned[store.At(slot).owner] += store.At(slot).id != 0 ? 1 : 0;
        }
        for (NodeId owner = 0; owner < 8; ++owner)
        {
            RC_ASSERT(store.OwnedBy(owner) == owned[owner]);
        }
        RC_ASSERT(store.OwnedBy(NO_NODE) == 0U);
        for (std::uint32_t other = 0; other < 40; ++other)
        {
            const SessionRecord probe = Record(other, portOf(other));
            for (const FlowKey& key : {probe.original, probe.translated.Reversed()})
            {
                const SessionStore::Match match = store.Find(key);
                const SessionRecord* expected = oracle.Find(key);
                RC_ASSERT((match.record != nullptr) == (expected != nullptr));
                if (expected != nullptr)
                {
                    RC_ASSERT(*match.record == *expected);
                    RC_ASSERT(match.reverse == (key != expected->original));
                }
            }
        }
    }
}

} // namespace
} // namespace flowchain
