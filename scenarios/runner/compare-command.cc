// SPDX-License-Identifier: GPL-2.0-only
#include "build-info.h"
#include "comparison-table.h"
#include "comparison.h"
#include "forked-runs.h"
#include "runner-commands.h"
#include "scenario-reader.h"
#include "simulation.h"
#include "spelling.h"
#include "sync-scheme.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <unistd.h>

namespace flowchain
{

namespace
{

ComparisonPlan
PlanOf(const CompareOptions& options)
{
    ComparisonPlan plan;
    plan.file = options.file;
    plan.overrides = options.overrides;
    for (const auto& text : options.vary)
    {
        plan.axes.push_back(ParseAxis(text));
    }
    const std::string key = SCHEME_KEY;
    const bool isSet = std::any_of(options.overrides.begin(),
                                   options.overrides.end(),
                                   [&](const auto& text)
                                   {
        return text.starts_with(key + "=");
    });
    const bool isVaried = std::any_of(plan.axes.begin(),
                                      plan.axes.end(),
                                      [&](const auto& axis)
                                      {
        return axis.key == key;
    });
    if (!options.schemes.empty())
    {
        if (isSet)
        {
            throw ScenarioError({fmt::format("-s {} and --schemes exclude each other", key)});
        }
        plan.axes.insert(plan.axes.begin(), ParseAxis(key + "=" + Join(options.schemes, ",")));
    }
    else if (!isSet && !isVaried)
    {
        ComparisonAxis axis{.key = key, .values = {}, .isDefault = true};
        for (const SyncScheme* scheme : SyncSchemes())
        {
            axis.values.emplace_back(scheme->Name());
        }
        plan.axes.insert(plan.axes.begin(), axis);
    }
    plan.faults = options.steady         ? FaultSelection::BOTH
                  : options.withoutFault ? FaultSelection::WITHOUT
                                         : FaultSelection::WITH;
    return plan;
}

void
CheckMetrics(const std::vector<std::string>& metrics)
{
    std::vector<std::string> known;
    for (const auto& metric : MetricDictionary())
    {
        known.push_back(metric.name);
    }
    auto seen = ComparisonMetrics();
    for (const auto& name : metrics)
    {
        if (FindMetric(name) == nullptr)
        {
            throw ScenarioError(
                {fmt::format("--metrics: unknown metric \"{}\"{}", name, DidYouMean(name, known))});
        }
        if (std::find(seen.begin(), seen.end(), name) != seen.end())
        {
            throw ScenarioError({fmt::format("--metrics: {} is a column already", name)});
        }
        seen.push_back(name);
    }
}

/** Run one variant, in a process of its own. */
RunRecord
RunVariant(const ComparisonVariant& variant, const std::string& output)
{
    const auto started = UtcNow();
    RunReport report;
    report.scenario = variant.scenario;
    report.build = ThisBuild();
    report.scenario.output.directory = output + "/" + variant.name;
    if (output.empty())
    {
        report.scenario.output.pcap.clear();
    }
    report.outcome = RunScenario(report.scenario, nullptr);
    if (!output.empty())
    {
        WriteResult(report);
    }
    return MakeRecord(report.scenario, std::move(report.outcome), started);
}

std::vector<RunRecord>
RunAll(const std::vector<ComparisonVariant>& variants, const CompareOptions& options)
{
    std::vector<std::size_t> possible;
    for (std::size_t i = 0; i < variants.size(); ++i)
    {
        if (variants[i].error.empty())
        {
            possible.push_back(i);
        }
    }
    const std::size_t jobs =
        options.jobs != 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
    const bool isTerminal = isatty(STDERR_FILENO) == 1;
    const auto showProgress = [&](std::size_t done)
    {
        if (isTerminal)
        {
            fmt::print(stderr,
                       "\r{} of {} runs{}",
                       done,
                       possible.size(),
                       done == possible.size() ? "\n" : "");
        }
    };
    auto done = RunForked(
        possible.size(),
        jobs,
        [&](std::size_t i)
        {
        return RunVariant(variants[possible[i]], options.output);
        },
        showProgress);
    std::vector<RunRecord> results(variants.size());
    for (std::size_t i = 0; i < possible.size(); ++i)
    {
        results[possible[i]] = std::move(done[i]);
    }
    return results;
}

} // namespace

int
CompareCommand(const CompareOptions& options)
{
    CheckMetrics(options.metrics);
    Comparison comparison;
    comparison.plan = PlanOf(options);
    comparison.metrics = options.metrics;
    comparison.variants = PlanComparison(comparison.plan);
    comparison.results = RunAll(comparison.variants, options);
    fmt::print("{}",
               options.format == "json"  ? ComparisonJson(comparison)
               : options.format == "csv" ? ComparisonCsv(comparison)
                                         : ComparisonText(comparison));
    return comparison.Exit();
}

} // namespace flowchain
