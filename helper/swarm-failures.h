// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWARM_FAILURES_H
#define FLOWCHAIN_SWARM_FAILURES_H

#include "scenario.h"
#include "swarm-dice.h"

namespace flowchain
{

/** Draw the failures of a schedule whose system and workload have been drawn and checked. Some may
 * be impossible beside others.
 * @param until nothing fails later, but for what waits for an event */
void DrawFailures(SwarmDice& dice, Duration until, Scenario& scenario);

} // namespace flowchain

#endif
