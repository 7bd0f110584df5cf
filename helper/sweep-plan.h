// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWEEP_PLAN_H
#define FLOWCHAIN_SWEEP_PLAN_H

#include "scenario.h"
#include "sweep-value.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace flowchain
{

/** One combination of values of the swept keys. */
struct SweepPoint
{
    std::vector<std::pair<std::string, SweepValue>> parameters; ///< key and value, by axis
    Scenario scenario;                                          ///< of the first replication

    /** "chain.length=3 chain.release=all"; "base" if nothing is swept */
    std::string Label() const;
    /** With the seed of that replication: the first one's plus `replication`, for all points
     * alike, so that their runs share random numbers. */
    Scenario ScenarioOf(std::uint32_t replication) const;
};

/** Everything that a scenario file's `[sweep]` asks for. */
struct SweepPlan
{
    std::string file;
    std::string toml; ///< text of the file
    std::vector<std::string> overrides;
    std::vector<std::string> axes; ///< keys
    std::vector<SweepPoint> points;
    std::uint32_t replications = 1;
    std::size_t leftOut = 0; ///< points that a filter has excluded
};

/**
 * Read the file and make every point of its sweep.
 * @param overrides of every point, as for ReadScenario(); may also set keys of [sweep]
 * @throws ScenarioError if the file or a point is no scenario, or no point is left
 */
SweepPlan PlanSweep(const std::string& file, const std::vector<std::string>& overrides);

/** The same for a text; `file` names it in messages and is what relative file names start from. */
SweepPlan PlanSweepText(const std::string& text,
                        const std::string& file,
                        const std::vector<std::string>& overrides);

/** The scenario of one point of a plan, of which only the text, its name and the overrides count.
 * @throws ScenarioError */
Scenario ScenarioOf(const SweepPlan& plan,
                    const std::vector<std::pair<std::string, SweepValue>>& parameters);

} // namespace flowchain

#endif
