// SPDX-License-Identifier: GPL-2.0-only
#include "heartbeat-loss.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace flowchain
{
namespace
{

constexpr std::uint32_t NO_BOUND = 1'000'000;

struct Row
{
    std::uint64_t lost;
    std::uint64_t sent;
    std::uint64_t recurrence;
    std::uint32_t misses;
};

/** ceil(ln(recurrence) / ln((sent + 2) / (lost + 1))), worked out with a table of logarithms; the
 * quotient is given where there is one. */
TEST(MissesTolerated, FollowTheFormula)
{
    const Row rows[] = {
        {0, 0, 1'000'000'000, 0},                  // nothing is known
        {0, 998, 1'000'000'000, 0},                // nothing is lost
        {1, 998, 1'000'000'000, 4},                // p = 0.002: 3.33
        {9, 998, 1'000'000'000, 5},                // p = 0.01: 4.50
        {38, 998, 1'000'000'000, 7},               // p = 0.039, four links of 1 %: 6.39
        {99, 998, 500'000'000, 9},                 // p = 0.1: 8.70
        {343, 998, 1'000'000'000, 20},             // p = 0.344, four links of 10 %: 19.42
        {343, 998, 1'000'000, 13},                 // 12.95
        {569, 998, 1'000'000'000, 37},             // p = 0.57, eight links of 10 %: 36.87
        {899, 998, 1'000'000'000, 197},            // p = 0.9: 196.69
        {343, 998, 1'000'000'000'000'000'000, 39}, // 38.84
        {489, 998, 2, 1},                          // p = 0.49: 0.97
        {1, 1, 1'000'000'000, 52},                 // p = 2/3: 51.11
        {1'000, 2'000'000, 1'000'000'000, 3},      // p = 0.0005: 2.73
        {343, 998, 1, 0},                          // loss does not matter
    };
    for (const Row& row : rows)
    {
        const std::uint32_t got = MissesTolerated(row.lost, row.sent, row.recurrence, NO_BOUND);
        EXPECT_EQ(got, row.misses) << row.lost << " of " << row.sent << ", " << row.recurrence;
    }
}

TEST(MissesTolerated, AreBounded)
{
    EXPECT_EQ(MissesTolerated(899, 998, 1'000'000'000, 64), 64U);
    EXPECT_EQ(MissesTolerated(0xfffffffe, 0xfffffffe, 1'000'000'000, 64), 64U);
    EXPECT_EQ(MissesTolerated(343, 998, 1'000'000'000, 19), 19U);
}

RC_GTEST_PROP(MissesTolerated, AreTheFewestThatDo, ())
{
    const std::uint64_t sent = *rc::gen::inRange<std::uint64_t>(1, 2'000'000);
    const std::uint64_t lost = *rc::gen::inRange<std::uint64_t>(1, sent + 1);
    const std::uint64_t recurrence = *rc::gen::inRange<std::uint64_t>(2, 1'000'000'000'000);
    const double each = std::log(double(sent + 2) / double(lost + 1));
    const double exact = std::log(double(recurrence)) / each;
    RC_PRE(exact <= 64);
    const std::uint32_t misses = MissesTolerated(lost, sent, recurrence, NO_BOUND);
    // Never too few; one too many at most where p^n misses the bound by less than 1 part in 100.
    RC_ASSERT(misses + 1e-9 >= exact);
    RC_ASSERT((misses - 1.0) * each < std::log(double(recurrence)) + 0.01);
}

TEST(HeartbeatLoss, CountsGapsOnceTheNodeIsHeardAgain)
{
    HeartbeatLoss loss(2, 100, 10);
    loss.Expect(0, 0);
    loss.Heard(0, 0, 1);
    loss.Heard(0, 0, 2);
    EXPECT_EQ(loss.Lost(), 0U);
    EXPECT_EQ(loss.Sent(), 2U);
    loss.Heard(0, 0, 5); // without 3 and 4
    EXPECT_EQ(loss.Lost(), 2U);
    EXPECT_EQ(loss.Sent(), 5U);
}

TEST(HeartbeatLoss, CountsWhatIsMissingAtTheStartOfALifeOnlyIfItWasExpected)
{
    HeartbeatLoss loss(2, 100, 10);
    loss.Expect(0, 0);
    loss.Heard(0, 0, 3);
    EXPECT_EQ(loss.Lost(), 2U);
    loss.Heard(0, 1, 9); // has restarted, nobody knows when
    loss.Heard(1, 0, 9);
    EXPECT_EQ(loss.Lost(), 2U);
    EXPECT_EQ(loss.Sent(), 3U);
    loss.Heard(0, 1, 11);
    EXPECT_EQ(loss.Lost(), 3U);
}

TEST(HeartbeatLoss, TakesNoNoticeOfCopiesAndOfThoseThatAreLate)
{
    HeartbeatLoss loss(1, 100, 10);
    loss.Expect(0, 0);
    for (const std::uint32_t number : {1U, 3U, 3U, 2U, 4U})
    {
        loss.Heard(0, 0, number);
    }
    EXPECT_EQ(loss.Lost(), 1U);
    EXPECT_EQ(loss.Sent(), 4U);
}

TEST(HeartbeatLoss, GoesOnWhereNumbersWrapAround)
{
    HeartbeatLoss loss(1, 100, 10);
    loss.Heard(0, 0, 0xffffffff);
    loss.Heard(0, 0, 1); // without 0
    EXPECT_EQ(loss.Lost(), 1U);
}

TEST(HeartbeatLoss, ForgetsWhatIsOlderThanTheWindow)
{
    HeartbeatLoss loss(1, 4, 10);
    loss.Expect(0, 0);
    for (const std::uint32_t number : {2U, 4U, 5U, 6U})
    {
        loss.Heard(0, 0, number);
    }
    EXPECT_EQ(loss.Lost(), 2U);
    EXPECT_EQ(loss.Sent(), 6U);
    loss.Heard(0, 0, 7);
    EXPECT_EQ(loss.Lost(), 1U);
    loss.Heard(0, 0, 8);
    EXPECT_EQ(loss.Lost(), 0U);
    EXPECT_EQ(loss.Sent(), 4U);
}

TEST(HeartbeatLoss, CountsAnOutageUpToALimit)
{
    HeartbeatLoss loss(1, 4, 10);
    loss.Expect(0, 0);
    loss.Heard(0, 0, 1'000'000);
    EXPECT_EQ(loss.Lost(), 10U);
}

} // namespace
} // namespace flowchain
