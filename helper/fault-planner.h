// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAULT_PLANNER_H
#define FLOWCHAIN_FAULT_PLANNER_H

#include "fault-plan.h"
#include "leaf-spine.h"
#include "scenario.h"

namespace flowchain
{

/** @returns what the scenario's `[topology]`, `[[link]]` and `[[failure]]` do to the links. */
FaultPlan MakeFaultPlan(const Scenario& scenario,
                        const LeafSpine& network,
                        const std::vector<FailureSection>& unplanned = {});

} // namespace flowchain

#endif
