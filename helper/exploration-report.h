// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EXPLORATION_REPORT_H
#define FLOWCHAIN_EXPLORATION_REPORT_H

#include "exploration.h"

#include <cstddef>
#include <string>

namespace flowchain
{

/** @param command `flowchain run` of the scenario, to which the crash is added
 * @param known how many of the outcomes needed no run */
std::string ExplorationText(const ExploreTask& task,
                            const Exploration& exploration,
                            const std::string& command,
                            std::size_t known);

/** The same as JSON: scenario, boundaries, points, same, outcomes [{exit_code, ...}], table, tried
 * (each point with its outcome), failed, trunk_violations. */
std::string ExplorationJson(const ExploreTask& task,
                            const Exploration& exploration,
                            const std::string& command);

} // namespace flowchain

#endif
