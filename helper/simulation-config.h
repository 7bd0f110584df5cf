// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SIMULATION_CONFIG_H
#define FLOWCHAIN_SIMULATION_CONFIG_H

#include "fabric.h"
#include "run-observer.h"
#include "scenario.h"

namespace flowchain
{

/** What a scenario says, as the parts of a simulation want it. */
ObserverConfig MakeObserverConfig(const Scenario& scenario);
FabricConfig MakeFabricConfig(const Scenario& scenario,
                              const Directory& directory,
                              const std::vector<FailureSection>& unplanned = {});

/** @returns NEVER if nothing fails at a time that is known beforehand */
Instant FirstFailureOf(const Scenario& scenario);

/** Set the global state of ns-3 that must be set before anything else of it is used. */
void PrepareSimulator(const Scenario& scenario);

} // namespace flowchain

#endif
