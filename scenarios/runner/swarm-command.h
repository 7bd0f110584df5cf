// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWARM_COMMAND_H
#define FLOWCHAIN_SWARM_COMMAND_H

#include "swarm.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/** `flowchain swarm`: what its command line says. */
class SwarmCommand
{
  public:
    void AddTo(CLI::App& app);

    bool Parsed() const
    {
        return m_command->parsed();
    }

    /** @returns EXIT_INVARIANT_VIOLATED if a schedule has violated an invariant or has come to no
     * end, or EXIT_ALL_HOLD
     * @throws ScenarioError, std::runtime_error if the input cannot be used */
    int Run() const;

  private:
    int RunAll(const SwarmTask& task) const;
    void WriteOne(const SwarmTask& task) const;

    CLI::App* m_command = nullptr;
    std::string m_file;
    std::vector<std::string> m_overrides;
    std::uint64_t m_seeds = 0;
    std::uint64_t m_first = 1;
    std::string m_for;
    unsigned m_jobs = 0;
    unsigned m_limitSeconds = 60;
    std::optional<std::uint64_t> m_write;
    std::string m_outputScenario;
    std::string m_output;
    std::string m_format = "text";
    bool m_quiet = false;
};

/** "FILE -s KEY=VALUE ...", for a shell */
std::string QuotedInput(const std::string& file, const std::vector<std::string>& overrides);

/** The scenario is going to be in another file: what it refers to, it refers to from there. */
void MoveScenario(Scenario& scenario, const std::string& path);
/** @throws std::runtime_error naming the file and the cause */
void WriteScenarioText(const std::string& path, const std::string& text);

} // namespace flowchain

#endif
