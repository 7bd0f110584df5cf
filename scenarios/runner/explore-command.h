// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EXPLORE_COMMAND_H
#define FLOWCHAIN_EXPLORE_COMMAND_H

#include "crash-plan.h"
#include "scenario.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/** @returns the option's value. @throws ScenarioError if it is no duration */
Duration DurationOf(const std::string& text, const char* option);

/** What `--window` says: "FROM:TO", each of which may be missing, and so may the whole.
 * @throws ScenarioError */
void ReadWindow(const std::string& text, const Scenario& scenario, PlanOptions& plan);

/** What `--crash-at`, `--crash-node`, `--recover-after` and `--without-fault` say. */
struct CrashOptions
{
    std::uint64_t at = 0; ///< 0: no crash
    std::string node;
    std::string recoverAfter;
    bool withoutFault = false;

    /** Add the options to a command that makes one run. */
    void AddTo(CLI::App& command);
    /** Put what they say into the scenario. @throws ScenarioError */
    void Apply(Scenario& scenario) const;
};

/** `flowchain explore`: what its command line says. */
class ExploreCommand
{
  public:
    void AddTo(CLI::App& app);

    bool Parsed() const
    {
        return m_command->parsed();
    }

    /** @returns EXIT_INVARIANT_VIOLATED, EXIT_BAD_INPUT if a run has failed, or EXIT_ALL_HOLD
     * @throws ScenarioError, std::runtime_error if the input cannot be used */
    int Run() const;

  private:
    CLI::App* m_command = nullptr;
    std::string m_file;
    std::vector<std::string> m_overrides;
    std::string m_window;
    std::optional<std::uint32_t> m_session;
    std::vector<std::string> m_nodes;
    std::vector<std::string> m_events;
    std::uint64_t m_pointsMax = 4096;
    unsigned m_jobs = 0;
    std::string m_recoverAfter;
    bool m_withoutFault = false;
    std::string m_output;
    std::string m_results;
    std::string m_format = "text";
    bool m_quiet = false;
};

} // namespace flowchain

#endif
