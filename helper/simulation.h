// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SIMULATION_H
#define FLOWCHAIN_SIMULATION_H

#include "metric-set.h"
#include "progress-listener.h"
#include "run-data.h"
#include "scenario.h"
#include "workload.h"

#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** What became of the traffic of one service group. */
struct ServiceOutcome
{
    std::string name;
    std::string kind;
    WorkloadCounters traffic;
    std::uint64_t sessionsLost = 0; ///< as the metric sessions.lost
};

/** What a finished run leaves behind. */
struct RunOutcome
{
    MetricSet metrics;                     ///< the same for every run of the same scenario
    std::vector<ServiceOutcome> services;  ///< in the order of the scenario
    std::vector<HistogramData> histograms; ///< those that have a value
    std::vector<SeriesData> series;
    std::vector<EventData> timeline;     ///< by time
    std::vector<LinkData> links;         ///< as many as `output.links_max` lets in
    std::uint64_t linksLeftOut = 0;      ///< others that there are
    std::vector<std::string> violations; ///< broken invariants, one line each
    std::string digest;                  ///< as the metric trace.digest
    std::uint64_t events = 0;
    double wallSeconds = 0; ///< of the run itself; not reproducible
    double cpuSeconds = 0;  ///< likewise
};

/**
 * Build the system that `scenario` describes, run it to its end and measure. One call in a process.
 * @param listener may be null
 * @throws std::runtime_error with a message for the user, such as an unreadable capture file
 */
RunOutcome RunScenario(const Scenario& scenario, ProgressListener* listener);

} // namespace flowchain

#endif
