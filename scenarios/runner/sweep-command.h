// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWEEP_COMMAND_H
#define FLOWCHAIN_SWEEP_COMMAND_H

#include "campaign.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace flowchain
{

/** What the command line of `sweep` says. */
struct SweepOptions
{
    std::string file;
    std::vector<std::string> overrides;               ///< "key=value", of every point
    std::string database;                             ///< empty: results/<scenario name>.db
    std::string replications;                         ///< "", "8", "+5"
    std::string precision;                            ///< "2%"; empty: as many runs as are planned
    std::string metric = "latency.first_packet.mean"; ///< whose mean is to be so precise
    std::uint32_t replicationsMax = 200;              ///< of a point, for the precision's sake
    unsigned jobs = 0;                                ///< 0: as many as there are processors
    bool failFast = false;
    bool keepGoing = false; ///< the default
    bool cold = false;      ///< every run makes its own warm-up
    bool dryRun = false;
    bool quiet = false;
};

/** @returns EXIT_INVARIANT_VIOLATED, EXIT_BAD_INPUT if a run has failed or was not started, or
 * the precision was not reached,
 * EXIT_EXPECTATION_FAILED, or EXIT_ALL_HOLD: the worst of the campaign's runs */
int SweepCommand(const SweepOptions& options);

/** @returns results/<name of the scenario file>.db */
std::string DefaultDatabase(const std::string& file);

/** The command that makes the campaign: without what is of one call only. */
std::string CommandOf(const SweepOptions& options);

/**
 * Keep others from working on the same campaign at the same time, until this process ends.
 * The file stays open: closing it would end the locks that SQLite holds on it.
 * @throws std::runtime_error if another one does
 */
void LockCampaign(const std::string& database);

/** How many replications each point of the plan gets.
 * @param present that the points have already, by label */
std::vector<std::uint32_t> ReplicationsOf(const SweepPlan& plan,
                                          const WantedReplications& wanted,
                                          const std::map<std::string, std::uint32_t>& present);

/** The exit code that tells how the campaign's runs are, as SweepCommand(). */
int ExitOf(const CampaignStatus& status);

} // namespace flowchain

#endif
