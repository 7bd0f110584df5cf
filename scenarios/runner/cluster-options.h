// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CLUSTER_OPTIONS_H
#define FLOWCHAIN_CLUSTER_OPTIONS_H

#include "cluster-command.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace flowchain
{

/** The command lines of campaigns that run on other hosts. */
class ClusterCommands
{
  public:
    /** Add the commands to the program. */
    void AddTo(CLI::App& app);
    /** @returns whether one of them was asked for */
    bool Parsed() const;
    /** Run that one. @returns its exit code */
    int Run() const;

  private:
    /** @returns the new command */
    CLI::App* Add(CLI::App& app, const char* name, const char* text, std::function<int()> run);
    void AddBatchOptions(CLI::App& command);

    SubmitOptions m_submit;
    CollectOptions m_collect;
    std::string m_database;
    std::string m_task;
    std::vector<std::pair<CLI::App*, std::function<int()>>> m_commands;
};

} // namespace flowchain

#endif
