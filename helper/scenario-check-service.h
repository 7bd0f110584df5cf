// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_CHECK_SERVICE_H
#define FLOWCHAIN_SCENARIO_CHECK_SERVICE_H

#include "scenario-diagnostics.h"
#include "scenario.h"

namespace flowchain
{

/** Give every service group a name, and report what is wrong with the groups: each for itself, and
 * names and addresses that only one of them may have. */
void CheckServices(Scenario& scenario, ScenarioDiagnostics& diagnostics);

/** @returns whether there is a usable number of nodes, so that directories can be made. */
bool CheckNodes(const Scenario& scenario, ScenarioDiagnostics& diagnostics);

} // namespace flowchain

#endif
