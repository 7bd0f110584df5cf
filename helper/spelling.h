// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SPELLING_H
#define FLOWCHAIN_SPELLING_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/**
 * Damerau-Levenshtein distance in its restricted form: the least number of insertions, deletions,
 * substitutions and swaps of neighbours that make `b` of `a`, no place being edited twice.
 */
std::size_t EditDistance(std::string_view a, std::string_view b);

/** @returns ", did you mean 'x'?" with the nearest candidate (the first of equals), or "" if none
 * is near: at most one edit for every three letters, rounded, and one in the shortest words. */
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

/** "a, b, c" */
std::string Join(const std::vector<std::string>& parts, std::string_view separator);

} // namespace flowchain

#endif
