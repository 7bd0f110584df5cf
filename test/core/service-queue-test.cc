// SPDX-License-Identifier: GPL-2.0-only
#include "service-queue.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace flowchain
{
namespace
{

Instant
At(std::int64_t ps)
{
    return Instant(Duration(ps));
}

ProcessingConfig
Config(std::uint16_t cores, std::uint32_t queueFrames)
{
    ProcessingConfig config;
    config.cores = cores;
    config.queueFrames = queueFrames;
    config.packetCost = Duration(100);
    config.messageCost = Duration(60);
    config.ackCost = Duration(10);
    return config;
}

struct Arrival
{
    std::int64_t at;
    WorkKind kind;
    std::int64_t end; ///< -1: refused
};

void
CheckTimeline(ServiceQueue& queue, const std::vector<Arrival>& arrivals)
{
    for (std::size_t i = 0; i < arrivals.size(); ++i)
    {
        const auto end = queue.Admit(queue.CostOf(arrivals[i].kind), At(arrivals[i].at));
        ASSERT_EQ(end.has_value(), arrivals[i].end >= 0) << i;
        if (end)
        {
            EXPECT_EQ(*end, At(arrivals[i].end)) << i;
        }
    }
}

TEST(ServiceQueue, OneCoreServesInOrderWithTheCostOfEachKind)
{
    ServiceQueue queue(Config(1, 10));
    CheckTimeline(queue,
                  {
                      {1000, WorkKind::PACKET, 1100},
                      {1010, WorkKind::MESSAGE, 1160},
                      {1020, WorkKind::ACK, 1170},
                      {1165, WorkKind::ACK, 1180},
                      {1180, WorkKind::PACKET, 1280},
                      {5000, WorkKind::ACK, 5010},
                  });
    EXPECT_EQ(queue.BusyTime(At(6000)), Duration(100 + 60 + 10 + 10 + 100 + 10));
    EXPECT_EQ(queue.QueueFramesMax(), 2U);
}

TEST(ServiceQueue, TheBoundCountsThoseWhoWaitNotThoseInService)
{
    ServiceQueue queue(Config(1, 2));
    CheckTimeline(queue,
                  {
                      {0, WorkKind::PACKET, 100}, // in service
                      {0, WorkKind::PACKET, 200}, // waits
                      {0, WorkKind::PACKET, 300}, // waits
                      {0, WorkKind::ACK, -1},
                      {99, WorkKind::ACK, -1},
                      {100, WorkKind::PACKET, 400}, // the second has begun at 100
                      {100, WorkKind::ACK, -1},
                  });
    EXPECT_EQ(queue.QueueFramesMax(), 2U);
    EXPECT_EQ(queue.BusyTime(At(500)), Duration(400));
}

TEST(ServiceQueue, APauseDelaysWhatIsInServiceWhatWaitsAndWhatComes)
{
    ServiceQueue queue(Config(1, 2));
    CheckTimeline(queue,
                  {
                      {0, WorkKind::PACKET, 100}, {10, WorkKind::PACKET, 200}, // waits
                  });
    queue.Pause(At(30), At(1030));
    EXPECT_EQ(queue.BusyTime(At(30)), Duration(30));
    EXPECT_EQ(queue.BusyTime(At(1030)), Duration(30)) << "nothing is done in a pause";
    EXPECT_EQ(queue.WaitingTime(At(1030)), Duration(1020)) << "the second one has waited since 10";
    CheckTimeline(queue,
                  {
                      {40, WorkKind::ACK, 1210}, // 70 are left of the first, then 100, then 10
                      {50, WorkKind::ACK, -1},   // two wait
                      {1101, WorkKind::ACK, 1220},
                  });
    EXPECT_EQ(queue.BusyTime(At(2000)), Duration(220));
    // The second waits from 10 to 1100, the third from 40 to 1200, the last from 1101 to 1210.
    EXPECT_EQ(queue.WaitingTime(At(2000)), Duration(1090 + 1160 + 109));
}

TEST(ServiceQueue, IdleCoresStartWithThePausesEnd)
{
    ServiceQueue queue(Config(2, 10));
    CheckTimeline(queue, {{0, WorkKind::PACKET, 100}});
    queue.Pause(At(50), At(150));
    CheckTimeline(queue,
                  {
                      {60, WorkKind::ACK, 160},    // the idle core
                      {60, WorkKind::PACKET, 260}, // the same again, free at 160, the other at 200
                      {300, WorkKind::ACK, 310},
                  });
    queue.Pause(At(400), At(500));
    queue.Reset(At(420));
    CheckTimeline(queue, {{430, WorkKind::ACK, 440}});
}

TEST(ServiceQueue, WithoutAQueueOnlyAFreeCoreTakesWork)
{
    ServiceQueue queue(Config(2, 0));
    CheckTimeline(queue,
                  {
                      {0, WorkKind::PACKET, 100},
                      {10, WorkKind::ACK, 20},
                      {15, WorkKind::ACK, -1},
                      {20, WorkKind::ACK, 30},
                      {100, WorkKind::PACKET, 200},
                  });
    EXPECT_EQ(queue.QueueFramesMax(), 0U);
}

TEST(ServiceQueue, ABurstLeavesInRoundsOfTheCores)
{
    for (const std::uint16_t cores : {1, 2, 3, 7})
    {
        ServiceQueue queue(Config(cores, 1000));
        for (int i = 0; i < 50; ++i)
        {
            EXPECT_EQ(queue.Admit(queue.CostOf(WorkKind::PACKET), At(0)),
                      At(100 * (i / cores + 1)));
        }
        EXPECT_EQ(queue.QueueFramesMax(), 50U - cores);
    }
}

TEST(ServiceQueue, ResetForgetsTheWorkAndKeepsTheStatistics)
{
    ServiceQueue queue(Config(1, 1));
    CheckTimeline(queue, {{0, WorkKind::PACKET, 100}, {0, WorkKind::PACKET, 200}});
    queue.Reset(At(5));
    CheckTimeline(queue, {{10, WorkKind::PACKET, 110}, {10, WorkKind::PACKET, 210}});
    EXPECT_EQ(queue.BusyTime(At(500)), Duration(5 + 200)) << "it was cut short";
    EXPECT_EQ(queue.QueueFramesMax(), 1U);
}

TEST(ServiceQueue, WaitingTimeIsSummedOverFrames)
{
    ServiceQueue queue(Config(1, 2));
    for (int i = 0; i < 4; ++i)
    {
        // The second waits for 100, the third for 200.
        queue.Admit(queue.CostOf(WorkKind::PACKET), At(0));
    }
    queue.Admit(queue.CostOf(WorkKind::PACKET), At(250)); // until 300; the fourth was refused
    queue.Admit(queue.CostOf(WorkKind::PACKET), At(1000));
    EXPECT_EQ(queue.WaitingTime(At(1000)), Duration(100 + 200 + 50));
}

TEST(ServiceQueue, WhatLiesAheadIsNotCountedYet)
{
    ServiceQueue queue(Config(2, 10));
    for (int i = 0; i < 5; ++i)
    {
        queue.Admit(queue.CostOf(WorkKind::PACKET), At(0)); // ends at 100, 100, 200, 200, 300
    }
    EXPECT_EQ(queue.BusyTime(At(0)), Duration(0));
    EXPECT_EQ(queue.BusyTime(At(150)), Duration(2 * 150));
    EXPECT_EQ(queue.BusyTime(At(250)), Duration(200 + 250)) << "one core has nothing left to do";
    EXPECT_EQ(queue.BusyTime(At(1000)), Duration(500));
    EXPECT_EQ(queue.WaitingTime(At(50)), Duration(3 * 50));
    EXPECT_EQ(queue.WaitingTime(At(150)), Duration(2 * 100 + 150));
    EXPECT_EQ(queue.WaitingTime(At(1000)), Duration(2 * 100 + 200));
}

TEST(ServiceQueueDeathTest, ArrivalsGoForwardInTime)
{
    ServiceQueue queue(Config(1, 1));
    queue.Admit(queue.CostOf(WorkKind::ACK), At(10));
    EXPECT_DEATH(queue.Admit(queue.CostOf(WorkKind::ACK), At(9)), "");
}

/** The queue as an event list: frames wait in a line, and every core is asked for its state. */
class NaiveQueue
{
  public:
    NaiveQueue(std::size_t cores, std::size_t queueFrames)
        : m_busyUntil(cores, 0)
        , m_queueFrames(queueFrames)
    {
    }

    /** @returns whether the frame is taken; its end appears in Ends() once it was in service. */
    bool Arrive(std::int64_t now, std::int64_t cost)
    {
        RunUntil(now);
        const auto idle = std::find_if(m_busyUntil.begin(),
                                       m_busyUntil.end(),
                                       [&](auto until)
                                       {
            return until <= now;
        });
        if (idle != m_busyUntil.end())
        {
            *idle = now + cost;
            m_ends.push_back(*idle);
            return true;
        }
        if (m_line.size() == m_queueFrames)
        {
            return false;
        }
        m_line.push_back(cost);
        return true;
    }

    /** Let cores take waiting frames, in the order in which they become idle. */
    void RunUntil(std::int64_t now)
    {
        while (!m_line.empty())
        {
            auto& first = *std::min_element(m_busyUntil.begin(), m_busyUntil.end());
            if (first > now)
            {
                return;
            }
            first += m_line.front();
            m_ends.push_back(first);
            m_line.erase(m_line.begin());
        }
    }

    const std::vector<std::int64_t>& Ends() const
    {
        return m_ends;
    }

  private:
    std::vector<std::int64_t> m_busyUntil;
    std::size_t m_queueFrames;
    std::vector<std::int64_t> m_line; ///< costs
    std::vector<std::int64_t> m_ends; ///< of what was in service, in order of admission
};

RC_GTEST_PROP(ServiceQueue, AgreesWithAnEventList, ())
{
    const auto cores = *rc::gen::inRange<std::uint16_t>(1, 6);
    const auto queueFrames = *rc::gen::inRange<std::uint32_t>(0, 8);
    const auto arrivals = *rc::gen::container<std::vector<std::pair<int, int>>>(
        rc::gen::pair(rc::gen::inRange(0, 60), rc::gen::inRange(0, 3)));
    const ProcessingConfig config = Config(cores, queueFrames);
    const std::int64_t costs[] = {100, 60, 10};

    ServiceQueue queue(config);
    NaiveQueue oracle(cores, queueFrames);
    std::vector<std::int64_t> ends;
    std::int64_t now = 0;
    std::int64_t busy = 0;
    for (const auto& [gap, kind] : arrivals)
    {
        now += gap;
        const auto end = queue.Admit(queue.CostOf(static_cast<WorkKind>(kind)), At(now));
        RC_ASSERT(end.has_value() == oracle.Arrive(now, costs[kind]));
        if (end)
        {
            ends.push_back(end->time_since_epoch().count());
            busy += costs[kind];
        }
    }
    oracle.RunUntil(std::int64_t{1} << 40);
    RC_ASSERT(ends == oracle.Ends());
    RC_ASSERT(queue.BusyTime(At(std::int64_t{1} << 40)).count() == busy);
    RC_ASSERT(queue.QueueFramesMax() <= queueFrames);
}

} // namespace
} // namespace flowchain
