// SPDX-License-Identifier: GPL-2.0-only
#include "quaternary-heap-scheduler.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <tuple>
#include <vector>

namespace flowchain::fabric_test
{
namespace
{

using Event = ns3::Scheduler::Event;

constexpr std::uint64_t TIMESTAMP_MAX = std::numeric_limits<std::int64_t>::max();
constexpr std::uint32_t UID_MAX = std::numeric_limits<std::uint32_t>::max();

/** An event whose implementation is only a number that has to come back. */
Event
MakeEvent(std::uint64_t timestamp, std::uint32_t uid)
{
    Event event;
    event.impl = reinterpret_cast<ns3::EventImpl*>(std::uintptr_t{uid} * 16 + 16);
    event.key.m_ts = timestamp;
    event.key.m_uid = uid;
    event.key.m_context = ~uid;
    return event;
}

auto
FieldsOf(const Event& event)
{
    return std::tuple(event.key.m_ts, event.key.m_uid, event.key.m_context, event.impl);
}

/** The scheduler beside a map by time. Events of one time lie in the map in the order of their
 * insertion, which is the order of their uid, because the simulator counts it up. */
class Pair
{
  public:
    Pair()
        : m_scheduler(ns3::Create<QuaternaryHeapScheduler>())
    {
    }

    void Insert(std::uint64_t timestamp)
    {
        const Event event = MakeEvent(timestamp, m_uid++);
        m_scheduler->Insert(event);
        m_oracle.emplace(timestamp, event);
    }

    void RemoveNext()
    {
        if (!m_oracle.empty())
        {
            RC_ASSERT(FieldsOf(m_scheduler->RemoveNext()) == FieldsOf(m_oracle.begin()->second));
            m_oracle.erase(m_oracle.begin());
        }
    }

    void RemoveAny(std::uint64_t which)
    {
        if (!m_oracle.empty())
        {
            const auto victim =
                std::next(m_oracle.begin(), static_cast<std::ptrdiff_t>(which % m_oracle.size()));
            m_scheduler->Remove(victim->second);
            m_oracle.erase(victim);
        }
    }

    void Check() const
    {
        RC_ASSERT(m_scheduler->IsEmpty() == m_oracle.empty());
        if (!m_oracle.empty())
        {
            RC_ASSERT(FieldsOf(m_scheduler->PeekNext()) == FieldsOf(m_oracle.begin()->second));
        }
    }

    std::size_t Size() const
    {
        return m_oracle.size();
    }

  private:
    ns3::Ptr<QuaternaryHeapScheduler> m_scheduler;
    std::multimap<std::uint64_t, Event> m_oracle;
    std::uint32_t m_uid = 4; // as the simulator's first
};

struct Operation
{
    std::uint32_t kind;
    std::uint64_t number;
};

/** Mostly few distinct timestamps, so that most events tie; any order, not only ascending. */
std::vector<Operation>
AnyOperations()
{
    const auto operation = rc::gen::construct<Operation>(
        rc::gen::inRange<std::uint32_t>(0, 8),
        rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 8),
                       rc::gen::inRange<std::uint64_t>(0, TIMESTAMP_MAX)));
    return *rc::gen::scale(5, rc::gen::container<std::vector<Operation>>(operation));
}

RC_GTEST_PROP(QuaternaryHeapScheduler, AgreesWithAMultimap, ())
{
    Pair pair;
    for (const Operation& operation : AnyOperations())
    {
        switch (operation.kind)
        {
        case 0:
        case 1:
            pair.RemoveNext();
            break;
        case 2:
            pair.RemoveAny(operation.number);
            break;
        default:
            pair.Insert(operation.number);
        }
        pair.Check();
    }
    while (pair.Size() > 0)
    {
        pair.RemoveNext();
    }
    pair.Check();
}

/** Past several doublings of its memory, and as a simulation does it: nothing before now. */
TEST(QuaternaryHeapScheduler, KeepsTheOrderOfManyEvents)
{
    std::mt19937_64 random(11);
    const auto scheduler = ns3::Create<QuaternaryHeapScheduler>();
    std::map<std::pair<std::uint64_t, std::uint32_t>, Event> oracle;
    std::uint64_t now = 0;
    std::uint32_t uid = 4;
    std::size_t most = 0;
    for (int i = 0; i < 200'000; ++i)
    {
        const bool isFilling = i / 40'000 % 2 == 0;
        if (random() % 10 < (isFilling ? 8U : 3U) || oracle.empty())
        {
            const Event event = MakeEvent(now + random() % 1000, uid++);
            scheduler->Insert(event);
            oracle.emplace(std::pair(event.key.m_ts, event.key.m_uid), event);
        }
        else
        {
            const Event event = scheduler->RemoveNext();
            ASSERT_EQ(FieldsOf(event), FieldsOf(oracle.begin()->second));
            oracle.erase(oracle.begin());
            now = event.key.m_ts;
        }
        most = std::max(most, oracle.size());
        ASSERT_EQ(scheduler->IsEmpty(), oracle.empty());
    }
    EXPECT_GT(most, 20'000U);
}

TEST(QuaternaryHeapScheduler, OrdersTheLastTimeAndUidThereAre)
{
    const auto scheduler = ns3::Create<QuaternaryHeapScheduler>();
    const std::vector<Event> ordered = {MakeEvent(0, 0),
                                        MakeEvent(0, UID_MAX),
                                        MakeEvent(1, 0),
                                        MakeEvent(1ULL << 32, 7),
                                        MakeEvent(TIMESTAMP_MAX, UID_MAX - 1),
                                        MakeEvent(TIMESTAMP_MAX, UID_MAX)};
    std::vector<Event> any = ordered;
    std::size_t orders = 0;
    do
    {
        for (const Event& event : any)
        {
            scheduler->Insert(event);
        }
        for (const Event& event : ordered)
        {
            ASSERT_EQ(FieldsOf(scheduler->PeekNext()), FieldsOf(event));
            ASSERT_EQ(FieldsOf(scheduler->RemoveNext()), FieldsOf(event));
        }
        ASSERT_TRUE(scheduler->IsEmpty());
        ++orders;
    } while (std::ranges::next_permutation(any, {}, &FieldsOf).found);
    EXPECT_EQ(orders, 720U);
}

using QuaternaryHeapSchedulerDeathTest = testing::Test;

TEST(QuaternaryHeapSchedulerDeathTest, RefusesWhatIsNotThere)
{
    const auto scheduler = ns3::Create<QuaternaryHeapScheduler>();
    EXPECT_DEATH(scheduler->PeekNext(), "IsEmpty");
    EXPECT_DEATH(scheduler->RemoveNext(), "IsEmpty");
    scheduler->Insert(MakeEvent(1, 5));
    EXPECT_DEATH(scheduler->Remove(MakeEvent(1, 6)), "found");
}

} // namespace
} // namespace flowchain::fabric_test
