// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAULT_INJECTOR_H
#define FLOWCHAIN_FAULT_INJECTOR_H

#include "node-application.h"
#include "scenario.h"

#include <ns3/event-id.h>
#include <ns3/ptr.h>

#include <vector>

namespace flowchain
{

/** Schedule what every `[[failure]]` of the scenario does to nodes; what it does to links is in
 * MakeFaultPlan(). To be called at the start of the run.
 * @param applications index: NodeId; outlive the simulation
 * @param from what is due earlier is left out
 * @returns the events, in the order in which they were scheduled */
std::vector<ns3::EventId>
ScheduleFailures(const Scenario& scenario,
                 const std::vector<ns3::Ptr<NodeApplication>>& applications,
                 Instant from = Instant{});

} // namespace flowchain

#endif
