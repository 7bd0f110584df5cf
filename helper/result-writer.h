// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RESULT_WRITER_H
#define FLOWCHAIN_RESULT_WRITER_H

#include "scenario-expectation.h"
#include "scenario.h"
#include "simulation.h"

#include <string>
#include <vector>

namespace flowchain
{

/** How the program ends. */
enum ExitCode : int
{
    EXIT_ALL_HOLD = 0, ///< every expectation holds, or fails as is known
    EXIT_EXPECTATION_FAILED = 1,
    EXIT_BAD_INPUT = 2,          ///< bad command line, scenario or capture, or unwritable result
    EXIT_INVARIANT_VIOLATED = 3, ///< the run found a promise broken; outweighs 1
};

/** What made the result; "unknown" where the build did not say. */
struct BuildInfo
{
    std::string version; ///< of flowchain
    std::string compiler;
    std::string buildType; ///< CMake's
    std::string commit;    ///< git describe
    std::string ns3Version;
};

/** Everything that is reported of a run. */
struct RunReport
{
    Scenario scenario;
    RunOutcome outcome;
    std::vector<ExpectationOutcome> expectations;
    BuildInfo build;

    ExitCode Exit() const;
    /** Of the wall-clock time; 0 if none passed. */
    double PacketHopsPerSecond() const;
};

/** @returns `text` as a JSON string; bytes that are no UTF-8 (of a file name) are replaced. */
std::string JsonText(const std::string& text);
/** @returns the metric's value as JSON. */
std::string ValueJson(const Metric& metric);

/**
 * The report as JSON, keys in a fixed order: schema (1), scenario {name, seed, toml; with a
 * crash point, too, crash_point {boundary, node, recover_after}}, build,
 * exit_code, metrics {name: {value, unit, meaning}}, services, links, links_left_out, events
 * [{time, kind, node, detail}], expectations, violations, run. Times and durations are in
 * nanoseconds with three decimals. All but `run` (wall-clock and CPU time, host) and `build` is
 * byte-identical whenever the same scenario is run.
 */
std::string ResultJson(const RunReport& report);

/**
 * Write `<output.directory>/result.json`; the directory is made. A file of that name is replaced
 * only when the new one is complete.
 * @returns the file's path
 * @throws std::runtime_error naming the file and the cause
 */
std::string WriteResult(const RunReport& report);

} // namespace flowchain

#endif
