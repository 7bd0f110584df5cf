// SPDX-License-Identifier: GPL-2.0-only
// Intervals against the table of Student's distribution (NIST/SEMATECH, Handbook of Statistical
// Methods, 1.3.6.7.2) and against samples worked out by hand.
#include "statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace flowchain
{
namespace
{

TEST(Statistics, IntervalsUseStudentsTable)
{
    // Values 0 and 2, n - 1 further times 1: the deviation is sqrt(2 / (n - 1)).
    struct Row
    {
        std::size_t count;
        double level;
        double t; // of count - 1 degrees of freedom
    };

    for (const Row& row : {Row{2, 0.95, 12.706},
                           Row{3, 0.95, 4.303},
                           Row{5, 0.95, 2.776},
                           Row{11, 0.95, 2.228},
                           Row{31, 0.95, 2.042},
                           Row{5, 0.90, 2.132},
                           Row{11, 0.99, 3.169}})
    {
        std::vector<double> values(row.count, 1.0);
        values[0] = 0;
        values[1] = 2;
        const auto interval = MeanOf(values, row.level);
        const auto n = static_cast<double>(row.count);
        EXPECT_EQ(interval.count, row.count);
        EXPECT_DOUBLE_EQ(interval.mean, 1);
        EXPECT_NEAR(interval.halfWidth, row.t * std::sqrt(2 / (n - 1) / n), 0.0005)
            << row.count << " values, level " << row.level;
    }
}

TEST(Statistics, OneValueSaysNothingOfTheSpread)
{
    EXPECT_EQ(MeanOf({}, 0.95).count, 0U);
    const auto interval = MeanOf({7}, 0.95);
    EXPECT_EQ(interval.mean, 7);
    EXPECT_TRUE(std::isinf(interval.halfWidth));
    EXPECT_TRUE(std::isinf(interval.RelativeHalfWidth()));
}

TEST(Statistics, EqualValuesAreExactWhateverTheirMean)
{
    EXPECT_EQ(MeanOf({0, 0, 0}, 0.95).RelativeHalfWidth(), 0);
    EXPECT_EQ(MeanOf({5, 5}, 0.95).RelativeHalfWidth(), 0);
    EXPECT_TRUE(std::isinf(MeanOf({-1, 1}, 0.95).RelativeHalfWidth()));
}

TEST(Statistics, ReplicationsNeededIsTheFirstCountThatSuffices)
{
    // Mean 10, deviation 1. With t from the table: 2.228 / sqrt(11) = 0.672, 2.262 / sqrt(10) =
    // 0.715, so 0.7 is reached with the eleventh value.
    const std::vector<double> values = {9, 10, 11};
    EXPECT_EQ(ReplicationsNeeded(values, 0.07, 0.95, 1000), 11U);
    EXPECT_EQ(ReplicationsNeeded(values, 0.0716, 0.95, 1000), 10U);
    EXPECT_EQ(ReplicationsNeeded(values, 0.5, 0.95, 1000), 3U) << "what is there is enough";
    EXPECT_EQ(ReplicationsNeeded(values, 0.07, 0.95, 8), 8U) << "the limit";
    EXPECT_EQ(ReplicationsNeeded({-1, 0, 1}, 0.07, 0.95, 50), 50U) << "never, with a mean of 0";
}

} // namespace
} // namespace flowchain
