// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RUN_IDENTITY_H
#define FLOWCHAIN_RUN_IDENTITY_H

#include "result-writer.h"
#include "scenario.h"

#include <string>

namespace flowchain
{

/** Which build it is, 16 hex digits. Where the commit does not say it (uncommitted changes, no
 * repository), the program's own file is part of it. */
std::string BuildId(const BuildInfo& build);

/** The scenario without what does not change a result: where it is written to, and captures. */
Scenario WithoutOutput(const Scenario& scenario);

/**
 * Which run it is, 32 hex digits: XXH3 over the resolved scenario with its seed, but without what
 * WithoutOutput() drops, over the content of the captures that it replays, and the build.
 * @throws std::runtime_error if a capture cannot be read
 */
std::string RunId(const Scenario& scenario, const std::string& buildId);

} // namespace flowchain

#endif
