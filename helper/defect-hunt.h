// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_DEFECT_HUNT_H
#define FLOWCHAIN_DEFECT_HUNT_H

#include "exploration.h"
#include "planted-defect.h"
#include "scenario.h"
#include "shrink.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/** Where planted defects are looked for. */
struct HuntTask
{
    Scenario base;                 ///< that random schedules are drawn around, without a defect
    std::uint64_t seeds = 100;     ///< of schedules: 1 to this one, until one violates an invariant
    unsigned limitSeconds = 60;    ///< of wall-clock time, of each schedule
    std::optional<Scenario> crash; ///< that crashes are tried in, without a defect
    PlanOptions plan;              ///< of those
    std::optional<Duration> recoverAfter; ///< of those
    bool shrinks = true;                  ///< the first schedule that violates an invariant
    std::size_t jobs = 1;
};

/** What became of one planted defect. */
struct DefectFinding
{
    const PlantedDefectInfo* defect = nullptr;
    std::uint64_t schedules = 0; ///< drawn and run
    /** The invariant that the last of them violates, and would not without the defect; empty: there
     * is none such. */
    std::string violated{};
    std::optional<Shrunk> shrunk{};
    std::uint64_t shrunkSeed = 0;       ///< of what was shrunk
    std::optional<ScenarioSize> size{}; ///< of the shrunk schedule
    std::size_t points = 0;             ///< crashes tried
    std::size_t violating = 0;          ///< of those
    std::string crashViolated{};        ///< the invariant that the first of those violates
    bool isSeenAlone = false;           ///< the scenario itself violates it, before any crash
};

/** Look for one defect. A process may do so for one defect after the other.
 * @throws std::runtime_error if a run fails, or no process can be made */
DefectFinding HuntDefect(const HuntTask& task, const PlantedDefectInfo& defect);

/** @returns whether every means that the task names has found the defect */
bool IsFound(const DefectFinding& finding, const HuntTask& task);

/** The findings as a table. @param format "text", "csv" or "rst" */
std::string FindingsTable(const std::vector<DefectFinding>& findings, const std::string& format);

} // namespace flowchain

#endif
