// SPDX-License-Identifier: GPL-2.0-only
#include "build-info.h"
#include "progress-printer.h"
#include "runner-commands.h"
#include "scenario-expectation.h"
#include "scenario-reader.h"
#include "simulation.h"
#include "summary.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace flowchain
{

namespace
{

RunOutcome
RunWithProgress(const Scenario& scenario, bool quiet)
{
    const auto start = std::chrono::steady_clock::now();
    ProgressPrinter printer(
        isatty(STDERR_FILENO) == 1,
        [start]
        {
        const auto elapsed = std::chrono::steady_clock::now() - start;
        return std::chrono::duration<double>(elapsed).count();
        },
        [](std::string_view text)
        {
        std::fwrite(text.data(), 1, text.size(), stderr);
        std::fflush(stderr);
    });
    return RunScenario(scenario, quiet ? nullptr : &printer);
}

} // namespace

int
RunCommand(const RunnerOptions& options)
{
    RunReport report;
    report.scenario = ReadScenario(options.file, options.AllOverrides());
    options.crash.Apply(report.scenario);
    report.build = ThisBuild();
    report.outcome = RunWithProgress(report.scenario, options.quiet);
    report.expectations = EvaluateExpectations(report.scenario, report.outcome.metrics);
    if (!options.quiet)
    {
        fmt::print("{}", Summary(report));
    }
    if (report.scenario.output.result)
    {
        const auto path = WriteResult(report);
        if (!options.quiet)
        {
            fmt::print("{:<13}{}\n", "result", path);
        }
    }
    return report.Exit();
}

} // namespace flowchain
