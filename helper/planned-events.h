// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PLANNED_EVENTS_H
#define FLOWCHAIN_PLANNED_EVENTS_H

#include "run-data.h"
#include "scenario.h"

#include <vector>

namespace flowchain
{

/**
 * What the scenario's `[[failure]]` and `[[link]]` do at known times, each beginning and each end:
 * "cut" and "cut-end". Crashes and additions are left out, since their effect depends on the run;
 * whoever watches the nodes sees it.
 * @param unplanned failures that have struck besides those, as FaultInjector::Unplanned()
 * @returns in ascending order of time
 */
std::vector<EventData> PlannedEvents(const Scenario& scenario,
                                     const Directory& directory,
                                     const std::vector<FailureSection>& unplanned = {});

} // namespace flowchain

#endif
