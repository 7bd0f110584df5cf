// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SYNC_SCHEME_H
#define FLOWCHAIN_SYNC_SCHEME_H

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace flowchain
{

/** When the packets that wait for a session leave the first flow manager. */
enum class ReleaseRule : std::uint8_t
{
    IMMEDIATE, ///< as soon as the state is made (asynchronous)
    CHAIN,     ///< every member of the chain has acknowledged
    ALL,       ///< chain, fan-out and reverse entry have been acknowledged
};

std::optional<ReleaseRule> ReleaseRuleByName(std::string_view name);

/** What a scheme does with new session state. */
struct SyncScheme
{
    std::string_view name;
    bool replicates; ///< managers keep and spread session state: chain, fan-out, reverse entry
};

/** Every scheme that a scenario can name, in the order of the documentation. */
const std::vector<SyncScheme>& SyncSchemes();
/** @returns null if there is no such scheme */
const SyncScheme* SyncSchemeByName(std::string_view name);

} // namespace flowchain

#endif
