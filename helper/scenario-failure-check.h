// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_FAILURE_CHECK_H
#define FLOWCHAIN_SCENARIO_FAILURE_CHECK_H

#include "scenario-diagnostics.h"
#include "scenario.h"

namespace flowchain
{

/** Check every `[[failure]]` against the rest of the scenario, and resolve the nodes that they
 * name. What is wrong is reported. */
void
CheckFailures(Scenario& scenario, const Directory& directory, ScenarioDiagnostics& diagnostics);

/** The same for every `[[link]]`. */
void CheckLinks(Scenario& scenario, const Directory& directory, ScenarioDiagnostics& diagnostics);

} // namespace flowchain

#endif
