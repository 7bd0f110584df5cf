// SPDX-License-Identifier: GPL-2.0-only
#include "latency-histogram.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <numeric>
#include <rapidcheck/gtest.h>
#include <vector>

namespace flowchain
{
namespace
{

/** The nearest-rank definition, word for word, on the sorted values. */
std::int64_t
QuantileOf(const std::vector<std::int64_t>& sorted,
           std::uint64_t numerator,
           std::uint64_t denominator)
{
    const std::uint64_t product = sorted.size() * numerator;
    const std::uint64_t rank = product / denominator + (product % denominator != 0 ? 1 : 0);
    return sorted[std::max<std::uint64_t>(rank, 1) - 1];
}

LatencyHistogram
HistogramOf(const std::vector<std::int64_t>& values)
{
    LatencyHistogram histogram;
    for (const auto value : values)
    {
        histogram.Add(Duration{value});
    }
    return histogram;
}

/** Values of every magnitude up to 106 days, the whole range of a Duration. */
rc::Gen<std::vector<std::int64_t>>
Latencies()
{
    const auto one = rc::gen::apply(
        [](std::uint64_t bits, int shift)
        {
        return static_cast<std::int64_t>((bits >> 1) >> shift);
        },
        rc::gen::resize(10'000, rc::gen::arbitrary<std::uint64_t>()),
        rc::gen::inRange(0, 63));
    return rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(one));
}

TEST(LatencyHistogram, EmptyIsZero)
{
    const LatencyHistogram histogram;
    EXPECT_EQ(histogram.Count(), 0U);
    EXPECT_EQ(histogram.Min().count(), 0);
    EXPECT_EQ(histogram.Max().count(), 0);
    EXPECT_EQ(histogram.Mean().count(), 0);
    EXPECT_EQ(histogram.Quantile(1, 2).count(), 0);
}

TEST(LatencyHistogram, EveryValueBelow512IsExact)
{
    LatencyHistogram histogram;
    for (std::int64_t value = 0; value < 512; ++value)
    {
        histogram.Add(Duration{value});
    }
    histogram.Add(Duration{1'000'000}); // so that Max() clamps nothing below
    for (std::uint32_t rank = 1; rank <= 512; ++rank)
    {
        EXPECT_EQ(histogram.Quantile(rank, 513).count(), rank - 1);
    }
}

TEST(LatencyHistogram, BinEdgesAtPowersOfTwo)
{
    // 512 and 513 share a bin (width 2), 514 does not; 2^20 has bins of 2^12.
    struct Case
    {
        std::int64_t value;
        std::int64_t upperEnd;
    };

    for (const auto& [value, upperEnd] : {Case{511, 511},
                                          Case{512, 513},
                                          Case{513, 513},
                                          Case{514, 515},
                                          Case{1023, 1023},
                                          Case{1024, 1027},
                                          Case{1 << 20, (1 << 20) + (1 << 12) - 1},
                                          Case{(1 << 21) - 1, (1 << 21) - 1}})
    {
        const auto histogram = HistogramOf({value, std::int64_t{1} << 40});
        EXPECT_EQ(histogram.Quantile(1, 2).count(), upperEnd) << value;
    }
}

TEST(LatencyHistogram, LargestDurationFits)
{
    const auto histogram = HistogramOf({Duration::max().count(), Duration::max().count()});
    EXPECT_EQ(histogram.Quantile(1, 2), Duration::max());
    EXPECT_EQ(histogram.Mean(), Duration::max());
}

RC_GTEST_PROP(LatencyHistogram, AgreesWithSortedValues, ())
{
    auto values = *Latencies();
    const auto histogram = HistogramOf(values);
    std::sort(values.begin(), values.end());
    RC_ASSERT(histogram.Count() == values.size());
    RC_ASSERT(histogram.Min().count() == values.front());
    RC_ASSERT(histogram.Max().count() == values.back());
    __extension__ using Wide = __int128;
    const Wide sum = std::accumulate(values.begin(), values.end(), Wide{0});
    RC_ASSERT(histogram.Mean().count() == static_cast<std::int64_t>(sum / values.size()));
    for (const std::uint32_t permille : {0, 1, 100, 500, 900, 990, 999, 1000})
    {
        const auto exact = QuantileOf(values, permille, 1000);
        const auto got = histogram.Quantile(permille, 1000).count();
        RC_ASSERT(got >= exact);
        RC_ASSERT(static_cast<Wide>(got - exact) * 1000 <= static_cast<Wide>(exact) * 4);
    }
}

TEST(LatencyHistogram, BinsAtPowersOfTwo)
{
    // As above; 2^20 + 5000 lies in the second bin of 2^12 after 2^20.
    const auto bins = HistogramOf({(1 << 20) + 5000, 513, 7, 512, 1 << 20}).Bins();
    const std::vector<std::array<std::int64_t, 3>> wanted = {
        {7, 7, 1},
        {512, 513, 2},
        {1 << 20, (1 << 20) + 4095, 1},
        {(1 << 20) + 4096, (1 << 20) + 8191, 1},
    };
    ASSERT_EQ(bins.size(), wanted.size());
    for (std::size_t i = 0; i < bins.size(); ++i)
    {
        EXPECT_EQ(bins[i].lower, wanted[i][0]);
        EXPECT_EQ(bins[i].upper, wanted[i][1]);
        EXPECT_EQ(static_cast<std::int64_t>(bins[i].count), wanted[i][2]);
    }
    EXPECT_TRUE(LatencyHistogram{}.Bins().empty());
}

RC_GTEST_PROP(LatencyHistogram, BinsHoldEveryValueOnce, ())
{
    auto values = *Latencies();
    const auto bins = HistogramOf(values).Bins();
    std::sort(values.begin(), values.end());
    auto next = values.begin();
    for (const HistogramBin& bin : bins)
    {
        std::uint64_t count = 0;
        for (; next != values.end() && *next <= bin.upper; ++next, ++count)
        {
            RC_ASSERT(*next >= bin.lower);
        }
        RC_ASSERT(bin.count == count);
        RC_ASSERT(count > 0);
        RC_ASSERT((bin.upper - bin.lower) <= bin.lower / 256);
    }
    RC_ASSERT(next == values.end());
}

RC_GTEST_PROP(LatencyHistogram, MergeEqualsAddingAll, ())
{
    auto first = *Latencies();
    const auto second = *Latencies();
    auto merged = HistogramOf(first);
    merged.Merge(HistogramOf(second));
    first.insert(first.end(), second.begin(), second.end());
    const auto all = HistogramOf(first);
    RC_ASSERT(merged.Count() == all.Count());
    RC_ASSERT(merged.Min() == all.Min());
    RC_ASSERT(merged.Max() == all.Max());
    RC_ASSERT(merged.Mean() == all.Mean());
    for (const std::uint32_t percent : {1, 50, 99, 100})
    {
        RC_ASSERT(merged.Quantile(percent, 100) == all.Quantile(percent, 100));
    }
}

} // namespace
} // namespace flowchain
