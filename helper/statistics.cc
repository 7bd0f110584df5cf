// SPDX-License-Identifier: GPL-2.0-only
#include "statistics.h"

#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace flowchain
{

namespace
{

double
TQuantile(std::size_t count, double level)
{
    const boost::math::students_t_distribution<double> t(static_cast<double>(count - 1));
    return boost::math::quantile(t, 0.5 + level / 2);
}

double
MeanValue(const std::vector<double>& values)
{
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/** The sample's standard deviation, with n - 1. @pre at least two values */
double
Deviation(const std::vector<double>& values)
{
    const double mean = MeanValue(values);
    double sum = 0;
    for (const double value : values)
    {
        sum += (value - mean) * (value - mean);
    }
    return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

} // namespace

double
MeanInterval::RelativeHalfWidth() const
{
    return halfWidth == 0 ? 0 : halfWidth / std::abs(mean);
}

MeanInterval
MeanOf(const std::vector<double>& values, double level)
{
    MeanInterval interval;
    interval.count = values.size();
    if (values.empty())
    {
        return interval;
    }
    interval.mean = MeanValue(values);
    if (values.size() > 1)
    {
        interval.halfWidth = TQuantile(values.size(), level) * Deviation(values) /
                             std::sqrt(static_cast<double>(values.size()));
    }
    return interval;
}

std::uint32_t
ReplicationsNeeded(const std::vector<double>& values,
                   double precision,
                   double level,
                   std::uint32_t limit)
{
    const double deviation = Deviation(values);
    const double wanted = precision * std::abs(MeanValue(values));
    auto count = static_cast<std::uint32_t>(values.size());
    while (count < limit && TQuantile(count, level) * deviation > wanted * std::sqrt(count))
    {
        ++count;
    }
    return std::min(count, limit);
}

} // namespace flowchain
