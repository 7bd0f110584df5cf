// SPDX-License-Identifier: GPL-2.0-only
#include "shrink-command.h"

#include "build-info.h"
#include "scenario-reader.h"
#include "swarm-command.h"
#include "swarm-plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

namespace flowchain
{

void
ShrinkCommand::AddTo(CLI::App& app)
{
    m_command = app.add_subcommand(
        "shrink", "Reduce a scenario that violates an invariant to the little that it takes");
    CLI::App& command = *m_command;
    command.add_option("FILE", m_file, "The scenario, or that of a swarm with --seed")->required();
    command.add_option("-s,--set", m_overrides, "Set a value before the scenario is checked")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    command
        .add_option("--seed", m_seed, "The schedule that `flowchain swarm` draws from this seed")
        ->type_name("SEED");
    command
        .add_option(
            "-o,--output", m_output, "The smaller scenario; default: <scenario name>-shrunk.toml")
        ->type_name("FILE");
    command
        .add_option("-j,--jobs", m_jobs, "Runs at the same time; default: one for each processor")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    command.add_option("--limit", m_limitSeconds, "Seconds on the wall after which a run hangs")
        ->type_name("S")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    command.add_option("--max-runs", m_runsMax, "Stop after so many runs")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    auto* any = command.add_flag("--any", m_any, "Go on if another invariant is violated first");
    command
        .add_flag("--expect", m_expectation, "The first [[expect]] that fails, not an invariant")
        ->excludes(any);
    command.add_flag("--quiet", m_quiet, "Print errors only");
    command.footer("Exit codes: 0 the smaller scenario is written; 2 bad command line or scenario, "
                   "or it\nviolates nothing.");
}

int
ShrinkCommand::Run() const
{
    ShrinkTask task;
    task.scenario = ReadScenario(m_file, m_overrides);
    if (m_seed)
    {
        task.scenario = DrawSchedule(task.scenario, *m_seed);
    }
    const std::string path = m_output.empty() ? task.scenario.name + "-shrunk.toml" : m_output;
    MoveScenario(task.scenario, path);
    task.any = m_any;
    task.expectation = m_expectation;
    task.jobs = m_jobs != 0 ? m_jobs : std::max(1U, std::thread::hardware_concurrency());
    task.limitSeconds = m_limitSeconds;
    task.runsMax = m_runsMax;
    const Shrunk shrunk = Shrink(task,
                                 [this](const std::string& step)
                                 {
        if (!m_quiet)
        {
            fmt::print("{}\n", step);
            std::fflush(stdout);
        }
    });
    Write(path, shrunk);
    return EXIT_ALL_HOLD;
}

void
ShrinkCommand::Write(const std::string& path, const Shrunk& shrunk) const
{
    std::string origin = fmt::format("# flowchain shrink {}{}{}{}\n# by {}",
                                     QuotedInput(m_file, m_overrides),
                                     m_seed ? fmt::format(" --seed {}", *m_seed) : "",
                                     m_any ? " --any" : "",
                                     m_expectation ? " --expect" : "",
                                     ThisBuild().commit);
    const std::string what = m_expectation ? "fails: " + shrunk.what : shrunk.outcome.FirstText();
    origin += "\n# " + what;
    WriteScenarioText(path, ShrunkText(shrunk, origin));
    if (m_quiet)
    {
        return;
    }
    fmt::print("{:<13}{}\n", "in all", SizeText(shrunk.before, shrunk.after));
    fmt::print("{:<13}{}{}\n",
               "runs",
               shrunk.runs,
               shrunk.isMinimal ? "" : " (--max-runs): there may be a smaller one");
    fmt::print("{:<13}{}\n", "violates", what);
    fmt::print("{:<13}flowchain run {}\n", "written", path);
}

} // namespace flowchain
