// SPDX-License-Identifier: GPL-2.0-only
#include "spelling.h"
#include "units.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace flowchain
{
namespace
{

/** The value as text, or what() of the UnitError. */
template <typename Parse>
std::string
Try(Parse parse, std::string_view text)
{
    try
    {
        const auto value = parse(text);
        if constexpr (std::is_same_v<decltype(value), const Duration>)
        {
            return std::to_string(value.count());
        }
        else
        {
            return std::to_string(value);
        }
    }
    catch (const UnitError& error)
    {
        return error.what();
    }
}

struct Row
{
    const char* text;
    const char* result;
};

constexpr auto NO_DURATION = " is no duration such as \"60ms\" (units: ps, ns, us, ms, s)";

TEST(Units, Durations)
{
    const Row rows[] = {
        {"0s", "0"},
        {"250ps", "250"},
        {"500ns", "500000"},
        {"20us", "20000000"},
        {"60ms", "60000000000"},
        {"1.5s", "1500000000000"},
        {"007ms", "7000000000"},
        {"1.50000ns", "1500"},
        {"0.000000000001s", "1"},
        {"0.123456789012s", "123456789012"},
        {"9223372.036854775807s", "9223372036854775807"},
        {"9223372.036854775808s", "\"9223372.036854775808s\" is too large for a duration"},
        {"99999999999999999999s", "\"99999999999999999999s\" is too large for a duration"},
        {"0.5ps", "\"0.5ps\" is not a multiple of 1ps"},
        {"1.0005ns", "\"1.0005ns\" is not a multiple of 1ps"},
        {"0.0000000000001s", "\"0.0000000000001s\" is not a multiple of 1ps"},
        {"0.00000000000000000001s", "\"0.00000000000000000001s\" is not a multiple of 1ps"},
    };
    for (const auto& [text, result] : rows)
    {
        EXPECT_EQ(Try(ParseDuration, text), result) << text;
    }
    for (const auto* text :
         {"", "s", "60", "60 ms", "-1s", "+1s", ".5s", "1.s", "1,5s", "1e3s", "60Ms", "1ss", "1s "})
    {
        EXPECT_EQ(Try(ParseDuration, text), '"' + std::string{text} + '"' + NO_DURATION) << text;
    }
}

TEST(Units, Rates)
{
    const Row rows[] = {
        {"0bps", "0"},
        {"9.6kbps", "9600"},
        {"10Mbps", "10000000"},
        {"2.5Gbps", "2500000000"},
        {"100Gbps", "100000000000"},
        {"1.6Tbps", "1600000000000"},
        {"0.5bps", "\"0.5bps\" is not a multiple of 1bps"},
        {"10mbps", "\"10mbps\" is no rate such as \"10Gbps\" (units: bps, kbps, Mbps, Gbps, Tbps)"},
    };
    for (const auto& [text, result] : rows)
    {
        EXPECT_EQ(Try(ParseRate, text), result) << text;
    }
}

TEST(Units, Sizes)
{
    const Row rows[] = {
        {"512B", "512"},
        {"1.5kB", "1500"},
        {"64KiB", "65536"},
        {"0.5KiB", "512"},
        {"0.0009765625KiB", "1"}, // 1/1024
        {"2MiB", "2097152"},
        {"1GB", "1000000000"},
        {"0.1KiB", "\"0.1KiB\" is not a multiple of 1B"},
        {"1KB", "\"1KB\" is no size such as \"64KiB\" (units: B, kB, MB, GB, KiB, MiB, GiB)"},
    };
    for (const auto& [text, result] : rows)
    {
        EXPECT_EQ(Try(ParseSize, text), result) << text;
    }
}

TEST(Units, Percentages)
{
    const Row rows[] = {
        {"0%", "0"},
        {"0.1%", "1000"},
        {"0.0001%", "1"},
        {"12.5%", "125000"},
        {"100%", "1000000"},
        {"100.0001%", "\"100.0001%\" is too large for a percentage"},
        {"0.00005%", "\"0.00005%\" is not a multiple of 0.0001%"},
        {"0.001", "\"0.001\" is no percentage such as \"0.1%\" (unit: %)"},
    };
    for (const auto& [text, result] : rows)
    {
        EXPECT_EQ(Try(ParsePercent, text), result) << text;
    }
}

TEST(Units, Prefixes)
{
    const auto parse = [](std::string_view text)
    {
        const auto prefix = ParsePrefix(text);
        return std::uint64_t{prefix.address} * 100 + prefix.length;
    };
    const Row rows[] = {
        {"10.0.0.0/8", "16777216008"},          // 10 * 2^24 = 167772160
        {"203.0.113.0/24", "340580377624"},     // 203 * 2^24 + 113 * 2^8 = 3405803776
        {"255.255.255.255/32", "429496729532"}, // 2^32 - 1
        {"0.0.0.0/0", "0"},
        {"10.0.0.1/8", "\"10.0.0.1/8\" has bits set behind its length, did you mean '10.0.0.0/8'?"},
    };
    for (const auto& [text, result] : rows)
    {
        EXPECT_EQ(Try(parse, text), result) << text;
    }
    for (const auto* text :
         {"", "10.0.0.0", "10.0.0/8", "10.0.0.0/33", "256.0.0.0/8", "10.0.0.0/8 ", "10.0.0.0.0/8"})
    {
        EXPECT_EQ(Try(parse, text),
                  '"' + std::string{text} + "\" is no prefix such as \"10.0.0.0/8\"");
    }
}

TEST(Units, Formats)
{
    EXPECT_EQ(FormatDuration(Duration{1'500'000'000'000}), "1500ms");
    EXPECT_EQ(FormatDuration(Duration{60'000'000'000'000}), "60s");
    EXPECT_EQ(FormatDuration(Duration{1}), "1ps");
    EXPECT_EQ(FormatDuration(Duration{}), "0s");
    EXPECT_EQ(FormatRate(2'500'000'000), "2500Mbps");
    EXPECT_EQ(FormatRate(0), "0bps");
    EXPECT_EQ(FormatPercent(1000), "0.1%");
    EXPECT_EQ(FormatPercent(1'000'000), "100%");
    EXPECT_EQ(FormatPercent(0), "0%");
    EXPECT_EQ(FormatPercent(1), "0.0001%");
    EXPECT_EQ(FormatPrefix({0xcb007100, 24}), "203.0.113.0/24");
    EXPECT_EQ(FormatNanoseconds(12'500), "12.500");
    EXPECT_EQ(FormatNanoseconds(7), "0.007");
    EXPECT_EQ(FormatNanoseconds(-1'500), "-1.500");
    EXPECT_EQ(FormatNanoseconds(INT64_MIN), "-9223372036854775.808");
    EXPECT_EQ(FormatThousandths(1000), "1.0");
    EXPECT_EQ(FormatThousandths(1500), "1.5");
    EXPECT_EQ(FormatThousandths(1), "0.001");
    EXPECT_EQ(ReadableDuration(0), "0.000 ns");
    EXPECT_EQ(ReadableDuration(12'345'678), "12.346 us");
    EXPECT_EQ(ReadableDuration(1'500'000'000'000), "1.500 s");
    EXPECT_EQ(ReadableDuration(-2'000), "-2.000 ns");
}

RC_GTEST_PROP(Units, WhatIsFormattedReadsBack, ())
{
    const auto number = *rc::gen::inRange<std::int64_t>(0, INT64_MAX);
    RC_ASSERT(ParseDuration(FormatDuration(Duration{number})) == Duration{number});
    RC_ASSERT(ParseRate(FormatRate(static_cast<std::uint64_t>(number))) ==
              static_cast<std::uint64_t>(number));
    const auto perMillion = static_cast<std::uint32_t>(number % 1'000'001);
    RC_ASSERT(ParsePercent(FormatPercent(perMillion)) == perMillion);
}

TEST(Spelling, Distances)
{
    const struct
    {
        const char* a;
        const char* b;
        std::size_t distance;
    } rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"chain", "chain", 0},
        {"chian", "chain", 1},   // one swap of neighbours
        {"lenght", "length", 1}, // likewise
        {"leafs", "leaves", 2},  // substitute f, insert e
        {"al", "all", 1},        // insert
        {"sesions", "sessions", 1},
        {"kitten", "sitting", 3}, // the textbook example
        {"ca", "abc", 3},         // 2 in the unrestricted form
    };
    for (const auto& row : rows)
    {
        EXPECT_EQ(EditDistance(row.a, row.b), row.distance) << row.a << " " << row.b;
        EXPECT_EQ(EditDistance(row.b, row.a), row.distance) << row.b << " " << row.a;
    }
}

TEST(Spelling, SuggestsOnlyWhatIsNear)
{
    const std::vector<std::string> words{"immediate", "chain", "all"};
    EXPECT_EQ(DidYouMean("al", words), ", did you mean 'all'?");
    EXPECT_EQ(DidYouMean("imediat", words), ", did you mean 'immediate'?");
    EXPECT_EQ(DidYouMean("tail", words), ""); // two edits from "all" are too many for four letters
    EXPECT_EQ(DidYouMean("", words), "");
    EXPECT_EQ(DidYouMean("x", {"y"}), "");                                 // nothing in common
    EXPECT_EQ(DidYouMean("bat", {"cat", "bar"}), ", did you mean 'cat'?"); // the first of equals
}

} // namespace
} // namespace flowchain
