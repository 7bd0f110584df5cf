// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_REPORT_COMMAND_H
#define FLOWCHAIN_REPORT_COMMAND_H

#include <CLI/CLI.hpp>

#include <string>

namespace flowchain
{

/** What the command lines of `report` and `figures` say; the Python package in analysis/ does the
 * work. */
class ReportCommands
{
  public:
    /** Add the commands to the program. */
    void AddTo(CLI::App& app);
    /** @returns whether one of them was asked for */
    bool Parsed() const;
    /**
     * Become the Python program; returns only if that fails.
     *
     * $FLOWCHAIN_ANALYSIS names another folder than the source's analysis/, $FLOWCHAIN_PYTHON
     * another interpreter than /usr/bin/python3, for which Debian packages the modules.
     * @throws std::runtime_error there is no package or no interpreter; says what to install
     */
    [[noreturn]] void Run() const;

  private:
    CLI::App* m_report = nullptr;
    CLI::App* m_figures = nullptr;
    std::string m_campaign;
    std::string m_output;
    std::string m_format;
};

} // namespace flowchain

#endif
