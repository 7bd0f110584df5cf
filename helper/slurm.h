// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SLURM_H
#define FLOWCHAIN_SLURM_H

#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** A task of a job array that has not ended. */
struct QueuedTask
{
    std::string job;         ///< id of the whole array
    std::uint32_t index = 0; ///< of the task in the array
    std::string state;       ///< "PENDING", "RUNNING", ...
    std::string reason;      ///< why it waits; "None" if it runs
};

/**
 * What is asked of Slurm, through its own commands; version 20.11 or newer. All throw
 * std::runtime_error with what the command said, or which package has it.
 */

/** Whether its commands are installed. */
bool HasSlurm();
/** How many tasks a job array may have (MaxArraySize). */
std::uint32_t SlurmArrayMax();
/** Submit a script. @returns the job's id */
std::string SubmitToSlurm(const std::string& script, const std::vector<std::string>& options);
/** Those tasks of these jobs that wait or run. */
std::vector<QueuedTask> SlurmQueue(const std::vector<std::string>& jobs);
/** End whatever waits or runs of these jobs. */
void CancelInSlurm(const std::vector<std::string>& jobs);

} // namespace flowchain

#endif
