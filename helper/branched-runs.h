// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_BRANCHED_RUNS_H
#define FLOWCHAIN_BRANCHED_RUNS_H

#include "scenario.h"
#include "simulation.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace flowchain
{

/**
 * What a run does before anything fails that is not to fail before the end of its warm-up: the
 * scenario without failures at `sim.warmup` or later (of a node that is added then, only that it is
 * not there), without expectations, and with the output's defaults.
 */
Scenario TrunkOf(const Scenario& scenario);

/** @returns a text that is the same for scenarios that RunBranches() may run together, or nothing
 * if the scenario cannot share: it has no warm-up, writes captures, or has failures that chance or
 * the run itself decides upon. */
std::string TrunkKey(const Scenario& scenario);

/** Whether RunBranches() may run the two together. */
bool SharesPrefix(const Scenario& a, const Scenario& b);

/** Called in the process of a branch, at its end. @returns what its parent is to get */
using BranchEnd = std::function<std::string(std::size_t branch, RunOutcome outcome)>;
/** Called in the parent: what a branch has returned, or, if it has come to no end, why. */
using BranchDone =
    std::function<void(std::size_t branch, const std::string& result, const std::string& error)>;

/**
 * Simulate what the scenarios share once, and then each of them on from there in a process of its
 * own. Outcomes are those of RunScenario() but for wallSeconds and cpuSeconds, which are of the
 * branch alone. One call in a process, instead of RunScenario().
 * @param branches at least one; each SharesPrefix() with the others; they outlive the call
 * @param jobs branches at the same time, at least 1
 * @returns those that it has not run, because frames are on links that fail right after the
 * warm-up; RunScenario() runs them, in a process of its own
 * @throws std::runtime_error as RunScenario(), or if no process can be made
 */
std::vector<std::size_t> RunBranches(const std::vector<const Scenario*>& branches,
                                     std::size_t jobs,
                                     const BranchEnd& onEnd,
                                     const BranchDone& onDone);

} // namespace flowchain

#endif
