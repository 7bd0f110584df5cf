// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_METRIC_SET_H
#define FLOWCHAIN_METRIC_SET_H

#include "instant.h"
#include "latency-histogram.h"
#include "metric-dictionary.h"
#include "run-data.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/** A metric's value. Which member counts follows from the declaration's type. */
struct Metric
{
    const MetricDeclaration* declaration = nullptr;
    std::int64_t value = 0; ///< INTEGER in the declared unit; DURATION in picoseconds
    std::string text;       ///< TEXT

    /** The value alone as every output shows it: "42", "12.500", "8badf00d". */
    std::string ValueText() const;
};

/**
 * What a run measured, in the dictionary's order. A metric that does not apply to a run (recovery
 * without failure) stays unset. Setting a name that is not declared, or with a value of another
 * type, is a programming error and aborts.
 */
class MetricSet
{
  public:
    void Set(std::string_view name, std::int64_t value);
    void Set(std::string_view name, Duration value);
    void SetText(std::string_view name, std::string text);
    /** Set "latency.<segment>.count", and if there is any value .mean, .p50, .p90, .p99, .max; keep
     * the histogram "latency.<segment>". */
    void SetLatency(std::string_view segment, const LatencyHistogram& latency);
    /** Set "<name>.p50", .p99 and .max, if there is any value; keep the histogram "<name>". */
    void SetDistribution(const std::string& name, const LatencyHistogram& distribution);

    /** Set the metric "<name>" to the largest value, if there is any; keep the histogram "<name>".
     */
    void SetLongest(std::string_view name, const LatencyHistogram& distribution);
    /** Keep the distribution as a whole, if it has any value; `name` of HistogramDictionary(). */
    void AddHistogram(std::string_view name, const LatencyHistogram& distribution);
    /** @returns the histograms that were kept, in the dictionary's order; none are left here. */
    std::vector<HistogramData> TakeHistograms();

    /** @returns null if not set */
    const Metric* Find(std::string_view name) const;
    /** @returns 0 if not set */
    std::int64_t ValueOr0(std::string_view name) const;

    /** Key: place in the dictionary. */
    const std::map<std::size_t, Metric>& All() const
    {
        return m_metrics;
    }

  private:
    Metric& Slot(std::string_view name, MetricType type);

    std::map<std::size_t, Metric> m_metrics;
    std::map<std::size_t, HistogramData> m_histograms; ///< key: place in HistogramDictionary()
};

} // namespace flowchain

#endif
