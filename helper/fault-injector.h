// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAULT_INJECTOR_H
#define FLOWCHAIN_FAULT_INJECTOR_H

#include "node-application.h"
#include "scenario.h"

#include <ns3/ptr.h>

#include <vector>

namespace flowchain
{

/** Schedule what every `[[failure]]` of the scenario does to nodes; what it does to links is in
 * MakeFaultPlan().
 * @param applications index: NodeId; outlive the simulation */
void ScheduleFailures(const Scenario& scenario,
                      const std::vector<ns3::Ptr<NodeApplication>>& applications);

} // namespace flowchain

#endif
