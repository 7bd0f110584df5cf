// SPDX-License-Identifier: GPL-2.0-only
#include "defects-command.h"

#include "build-info.h"
#include "explore-command.h"
#include "result-writer.h"
#include "scenario-reader.h"
#include "shell-quote.h"
#include "spelling.h"
#include "swarm-command.h"
#include "swarm-plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace flowchain
{

namespace
{

std::string
FileOf(const std::string& folder, const PlantedDefectInfo& defect)
{
    return folder + "/" + defect.name + ".toml";
}

/** @returns lines of a comment without the last one's end */
std::string
Comment(const std::string& text)
{
    constexpr std::size_t LINE_MAX_LENGTH = 98;
    std::string comment = "#";
    std::size_t length = 1;
    std::istringstream words(text);
    for (std::string word; words >> word;)
    {
        if (length + 1 + word.size() > LINE_MAX_LENGTH)
        {
            comment += "\n#";
            length = 1;
        }
        comment += " " + word;
        length += 1 + word.size();
    }
    return comment;
}

} // namespace

void
DefectsCommand::AddTo(CLI::App& app)
{
    m_command = app.add_subcommand(
        "defects", "Plant known errors in the protocol, one at a time, and see who finds them");
    CLI::App& command = *m_command;
    command.add_option("FILE", m_file, "The scenario that a swarm's schedules are drawn around");
    command.add_flag("--list", m_list, "Run nothing, tell which defects there are");
    command.add_option("-s,--set", m_overrides, "Set a value before the scenario is checked")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    command.add_option("--defect", m_names, "Plant this one only; may be given several times")
        ->type_name("NAME")
        ->allow_extra_args(false);
    command.add_option("--seeds", m_seeds, "Schedules of a swarm, at most, until one violates")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
    auto* explore =
        command.add_option("--explore-file", m_exploreFile, "Try crashes in this scenario, too")
            ->type_name("FILE");
    command.add_option("--window", m_window, "Of the crashes, as of `flowchain explore`")
        ->type_name("FROM:TO")
        ->needs(explore);
    command
        .add_option("--recover-after", m_recoverAfter, "Crashed nodes start again so much later")
        ->type_name("DURATION")
        ->needs(explore);
    command.add_option("--max-points", m_pointsMax, "At most so many crashes, evenly spread")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}))
        ->needs(explore);
    command
        .add_option("-j,--jobs", m_jobs, "Runs at the same time; default: one for each processor")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    command.add_option("--limit", m_limitSeconds, "Seconds on the wall after which a run hangs")
        ->type_name("S")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    auto* write =
        command.add_option("--write", m_write, "Leave the shrunk schedules in this folder")
            ->type_name("DIR");
    command
        .add_option("--shrunk", m_shrunk, "Take those of this folder instead of shrinking again")
        ->type_name("DIR")
        ->excludes(write);
    command.add_option("--format", m_format, "text, csv, or rst")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "csv", "rst"}));
    command.add_flag("--quiet", m_quiet, "Do not tell on a terminal how far it is");
    command.footer(
        "Exit codes: 0 every defect was found by all means; 1 one was not; 2 bad command "
        "line or\nscenario.");
}

HuntTask
DefectsCommand::ReadTask() const
{
    HuntTask task;
    task.base = ReadScenario(m_file, m_overrides);
    task.seeds = m_seeds;
    task.limitSeconds = m_limitSeconds;
    task.jobs = m_jobs != 0 ? m_jobs : std::max(1U, std::thread::hardware_concurrency());
    task.shrinks = m_shrunk.empty();
    if (!m_exploreFile.empty())
    {
        task.crash = ReadScenario(m_exploreFile, {});
        ReadWindow(m_window, *task.crash, task.plan);
        task.plan.pointsMax = m_pointsMax;
        if (!m_recoverAfter.empty())
        {
            task.recoverAfter = DurationOf(m_recoverAfter, "--recover-after");
        }
    }
    return task;
}

std::vector<const PlantedDefectInfo*>
DefectsCommand::Wanted() const
{
    std::vector<std::string> unknown = m_names;
    std::vector<std::string> names;
    std::vector<const PlantedDefectInfo*> wanted;
    for (const PlantedDefectInfo& defect : PLANTED_DEFECTS)
    {
        names.emplace_back(defect.name);
        if (std::erase(unknown, defect.name) != 0 || m_names.empty())
        {
            wanted.push_back(&defect);
        }
    }
    if (!unknown.empty())
    {
        throw ScenarioError({fmt::format("--defect {}: there is no such defect{}",
                                         unknown.front(),
                                         DidYouMean(unknown.front(), names))});
    }
    return wanted;
}

void
DefectsCommand::Write(const DefectFinding& finding) const
{
    const std::string origin =
        Comment(fmt::format("{}.", finding.defect->what)) + "\n" +
        Comment("Found and shrunk by: flowchain defects " + QuotedInput(m_file, m_overrides)) +
        "\n" + Comment(finding.shrunk->outcome.FirstText());
    WriteScenarioText(FileOf(m_write, *finding.defect), ShrunkText(*finding.shrunk, origin));
}

std::string
DefectsCommand::ListText()
{
    std::string text;
    for (const PlantedDefectInfo& defect : PLANTED_DEFECTS)
    {
        text += fmt::format("{}\n    {}.\n", defect.name, defect.what);
    }
    return text;
}

int
DefectsCommand::Run() const
{
    if (m_list)
    {
        fmt::print("{}", ListText());
        return EXIT_ALL_HOLD;
    }
    if (m_file.empty())
    {
        throw ScenarioError({"FILE is required, unless --list is given"});
    }
    const HuntTask task = ReadTask();
    const auto wanted = Wanted();
    if (!m_write.empty())
    {
        std::filesystem::create_directories(m_write);
    }
    const bool isTold = !m_quiet && isatty(STDERR_FILENO) == 1;
    std::vector<DefectFinding> findings;
    for (const PlantedDefectInfo* defect : wanted)
    {
        if (isTold)
        {
            fmt::print(
                stderr, "\r\033[K{} of {}: {}", findings.size() + 1, wanted.size(), defect->name);
        }
        DefectFinding finding = HuntDefect(task, *defect);
        if (finding.shrunk && !m_write.empty())
        {
            Write(finding);
        }
        if (!m_shrunk.empty() && std::filesystem::exists(FileOf(m_shrunk, *defect)))
        {
            const Scenario shrunk = ReadScenario(FileOf(m_shrunk, *defect), {});
            finding.size = SizeOf(shrunk, MinimalBlocks(shrunk));
        }
        findings.push_back(std::move(finding));
    }
    if (isTold)
    {
        fmt::print(stderr, "\n");
    }
    fmt::print("{}", FindingsTable(findings, m_format));
    return std::ranges::all_of(findings,
                               [&](const DefectFinding& finding)
                               {
        return IsFound(finding, task);
    })
        ? EXIT_ALL_HOLD
        : EXIT_EXPECTATION_FAILED;
}

} // namespace flowchain
