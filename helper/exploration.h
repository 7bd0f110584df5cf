// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EXPLORATION_H
#define FLOWCHAIN_EXPLORATION_H

#include "crash-plan.h"
#include "result-writer.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flowchain
{

/** What became of one crash. */
struct PointOutcome
{
    static constexpr std::size_t VIOLATIONS_MAX = 5; ///< that are kept with their text

    std::uint64_t boundary = 0;
    std::string node;        ///< that crashed
    bool isDown = false;     ///< it was down already: there is no run, and nothing else is set
    int exitCode = 0;        ///< an ExitCode, as that of `flowchain run`
    std::int64_t lost = 0;   ///< the metric sessions.lost
    std::int64_t broken = 0; ///< the metric sessions.broken
    std::string digest{};
    std::uint64_t violationCount = 0;
    std::vector<std::string> violations{};
};

/** Boundary and name of the node that crashes. */
using PointKey = std::pair<std::uint64_t, std::string>;

struct ExploreTask
{
    Scenario scenario; ///< without a crash point
    PlanOptions plan;
    std::optional<Duration> recoverAfter; ///< of every crash
    std::size_t jobs = 1;
    std::string results; ///< folder in which each run gets a folder with its result.json, or empty
    BuildInfo build;
};

struct Exploration
{
    CrashPlan plan;
    std::map<PointKey, PointOutcome> outcomes; ///< of the plan's points, those known before too
    std::map<PointKey, std::string> failures;  ///< of runs without an outcome: why
    std::vector<std::string> trunkViolations;  ///< of the scenario itself, without any such crash
};

/**
 * Simulate the scenario once; at every point that is to be tried, let a process of its own go on
 * from there with the crash, to the end of the run. The outcome is that of a run of the scenario
 * with this crash point. Which points there are is found by another process that goes through the
 * window first. One call in a process.
 * @param known outcomes that need no run
 * @param onOutcome is called for every other one as soon as it is there
 * @throws std::runtime_error as RunScenario(), or if no process can be made
 */
Exploration Explore(const ExploreTask& task,
                    const std::map<PointKey, PointOutcome>& known,
                    const std::function<void(const PointOutcome&, const CrashPlan&)>& onOutcome);

/** One line of JSON without its end, and back. @throws std::runtime_error if it is none */
std::string PointJson(const PointOutcome& outcome);
PointOutcome ReadPointJson(const std::string& line);

} // namespace flowchain

#endif
