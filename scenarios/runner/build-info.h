// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_BUILD_INFO_H
#define FLOWCHAIN_BUILD_INFO_H

#include "result-writer.h"

#include <string>

namespace flowchain
{

/** What this program was made of. */
BuildInfo ThisBuild();
/** "flowchain 0.1.0 (...)" */
std::string VersionText();

} // namespace flowchain

#endif
