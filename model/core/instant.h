// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_INSTANT_H
#define FLOWCHAIN_INSTANT_H

#include <chrono>
#include <cstdint>

namespace flowchain
{

/** The simulated clock: it has no now(), because the core is told the time. */
struct SimulatedClock
{
    using rep = std::int64_t;
    using period = std::pico;
    using duration = std::chrono::duration<rep, period>;
    using time_point = std::chrono::time_point<SimulatedClock>;
};

/** A span of simulated time in picoseconds: one byte at 100 Gbit/s is 80 ps, so nothing is rounded;
 * 64 bits hold 106 days. */
using Duration = SimulatedClock::duration;
/** A point of simulated time; the epoch is the start of the simulation. */
using Instant = SimulatedClock::time_point;

constexpr Instant NEVER = Instant::max();

} // namespace flowchain

#endif
