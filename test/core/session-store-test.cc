// SPDX-License-Identifier: GPL-2.0-only
#include "session-store.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <ostream>

namespace flowchain
{

std::ostream&
operator<<(std::ostream& out, SessionStore::Outcome outcome)
{
    static constexpr const char* NAMES[] = {"INSERTED", "UPDATED", "UNCHANGED", "CONFLICT", "FULL"};
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

TEST(SessionStore, ATupleOfAnotherSessionIsAConflict)
{
    const SessionRecord known = Record(1, 2000);
    SessionRecord sameOriginal = Record(2, 2001);
    sameOriginal.original = known.original;
    SessionRecord sameReverse = Record(3, 2000);
    SessionRecord originalIsReverse = Record(4, 2002);
    originalIsReverse.original = known.translated.Reversed();
    SessionRecord reverseIsOriginal = Record(5, 2003);
    reverseIsOriginal.translated = known.original.Reversed();

    SessionStore store(10);
    ASSERT_EQ(store.Apply(known), Outcome::INSERTED);
    for (const SessionRecord& r : {sameOriginal, sameReverse, originalIsReverse, reverseIsOriginal})
    {
        EXPECT_EQ(store.Apply(r), Outcome::CONFLICT) << r.id;
    }
    EXPECT_EQ(store.Size(), 1U);
    EXPECT_TRUE(store.At(0) == known);
    EXPECT_EQ(store.Find(sameOriginal.translated.Reversed()).record, nullptr);
}

TEST(SessionStore, AFullStoreStillUpdates)
{
    SessionStore store(2);
    EXPECT_EQ(store.Apply(Record(1, 2001)), Outcome::INSERTED);
    EXPECT_EQ(store.Apply(Record(2, 2002)), Outcome::INSERTED);
    EXPECT_EQ(store.Apply(Record(3, 2003)), Outcome::FULL);
    EXPECT_EQ(store.Apply(Record(1, 2001, 2)), Outcome::UPDATED);
    EXPECT_EQ(store.Size(), 2U);
    EXPECT_EQ(store.Find(Record(3, 2003).original).record, nullptr);
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
    explicit NaiveStore(std::size_t sessionsMax)
        : m_sessionsMax(sessionsMax)
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
        if (Find(record.original) != nullptr || Find(record.translated.Reversed()) != nullptr)
        {
            return Outcome::CONFLICT;
        }
        if (m_records.size() >= m_sessionsMax)
        {
            return Outcome::FULL;
        }
        m_records.push_back(record);
        return Outcome::INSERTED;
    }

    const SessionRecord* Find(const FlowKey& key) const
    {
        for (const SessionRecord& known : m_records)
        {
            if (known.original == key || known.translated.Reversed() == key)
            {
                return &known;
            }
        }
        return nullptr;
    }

  private:
    std::size_t m_sessionsMax;
    std::vector<SessionRecord> m_records;
};

RC_GTEST_PROP(SessionStore, AgreesWithAList, ())
{
    const auto limit = *rc::gen::inRange<std::uint32_t>(0, 30);
    // Session, version; several sessions want the same port.
    const auto steps =
        *rc::gen::container<std::vector<std::pair<std::uint32_t, std::uint32_t>>>(rc::gen::pair(
            rc::gen::inRange<std::uint32_t>(0, 40), rc::gen::inRange<std::uint32_t>(1, 5)));
    const auto portOf = [](std::uint32_t session)
    {
        return static_cast<std::uint16_t>(2000 + session * 7 % 30);
    };
    SessionStore store(limit);
    NaiveStore oracle(limit);
    for (const auto& [session, version] : steps)
    {
        const SessionRecord record = Record(session, portOf(session), version);
        RC_ASSERT(store.Apply(record) == oracle.Apply(record));
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
