// SPDX-License-Identifier: GPL-2.0-only
#include "sweep-command.h"

#include "build-info.h"
#include "campaign.h"
#include "run-identity.h"
#include "scenario-reader.h"
#include "shell-quote.h"
#include "spelling.h"
#include "statistics.h"
#include "sweep-progress.h"

#include <fmt/format.h>

#include <algorithm>
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
constexpr double CONFIDENCE = 0.95;

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

/** @returns a share, or 0 if none is asked for. @throws ScenarioError */
double
PrecisionOf(const SweepOptions& options)
{
    if (options.precision.empty())
    {
        return 0;
    }
    const auto* metric = FindMetric(options.metric);
    if (metric == nullptr || metric->type == MetricType::TEXT)
    {
        std::vector<std::string> known;
        for (const auto& declared : MetricDictionary())
        {
            known.push_back(declared.name);
        }
        throw ScenarioError({fmt::format("--metric {}: no metric with a mean has this name{}",
                                         options.metric,
                                         DidYouMean(options.metric, known))});
    }
    const auto value = MakeSweepValue(options.precision);
    if (value.kind != SweepValue::Kind::PERCENT || value.number == 0)
    {
        throw ScenarioError(
            {fmt::format("--precision {}: expected a percentage such as 2%", options.precision)});
    }
    return *value.Number() / 100;
}

/** @returns whether more replications were asked for, those that the precision needs by what is
 * known now; at most twice as many as there are, since a spread of few runs says little */
bool
AddReplications(const ResultStore& store,
                const SweepPlan& plan,
                double precision,
                const SweepOptions& options,
                std::vector<std::uint32_t>& replications)
{
    constexpr std::size_t FIRST = 3; // no interval is worth its name with fewer
    const auto values = store.ValuesOf(options.metric);
    bool hasMore = false;
    for (std::size_t i = 0; i < plan.points.size(); ++i)
    {
        const auto found = values.find(plan.points[i].Label());
        if (found == values.end())
        {
            continue; // every run has failed, or does not measure it
        }
        const auto count = found->second.size();
        std::uint32_t wanted = FIRST;
        if (count >= FIRST)
        {
            wanted =
                ReplicationsNeeded(found->second, precision, CONFIDENCE, options.replicationsMax);
            wanted = std::min(wanted, static_cast<std::uint32_t>(2 * count));
        }
        if (wanted > replications[i])
        {
            replications[i] = wanted;
            hasMore = true;
        }
    }
    return hasMore;
}

/** Says which points are not. */
bool
IsPrecise(const ResultStore& store,
          const SweepPlan& plan,
          double precision,
          const std::string& metric)
{
    const auto values = store.ValuesOf(metric);
    bool isPrecise = true;
    for (const SweepPoint& point : plan.points)
    {
        const auto found = values.find(point.Label());
        const auto interval =
            MeanOf(found == values.end() ? std::vector<double>{} : found->second, CONFIDENCE);
        if (interval.RelativeHalfWidth() > precision)
        {
            isPrecise = false;
            fmt::print(stderr,
                       "{}: {} is known to {:.2f} % after {} runs, not to {:.2f} %\n",
                       point.Label(),
                       metric,
                       100 * interval.RelativeHalfWidth(),
                       interval.count,
                       100 * precision);
        }
    }
    return isPrecise;
}

} // namespace

std::string
DefaultDatabase(const std::string& file)
{
    return "results/" + std::filesystem::path(file).stem().string() + ".db";
}

void
LockCampaign(const std::string& database)
{
    const int file = open(database.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || flock(file, LOCK_EX | LOCK_NB) != 0)
    {
        throw std::runtime_error(fmt::format(
            "{}: {}",
            database,
            errno == EWOULDBLOCK ? "another `flowchain` is at work on it" : std::strerror(errno)));
    }
}

std::string
CommandOf(const SweepOptions& options)
{
    std::string command = "flowchain sweep " + ShellQuoted(options.file);
    for (const auto& override : options.overrides)
    {
        command += " -s " + ShellQuoted(override);
    }
    if (!options.database.empty())
    {
        command += " --database " + ShellQuoted(options.database);
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

int
ExitOf(const CampaignStatus& status)
{
    return status.invariantsViolated > 0   ? EXIT_INVARIANT_VIOLATED
           : status.done < status.planned  ? EXIT_BAD_INPUT
           : status.expectationsFailed > 0 ? EXIT_EXPECTATION_FAILED
                                           : EXIT_ALL_HOLD;
}

int
SweepCommand(const SweepOptions& options)
{
    const double precision = PrecisionOf(options);
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
    auto replications = ReplicationsOf(plan, wanted, store.PlannedReplications());
    auto runs = RunsOf(plan, replications, buildId);
    const CampaignHeader header{CommandOf(options), build, buildId};
    store.SetPlan(header, plan, runs);
    const auto before = store.Status();
    SweepProgress progress(plan, before.planned - before.done, options.quiet);
    const CampaignOptions how{.jobs = options.jobs != 0
                                          ? options.jobs
                                          : std::max(1U, std::thread::hardware_concurrency()),
                              .failFast = options.failFast,
                              .shareWarmup = !options.cold};
    CampaignRunner(store, buildId, how, progress).Run(plan, runs);
    bool isPrecise = true;
    if (precision > 0)
    {
        while (AddReplications(store, plan, precision, options, replications))
        {
            runs = RunsOf(plan, replications, buildId);
            store.SetPlan(header, plan, runs);
            const auto now = store.Status();
            progress.Extend(now.planned - now.done);
            CampaignRunner(store, buildId, how, progress).Run(plan, runs);
        }
        isPrecise = IsPrecise(store, plan, precision, options.metric);
    }
    progress.Finish();
    const auto status = store.Status();
    if (!options.quiet)
    {
        fmt::print("{}", StatusText(store, status));
    }
    return isPrecise ? ExitOf(status) : std::max<int>(ExitOf(status), EXIT_BAD_INPUT);
}

} // namespace flowchain
