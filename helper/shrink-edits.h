// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SHRINK_EDITS_H
#define FLOWCHAIN_SHRINK_EDITS_H

#include "instant.h"
#include "scenario-minimal.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/** Tables of a scenario's text. */
using TomlBlocks = std::vector<TomlBlock>;

/** A key of a block. */
struct KeyPlace
{
    std::size_t block = 0;
    std::size_t line = 0;
};

/** Index of the blocks of these names. */
std::vector<std::size_t> BlocksNamed(const TomlBlocks& blocks,
                                     const std::vector<std::string_view>& names);
/** The text without these blocks. */
TomlBlocks WithoutBlocks(const TomlBlocks& blocks, const std::vector<std::size_t>& left);

/** Tables that stand there once, and keys of all tables, that may be left out and are not made
 * smaller by SmallerNumbers(). */
std::vector<std::size_t> RemovableTables(const TomlBlocks& blocks);
std::vector<KeyPlace> RemovableKeys(const TomlBlocks& blocks);
TomlBlocks WithoutKey(const TomlBlocks& blocks, const KeyPlace& place);

/** One key with other values, the simplest first. */
using Alternatives = std::vector<TomlBlocks>;

/** Numbers of nodes, sessions and packets: each with smaller values.
 * @param resolved the same scenario with all defaults */
std::vector<Alternatives> SmallerNumbers(const TomlBlocks& blocks, const TomlBlocks& resolved);
/** Times and rates with fewer digits, `sim.stop` soon after `violated`, and failures with a lower
 * number of node, session or event. */
std::vector<Alternatives> SimplerValues(const TomlBlocks& blocks, Duration violated);

/** Digits between the first and the last one that is not zero, both included. */
unsigned SignificantDigits(std::uint64_t number);
/** The number down and up to so many significant digits. */
std::vector<std::uint64_t> RoundedTo(std::uint64_t number, unsigned digits);

} // namespace flowchain

#endif
