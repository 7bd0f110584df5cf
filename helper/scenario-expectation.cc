// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-expectation.h"

#include "spelling.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>

namespace flowchain
{

namespace
{

bool
Holds(const ExpectSection& expectation, const Metric& metric)
{
    if (metric.declaration->type == MetricType::TEXT)
    {
        return metric.text == expectation.value;
    }
    if (expectation.comparison == "equals")
    {
        return metric.value == expectation.number;
    }
    if (expectation.comparison == "at_most")
    {
        return metric.value <= expectation.number;
    }
    assert(expectation.comparison == "at_least");
    return metric.value >= expectation.number;
}

std::string
ActualText(const Metric& metric)
{
    switch (metric.declaration->type)
    {
    case MetricType::DURATION:
        return ReadableDuration(metric.value);
    default:
        return metric.ValueText();
    }
}

} // namespace

ExpectationFault
ResolveExpectation(ExpectSection& expectation, bool quoted)
{
    const auto* declaration = FindMetric(expectation.metric);
    if (declaration == nullptr)
    {
        std::vector<std::string> names;
        for (const auto& metric : MetricDictionary())
        {
            names.push_back(metric.name);
        }
        return {"metric",
                fmt::format("unknown metric \"{}\"{}",
                            expectation.metric,
                            DidYouMean(expectation.metric, names))};
    }
    const auto& value = expectation.value;
    switch (declaration->type)
    {
    case MetricType::DURATION:
        try
        {
            expectation.number = ParseDuration(value).count();
            expectation.isDuration = true;
            return {};
        }
        catch (const UnitError& error)
        {
            return {expectation.comparison, error.what()};
        }
    case MetricType::INTEGER:
        if (quoted)
        {
            return {expectation.comparison,
                    fmt::format("{} is a number of {}, expected an integer",
                                declaration->name,
                                declaration->unit)};
        }
        std::from_chars(value.data(), value.data() + value.size(), expectation.number);
        return {};
    case MetricType::TEXT:
        if (!quoted || expectation.comparison != "equals")
        {
            return {expectation.comparison,
                    fmt::format("{} is a text, expected equals = \"...\"", declaration->name)};
        }
        return {};
    }
    return {};
}

std::string
ExpectationOutcome::Text() const
{
    const auto words = expectation.comparison == "at_most"    ? "at most"
                       : expectation.comparison == "at_least" ? "at least"
                                                              : "equals";
    return fmt::format("{} {} {}", expectation.metric, words, expectation.value);
}

bool
KnowsViolations(const std::vector<ExpectationOutcome>& outcomes)
{
    return std::ranges::any_of(outcomes,
                               [](const ExpectationOutcome& outcome)
                               {
        const ExpectSection& expectation = outcome.expectation;
        return !expectation.known.empty() && expectation.metric == "observer.violations" &&
               expectation.comparison == "equals" && expectation.number == 0;
    });
}

std::vector<ExpectationOutcome>
EvaluateExpectations(const Scenario& scenario, const MetricSet& metrics)
{
    std::vector<ExpectationOutcome> outcomes;
    for (const auto& expectation : scenario.expectations)
    {
        const auto* metric = metrics.Find(expectation.metric);
        if (metric == nullptr)
        {
            outcomes.push_back({expectation, "not measured", false});
            continue;
        }
        outcomes.push_back({expectation, ActualText(*metric), Holds(expectation, *metric)});
    }
    return outcomes;
}

} // namespace flowchain
