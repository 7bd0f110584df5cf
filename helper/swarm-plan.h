// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWARM_PLAN_H
#define FLOWCHAIN_SWARM_PLAN_H

#include "scenario.h"

#include <cstdint>
#include <string>

namespace flowchain
{

/**
 * Draw a schedule of failures: the base scenario with another system, workload, links and failures.
 * First every feature is in or out with probability 1/2 (swarm testing: Groce, Zhang, Eide, Chen,
 * Regehr, ISSTA 2012), then those that are in draw their values, all from streams of `seed`. Scheme
 * and release rule, and with them what is promised, are the base's. Nothing fails in the last third
 * of the run.
 * @param base whose failures are replaced, and whose generated workloads are redrawn with as many
 * sessions; what is out is as it says
 * @returns a scenario called "<base>-<seed>" with `sim.seed` = `seed`; its text says it all
 * @throws ScenarioError if the base leaves no room for a draw
 */
Scenario DrawSchedule(const Scenario& base, std::uint64_t seed);

/** @returns the scenario as a file that gives the same run, comment in front.
 * @param origin lines of the comment */
std::string ScheduleText(const Scenario& schedule, const std::string& origin);

} // namespace flowchain

#endif
