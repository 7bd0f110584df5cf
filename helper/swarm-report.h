// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWARM_REPORT_H
#define FLOWCHAIN_SWARM_REPORT_H

#include "swarm.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** How fast schedules were run. Not reproducible. */
struct SwarmRate
{
    std::uint64_t fresh = 0; ///< schedules that were run now
    double wallSeconds = 0;
    std::size_t jobs = 1;

    double PerMinute() const
    {
        return wallSeconds > 0 ? 60 * static_cast<double>(fresh) / wallSeconds : 0;
    }
};

/** "seed 17: durability at 12.3 ms: ... (flowchain swarm FILE --write 17 > seed-17.toml)"
 * @param input FILE and the options that set its values, for a shell */
std::string ViolationLine(const ScheduleOutcome& outcome, const std::string& input);

std::string SwarmText(const SwarmTask& task, const SwarmTotals& totals, const SwarmRate& rate);

/** The same as JSON: scenario, first_seed, schedules, simulated_ps, failures {kind: struck},
 * link_frames, link_frames_lost, packets, sessions, violating {invariant: [seeds]}, violations
 * [{seed, text, command}], rate {...}. All but `rate` is reproducible. */
std::string SwarmJson(const SwarmTask& task,
                      const SwarmTotals& totals,
                      const SwarmRate& rate,
                      const std::vector<ScheduleOutcome>& violating,
                      const std::string& input);

} // namespace flowchain

#endif
