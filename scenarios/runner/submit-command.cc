// SPDX-License-Identifier: GPL-2.0-only
// Of the cluster's commands: those that hand out runs.
#include "build-info.h"
#include "cluster-command.h"
#include "cluster-shards.h"
#include "run-identity.h"
#include "scenario-reader.h"
#include "shell-quote.h"
#include "slurm.h"
#include "spelling.h"
#include "sweep-command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace flowchain
{

namespace
{

namespace fs = std::filesystem;

/** What is to be handed out, and how. */
struct Request
{
    const SweepPlan& plan;
    const std::vector<PlannedRun>& runs; ///< of the whole campaign
    std::string buildId;
    bool isSlurm = false;
    BatchOptions batch;
};

/** @throws std::runtime_error if tasks would not be found again */
void
CheckSbatchOption(const std::string& option)
{
    for (const char* name : {"--array", "-a", "--clusters", "-M"})
    {
        if (option.starts_with(name))
        {
            throw std::runtime_error(
                fmt::format("--sbatch-option {}: flowchain must know which tasks there are; it "
                            "makes the arrays itself, in one cluster",
                            option));
        }
    }
}

BatchOptions
BatchOf(const SubmitOptions& options, const BatchOptions& before)
{
    const auto number = [](unsigned wanted, std::uint32_t otherwise)
    {
        return wanted != 0 ? wanted : otherwise;
    };
    const auto text = [](const std::string& wanted, const std::string& otherwise)
    {
        return wanted.empty() ? otherwise : wanted;
    };
    BatchOptions batch{.arrayMax = number(options.arrayMax, before.arrayMax),
                       .maxRunning = number(options.maxRunning, before.maxRunning),
                       .runsPerTask = number(options.runsPerTask, before.runsPerTask),
                       .partition = text(options.partition, before.partition),
                       .time = text(options.time, before.time),
                       .sbatch = before.sbatch};
    if (!options.sbatch.empty())
    {
        batch.sbatch.clear();
        for (const std::string& option : options.sbatch)
        {
            batch.sbatch.push_back(option.starts_with('-') ? option : "--" + option);
            CheckSbatchOption(batch.sbatch.back());
        }
    }
    return batch;
}

/** A line of a script for sbatch, which reads words as a shell does. */
std::string
Directive(const std::string& option)
{
    if (option.find('\n') != std::string::npos)
    {
        throw std::runtime_error(fmt::format("sbatch takes no line break: {}", option));
    }
    return "#SBATCH " + ShellQuoted(option) + "\n";
}

/** A file name in which sbatch replaces nothing. */
std::string
Verbatim(const fs::path& path)
{
    std::string text;
    for (const char c : path.string())
    {
        text += c == '%' ? "%%" : std::string(1, c);
    }
    return text;
}

std::string
ProgramPath()
{
    return fs::read_symlink("/proc/self/exe").string();
}

std::string
ScriptOf(const ClusterJob& job, const JobArray& array)
{
    const BatchOptions& batch = job.options;
    const auto limit = batch.maxRunning == 0 ? "" : fmt::format("%{}", batch.maxRunning);
    std::string text = "#!/bin/sh\n";
    text += Directive("--job-name=flowchain-" + job.name);
    text += Directive(fmt::format("--array=0-{}{}", array.count - 1, limit));
    text += Directive("--ntasks=1");
    text += Directive("--output=" + Verbatim(job.folder / "log") + "/%A_%a.txt");
    text += Directive("--open-mode=append");
    if (!batch.partition.empty())
    {
        text += Directive("--partition=" + batch.partition);
    }
    if (!batch.time.empty())
    {
        text += Directive("--time=" + batch.time);
    }
    for (const std::string& option : batch.sbatch)
    {
        text += Directive(option);
    }
    return text + fmt::format("exec {} task {}/task-$(({} + SLURM_ARRAY_TASK_ID)).json\n",
                              ShellQuoted(ProgramPath()),
                              ShellQuoted(job.folder.string()),
                              array.first);
}

/** Tasks in arrays that Slurm takes. */
std::vector<JobArray>
ArraysOf(const ClusterJob& job)
{
    const std::size_t most = job.options.arrayMax != 0 ? job.options.arrayMax : SlurmArrayMax();
    std::vector<JobArray> arrays;
    for (std::size_t first = 0; first < job.tasks; first += most)
    {
        arrays.push_back({first, std::min(most, job.tasks - first), {}});
    }
    return arrays;
}

/** Submit all arrays; each is noted as soon as it is there.
 * @param before ids of jobs that are to end first, if tasks at the same time are limited */
void
SubmitArrays(ClusterJob& job, std::vector<std::string> before)
{
    for (std::size_t i = 0; i < job.arrays.size(); ++i)
    {
        const fs::path script = job.folder / fmt::format("array-{}.sh", i);
        std::ofstream stream(script);
        stream << ScriptOf(job, job.arrays[i]);
        stream.close();
        if (!stream)
        {
            throw std::runtime_error(fmt::format("{}: cannot be written", script.string()));
        }
        std::vector<std::string> options;
        // Slurm limits the tasks of one array, so that only one array may run.
        if (job.options.maxRunning != 0 && !before.empty())
        {
            options.push_back("--dependency=afterany:" + Join(before, ":"));
        }
        try
        {
            job.arrays[i].slurmId = SubmitToSlurm(script.string(), options);
        }
        catch (const std::runtime_error& error)
        {
            throw std::runtime_error(
                fmt::format("{}\n{} of {} job arrays are submitted; `flowchain resume` submits "
                            "the rest",
                            error.what(),
                            i,
                            job.arrays.size()));
        }
        SaveJob(job);
        before = {job.arrays[i].slurmId};
    }
}

void
PrintCommands(const ClusterJob& job, const std::string& database)
{
    for (std::size_t task = 0; task < job.tasks; ++task)
    {
        fmt::print(
            "{} task {}\n", ShellQuoted(ProgramPath()), ShellQuoted(job.TaskFile(task).string()));
    }
    fmt::print(stderr,
               "{} commands; when they have run: flowchain collect {}\n",
               job.tasks,
               ShellQuoted(database));
}

/** Hand out the runs that the campaign has not and nobody is at work on. */
int
HandOut(ResultStore& store, const std::string& database, const Request& request)
{
    // The queue first: a task that ends in between has left its shard.
    const auto active = ActiveTasksOf(ReadJobs(database));
    CollectShards(store, ShardsOf(database));
    const auto done = store.Done();
    const auto busy = RunIdsOf(active);
    std::vector<PlannedRun> missing;
    std::size_t waiting = 0;
    for (const PlannedRun& run : request.runs)
    {
        if (!done.contains(run.id))
        {
            busy.contains(run.id) ? void(++waiting) : missing.push_back(run);
        }
    }
    fmt::print(stderr,
               "{} runs, {} in tasks that wait or run, {} to hand out\n",
               request.runs.size(),
               waiting,
               missing.size());
    if (missing.empty())
    {
        return EXIT_ALL_HOLD;
    }
    ClusterJob job;
    job.name = store.Header("name");
    job.campaign = store.Header("id");
    job.overrides = request.plan.overrides;
    job.buildId = request.buildId;
    job.isSlurm = request.isSlurm;
    job.options = request.batch;
    // Before anything is written: there may be no Slurm here.
    if (job.isSlurm && job.options.arrayMax == 0)
    {
        job.options.arrayMax = SlurmArrayMax();
    }
    CreateJob(job, database, request.plan, missing);
    if (!job.isSlurm)
    {
        PrintCommands(job, database);
        return EXIT_ALL_HOLD;
    }
    job.arrays = ArraysOf(job);
    SaveJob(job);
    SubmitArrays(job, SlurmIdsOf(active));
    fmt::print("{}\n", TextOf(job));
    return EXIT_ALL_HOLD;
}

/** As many as there are, whatever the scenario says. */
std::vector<std::uint32_t>
ReplicationsOf(const ResultStore& store, const SweepPlan& plan)
{
    const auto planned = store.PlannedReplications();
    std::vector<std::uint32_t> replications;
    for (const SweepPoint& point : plan.points)
    {
        const auto found = planned.find(point.Label());
        replications.push_back(found == planned.end() ? 0 : found->second);
    }
    return replications;
}

/** @throws std::runtime_error if the runs are not the campaign's, and why */
void
CheckRuns(const ResultStore& store, const std::vector<PlannedRun>& runs, const std::string& buildId)
{
    if (store.Header("build") != buildId)
    {
        throw std::runtime_error(
            fmt::format("{}: is of build {} of flowchain, this is build {}: go on with that one, "
                        "or start again with `flowchain submit`",
                        store.Path(),
                        store.Header("build"),
                        buildId));
    }
    const auto planned = store.Planned();
    const auto isPlanned = [&](const PlannedRun& run)
    {
        return planned.contains(run.id);
    };
    if (runs.size() != planned.size() || !std::all_of(runs.begin(), runs.end(), isPlanned))
    {
        throw std::runtime_error(
            fmt::format("{}: a capture that the scenario replays has changed since; start again "
                        "with `flowchain submit`",
                        store.Path()));
    }
}

} // namespace

int
SubmitCommand(const SubmitOptions& options)
{
    if (options.slurm == options.printCommands)
    {
        throw std::runtime_error("submit: say --slurm, or --print-commands");
    }
    const auto wanted = WantedReplications::Parse(options.replications);
    const SweepPlan plan = PlanSweep(options.file, options.overrides);
    const BuildInfo build = ThisBuild();
    const std::string buildId = BuildId(build);
    const auto database =
        options.database.empty() ? DefaultDatabase(options.file) : options.database;
    ResultStore store(database, ResultStore::Mode::CREATE);
    LockCampaign(database);
    const auto runs =
        RunsOf(plan, ReplicationsOf(plan, wanted, store.PlannedReplications()), buildId);
    SweepOptions campaign;
    campaign.file = options.file;
    campaign.overrides = options.overrides;
    campaign.database = options.database;
    store.SetPlan({.command = CommandOf(campaign), .build = build, .buildId = buildId}, plan, runs);
    return HandOut(
        store, database, {plan, runs, buildId, options.slurm, BatchOf(options, BatchOptions())});
}

int
ResumeCommand(const SubmitOptions& options)
{
    ResultStore store(options.database, ResultStore::Mode::WRITE);
    LockCampaign(options.database);
    const auto jobs = ReadJobs(options.database);
    if (jobs.empty() && !options.slurm && !options.printCommands)
    {
        throw std::runtime_error(fmt::format(
            "{}: nothing was submitted yet; say --slurm, or --print-commands", options.database));
    }
    const SweepPlan plan = PlanOf(store);
    const std::string buildId = BuildId(ThisBuild());
    const auto runs = RunsOf(plan, ReplicationsOf(store, plan), buildId);
    CheckRuns(store, runs, buildId);
    const bool isSlurm =
        options.slurm || (!options.printCommands && !jobs.empty() && jobs.back().isSlurm);
    const auto batch = BatchOf(options, jobs.empty() ? BatchOptions() : jobs.back().options);
    return HandOut(store, options.database, {plan, runs, buildId, isSlurm, batch});
}

} // namespace flowchain
