// SPDX-License-Identifier: GPL-2.0-only
#include "sync-scheme.h"

namespace flowchain
{

std::optional<ReleaseRule>
ReleaseRuleByName(std::string_view name)
{
    if (name == "immediate")
    {
        return ReleaseRule::IMMEDIATE;
    }
    if (name == "chain")
    {
        return ReleaseRule::CHAIN;
    }
    if (name == "all")
    {
        return ReleaseRule::ALL;
    }
    return std::nullopt;
}

const std::vector<SyncScheme>&
SyncSchemes()
{
    static const std::vector<SyncScheme> SCHEMES = {
        {"chain", true},
        {"none", false},
    };
    return SCHEMES;
}

const SyncScheme*
SyncSchemeByName(std::string_view name)
{
    for (const SyncScheme& scheme : SyncSchemes())
    {
        if (scheme.name == name)
        {
            return &scheme;
        }
    }
    return nullptr;
}

} // namespace flowchain
