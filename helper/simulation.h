// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SIMULATION_H
#define FLOWCHAIN_SIMULATION_H

#include "metric-set.h"
#include "progress-listener.h"
#include "run-data.h"
#include "scenario.h"
#include "workload.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace flowchain
{

class RunProbe;

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
    Instant ended{};        ///< `sim.stop`, or when a violation ended it; not in records
    double wallSeconds = 0; ///< of the run itself; not reproducible
    double cpuSeconds = 0;  ///< likewise
};

/**
 * Build the system that `scenario` describes, run it to its end and measure. One call in a process.
 * @param listener may be null
 * @param probes see the run
 * @throws std::runtime_error with a message for the user, such as an unreadable capture file, or
 * that the scenario's crash point has not come
 */
RunOutcome RunScenario(const Scenario& scenario,
                       ProgressListener* listener,
                       std::vector<RunProbe*> probes = {});

/** Several runs that are the same up to now, simulated once. RunBranches() does all with it. */
class TrunkRun
{
  public:
    virtual ~TrunkRun() = default;
    /** @returns the latest instant of which the links' faults have had their say. */
    virtual Instant JudgedUntil() const = 0;
    /**
     * Go on as one of the runs, to its end. Once in a process.
     * @returns what RunScenario() would; wallSeconds and cpuSeconds are those of this branch alone
     * @pre all faults of links that not all of the runs share begin after JudgedUntil()
     */
    virtual RunOutcome Branch(std::size_t branch) = 0;
};

/**
 * Build the system and run it up to just before `until`. One call in a process, instead of
 * RunScenario().
 * @param trunk TrunkOf() any of the branches
 * @param branches outlive the result, as `trunk` does; they differ only in failures at `until` or
 * later, expectations and output, and have no captures
 */
std::unique_ptr<TrunkRun>
RunTrunk(const Scenario& trunk, const std::vector<const Scenario*>& branches, Instant until);

} // namespace flowchain

#endif
