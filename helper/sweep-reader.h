// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWEEP_READER_H
#define FLOWCHAIN_SWEEP_READER_H

#include "scenario-diagnostics.h"
#include "sweep-section.h"

namespace flowchain
{

/** Read `[sweep]` of a scenario; what is wrong goes to `diagnostics`. */
SweepSection
ReadSweep(const toml::table& root, const std::string& file, ScenarioDiagnostics& diagnostics);

} // namespace flowchain

#endif
