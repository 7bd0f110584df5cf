// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RUNNER_COMMANDS_H
#define FLOWCHAIN_RUNNER_COMMANDS_H

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

    /** `overrides`, and the other options as overrides behind them. */
    std::vector<std::string> AllOverrides() const;
};

/**
 * The program's commands. Each returns the exit code of the program, and throws ScenarioError or
 * std::runtime_error if its input cannot be used.
 */
int RunCommand(const RunnerOptions& options);
int CheckCommand(const RunnerOptions& options);
int MetricsCommand();

} // namespace flowchain

#endif
