// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CLUSTER_SHARDS_H
#define FLOWCHAIN_CLUSTER_SHARDS_H

#include "cluster-job.h"
#include "slurm.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace flowchain
{

/** A task that waits or runs in Slurm. */
struct ActiveTask
{
    ClusterJob job;
    std::size_t number = 0;
    QueuedTask queued;
};

/** What has become of shards. */
struct Collected
{
    std::uint64_t runs = 0; ///< that were new
    std::size_t shards = 0; ///< taken in
    std::size_t refused = 0;
};

/** The tasks of these jobs that have not ended. @throws std::runtime_error if squeue fails */
std::vector<ActiveTask> ActiveTasksOf(const std::vector<ClusterJob>& jobs);
/** The runs that they are at work on, or will be. */
std::set<std::string> RunIdsOf(const std::vector<ActiveTask>& tasks);
/** Ids of their job arrays. */
std::vector<std::string> SlurmIdsOf(const std::vector<ActiveTask>& tasks);
/** All shards that the campaign's tasks have left. */
std::vector<std::string> ShardsOf(const std::string& database);
/** Take in all that can be taken in; what cannot is named on the standard error. */
Collected CollectShards(ResultStore& store, const std::vector<std::string>& shards);
/** "48 tasks in 3 job arrays (Slurm 17, 18, 19)" */
std::string TextOf(const ClusterJob& job);

} // namespace flowchain

#endif
