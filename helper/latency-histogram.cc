// SPDX-License-Identifier: GPL-2.0-only
#include "latency-histogram.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace flowchain
{

namespace
{

constexpr int SUB_BITS = 8; ///< 2^8 bins for each power of two

/** Bins 0..511 are the values 0..511; then each power of two 2^(8+n), n >= 1, has 256 bins of 2^n.
 */
std::size_t
BinOf(std::uint64_t value)
{
    const int width = std::bit_width(value);
    const int shift = std::max(0, width - (SUB_BITS + 1));
    return (static_cast<std::size_t>(shift) << SUB_BITS) + (value >> shift);
}

/** The values of a bin, both ends inclusive. */
struct BinRange
{
    std::uint64_t lower;
    std::uint64_t upper;
};

BinRange
RangeOf(std::size_t bin)
{
    const std::size_t octave = bin >> SUB_BITS;
    const std::size_t shift = octave > 1 ? octave - 1 : 0;
    const std::uint64_t mantissa = bin - (shift << SUB_BITS);
    return {mantissa << shift, ((mantissa + 1) << shift) - 1};
}

} // namespace

void
LatencyHistogram::Add(Duration value)
{
    assert(value.count() >= 0);
    const std::size_t bin = BinOf(static_cast<std::uint64_t>(value.count()));
    if (bin >= m_bins.size())
    {
        m_bins.resize(bin + 1);
    }
    ++m_bins[bin];
    m_min = m_count == 0 ? value.count() : std::min(m_min, value.count());
    m_max = std::max(m_max, value.count());
    m_sum += static_cast<std::uint64_t>(value.count());
    ++m_count;
}

void
LatencyHistogram::Merge(const LatencyHistogram& other)
{
    if (other.m_count == 0)
    {
        return;
    }
    m_bins.resize(std::max(m_bins.size(), other.m_bins.size()));
    for (std::size_t i = 0; i < other.m_bins.size(); ++i)
    {
        m_bins[i] += other.m_bins[i];
    }
    m_min = m_count == 0 ? other.m_min : std::min(m_min, other.m_min);
    m_max = std::max(m_max, other.m_max);
    m_sum += other.m_sum;
    m_count += other.m_count;
}

Duration
LatencyHistogram::Min() const
{
    return Duration{m_min};
}

Duration
LatencyHistogram::Max() const
{
    return Duration{m_max};
}

Duration
LatencyHistogram::Mean() const
{
    return Duration{m_count == 0 ? 0 : static_cast<std::int64_t>(m_sum / m_count)};
}

Duration
LatencyHistogram::Quantile(std::uint32_t numerator, std::uint32_t denominator) const
{
    assert(denominator > 0 && denominator <= 1'000'000 && numerator <= denominator);
    if (m_count == 0)
    {
        return Duration{0};
    }
    const Uint128 scaled = static_cast<Uint128>(m_count) * numerator + (denominator - 1);
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(scaled / denominator));
    std::uint64_t seen = 0;
    std::size_t bin = 0;
    for (; bin < m_bins.size(); ++bin)
    {
        seen += m_bins[bin];
        if (seen >= rank)
        {
            break;
        }
    }
    assert(seen >= rank);
    return Duration{std::min(static_cast<std::int64_t>(RangeOf(bin).upper), m_max)};
}

std::vector<HistogramBin>
LatencyHistogram::Bins() const
{
    std::vector<HistogramBin> bins;
    for (std::size_t bin = 0; bin < m_bins.size(); ++bin)
    {
        if (m_bins[bin] != 0)
        {
            const auto [lower, upper] = RangeOf(bin);
            bins.push_back(
                {static_cast<std::int64_t>(lower), static_cast<std::int64_t>(upper), m_bins[bin]});
        }
    }
    return bins;
}

} // namespace flowchain
