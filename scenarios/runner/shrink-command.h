// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SHRINK_COMMAND_H
#define FLOWCHAIN_SHRINK_COMMAND_H

#include "shrink.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/** `flowchain shrink`: what its command line says. */
class ShrinkCommand
{
  public:
    void AddTo(CLI::App& app);

    bool Parsed() const
    {
        return m_command->parsed();
    }

    /** @returns EXIT_ALL_HOLD if there is a smaller scenario
     * @throws ScenarioError, std::runtime_error if the input cannot be used */
    int Run() const;

  private:
    void Write(const std::string& path, const Shrunk& shrunk) const;

    CLI::App* m_command = nullptr;
    std::string m_file;
    std::vector<std::string> m_overrides;
    std::optional<std::uint64_t> m_seed;
    std::string m_output;
    unsigned m_jobs = 0;
    unsigned m_limitSeconds = 60;
    std::uint64_t m_runsMax = 5000;
    bool m_any = false;
    bool m_expectation = false;
    bool m_quiet = false;
};

} // namespace flowchain

#endif
