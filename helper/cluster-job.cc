// SPDX-License-Identifier: GPL-2.0-only
#include "cluster-job.h"

#include "run-identity.h"
#include "scenario-reader.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>

namespace flowchain
{

namespace
{

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t TASKS_MAX = 1'000; ///< unless the user says how many runs a task has

[[noreturn]] void
ThrowFile(const fs::path& file, const std::string& cause)
{
    throw std::runtime_error(fmt::format("{}: {}", file.string(), cause));
}

/** Readers see the old file or the new one, never a part of it. */
void
WriteFile(const fs::path& file, const std::string& text)
{
    const fs::path part = file.string() + ".part";
    errno = 0;
    std::ofstream stream(part, std::ios::binary);
    stream << text;
    stream.close();
    if (!stream)
    {
        ThrowFile(part, std::strerror(errno));
    }
    std::error_code error;
    fs::rename(part, file, error);
    if (error)
    {
        ThrowFile(file, error.message());
    }
}

/** Does something with a file of JSON; what is wrong with it names the file. */
template <typename Action>
auto
WithJson(const fs::path& file, Action action)
{
    const std::string text = ReadScenarioText(file.string());
    try
    {
        return action(json::parse(text));
    }
    catch (const json::exception& error)
    {
        ThrowFile(file, fmt::format("is no file that `flowchain submit` wrote: {}", error.what()));
    }
}

std::optional<std::uint32_t>
NumberOf(const std::string& text)
{
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                    : std::nullopt;
}

fs::path
JobsFolder(const std::string& database)
{
    return fs::absolute(database + ".jobs").lexically_normal();
}

json
JsonOf(const BatchOptions& options)
{
    return {{"array_max", options.arrayMax},
            {"max_running", options.maxRunning},
            {"runs_per_task", options.runsPerTask},
            {"partition", options.partition},
            {"time", options.time},
            {"sbatch", options.sbatch}};
}

BatchOptions
BatchOptionsOf(const json& text)
{
    return {.arrayMax = text.at("array_max"),
            .maxRunning = text.at("max_running"),
            .runsPerTask = text.at("runs_per_task"),
            .partition = text.at("partition"),
            .time = text.at("time"),
            .sbatch = text.at("sbatch")};
}

ClusterJob
ReadJob(const fs::path& folder)
{
    return WithJson(folder / "job.json",
                    [&](const json& text)
                    {
        ClusterJob job;
        job.folder = folder;
        job.number = text.at("number");
        job.name = text.at("name");
        job.campaign = text.at("campaign");
        job.file = text.at("file");
        job.overrides = text.at("overrides");
        job.buildId = text.at("build");
        job.isSlurm = text.at("slurm");
        job.options = BatchOptionsOf(text.at("options"));
        job.tasks = text.at("tasks");
        for (const json& array : text.at("arrays"))
        {
            job.arrays.push_back({array.at("first"), array.at("count"), array.at("id")});
        }
        return job;
    });
}

json
JsonOf(const SweepPoint& point)
{
    json parameters = json::array();
    for (const auto& [key, value] : point.parameters)
    {
        parameters.push_back({{"key", key},
                              {"kind", static_cast<int>(value.kind)},
                              {"number", value.number},
                              {"toml", value.toml},
                              {"label", value.label}});
    }
    return parameters;
}

SweepPoint
SweepPointOf(const json& parameters)
{
    SweepPoint point;
    for (const json& parameter : parameters)
    {
        SweepValue value{.kind = static_cast<SweepValue::Kind>(parameter.at("kind").get<int>()),
                         .number = parameter.at("number"),
                         .toml = parameter.at("toml"),
                         .label = parameter.at("label")};
        point.parameters.emplace_back(parameter.at("key"), std::move(value));
    }
    return point;
}

/** The longest first, so that no long one is left when all others have ended. */
std::vector<const PlannedRun*>
ByCost(const std::vector<PlannedRun>& runs)
{
    std::vector<std::pair<double, const PlannedRun*>> costs;
    for (const PlannedRun& run : runs)
    {
        costs.emplace_back(EstimatedCost(run.scenario), &run);
    }
    std::stable_sort(costs.begin(),
                     costs.end(),
                     [](const auto& a, const auto& b)
                     {
        return a.first > b.first;
    });
    std::vector<const PlannedRun*> sorted;
    for (const auto& [cost, run] : costs)
    {
        sorted.push_back(run);
    }
    return sorted;
}

void
CheckId(const ClusterJob& job, const PlannedRun& run, const fs::path& file)
{
    if (RunId(run.scenario, job.buildId) != run.id)
    {
        ThrowFile(file,
                  fmt::format("run {} would not be the one that was submitted: a capture that it "
                              "replays has changed; submit again",
                              run.id));
    }
}

} // namespace

fs::path
ClusterJob::TaskFile(std::size_t task) const
{
    return folder / fmt::format("task-{}.json", task);
}

fs::path
ClusterJob::Shard(std::size_t task) const
{
    // From where the folder is now, so that a campaign can be moved, or mounted elsewhere.
    const std::string jobs = folder.parent_path().string();
    const auto database = jobs.substr(0, jobs.size() - std::strlen(".jobs"));
    return ShardsFolder(database) / fmt::format("{}-{}.db", number, task);
}

fs::path
ShardsFolder(const std::string& database)
{
    return fs::absolute(database + ".shards").lexically_normal();
}

std::size_t
DefaultRunsPerTask(std::size_t runs)
{
    return std::max<std::size_t>(1, (runs + TASKS_MAX - 1) / TASKS_MAX);
}

void
SaveJob(const ClusterJob& job)
{
    json arrays = json::array();
    for (const JobArray& array : job.arrays)
    {
        arrays.push_back({{"first", array.first}, {"count", array.count}, {"id", array.slurmId}});
    }
    const json text{{"number", job.number},
                    {"name", job.name},
                    {"campaign", job.campaign},
                    {"file", job.file},
                    {"overrides", job.overrides},
                    {"build", job.buildId},
                    {"slurm", job.isSlurm},
                    {"options", JsonOf(job.options)},
                    {"tasks", job.tasks},
                    {"arrays", arrays}};
    WriteFile(job.folder / "job.json", text.dump(2) + "\n");
}

void
CreateJob(ClusterJob& job,
          const std::string& database,
          const SweepPlan& plan,
          const std::vector<PlannedRun>& runs)
{
    const fs::path jobs = JobsFolder(database);
    std::error_code error;
    fs::create_directories(jobs, error);
    fs::create_directories(ShardsFolder(database), error);
    do
    {
        job.folder = jobs / std::to_string(++job.number);
    } while (!fs::create_directory(job.folder, error) && !error);
    fs::create_directory(job.folder / "log", error);
    if (error)
    {
        ThrowFile(job.folder, error.message());
    }
    job.file = fs::absolute(plan.file).lexically_normal().string();
    WriteFile(job.folder / "scenario.toml", plan.toml);
    const std::size_t perTask =
        job.options.runsPerTask != 0 ? job.options.runsPerTask : DefaultRunsPerTask(runs.size());
    job.tasks = (runs.size() + perTask - 1) / perTask;
    const auto sorted = ByCost(runs);
    for (std::size_t task = 0; task < job.tasks; ++task)
    {
        json list = json::array();
        for (std::size_t i = task; i < sorted.size(); i += job.tasks)
        {
            list.push_back({{"id", sorted[i]->id},
                            {"replication", sorted[i]->replication},
                            {"point", JsonOf(plan.points[sorted[i]->point])}});
        }
        const json text{{"task", task}, {"runs", list}};
        WriteFile(job.TaskFile(task), text.dump(1) + "\n");
    }
    // The last one: a folder without it was never handed out.
    SaveJob(job);
}

std::vector<ClusterJob>
ReadJobs(const std::string& database)
{
    std::vector<ClusterJob> jobs;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(JobsFolder(database), ignored))
    {
        if (NumberOf(entry.path().filename().string()) && fs::exists(entry.path() / "job.json"))
        {
            jobs.push_back(ReadJob(entry.path()));
        }
    }
    std::sort(jobs.begin(),
              jobs.end(),
              [](const ClusterJob& a, const ClusterJob& b)
              {
        return a.number < b.number;
    });
    return jobs;
}

