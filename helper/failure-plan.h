// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAILURE_PLAN_H
#define FLOWCHAIN_FAILURE_PLAN_H

#include "scenario.h"

#include <cstddef>
#include <vector>

namespace flowchain
{

/** Strikes by chance of one `[[failure]]`, at most. */
constexpr std::size_t STRIKES_MAX = 10'000;

/** One time that a failure strikes by chance. */
struct Strike
{
    Duration at{};
    std::optional<Duration> recoverAfter; ///< absent: the kind does not last
};

/**
 * When something fails that works for exponentially distributed times of mean `mtbf`, and, if there
 * is an `mttr`, then is down for such times of that mean: an alternating renewal process.
 * @param failure its at, mtbf, mttr and until count
 * @param max strikes beyond are left out
 */
std::vector<Strike>
StrikesByChance(const FailureSection& failure, Duration stop, SplitMix64 random, std::size_t max);

/** Random numbers of `[[failure]]` number `index`: for the nodes that it draws. */
SplitMix64 DrawsOfFailure(const Scenario& scenario, std::size_t index);

/** Whether the time and the nodes are known before the run. */
bool IsPlanned(const FailureSection& failure);

/** Whether something that nobody knows of in advance may change what becomes of a frame at a node:
 * see FabricConfig::tellsAtArrival. */
bool TellsAtArrival(const Scenario& scenario);

/** The nodes that the failure names, those of a partition's sides included, drawn from `random`.
 * What a session decides remains open. */
void DrawNodes(FailureSection& failure, const Directory& directory, SplitMix64 random);
/** The second side of a partition is without the nodes of the first. */
void SeparateSides(std::vector<std::vector<NodeId>>& sides);

/** Whether chance, or the run itself, decides upon it. */
bool IsUncertain(const FailureSection& failure);

/**
 * The failures whose times and nodes are known before the run, one for each node and each strike:
 * `target`, `at` and `recoverAfter` say it all. By place in the scenario, then node, then time.
 * @pre the scenario has been checked; another seed since makes other draws
 */
std::vector<FailureSection> PlannedFailures(const Scenario& scenario);

/** The others, with the nodes that are known. */
std::vector<FailureSection> UnplannedFailures(const Scenario& scenario);

} // namespace flowchain

#endif
