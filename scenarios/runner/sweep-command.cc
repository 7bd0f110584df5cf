// SPDX-License-Identifier: GPL-2.0-only
#include "sweep-command.h"

#include "build-info.h"
#include "campaign.h"
#include "run-identity.h"
#include "sweep-progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

namespace flowchain
{

namespace
{

constexpr int ID_SHOWN = 12;

/**
 * Keep others from running the same campaign at the same time, until this process ends.
 * The file stays open: closing it would end the locks that SQLite holds on it.
 * @throws std::runtime_error if another one does
 */
void
LockCampaign(const std::string& database)
{
    const int file = open(database.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || flock(file, LOCK_EX | LOCK_NB) != 0)
    {
        throw std::runtime_error(fmt::format("{}: {}",
                                             database,
                                             errno == EWOULDBLOCK
                                                 ? "another `flowchain sweep` is running it"
                                                 : std::strerror(errno)));
    }
}

/** An argument as a shell must be given it. */
std::string
Quoted(const std::string& argument)
{
    const bool isPlain = !argument.empty() && std::all_of(argument.begin(),
                                                          argument.end(),
                                                          [](unsigned char c)
                                                          {
        return std::isalnum(c) != 0 || std::strchr("-_./=+,:%@", c) != nullptr;
    });
    if (isPlain)
    {
        return argument;
    }
    std::string quoted = "'";
    for (const char c : argument)
    {
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + "'";
}

/** Without what is of this call only, so that it is the command that makes the campaign. */
std::string
CommandOf(const SweepOptions& options)
{
    std::string command = "flowchain sweep " + Quoted(options.file);
    for (const auto& override : options.overrides)
    {
        command += " -s " + Quoted(override);
    }
    if (!options.database.empty())
    {
        command += " --database " + Quoted(options.database);
    }
    return command;
}

std::vector<std::uint32_t>
ReplicationsOf(const SweepPlan& plan,
               const WantedReplications& wanted,
               const std::map<std::string, std::uint32_t>& present)
{
    std::vector<std::uint32_t> replications;
    for (const SweepPoint& point : plan.points)
    {
        const auto found = present.find(point.Label());
        replications.push_back(
            wanted.Of(plan.replications, found == present.end() ? 0 : found->second));
    }
    return replications;
}

void
PrintPlan(const SweepPlan& plan,
          const std::vector<PlannedRun>& runs,
          const std::set<std::string>& done)
{
    fmt::print("{:<14}{:>11}  {:<8}point\n", "run", "replication", "state");
    for (const PlannedRun& run : runs)
    {
        fmt::print("{:<14}{:>11}  {:<8}{}\n",
                   run.id.substr(0, ID_SHOWN),
                   run.replication,
                   done.contains(run.id) ? "done" : "to do",
                   plan.points[run.point].Label());
    }
    const auto isDone = [&](const PlannedRun& run)
    {
        return done.contains(run.id);
    };
    fmt::print("{} points, {} left out, {} runs, {} of them done\n",
               plan.points.size(),
               plan.leftOut,
               runs.size(),
               std::count_if(runs.begin(), runs.end(), isDone));
}

int
ExitOf(const CampaignStatus& status)
{
    return status.invariantsViolated > 0   ? EXIT_INVARIANT_VIOLATED
           : status.done < status.planned  ? EXIT_BAD_INPUT
           : status.expectationsFailed > 0 ? EXIT_EXPECTATION_FAILED
                                           : EXIT_ALL_HOLD;
}

} // namespace

std::string
DefaultDatabase(const std::string& file)
{
    return "results/" + std::filesystem::path(file).stem().string() + ".db";
}

int
SweepCommand(const SweepOptions& options)
{
    const auto wanted = WantedReplications::Parse(options.replications);
    const SweepPlan plan = PlanSweep(options.file, options.overrides);
    const BuildInfo build = ThisBuild();
    const std::string buildId = BuildId(build);
    const auto path = options.database.empty() ? DefaultDatabase(options.file) : options.database;
    if (options.dryRun)
    {
        std::map<std::string, std::uint32_t> present;
        std::set<std::string> done;
        if (std::error_code ignored; std::filesystem::exists(path, ignored))
        {
            const ResultStore store(path, ResultStore::Mode::READ);
            present = store.PlannedReplications();
            done = store.Done();
        }
        PrintPlan(plan, RunsOf(plan, ReplicationsOf(plan, wanted, present), buildId), done);
        return EXIT_ALL_HOLD;
    }
    ResultStore store(path, ResultStore::Mode::CREATE);
    LockCampaign(path);
    const auto runs =
        RunsOf(plan, ReplicationsOf(plan, wanted, store.PlannedReplications()), buildId);
    store.SetPlan({CommandOf(options), build, buildId}, plan, runs);
    const auto before = store.Status();
    SweepProgress progress(plan, before.planned - before.done, options.quiet);
    const CampaignOptions how{.jobs = options.jobs != 0
                                          ? options.jobs
                                          : std::max(1U, std::thread::hardware_concurrency()),
                              .failFast = options.failFast};
    RunCampaign(store, plan, runs, buildId, how, progress);
    progress.Finish();
    const auto status = store.Status();
    if (!options.quiet)
    {
        fmt::print("{}", StatusText(store, status));
    }
    return ExitOf(status);
}

} // namespace flowchain
