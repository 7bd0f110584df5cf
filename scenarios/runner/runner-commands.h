// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RUNNER_COMMANDS_H
#define FLOWCHAIN_RUNNER_COMMANDS_H

#include "explore-command.h"

#include <string>
#include <vector>

namespace flowchain
{

/** What the command line says. */
struct RunnerOptions
{
    std::string file;
    std::vector<std::string> overrides; ///< "key=value"
    std::string results;                ///< empty: as the scenario says
    std::vector<std::string> pcap;      ///< empty: as the scenario says
    bool quiet = false;
    CrashOptions crash; ///< of `run`

    /** `overrides`, and the other options as overrides behind them. */
    std::vector<std::string> AllOverrides() const;
};

/** What the command line of `compare` says. */
struct CompareOptions
{
    std::string file;
    std::vector<std::string> overrides; ///< "key=value"
    std::vector<std::string> schemes;   ///< empty: all, unless another option sets the scheme
    std::vector<std::string> vary;      ///< "key=value,value"
    std::vector<std::string> metrics;   ///< columns besides the usual ones
    std::string format = "text";        ///< "text", "csv", "json"
    std::string output;                 ///< folder for results; empty: none are written
    unsigned jobs = 0;                  ///< 0: as many as there are processors
    bool withFault = false;
    bool withoutFault = false;
    bool steady = false;
};

/**
 * The program's commands. Each returns the exit code of the program, and throws ScenarioError or
 * std::runtime_error if its input cannot be used.
 */
int RunCommand(const RunnerOptions& options);
int CheckCommand(const RunnerOptions& options);
int MetricsCommand();
/** @returns EXIT_INVARIANT_VIOLATED if a variant has violated an invariant, else EXIT_BAD_INPUT if
 * one was impossible or has failed; expectations are not judged */
int CompareCommand(const CompareOptions& options);

} // namespace flowchain

#endif
