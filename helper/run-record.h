// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RUN_RECORD_H
#define FLOWCHAIN_RUN_RECORD_H

#include "scenario-expectation.h"
#include "simulation.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/** All that is kept of a run that was made in a process of its own, or why nothing is. */
struct RunRecord
{
    std::string error;  ///< not empty: the run has not come to its end, and this is why
    RunOutcome outcome; ///< without `services`
    std::vector<ExpectationOutcome> expectations;
    int exitCode = 0; ///< an ExitCode
    // Not reproducible:
    std::string host;
    std::string started;           ///< UTC, ISO 8601
    std::uint64_t memoryBytes = 0; ///< the largest resident set of the process
};

/** Run a scenario and judge its expectations. One call in a process.
 * @throws std::runtime_error as RunScenario() */
RunRecord RecordRun(const Scenario& scenario);
/** The record of an outcome that this process has just made; `started` as UtcNow(). */
RunRecord MakeRecord(const Scenario& scenario, RunOutcome outcome, std::string started);
/** "2026-01-31T12:00:00Z" */
std::string UtcNow();
/** "unknown" if the machine has no name */
std::string HostName();

/** The record as CBOR (RFC 8949), exactly. */
std::string EncodeRecord(const RunRecord& record);
/** @throws std::runtime_error if it is no such record */
RunRecord DecodeRecord(std::string_view bytes);

} // namespace flowchain

#endif
