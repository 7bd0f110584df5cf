// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SUMMARY_H
#define FLOWCHAIN_SUMMARY_H

#include "result-writer.h"

#include <string>
#include <vector>

namespace flowchain
{

/** What a person wants to know of a run: some thirty lines of at most 100 columns. */
std::string Summary(const RunReport& report);

/** The system that a scenario describes, before it runs: nodes with addresses and leaves, links
 * between the roles, and how long a frame takes over them. */
std::string SystemText(const Scenario& scenario);

/** A line for each service group: "2 accelerators, 1 group of 3 managers, 4 service nodes (nat)".
 * If there are several, each begins with its name: "nat: 2 accelerators, ...". */
std::vector<std::string> SystemLines(const Scenario& scenario);
/** "2 clients, 2 servers; 4 leaves and 2 spines, lean fabric" */
std::string NetworkLine(const Scenario& scenario);

} // namespace flowchain

#endif
