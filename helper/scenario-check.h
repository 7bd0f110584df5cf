// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_CHECK_H
#define FLOWCHAIN_SCENARIO_CHECK_H

#include "scenario-diagnostics.h"
#include "scenario.h"

namespace flowchain
{

/**
 * Report what is wrong between keys that are each right, and resolve references: names, paths,
 * failure targets. A check whose keys were already reported is left out.
 */
void CheckScenario(Scenario& scenario, ScenarioDiagnostics& diagnostics);

} // namespace flowchain

#endif
