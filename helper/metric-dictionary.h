// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_METRIC_DICTIONARY_H
#define FLOWCHAIN_METRIC_DICTIONARY_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

enum class MetricType : std::uint8_t
{
    INTEGER,
    DURATION, ///< kept in picoseconds, given out in nanoseconds with three decimals
    TEXT,
};

/** What is said of a metric once, and shown with every value of it. */
struct MetricDeclaration
{
    std::string name; ///< "sessions.lost"
    std::string unit; ///< "1", "ns", "packets", "frames", "bytes", "messages", "hex", ...
    MetricType type = MetricType::INTEGER;
    std::string meaning; ///< one line
};

/** Every metric that a run may report, in the order of reports. The one list of the project. */
const std::vector<MetricDeclaration>& MetricDictionary();

/** Every distribution that a run may record; its bins are in picoseconds whatever the unit. */
const std::vector<MetricDeclaration>& HistogramDictionary();
/** Every time series that a run may record. */
const std::vector<MetricDeclaration>& SeriesDictionary();

/** @returns null if no such metric is declared */
const MetricDeclaration* FindMetric(std::string_view name);

} // namespace flowchain

#endif
