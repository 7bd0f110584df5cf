// SPDX-License-Identifier: GPL-2.0-only
#include "sweep-value.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

using Kind = SweepValue::Kind;

TEST(SweepValue, TextsAreUnderstoodAsQuantities)
{
    struct Row
    {
        const char* text;
        Kind kind;
        double number;
    };

    for (const Row& row : {Row{"10us", Kind::DURATION, 10'000},
                           Row{"250ps", Kind::DURATION, 0.25},
                           Row{"0.1%", Kind::PERCENT, 0.1},
                           Row{"2.5Gbps", Kind::RATE, 2.5e9},
                           Row{"64KiB", Kind::SIZE, 65'536}})
    {
        const auto value = MakeSweepValue(row.text);
        EXPECT_EQ(value.kind, row.kind) << row.text;
        EXPECT_EQ(value.Number(), row.number) << row.text;
        EXPECT_EQ(value.label, row.text);
        EXPECT_EQ(value.toml, std::string("\"") + row.text + "\"");
    }
    EXPECT_EQ(MakeSweepValue("chain").kind, Kind::TEXT);
    EXPECT_EQ(MakeSweepValue("chain").Number(), std::nullopt);
}

TEST(SweepValue, NumbersAreWrittenAsTheFormatReadsThem)
{
    EXPECT_EQ(MakeSweepValue(Kind::INTEGER, -3).toml, "-3");
    EXPECT_EQ(MakeSweepValue(Kind::DECIMAL, 1'500).toml, "1.5");
    EXPECT_EQ(MakeSweepValue(Kind::DECIMAL, -250).toml, "-0.25");
    EXPECT_EQ(MakeSweepValue(Kind::DURATION, 1'500'000).toml, "\"1500ns\"");
    EXPECT_EQ(MakeSweepValue(Kind::PERCENT, 5'000).toml, "\"0.5%\"");
    EXPECT_EQ(MakeSweepValue(Kind::RATE, 10'000'000'000).toml, "\"10Gbps\"");
}

TEST(SweepValue, OnlyLikeIsComparedWithLike)
{
    const auto compare = [](const SweepValue& a, const SweepValue& b)
    {
        return CompareSweepValues(a, b);
    };
    const auto two = MakeSweepValue(Kind::INTEGER, 2);
    EXPECT_EQ(compare(two, MakeSweepValue(Kind::INTEGER, 3)), SweepOrder::LESS);
    EXPECT_EQ(compare(two, MakeSweepValue(Kind::DECIMAL, 2'000)), SweepOrder::EQUAL);
    EXPECT_EQ(compare(two, MakeSweepValue(Kind::DECIMAL, 1'999)), SweepOrder::GREATER);
    EXPECT_EQ(compare(MakeSweepValue("1ms"), MakeSweepValue("1000us")), SweepOrder::EQUAL);
    EXPECT_EQ(compare(MakeSweepValue("1ms"), MakeSweepValue("1%")), SweepOrder::UNORDERED);
    EXPECT_EQ(compare(two, MakeSweepValue("2")), SweepOrder::UNORDERED);
    EXPECT_EQ(compare(MakeSweepValue("all"), MakeSweepValue("all")), SweepOrder::EQUAL);
    EXPECT_EQ(compare(MakeSweepValue("all"), MakeSweepValue("none")), SweepOrder::UNORDERED);
}

} // namespace
} // namespace flowchain
