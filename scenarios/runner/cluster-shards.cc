// SPDX-License-Identifier: GPL-2.0-only
#include "cluster-shards.h"

#include "spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>

namespace flowchain
{

namespace
{

/** Whose place in which job an array is. */
struct Place
{
    const ClusterJob* job = nullptr;
    const JobArray* array = nullptr;
};

std::map<std::string, Place>
PlacesOf(const std::vector<ClusterJob>& jobs)
{
    std::map<std::string, Place> places;
    for (const ClusterJob& job : jobs)
    {
        for (const JobArray& array : job.arrays)
        {
            if (!array.slurmId.empty())
            {
                places[array.slurmId] = {&job, &array};
            }
        }
    }
    return places;
}

/** @throws std::runtime_error if the shard has nothing that belongs to the campaign */
void
CheckIsOurs(const ResultStore& store, const std::string& file)
{
    const ResultStore shard(file, ResultStore::Mode::READ);
    const auto id = shard.Header("id");
    if (!id.empty() && id == store.Header("id"))
    {
        return;
    }
    const auto planned = store.Planned();
    const auto runs = shard.Runs();
    if (std::none_of(runs.begin(),
                     runs.end(),
                     [&](const std::string& run)
                     {
        return planned.contains(run);
        }))
    {
        throw std::runtime_error(
            fmt::format("{}: none of its {} runs is of this campaign ({}, build {}): it is of "
                        "{}, build {}",
                        file,
                        runs.size(),
                        store.Header("name"),
                        store.Header("build"),
                        shard.Header("name"),
                        shard.Header("build")));
    }
}

} // namespace

std::vector<ActiveTask>
ActiveTasksOf(const std::vector<ClusterJob>& jobs)
{
    const auto places = PlacesOf(jobs);
    std::vector<std::string> ids;
    for (const auto& [id, place] : places)
    {
        ids.push_back(id);
    }
    std::vector<ActiveTask> tasks;
    for (QueuedTask& queued : SlurmQueue(ids))
    {
        const Place& place = places.at(queued.job);
        if (queued.index < place.array->count)
        {
            tasks.push_back({*place.job, place.array->first + queued.index, std::move(queued)});
        }
    }
    return tasks;
}

std::set<std::string>
RunIdsOf(const std::vector<ActiveTask>& tasks)
{
    std::set<std::string> ids;
    for (const ActiveTask& task : tasks)
    {
        for (std::string& id : RunIdsOf(task.job, task.number))
        {
            ids.insert(std::move(id));
        }
    }
    return ids;
}

std::vector<std::string>
SlurmIdsOf(const std::vector<ActiveTask>& tasks)
{
    std::set<std::string> ids;
    for (const ActiveTask& task : tasks)
    {
        ids.insert(task.queued.job);
    }
    return {ids.begin(), ids.end()};
}

std::vector<std::string>
ShardsOf(const std::string& database)
{
    std::vector<std::string> shards;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(ShardsFolder(database), ignored))
    {
        if (entry.path().extension() == ".db")
        {
            shards.push_back(entry.path().string());
        }
    }
    std::sort(shards.begin(), shards.end());
    return shards;
}

Collected
CollectShards(ResultStore& store, const std::vector<std::string>& shards)
{
    Collected collected;
    for (const std::string& shard : shards)
    {
        try
        {
            CheckIsOurs(store, shard);
            collected.runs += store.Collect(shard);
            ++collected.shards;
        }
        catch (const std::runtime_error& error)
        {
            fmt::print(stderr, "not taken in: {}\n", error.what());
            ++collected.refused;
        }
    }
    return collected;
}

std::string
TextOf(const ClusterJob& job)
{
    if (!job.isSlurm)
    {
        return fmt::format("{} tasks, for GNU parallel or ssh", job.tasks);
    }
    std::vector<std::string> ids;
    std::size_t left = 0;
    for (const JobArray& array : job.arrays)
    {
        array.slurmId.empty() ? void(++left) : ids.push_back(array.slurmId);
    }
    return fmt::format("{} tasks in {} job arrays (Slurm {}{})",
                       job.tasks,
                       job.arrays.size(),
                       ids.empty() ? "-" : Join(ids, ", "),
                       left == 0 ? "" : fmt::format(", {} not submitted", left));
}

} // namespace flowchain
