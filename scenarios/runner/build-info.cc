// SPDX-License-Identifier: GPL-2.0-only
#include "build-info.h"

#include <fmt/format.h>

// Written by build-info.cmake; a build by other means (ns-3's contrib/) has none.
#if __has_include("build-info-generated.h")
#include "build-info-generated.h"
#else
#define FLOWCHAIN_VERSION "unknown"
#define FLOWCHAIN_COMPILER __VERSION__
#define FLOWCHAIN_BUILD_TYPE "unknown"
#define FLOWCHAIN_COMMIT "unknown"
#define FLOWCHAIN_NS3_VERSION "unknown"
#endif

namespace flowchain
{

BuildInfo
ThisBuild()
{
    return {FLOWCHAIN_VERSION,
            FLOWCHAIN_COMPILER,
            FLOWCHAIN_BUILD_TYPE,
            FLOWCHAIN_COMMIT,
            FLOWCHAIN_NS3_VERSION};
}

std::string
VersionText()
{
    const auto build = ThisBuild();
    return fmt::format(
        "flowchain {}\ncommit      {}\nbuild type  {}\ncompiler    {}\nns-3        {}",
        build.version,
        build.commit,
        build.buildType,
        build.compiler,
        build.ns3Version);
}

} // namespace flowchain