std::vector<std::string>
RunIdsOf(const ClusterJob& job, std::size_t task)
{
    return WithJson(job.TaskFile(task),
                    [](const json& text)
                    {
        std::vector<std::string> ids;
        for (const json& run : text.at("runs"))
        {
            ids.push_back(run.at("id"));
        }
        return ids;
    });
}

ClusterTask
ReadTask(const fs::path& file, const std::string& buildId)
{
    ClusterTask task;
    task.job = ReadJob(fs::absolute(file).lexically_normal().parent_path());
    if (task.job.buildId != buildId)
    {
        ThrowFile(file,
                  fmt::format("was submitted by build {} of flowchain, this is build {}; their "
                              "results must not be mixed: submit again with this one",
                              task.job.buildId,
                              buildId));
    }
    task.plan.file = task.job.file;
    task.plan.toml = ReadScenarioText((task.job.folder / "scenario.toml").string());
    task.plan.overrides = task.job.overrides;
    WithJson(file,
             [&](const json& text)
             {
        task.number = text.at("task");
        std::map<std::string, std::size_t> known;
        for (const json& one : text.at("runs"))
        {
            SweepPoint point = SweepPointOf(one.at("point"));
            const auto [place, isNew] = known.emplace(point.Label(), task.plan.points.size());
            if (isNew)
            {
                point.scenario = ScenarioOf(task.plan, point.parameters);
                task.plan.points.push_back(std::move(point));
            }
            PlannedRun run{.id = one.at("id"),
                           .point = place->second,
                           .replication = one.at("replication"),
                           .scenario = {}};
            run.scenario = task.plan.points[run.point].ScenarioOf(run.replication);
            CheckId(task.job, run, file);
            task.runs.push_back(std::move(run));
        }
        if (task.runs.empty())
        {
            ThrowFile(file, "has no runs");
        }
        for (const auto& [key, value] : task.plan.points.front().parameters)
        {
            task.plan.axes.push_back(key);
        }
        return true;
    });
    return task;
}

} // namespace flowchain
