// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_FIXTURE_H
#define FLOWCHAIN_SCENARIO_FIXTURE_H

#include "scenario-reader.h"

#include <string>
#include <vector>

namespace flowchain
{

/** The least that is a scenario; seven lines. */
inline const std::string MINIMAL = R"([sim]
stop = "1s"

[[service]]

[[accelerator]]

)";

/** All messages of the error that the text gives, or "" if it is a scenario. */
inline std::string
ErrorsOf(const std::string& text, const std::vector<std::string>& overrides = {})
{
    try
    {
        ParseScenario(text, "x.toml", overrides);
        return "";
    }
    catch (const ScenarioError& error)
    {
        return error.what();
    }
}

} // namespace flowchain

#endif
