// SPDX-License-Identifier: GPL-2.0-only
#include "local-clock.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace flowchain
{
namespace
{

Instant
At(std::int64_t ps)
{
    return Instant(Duration(ps));
}

TEST(LocalClock, IsRightUntilItsRateChangesAndNeverJumps)
{
    LocalClock clock;
    EXPECT_EQ(clock.Read(At(77)), At(77));
    EXPECT_EQ(clock.When(At(77)), At(77));
    clock.SetRate(At(1000), 2500);
    EXPECT_EQ(clock.Read(At(1000)), At(1000));
    EXPECT_EQ(clock.Read(At(1003)), At(1007)); // 7.5, rounded down
    EXPECT_EQ(clock.When(At(1007)), At(1003)); // 1006 is shown at 1002.4, 1007 at 1002.8
    EXPECT_EQ(clock.When(At(1000)), At(1000));
    EXPECT_EQ(clock.When(At(5)), At(1000)) << "long ago: at once";
    clock.SetRate(At(2000), 1000);
    EXPECT_EQ(clock.Read(At(2000)), At(3500));
    EXPECT_EQ(clock.Read(At(2010)), At(3510)); // the lead stays
    EXPECT_EQ(clock.When(At(3510)), At(2010));
    EXPECT_EQ(clock.When(NEVER), NEVER);
}

RC_GTEST_PROP(LocalClock, WhenIsTheFirstInstantThatShowsSoMuch, ())
{
    LocalClock clock;
    const auto permille = *rc::gen::inRange<std::uint32_t>(1, 5'000);
    const auto from = *rc::gen::inRange<std::int64_t>(0, 1'000'000);
    clock.SetRate(At(from), permille);
    const auto shown = from + *rc::gen::inRange<std::int64_t>(1, 1'000'000'000'000'000);
    const Instant when = clock.When(At(shown));
    RC_ASSERT(clock.Read(when) >= At(shown));
    RC_ASSERT(clock.Read(when - Duration{1}) < At(shown));
}

} // namespace
} // namespace flowchain
