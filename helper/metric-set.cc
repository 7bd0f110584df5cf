// SPDX-License-Identifier: GPL-2.0-only
#include "metric-set.h"

#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace flowchain
{

namespace
{

std::size_t
PlaceOf(const MetricDeclaration* declaration)
{
    return static_cast<std::size_t>(declaration - MetricDictionary().data());
}

} // namespace

std::string
Metric::ValueText() const
{
    switch (declaration->type)
    {
    case MetricType::INTEGER:
        return fmt::format("{}", value);
    case MetricType::DURATION:
        return FormatNanoseconds(value);
    case MetricType::TEXT:
        return text;
    }
    std::abort();
}

void
MetricSet::Set(std::string_view name, std::int64_t value)
{
    Slot(name, MetricType::INTEGER).value = value;
}

void
MetricSet::Set(std::string_view name, Duration value)
{
    Slot(name, MetricType::DURATION).value = value.count();
}

void
MetricSet::SetText(std::string_view name, std::string text)
{
    Slot(name, MetricType::TEXT).text = std::move(text);
}

void
MetricSet::SetLatency(std::string_view segment, const LatencyHistogram& latency)
{
    const auto name = [segment](const char* suffix)
    {
        return fmt::format("latency.{}.{}", segment, suffix);
    };
    Set(name("count"), static_cast<std::int64_t>(latency.Count()));
    if (latency.Count() > 0)
    {
        Set(name("mean"), latency.Mean());
        Set(name("p50"), latency.Quantile(50, 100));
        Set(name("p90"), latency.Quantile(90, 100));
        Set(name("p99"), latency.Quantile(99, 100));
        Set(name("max"), latency.Max());
    }
    AddHistogram(fmt::format("latency.{}", segment), latency);
}

void
MetricSet::SetDistribution(const std::string& name, const LatencyHistogram& distribution)
{
    if (distribution.Count() > 0)
    {
        Set(name + ".p50", distribution.Quantile(50, 100));
        Set(name + ".p99", distribution.Quantile(99, 100));
        Set(name + ".max", distribution.Max());
    }
    AddHistogram(name, distribution);
}

void
MetricSet::SetLongest(std::string_view name, const LatencyHistogram& distribution)
{
    if (distribution.Count() > 0)
    {
        Set(name, distribution.Max());
    }
    AddHistogram(name, distribution);
}

void
MetricSet::AddHistogram(std::string_view name, const LatencyHistogram& distribution)
{
    const auto& dictionary = HistogramDictionary();
    const auto declaration = std::ranges::find(dictionary, name, &MetricDeclaration::name);
    if (declaration == dictionary.end())
    {
        fmt::print(stderr, "flowchain: histogram {} is not declared\n", name);
        std::abort();
    }
    if (distribution.Count() > 0)
    {
        m_histograms[static_cast<std::size_t>(declaration - dictionary.begin())] = {
            .name = declaration->name,
            .count = distribution.Count(),
            .min = distribution.Min().count(),
            .max = distribution.Max().count(),
            .mean = distribution.Mean().count(),
            .bins = distribution.Bins()};
    }
}

std::vector<HistogramData>
MetricSet::TakeHistograms()
{
    std::vector<HistogramData> histograms;
    for (auto& [place, histogram] : m_histograms)
    {
        histograms.push_back(std::move(histogram));
    }
    m_histograms.clear();
    return histograms;
}

const Metric*
MetricSet::Find(std::string_view name) const
{
    const auto* declaration = FindMetric(name);
    if (declaration == nullptr)
    {
        return nullptr;
    }
    const auto found = m_metrics.find(PlaceOf(declaration));
    return found == m_metrics.end() ? nullptr : &found->second;
}

std::int64_t
MetricSet::ValueOr0(std::string_view name) const
{
    const auto* metric = Find(name);
    return metric == nullptr ? 0 : metric->value;
}

Metric&
MetricSet::Slot(std::string_view name, MetricType type)
{
    const auto* declaration = FindMetric(name);
    if (declaration == nullptr || declaration->type != type)
    {
        fmt::print(stderr,
                   "flowchain: metric {} is {}\n",
                   name,
                   declaration == nullptr ? "not declared" : "of another type");
        std::abort();
    }
    auto& metric = m_metrics[PlaceOf(declaration)];
    metric.declaration = declaration;
    return metric;
}

} // namespace flowchain
