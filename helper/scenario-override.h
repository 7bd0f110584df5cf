// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_OVERRIDE_H
#define FLOWCHAIN_SCENARIO_OVERRIDE_H

#include "scenario-diagnostics.h"

#include <string>

namespace flowchain
{

/** Set one "dotted.path[0].key=value" in the tree; what is wrong goes to `diagnostics`. */
void ApplyOverride(toml::table& root, const std::string& text, ScenarioDiagnostics& diagnostics);

} // namespace flowchain

#endif
