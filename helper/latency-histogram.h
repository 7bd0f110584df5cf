// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_LATENCY_HISTOGRAM_H
#define FLOWCHAIN_LATENCY_HISTOGRAM_H

#include "instant.h"
#include "run-data.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * A distribution of durations in log-linear bins: 256 equal bins for each power of two, as in
 * HdrHistogram. Values below 512 ps have a bin each; a larger value shares its bin with values that
 * differ from it by less than 1/256 (0.39 %). Integers only, so a result is equal on every machine.
 *
 * Memory grows with the logarithm of the largest value: at most 14,336 counters.
 */
class LatencyHistogram
{
  public:
    /** Count one duration. @pre value >= 0 */
    void Add(Duration value);
    /** Count everything that the other histogram has counted. */
    void Merge(const LatencyHistogram& other);

    std::uint64_t Count() const
    {
        return m_count;
    }

    /** @returns the smallest value, exactly; 0 if there is none. */
    Duration Min() const;
    /** @returns the largest value, exactly; 0 if there is none. */
    Duration Max() const;
    /** @returns the exact mean, rounded down to a picosecond; 0 if there is no value. */
    Duration Mean() const;

    /**
     * The nearest-rank quantile: the value of rank ceil(count * numerator / denominator), at
     * least 1.
     * @returns the upper end of that value's bin, but never more than Max(): exact below 512 ps and
     * for the last rank, otherwise at most 0.39 % too large and never too small; 0 if there is no
     * value.
     * @pre numerator <= denominator and 0 < denominator <= 1,000,000
     */
    Duration Quantile(std::uint32_t numerator, std::uint32_t denominator) const;

    /** @returns the bins that hold a value, both ends inclusive, by lower end; the last bin's upper
     * end may be above Max(). */
    std::vector<HistogramBin> Bins() const;

  private:
    __extension__ using Uint128 = unsigned __int128;

    std::vector<std::uint64_t> m_bins; ///< as many as the largest value needs
    std::uint64_t m_count = 0;
    Uint128 m_sum = 0;
    std::int64_t m_min = 0;
    std::int64_t m_max = 0;
};

} // namespace flowchain

#endif
