// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWARM_H
#define FLOWCHAIN_SWARM_H

#include "scenario.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/** What became of one schedule. */
struct ScheduleOutcome
{
    static constexpr std::size_t VIOLATIONS_MAX = 5; ///< that are kept with their text

    std::uint64_t seed = 0;
    /** Why there is no outcome, nor anything of the following: it could not be drawn, has crashed,
     * or has not come to its end in time. Empty: there is one. */
    std::string error{};
    std::vector<std::string> violations{};
    std::uint64_t violationCount = 0;
    std::vector<std::string> expectations{}; ///< texts of those that failed
    std::string digest{};
    Duration simulated{};
    std::map<std::string, std::uint64_t> failures{}; ///< that have struck, by kind
    std::uint64_t frames = 0;                        ///< put on links, each link
    std::uint64_t framesLost = 0;                    ///< on links, whatever the reason
    std::uint64_t packets = 0;                       ///< injected
    std::uint64_t sessions = 0;                      ///< started
    double cpuSeconds = 0;                           ///< of its process; not reproducible

    /** What it violates: the name of an invariant, "run" if there is no outcome; empty: nothing. */
    std::string Violated() const;
    /** The first violation, or the error. */
    std::string FirstText() const;
};

/** Run a schedule and say what became of it. @throws std::runtime_error as RunScenario() */
ScheduleOutcome RunSchedule(const Scenario& schedule);

/** One line of JSON without its end, and back. @throws std::runtime_error if it is none */
std::string ScheduleJson(const ScheduleOutcome& outcome);
ScheduleOutcome ReadScheduleJson(const std::string& line);

/** Runs schedules in forks of this process, each under a limit of wall-clock time, of which none
 * can end the others. */
class ScheduleRuns
{
  public:
    /** In the child. @returns the schedule number `index` */
    using Draw = std::function<Scenario(std::size_t index)>;
    /** In the parent, in order of index. @returns whether more are wanted */
    using OnOutcome = std::function<bool(std::size_t index, const ScheduleOutcome& outcome)>;

    /** @param jobs at the same time, at least 1 @param limitSeconds of one schedule, at least 1 */
    ScheduleRuns(std::size_t jobs, unsigned limitSeconds)
        : m_jobs(jobs)
        , m_limitSeconds(limitSeconds)
    {
    }

    /**
     * Run 0 to count - 1, in this order but several at the same time.
     * @param goesOn is asked before each start; once it says no, what has started comes to its end
     * @throws std::runtime_error if no process can be made
     */
    void Run(std::size_t count,
             const Draw& draw,
             const OnOutcome& onOutcome,
             const std::function<bool()>& goesOn = {}) const;

  private:
    std::size_t m_jobs;
    unsigned m_limitSeconds;
};

/** Which schedules of a base scenario are to be run. */
struct SwarmTask
{
    Scenario base;
    std::uint64_t first = 1;           ///< seed
    std::uint64_t count = 0;           ///< seeds
    std::optional<double> wallSeconds; ///< none starts later
    std::size_t jobs = 1;
    unsigned limitSeconds = 60; ///< of wall-clock time, of each schedule
};

/** What became of all of them. */
struct SwarmTotals
{
    std::uint64_t schedules = 0;
    Duration simulated{};
    std::map<std::string, std::uint64_t> failures;
    std::uint64_t frames = 0;
    std::uint64_t framesLost = 0;
    std::uint64_t packets = 0;
    std::uint64_t sessions = 0;
    double cpuSeconds = 0;
    /** Seeds by what they violate, as ScheduleOutcome::Violated() */
    std::map<std::string, std::vector<std::uint64_t>> violating;

    void Add(const ScheduleOutcome& outcome);
};

/**
 * Draw schedules and run them, each in a process of its own.
 * @param known outcomes that need no run
 * @param onOutcome is called in order of seeds, also for those known
 * @throws std::runtime_error if no process can be made
 */
SwarmTotals Swarm(const SwarmTask& task,
                  const std::map<std::uint64_t, ScheduleOutcome>& known,
                  const std::function<void(const ScheduleOutcome&)>& onOutcome);

} // namespace flowchain

#endif
