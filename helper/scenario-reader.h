// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_READER_H
#define FLOWCHAIN_SCENARIO_READER_H

#include "scenario.h"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/** A scenario that cannot be used. what() is all the messages, one a line. */
class ScenarioError : public std::runtime_error
{
  public:
    explicit ScenarioError(std::vector<std::string> messages);

    /** "file:line:column: error: chain.length: ...", or "-s chain.length: ..." for an override */
    const std::vector<std::string>& Messages() const
    {
        return m_messages;
    }

  private:
    std::vector<std::string> m_messages;
};

/**
 * Read and validate a scenario file (TOML 1.0). Every key that is not part of the format is an
 * error; up to 20 errors are reported together.
 * @param overrides "chain.length=2", "workload[0].rate=2000": set before validation; the value is
 * TOML, or a text if it is no TOML value. The index behind the last element adds one.
 * @throws ScenarioError
 */
Scenario ReadScenario(const std::string& path, const std::vector<std::string>& overrides = {});

/** The same for a text; `path` names it in messages and is what relative file names start from. */
Scenario ParseScenario(std::string_view text,
                       const std::string& path,
                       const std::vector<std::string>& overrides = {});

/** @returns the text of the file. @throws ScenarioError if it cannot be read */
std::string ReadScenarioText(const std::string& path);
/** `[sweep]` alone; whether the rest is a scenario is not looked at. @throws ScenarioError */
SweepSection ReadSweepOf(std::string_view text,
                         const std::string& path,
                         const std::vector<std::string>& overrides);

/** @returns the whole scenario as TOML, every default written out; ParseScenario() reads it back.
 */
std::string ResolvedToml(const Scenario& scenario);
/** @returns `text` as a TOML basic string, in quotation marks. */
std::string QuoteToml(std::string_view text);

} // namespace flowchain

#endif
