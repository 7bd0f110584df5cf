// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_EXPLAIN_COMMAND_H
#define FLOWCHAIN_EXPLAIN_COMMAND_H

#include "explore-command.h"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace flowchain
{

/** `flowchain explain`: what its command line says. */
class ExplainCommand
{
  public:
    void AddTo(CLI::App& app);

    bool Parsed() const
    {
        return m_command->parsed();
    }

    /** @throws ScenarioError, std::runtime_error if the input cannot be used */
    int Run() const;

  private:
    CLI::App* m_command = nullptr;
    std::vector<std::string> m_words; ///< FILE SESSION, or DB RUN SESSION
    std::vector<std::string> m_overrides;
    CrashOptions m_crash;
    std::string m_format = "text";
};

} // namespace flowchain

#endif
