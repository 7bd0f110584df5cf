// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_QUERY_COMMAND_H
#define FLOWCHAIN_QUERY_COMMAND_H

#include "scenario.h"

#include <string>
#include <vector>

namespace flowchain
{

/** What the command line of `query` says. */
struct QueryOptions
{
    std::string database;
    std::string sql;                  ///< empty: `metrics`
    std::vector<std::string> metrics; ///< scalars
    std::vector<std::string> by;      ///< swept keys; empty: all
    std::vector<std::string> where;   ///< "key=value": of these points only
    std::string format = "text";      ///< "text", "wide", "csv", "json"
};

/** What the command line of `show` says. */
struct ShowOptions
{
    std::string database;
    std::string run; ///< the beginning of its id
    bool command = false;
    bool scenario = false;
};

/** What the command line of `verify` says. */
struct VerifyOptions
{
    std::string database;
    std::vector<std::string> runs; ///< beginnings of ids
    bool all = false;
};

/** Each throws std::runtime_error if the database, a run or a metric is not there. */
int QueryCommand(const QueryOptions& options);
/** The scenario of a run that a database holds, with its captures where the campaign found them.
 * @param run the beginning of its id
 * @throws ScenarioError, std::runtime_error */
Scenario StoredScenario(const std::string& database,
                        const std::string& run,
                        const std::vector<std::string>& overrides);
int ShowCommand(const ShowOptions& options);
/** @returns EXIT_EXPECTATION_FAILED if a run gives other results than it did */
int VerifyCommand(const VerifyOptions& options);

} // namespace flowchain

#endif
