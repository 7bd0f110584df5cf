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

TEST(FailureDetector, SuspectsExactlyWhenTheTimeoutIsOver)
{
    FailureDetector detector(160, Duration(100));
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
    FailureDetector detector(4, Duration(100));
    detector.Watch(1, At(0));
    detector.Heartbeat(1, At(99));
    EXPECT_EQ(detector.Expire(At(198)), Ids{});
    EXPECT_EQ(detector.Expire(At(199)), Ids{1});
}

TEST(FailureDetector, IgnoresHeartbeatsOfNodesThatNobodyWatches)
{
    FailureDetector detector(4, Duration(100));
    detector.Heartbeat(2, At(0));
    EXPECT_FALSE(detector.IsWatched(2));
    detector.Watch(2, At(0));
    detector.Unwatch(2);
    detector.Heartbeat(2, At(50));
    EXPECT_EQ(detector.Expire(At(1000)), Ids{});
    detector.Watch(2, At(1000));
    EXPECT_EQ(detector.Expire(At(1100)), Ids{2});
    detector.Heartbeat(2, At(1100));
    EXPECT_EQ(detector.Expire(At(2000)), Ids{});
}

TEST(FailureDetector, NamesSuspectsInAscendingOrder)
{
    FailureDetector detector(10, Duration(100));
    for (const NodeId node : {7, 2, 9, 0})
    {
        detector.Watch(node, At(node));
    }
    EXPECT_EQ(detector.Expire(At(108)), (Ids{0, 2, 7}));
    EXPECT_EQ(detector.Expire(At(109)), Ids{9});
}

RC_GTEST_PROP(FailureDetector, AgreesWithAMapAndNeverWakesLate, ())
{
    constexpr NodeId NODES = 6;
    const auto steps =
        *rc::gen::container<std::vector<std::tuple<int, NodeId, int>>>(rc::gen::tuple(
            rc::gen::inRange(0, 8), rc::gen::inRange<NodeId>(0, NODES), rc::gen::inRange(0, 60)));
    FailureDetector detector(NODES, Duration(100));
    std::map<NodeId, std::int64_t> deadlines;
    std::int64_t now = 0;
    for (const auto& [kind, node, gap] : steps)
    {
        now += gap;
        if (At(now) >= detector.NextDeadline())
        {
            Ids expected;
            for (const auto& [watched, deadline] : deadlines)
            {
                if (deadline <= now)
                {
                    expected.push_back(watched);
                }
            }
            RC_ASSERT(detector.Expire(At(now)) == expected);
            for (const NodeId suspect : expected)
            {
                deadlines.erase(suspect);
            }
        }
        if (kind == 0)
        {
            detector.Unwatch(node);
            deadlines.erase(node);
        }
        else if (kind < 3)
        {
            detector.Watch(node, At(now));
            deadlines[node] = now + 100;
        }
        else
        {
            detector.Heartbeat(node, At(now));
            if (deadlines.contains(node))
            {
                deadlines[node] = now + 100;
            }
        }
        for (NodeId other = 0; other < NODES; ++other)
        {
            RC_ASSERT(detector.IsWatched(other) == deadlines.contains(other));
            if (deadlines.contains(other))
            {
                RC_ASSERT(detector.NextDeadline() <= At(deadlines[other]));
                RC_ASSERT(deadlines[other] > now);
            }
        }
    }
}

} // namespace
} // namespace flowchain
