// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_STATISTICS_H
#define FLOWCHAIN_STATISTICS_H

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace flowchain
{

/** A mean over independent replications with its confidence interval, mean +- halfWidth. */
struct MeanInterval
{
    std::size_t count = 0;
    double mean = 0;
    /** Infinite if there are fewer than two values: nothing is known of their spread. */
    double halfWidth = std::numeric_limits<double>::infinity();

    /** Half the width as a share of the mean's absolute value; 0 if all values are equal. */
    double RelativeHalfWidth() const;
};

/** Student's t interval (Law, Simulation Modeling and Analysis, 4.5).
 * @param level such as 0.95, between 0 and 1 */
MeanInterval MeanOf(const std::vector<double>& values, double level);

/**
 * How many replications are needed until the relative half-width is at most `precision`, if the
 * spread stays as it is: the smallest n >= the number of values with t(n - 1) s / sqrt(n) <=
 * precision |mean| (Law, 9.4.1).
 * @param limit is returned if it takes more, or if that never happens (a mean of 0)
 * @pre at least two values, 0 < precision
 */
std::uint32_t ReplicationsNeeded(const std::vector<double>& values,
                                 double precision,
                                 double level,
                                 std::uint32_t limit);

} // namespace flowchain

#endif
