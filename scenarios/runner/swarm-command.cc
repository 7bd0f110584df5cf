// SPDX-License-Identifier: GPL-2.0-only
#include "swarm-command.h"

#include "build-info.h"
#include "run-identity.h"
#include "scenario-reader.h"
#include "schedule-file.h"
#include "shell-quote.h"
#include "swarm-plan.h"
#include "swarm-report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <unistd.h>

namespace flowchain
{

namespace
{

/** Where neither --seeds nor --for says how many. */
constexpr std::uint64_t SEEDS = 1000;
constexpr std::uint64_t SEEDS_MAX = 1'000'000'000;

/** "5min", "8h", or a duration as in scenarios */
double
SecondsOf(const std::string& text)
{
    static constexpr std::pair<const char*, double> UNITS[] = {{"min", 60}, {"h", 3600}, {"s", 1}};
    for (const auto& [unit, seconds] : UNITS)
    {
        double number = 0;
        const auto end = text.size() - std::min(text.size(), std::strlen(unit));
        if (text.substr(end) == unit && CLI::detail::lexical_cast(text.substr(0, end), number) &&
            number > 0)
        {
            return number * seconds;
        }
    }
    throw ScenarioError({fmt::format("--for {}: expected a time such as 30s, 5min, 8h", text)});
}

} // namespace

void
WriteScenarioText(const std::string& path, const std::string& text)
{
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text << std::flush;
    if (!file)
    {
        throw std::runtime_error(fmt::format("{}: {}", path, std::strerror(errno)));
    }
}

void
MoveScenario(Scenario& scenario, const std::string& path)
{
    const std::filesystem::path to(path);
    scenario.path = path;
    scenario.name = to.stem().string();
    scenario.output.directory = "results/" + scenario.name;
    for (WorkloadSection& workload : scenario.workloads)
    {
        if (!workload.replay.file.empty())
        {
            const auto folder = std::filesystem::absolute(to).parent_path();
            workload.replay.file =
                std::filesystem::absolute(workload.replay.fileResolved).lexically_relative(folder);
        }
    }
}

std::string
QuotedInput(const std::string& file, const std::vector<std::string>& overrides)
{
    std::string text = ShellQuoted(file);
    for (const std::string& override : overrides)
    {
        text += " -s " + ShellQuoted(override);
    }
    return text;
}

void
SwarmCommand::AddTo(CLI::App& app)
{
    m_command = app.add_subcommand(
        "swarm", "Run many random schedules of failures, each from a seed, and check all promises");
    CLI::App& command = *m_command;
    command.add_option("FILE", m_file, "The scenario that schedules are drawn around")->required();
    command.add_option("-s,--set", m_overrides, "Set a value before the scenario is checked")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    command.add_option("--seeds", m_seeds, "So many schedules; default: 1000, or as --for says")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, SEEDS_MAX));
    command.add_option("--first", m_first, "Seed of the first one; the others follow")
        ->type_name("SEED")
        ->capture_default_str()
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 60));
    command.add_option("--for", m_for, "Start none after this time on the wall: 30s, 5min, 8h")
        ->type_name("TIME");
    command
        .add_option("-j,--jobs", m_jobs, "Runs at the same time; default: one for each processor")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    command.add_option("--limit", m_limitSeconds, "Seconds on the wall after which a run hangs")
        ->type_name("S")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    auto* write = command.add_option("--write", m_write, "Run nothing, write this seed's schedule")
                      ->type_name("SEED");
    command
        .add_option("--output-scenario",
                    m_outputScenario,
                    "Write it to this file; default: the standard output")
        ->type_name("FILE")
        ->needs(write);
    command
        .add_option("--output",
                    m_output,
                    "Keep the outcomes in this file, a line each; with it, the same command goes\n"
                    "on where it was stopped")
        ->type_name("FILE")
        ->excludes(write);
    command.add_option("--format", m_format, "text or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    command.add_flag("--quiet", m_quiet, "Do not count the schedules on a terminal");
    command.footer("Exit codes: 0 no schedule has violated an invariant; 2 bad command line or "
                   "scenario; 3 one\nhas, or has crashed or hung.");
}

int
SwarmCommand::Run() const
{
    SwarmTask task;
    task.base = ReadScenario(m_file, m_overrides);
    task.first = m_first;
    if (!m_for.empty())
    {
        task.wallSeconds = SecondsOf(m_for);
    }
    task.count = m_seeds != 0 ? m_seeds : task.wallSeconds ? SEEDS_MAX : SEEDS;
    task.jobs = m_jobs != 0 ? m_jobs : std::max(1U, std::thread::hardware_concurrency());
    task.limitSeconds = m_limitSeconds;
    if (m_write)
    {
        WriteOne(task);
        return EXIT_ALL_HOLD;
    }
    return RunAll(task);
}

void
SwarmCommand::WriteOne(const SwarmTask& task) const
{
    Scenario schedule = DrawSchedule(task.base, *m_write);
    if (!m_outputScenario.empty())
    {
        MoveScenario(schedule, m_outputScenario);
    }
    const auto text = ScheduleText(schedule,
                                   fmt::format("# flowchain swarm {} --write {}\n# by {}",
                                               QuotedInput(m_file, m_overrides),
                                               *m_write,
                                               ThisBuild().commit));
    if (m_outputScenario.empty())
    {
        fmt::print("{}", text);
        return;
    }
    WriteScenarioText(m_outputScenario, text);
}

int
SwarmCommand::RunAll(const SwarmTask& task) const
{
    const std::string input = QuotedInput(m_file, m_overrides);
    std::unique_ptr<ScheduleFile> file;
    if (!m_output.empty())
    {
        file = std::make_unique<ScheduleFile>(m_output, RunId(task.base, BuildId(ThisBuild())));
    }
    const auto known = file ? file->Known() : std::map<std::uint64_t, ScheduleOutcome>{};
    const bool isTold = !m_quiet && isatty(STDERR_FILENO) == 1;
    const bool isText = m_format == "text";
    std::uint64_t done = 0;
    std::uint64_t fresh = 0;
    std::vector<ScheduleOutcome> violating;
    const auto begin = std::chrono::steady_clock::now();
    const SwarmTotals totals = Swarm(task,
                                     known,
                                     [&](const ScheduleOutcome& outcome)
                                     {
        ++done;
        if (!known.contains(outcome.seed))
        {
            ++fresh;
            if (file)
            {
                file->Add(outcome);
            }
        }
        if (!outcome.Violated().empty())
        {
            violating.push_back(outcome);
            if (isText)
            {
                fmt::print("{}{}\n", isTold ? "\r" : "", ViolationLine(outcome, input));
                std::fflush(stdout);
            }
        }
        if (isTold)
        {
            fmt::print(stderr, "\r{} schedules, {} violate", done, violating.size());
        }
    });
    if (isTold && done != 0)
    {
        fmt::print(stderr, "\n");
    }
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    const SwarmRate rate{fresh, passed.count(), task.jobs};
    fmt::print("{}",
               isText ? SwarmText(task, totals, rate)
                      : SwarmJson(task, totals, rate, violating, input));
    return totals.violating.empty() ? EXIT_ALL_HOLD : EXIT_INVARIANT_VIOLATED;
}

} // namespace flowchain
