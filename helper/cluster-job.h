// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CLUSTER_JOB_H
#define FLOWCHAIN_CLUSTER_JOB_H

#include "campaign.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace flowchain
{

/** How a campaign's runs are given to a batch system. */
struct BatchOptions
{
    std::uint32_t arrayMax = 0;      ///< tasks of one job array; 0: as many as Slurm takes
    std::uint32_t maxRunning = 0;    ///< tasks at the same time; 0: no limit
    std::uint32_t runsPerTask = 0;   ///< 0: as DefaultRunsPerTask()
    std::string partition;           ///< empty: Slurm's default
    std::string time;                ///< limit of a task, as for sbatch; empty: Slurm's default
    std::vector<std::string> sbatch; ///< more of its options: "--mem=2G"
};

/** One job array: tasks `first` to `first + count - 1`, its indices being 0 to `count - 1`. */
struct JobArray
{
    std::size_t first = 0;
    std::size_t count = 0;
    std::string slurmId; ///< empty: was not submitted
};

/**
 * Runs of a campaign that were handed out together, as a folder `<database>.jobs/<number>` that
 * says all that a task needs: other hosts have no need to read the campaign's database.
 *   job.json      this structure
 *   scenario.toml the text that was swept, as it was then
 *   task-<n>.json the runs of a task
 *   array-<n>.sh  what was submitted
 *   log/          what the tasks print
 */
struct ClusterJob
{
    std::filesystem::path folder; ///< absolute
    std::uint32_t number = 0;
    std::string name;                   ///< of the campaign
    std::string campaign;               ///< its id
    std::string file;                   ///< the scenario, absolute; relative names start there
    std::vector<std::string> overrides; ///< of every run
    std::string buildId;
    bool isSlurm = false; ///< else its commands were printed
    BatchOptions options;
    std::size_t tasks = 0;
    std::vector<JobArray> arrays; ///< all the tasks, in order; none unless isSlurm

    std::filesystem::path TaskFile(std::size_t task) const;
    /** Where the task leaves its results: `<database>.shards/<job>-<task>.db` */
    std::filesystem::path Shard(std::size_t task) const;
};

/** What a task does. */
struct ClusterTask
{
    ClusterJob job;
    std::size_t number = 0;
    SweepPlan plan; ///< the points that it has runs of
    std::vector<PlannedRun> runs;
};

/** `<database>.shards` */
std::filesystem::path ShardsFolder(const std::string& database);
/** One up to 1000 runs; of more, so many that there are 1000 tasks. */
std::size_t DefaultRunsPerTask(std::size_t runs);

/**
 * Deal the runs out to tasks, the longest ones first, and write the job's folder.
 * @param job name, campaign, overrides, buildId, isSlurm and options are set
 * @throws std::runtime_error if the folder cannot be written
 */
void CreateJob(ClusterJob& job,
               const std::string& database,
               const SweepPlan& plan,
               const std::vector<PlannedRun>& runs);
/** Write job.json again. @throws std::runtime_error if that is impossible */
void SaveJob(const ClusterJob& job);
/** All the jobs of a campaign, in order. @throws std::runtime_error if one cannot be read */
std::vector<ClusterJob> ReadJobs(const std::string& database);
/** Ids of the runs of a task. @throws std::runtime_error if its file cannot be read */
std::vector<std::string> RunIdsOf(const ClusterJob& job, std::size_t task);

/**
 * Read a task's file and make its runs.
 * @param buildId of this program
 * @throws std::runtime_error if it cannot be read, or a run would be another one than the
 * submitted one: the program or a capture has changed
 */
ClusterTask ReadTask(const std::filesystem::path& file, const std::string& buildId);

} // namespace flowchain

#endif
