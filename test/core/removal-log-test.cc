// SPDX-License-Identifier: GPL-2.0-only
#include "removal-log.h"

#include "timer-wheel.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

SessionRecord
Record(std::uint16_t serial)
{
    SessionRecord record;
    record.id = MakeSessionId(3, serial);
    record.original = {{0x0a000001, serial}, {0xc6336401, 80}, IpProtocol::TCP};
    record.translated = {{0xcb007101, serial}, {0xc6336401, 80}, IpProtocol::TCP};
    return record;
}

std::vector<std::uint64_t>
Serials(const std::vector<SessionRecord>& records)
{
    std::vector<std::uint64_t> serials;
    for (const SessionRecord& record : records)
    {
        serials.push_back(record.id & 0xffff);
    }
    return serials;
}

TEST(RemovalLog, IsConfirmedWhenAllHaveConfirmed)
{
    RemovalLog log(2);
    const std::uint32_t number = log.Begin(Record(1));
    log.Find(number)->waiting.set(4).set(5);
    EXPECT_FALSE(log.Confirm(number, 4));
    EXPECT_FALSE(log.Confirm(number, 4)) << "twice is once";
    EXPECT_FALSE(log.Confirm(number, 6)) << "nobody has asked it";
    EXPECT_TRUE(log.Has(Record(1).original));
    EXPECT_TRUE(log.Has(Record(1).translated.Reversed()));
    EXPECT_TRUE(log.Has(Record(1).id));
    EXPECT_FALSE(log.Has(Record(2).original));
    EXPECT_TRUE(log.Confirm(number, 5));
    EXPECT_FALSE(log.Has(Record(1).original));
    EXPECT_FALSE(log.Confirm(number, 5));
    EXPECT_EQ(log.UnderWay(), 0U);
}

TEST(RemovalLog, NobodyGetsFarAheadOfTheOldest)
{
    RemovalLog log(2);
    for (std::uint16_t serial = 1; serial <= 2; ++serial)
    {
        ASSERT_FALSE(log.IsFull());
        log.Find(log.Begin(Record(serial)))->waiting.set(4);
    }
    EXPECT_TRUE(log.Confirm(1, 4));
    log.Trim();
    EXPECT_TRUE(log.IsFull()) << "the first one is still open";
    EXPECT_EQ(log.First(), 0U);
    EXPECT_EQ(log.UnderWay(), 1U);
    EXPECT_TRUE(log.Confirm(0, 4));
    log.Trim();
    EXPECT_FALSE(log.IsFull());
    EXPECT_EQ(log.First(), 2U);
    EXPECT_EQ(log.Find(1), nullptr);
    EXPECT_EQ(log.Begin(Record(3)), 2U);
}

TEST(RemovalWitness, KeepsWhatMayNotBeConfirmed)
{
    RemovalWitness witness;
    witness.Told(Record(1), 10, 1);
    witness.Told(Record(2), 11, 2);
    witness.Told(Record(3), 12, 2); // 11 and 12 are open, 10 is confirmed
    EXPECT_EQ(Serials(witness.Take()), (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(witness.Size(), 0U);
}

TEST(RemovalWitness, NumbersComeInAnyOrderAndStartAgain)
{
    RemovalWitness witness;
    witness.Told(Record(1), 65'535, 1);
    witness.Told(Record(3), 1, 3);
    witness.Told(Record(2), 0, 2);
    EXPECT_EQ(witness.Size(), 3U);
    witness.Told(Record(4), 2, 1);
    EXPECT_EQ(Serials(witness.Take()), (std::vector<std::uint64_t>{4}));
}

TEST(RemovalWitness, SaysWhatEverybodyHasConfirmed)
{
    RemovalWitness witness;
    EXPECT_TRUE(witness.Told(Record(1), 65'535, 1).empty());
    EXPECT_TRUE(witness.Told(Record(2), 0, 2).empty());
    witness.Asked(Record(4));
    EXPECT_EQ(Serials(witness.Told(Record(3), 1, 2)), (std::vector<std::uint64_t>{1}));
    // That the one who was asked tells of 4 does not mean that all know it.
    EXPECT_EQ(Serials(witness.Told(Record(4), 2, 1)), (std::vector<std::uint64_t>{2, 3}));
}

TEST(RemovalWitness, WhoWasAskedTellsInTheEnd)
{
    RemovalWitness witness;
    witness.Asked(Record(1));
    witness.Asked(Record(2));
    witness.Told(Record(1), 0, 1);
    EXPECT_EQ(Serials(witness.Take()), (std::vector<std::uint64_t>{2, 1}));
}

TEST(RemovalWitness, ForgetsWhatSomebodyElseSeesTo)
{
    RemovalWitness witness;
    witness.Told(Record(1), 0, 1);
    witness.Asked(Record(2));
    witness.Told(Record(3), 1, 2);
    witness.Settle(Record(2).id);
    EXPECT_EQ(Serials(witness.Records()), (std::vector<std::uint64_t>{1, 3}));
    EXPECT_EQ(witness.Size(), 2U) << "Records() keeps them";
}

TEST(RemovalWitness, IsBounded)
{
    RemovalWitness witness;
    for (std::uint16_t serial = 0; serial < 2000; ++serial)
    {
        if (serial % 2 == 0)
        {
            witness.Asked(Record(serial));
        }
        else
        {
            witness.Told(Record(serial), serial, 255);
        }
    }
    EXPECT_EQ(witness.Size(), 2 * RemovalLog::REMOVALS_MAX);
}

TEST(TimerWheel, GoesOffAtTheEndOfTheTick)
{
    TimerWheel wheel(Duration{10});
    EXPECT_EQ(wheel.Next(), NEVER);
    wheel.Add(1, Instant{Duration{25}});
    wheel.Add(2, Instant{Duration{20}});
    wheel.Add(3, Instant{Duration{21}});
    std::vector<std::uint64_t> out;
    EXPECT_EQ(wheel.Next(), Instant{Duration{20}});
    wheel.Expire(Instant{Duration{19}}, out);
    EXPECT_TRUE(out.empty());
    wheel.Expire(Instant{Duration{20}}, out);
    EXPECT_EQ(out, (std::vector<std::uint64_t>{2}));
    EXPECT_EQ(wheel.Next(), Instant{Duration{30}});
    wheel.Expire(Instant{Duration{1000}}, out);
    EXPECT_EQ(out, (std::vector<std::uint64_t>{2, 1, 3})) << "in order of Add()";
    EXPECT_EQ(wheel.Next(), NEVER);
    wheel.Add(4, Instant{Duration{5}}); // past: with the next tick
    EXPECT_EQ(wheel.Next(), Instant{Duration{1010}});
}

TEST(TimerWheel, AFarDeadlineGoesOffAtTheRingsEnd)
{
    TimerWheel wheel(Duration{10});
    wheel.Add(1, Instant{Duration{1'000'000}});
    const Instant end{Duration{10} * (TimerWheel::BUCKETS - 1)};
    EXPECT_EQ(wheel.Next(), end);
    std::vector<std::uint64_t> out;
    wheel.Expire(end, out);
    EXPECT_EQ(out, (std::vector<std::uint64_t>{1}));
}

} // namespace
} // namespace flowchain
