// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SHRINK_H
#define FLOWCHAIN_SHRINK_H

#include "scenario-minimal.h"
#include "scenario.h"
#include "swarm.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace flowchain
{

/** What there is less of once a scenario has been shrunk. */
struct ScenarioSize
{
    std::uint64_t failures = 0; ///< sections; likewise the next two
    std::uint64_t links = 0;
    std::uint64_t workloads = 0;
    std::uint64_t sessions = 0; ///< generated
    std::uint64_t nodes = 0;    ///< accelerators, managers and service nodes
    std::uint64_t keys = 0;     ///< that are not as by default, but for [[expect]]

    friend bool operator==(const ScenarioSize&, const ScenarioSize&) = default;
};

/** @param blocks text of the scenario */
ScenarioSize SizeOf(const Scenario& scenario, const std::vector<TomlBlock>& blocks);
/** "failures 7 -> 1, sessions 40 -> 2"; what is the same is left out */
std::string SizeText(const ScenarioSize& before, const ScenarioSize& after);

struct ShrinkTask
{
    Scenario scenario;          ///< that violates something
    bool any = false;           ///< whatever is violated first will do, not only the same
    bool expectation = false;   ///< the first `[[expect]]` that fails, instead of an invariant
    std::size_t jobs = 1;       ///< the result does not depend on it
    unsigned limitSeconds = 60; ///< of wall-clock time, of each run
    std::uint64_t runsMax = 5000;
};

struct Shrunk
{
    Scenario scenario;       ///< with the one expectation that does not hold
    std::string what;        ///< that is still violated: "durability", or the expectation's text
    ScheduleOutcome outcome; ///< of its run
    ScenarioSize before;
    ScenarioSize after;
    std::uint64_t runs = 0;
    bool isMinimal = false; ///< nothing is left to try; else there were too many runs
};

/**
 * Reduce a scenario to what it takes to violate what it violates, by delta debugging (Zeller,
 * Hildebrandt: Simplifying and isolating failure-inducing input, IEEE TSE 28(2), 2002): failures,
 * links and workloads are left out, keys get their defaults again, numbers become smaller, times
 * rounder, until nothing more can be done. Each candidate runs in a process of its own.
 * @param onStep is told of each pass that has made it smaller
 * @throws std::runtime_error if it violates nothing, or no process can be made
 */
Shrunk Shrink(const ShrinkTask& task, const std::function<void(const std::string&)>& onStep);

/** @returns the scenario as a file of the keys that it needs. @param origin lines of a comment */
std::string ShrunkText(const Shrunk& shrunk, const std::string& origin);

} // namespace flowchain

#endif
