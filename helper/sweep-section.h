// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWEEP_SECTION_H
#define FLOWCHAIN_SWEEP_SECTION_H

#include "sweep-value.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** A key, and the values that it takes one after the other. */
struct SweepAxis
{
    std::string key; ///< "chain.length", "workload[0].rate"
    std::vector<SweepValue> values;
};

/** "chain.position <= chain.length": a point for which it does not hold is left out. */
struct SweepFilter
{
    struct Comparison
    {
        std::string left; ///< a key, or a value
        std::string op;   ///< "==", "!=", "<", "<=", ">", ">="
        std::string right;
    };

    std::string text;                ///< as written
    std::string place;               ///< "file:line:column"
    std::vector<Comparison> choices; ///< one of them must hold
};

/** `[sweep]`: what is varied from run to run. Absent: nothing is. */
struct SweepSection
{
    std::uint32_t replications = 1; ///< of every point, each with a seed of its own
    std::vector<SweepFilter> where; ///< all must hold
    /** Axes that go in step, of equal length; every combination of the blocks is a point. In the
     * order of the file; the last block varies fastest. */
    std::vector<std::vector<SweepAxis>> blocks;
};

constexpr std::uint32_t SWEEP_REPLICATIONS_MAX = 10'000;
constexpr std::size_t SWEEP_VALUES_MAX = 10'000; ///< of one axis
constexpr std::size_t SWEEP_POINTS_MAX = 100'000;

} // namespace flowchain

#endif
