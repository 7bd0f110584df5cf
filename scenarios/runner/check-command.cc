// SPDX-License-Identifier: GPL-2.0-only
#include "metric-dictionary.h"
#include "runner-commands.h"
#include "scenario-reader.h"
#include "summary.h"

#include <fmt/format.h>

#include <sstream>

namespace flowchain
{

std::vector<std::string>
RunnerOptions::AllOverrides() const
{
    auto all = overrides;
    if (!results.empty())
    {
        all.push_back("output.directory=" + QuoteToml(results));
    }
    if (!pcap.empty())
    {
        std::string list;
        for (const auto& name : pcap)
        {
            list += QuoteToml(name) + ",";
        }
        all.push_back(fmt::format("output.pcap=[{}]", list));
    }
    return all;
}

int
CheckCommand(const RunnerOptions& options)
{
    const auto scenario = ReadScenario(options.file, options.AllOverrides());
    if (options.quiet)
    {
        return EXIT_ALL_HOLD;
    }
    // As comments, so that the output as a whole is a scenario.
    std::istringstream lines(SystemText(scenario));
    for (std::string line; std::getline(lines, line);)
    {
        fmt::print("#{}{}\n", line.empty() ? "" : " ", line);
    }
    fmt::print("\n{}", ResolvedToml(scenario));
    return EXIT_ALL_HOLD;
}

int
MetricsCommand()
{
    const auto print = [](const char* kind, const std::vector<MetricDeclaration>& dictionary)
    {
        for (const auto& metric : dictionary)
        {
            fmt::print("{:<36} {:<9} {:<13} {}\n", metric.name, kind, metric.unit, metric.meaning);
        }
    };
    print("scalar", MetricDictionary());
    print("histogram", HistogramDictionary());
    print("series", SeriesDictionary());
    return EXIT_ALL_HOLD;
}

} // namespace flowchain
