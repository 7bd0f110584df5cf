// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CLUSTER_COMMAND_H
#define FLOWCHAIN_CLUSTER_COMMAND_H

#include <string>
#include <vector>

namespace flowchain
{

/** What the command lines of `submit` and `resume` say. */
struct SubmitOptions
{
    std::string file;                   ///< submit
    std::vector<std::string> overrides; ///< submit
    std::string replications;           ///< submit; "", "8", "+5"
    std::string database;
    bool slurm = false;
    bool printCommands = false;
    // BatchOptions; 0 or empty: resume takes those of the job before.
    unsigned arrayMax = 0;
    unsigned maxRunning = 0;
    unsigned runsPerTask = 0;
    std::string partition;
    std::string time;
    std::vector<std::string> sbatch;
};

/** What the command line of `collect` says. */
struct CollectOptions
{
    std::string database;
    std::vector<std::string> shards; ///< empty: all of the campaign's own
};

/**
 * Campaigns that run on other hosts (helper/cluster-job.h). All throw ScenarioError or
 * std::runtime_error if what they are given cannot be used, or Slurm refuses it.
 */
/** Plan a campaign, as SweepCommand(), and hand out the runs that it has not. */
int SubmitCommand(const SubmitOptions& options);
/** Hand out what the campaign has not and no task that still waits or runs will bring. */
int ResumeCommand(const SubmitOptions& options);
/** @returns EXIT_BAD_INPUT if a shard cannot be taken in; the others are */
int CollectCommand(const CollectOptions& options);
/** @returns as SweepCommand() */
int StatusCommand(const std::string& database);
int CancelCommand(const std::string& database);
/** Make the runs of a task, and leave them in its shard. @returns as SweepCommand() of these */
int TaskCommand(const std::string& file);

} // namespace flowchain

#endif
