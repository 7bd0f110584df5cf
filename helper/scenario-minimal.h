// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SCENARIO_MINIMAL_H
#define FLOWCHAIN_SCENARIO_MINIMAL_H

#include "scenario.h"

#include <optional>
#include <string>
#include <vector>

namespace flowchain
{

/** A table of a scenario's text: "[chain]" or "[[failure]]", and its keys, one a line. */
struct TomlBlock
{
    std::string header;
    std::vector<std::string> lines;

    bool IsOfList() const
    {
        return header.starts_with("[[");
    }

    /** "chain", "service.vip" */
    std::string Name() const;
    /** "length" of the line "length = 3" */
    static std::string KeyOf(const std::string& line);

    friend bool operator==(const TomlBlock&, const TomlBlock&) = default;
};

/** The tables of a text as ResolvedToml() writes it, and back. */
std::vector<TomlBlock> SplitToml(const std::string& text);
std::string JoinToml(const std::vector<TomlBlock>& blocks);

/** The resolved text of a text; nothing if it is no scenario. @param path as in ParseScenario() */
std::optional<std::string> ResolvedTextOf(const std::vector<TomlBlock>& blocks,
                                          const std::string& path);

/** @returns the scenario as TOML, without the keys and tables that say what is so by default. A
 * scenario that is not so in every way is read back from it. */
std::vector<TomlBlock> MinimalBlocks(const Scenario& scenario);

} // namespace flowchain

#endif
