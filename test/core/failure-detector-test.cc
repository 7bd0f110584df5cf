// SPDX-License-Identifier: GPL-2.0-only
#include "failure-detector.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace flowchain
{
namespace
{

using Ids = std::vector<NodeId>;

Instant
At(std::int64_t ps)
{
    return Instant(Duration(ps));
}

/** Timeout 100, heartbeats every 30: three of them are missed, and the fourth is not due. */
DetectorConfig
Config()
{
    return {.timeout = Duration(100), .interval = Duration(30), .lossWindow = 1000};
}

TEST(FailureDetector, SuspectsExactlyWhenTheTimeoutIsOver)
{
    FailureDetector detector(160, Config());
    EXPECT_EQ(detector.NextDeadline(), NEVER);
    detector.Watch(3, At(0));
    detector.Watch(159, At(10));
    EXPECT_EQ(detector.NextDeadline(), At(100));
    EXPECT_EQ(detector.Expire(At(99)), Ids{});
    EXPECT_EQ(detector.Expire(At(100)), Ids{3});
    EXPECT_FALSE(detector.IsWatched(3));
    EXPECT_TRUE(detector.IsWatched(159));
    EXPECT_EQ(detector.NextDeadline(), At(110));
    EXPECT_EQ(detector.Expire(At(100)), Ids{});
    EXPECT_EQ(detector.Expire(At(500)), Ids{159});
    EXPECT_EQ(detector.NextDeadline(), NEVER);
    EXPECT_EQ(detector.Expire(At(1000)), Ids{});
}

TEST(FailureDetector, AHeartbeatGivesANewTimeout)
{
    FailureDetector detector(4, Config());
    detector.Watch(1, At(0));
    detector.Heartbeat(1, 0, 1, At(99));
    EXPECT_EQ(detector.Expire(At(198)), Ids{});
    EXPECT_EQ(detector.Expire(At(199)), Ids{1});
}

TEST(FailureDetector, IgnoresHeartbeatsOfNodesThatNobodyWatches)
{
    FailureDetector detector(4, Config());
    detector.Heartbeat(2, 0, 1, At(0));
    EXPECT_FALSE(detector.IsWatched(2));
    detector.Watch(2, At(0));
    detector.Unwatch(2);
    detector.Heartbeat(2, 0, 2, At(50));
    EXPECT_EQ(detector.Expire(At(1000)), Ids{});
    detector.Watch(2, At(1000));
    EXPECT_EQ(detector.Expire(At(1100)), Ids{2});
    detector.Heartbeat(2, 0, 3, At(1100));
    EXPECT_EQ(detector.Expire(At(2000)), Ids{});
}

TEST(FailureDetector, NamesSuspectsInAscendingOrder)
{
    FailureDetector detector(10, Config());
    for (const NodeId node : {7, 2, 9, 0})
    {
        detector.Watch(node, At(node));
    }
    EXPECT_EQ(detector.Expire(At(108)), (Ids{0, 2, 7}));
    EXPECT_EQ(detector.Expire(At(109)), Ids{9});
}

/** Lets one node in three heartbeats be heard, so that 2/3 of them are lost. */
void
LoseTwoOfThree(FailureDetector& detector, NodeId node, std::uint32_t upTo, Instant now)
{
    for (std::uint32_t number = 3; number <= upTo; number += 3)
    {
        detector.Heartbeat(node, 0, number, now);
    }
}

TEST(FailureDetector, WaitsForAsManyMissedHeartbeatsAsTheLossAsksFor)
{
    FailureDetector detector(4, Config());
    detector.Expect(0, 0);
    detector.Watch(0, At(0));
    detector.Watch(1, At(0));
    LoseTwoOfThree(detector, 0, 2997, At(50));
    // p = (1998 + 1) / (2997 + 2): ln(10^9) / ln(1 / p) = 51.1, so 52 misses are wanted; three of
    // them end within the configured timeout.
    EXPECT_EQ(detector.Timeout(), Duration(100 + 49 * 30));
    EXPECT_EQ(detector.NextDeadline(), At(1570));
    EXPECT_EQ(detector.Expire(At(1569)), Ids{});
    EXPECT_EQ(detector.Expire(At(1570)), Ids{1}); // all nodes are measured together
    EXPECT_EQ(detector.Expire(At(1620)), Ids{0});
}

TEST(FailureDetector, IsAsFastAsConfiguredOnceNothingIsLostAnyMore)
{
    FailureDetector detector(4, Config());
    detector.Expect(0, 0);
    LoseTwoOfThree(detector, 0, 300, At(0));
    EXPECT_GT(detector.Timeout(), Duration(1000));
    for (std::uint32_t number = 301; number <= 1300; ++number)
    {
        detector.Heartbeat(0, 0, number, At(0));
    }
    EXPECT_EQ(detector.Timeout(), Duration(100));
}

TEST(FailureDetector, TheSilenceOfADeadNodeIsNoLoss)
{
    FailureDetector detector(4, Config());
    for (const NodeId node : {0, 1})
    {
        detector.Expect(node, 0);
        detector.Heartbeat(node, 0, 1, At(0));
        detector.Watch(node, At(0));
    }
    for (std::uint32_t number = 2; number < 10; ++number)
    {
        detector.Heartbeat(0, 0, number, At(30 * (number - 1)));
    }
    EXPECT_EQ(detector.Expire(At(240)), Ids{1});
    detector.Heartbeat(1, 1, 40, At(250)); // restarted meanwhile
    EXPECT_EQ(detector.Timeout(), Duration(100));
}

TEST(FailureDetector, LossCanBeMadeNotToMatter)
{
    DetectorConfig config = Config();
    config.mistakeRecurrence = 1;
    FailureDetector detector(4, config);
    detector.Expect(0, 0);
    LoseTwoOfThree(detector, 0, 300, At(0));
    EXPECT_EQ(detector.Timeout(), Duration(100));
}

TEST(FailureDetector, LossMakesNobodyWaitLongerThanTheBound)
{
    DetectorConfig config = Config();
    config.missedMax = 5;
    FailureDetector detector(4, config);
    detector.Expect(0, 0);
    LoseTwoOfThree(detector, 0, 300, At(0));
    EXPECT_EQ(detector.Timeout(), Duration(100 + 2 * 30));
    config.missedMax = 2; // fewer than end within the configured timeout
    FailureDetector other(4, config);
    other.Expect(0, 0);
    LoseTwoOfThree(other, 0, 300, At(0));
    EXPECT_EQ(other.Timeout(), Duration(100));
}

RC_GTEST_PROP(FailureDetector, AgreesWithAMapAndNeverWakesLate, ())
{
    constexpr NodeId NODES = 6;
    const auto steps =
        *rc::gen::container<std::vector<std::tuple<int, NodeId, int>>>(rc::gen::tuple(
            rc::gen::inRange(0, 8), rc::gen::inRange<NodeId>(0, NODES), rc::gen::inRange(0, 60)));
    FailureDetector detector(NODES, Config());
    std::map<NodeId, std::int64_t> heard;
    std::uint32_t number = 0;
    std::int64_t now = 0;
    for (const auto& [kind, node, gap] : steps)
    {
        now += gap;
        if (At(now) >= detector.NextDeadline())
        {
            Ids expected;
            for (const auto& [watched, when] : heard)
            {
                if (when + detector.Timeout().count() <= now)
                {
                    expected.push_back(watched);
                }
            }
            RC_ASSERT(detector.Expire(At(now)) == expected);
            for (const NodeId suspect : expected)
            {
                heard.erase(suspect);
            }
        }
        if (kind == 0)
        {
            detector.Unwatch(node);
            heard.erase(node);
        }
        else if (kind < 3)
        {
            detector.Watch(node, At(now));
            heard[node] = now;
        }
        else
        {
            // Of all nodes together every other one or so is lost, in the end.
            number += kind;
            detector.Heartbeat(node, 0, number, At(now));
            if (heard.contains(node))
            {
                heard[node] = now;
            }
        }
        for (NodeId other = 0; other < NODES; ++other)
        {
            RC_ASSERT(detector.IsWatched(other) == heard.contains(other));
            if (heard.contains(other))
            {
                RC_ASSERT(detector.NextDeadline() <= At(heard[other]) + detector.Timeout());
            }
        }
    }
}

} // namespace
} // namespace flowchain
