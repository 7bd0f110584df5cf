// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RUN_DATA_H
#define FLOWCHAIN_RUN_DATA_H

#include "instant.h"

#include <cstdint>
#include <string>
#include <vector>

namespace flowchain
{

/** A bin of a distribution: how many values lie in [lower, upper], in picoseconds. */
struct HistogramBin
{
    std::int64_t lower = 0;
    std::int64_t upper = 0;
    std::uint64_t count = 0;
};

/** A distribution of durations, in picoseconds; empty bins are left out. */
struct HistogramData
{
    std::string name; ///< of HistogramDictionary()
    std::uint64_t count = 0;
    std::int64_t min = 0;           ///< exactly
    std::int64_t max = 0;           ///< exactly
    std::int64_t mean = 0;          ///< exactly, rounded down
    std::vector<HistogramBin> bins; ///< by lower end
};

/** Something that was sampled at fixed times. */
struct SeriesData
{
    struct Sample
    {
        Instant time;
        std::int64_t value = 0;
    };

    std::string name;            ///< of SeriesDictionary()
    std::vector<Sample> samples; ///< by time
};

/** Something that happened once, such as a crash, its detection, a new view. */
struct EventData
{
    Instant time;
    std::string kind;   ///< "crash", "suspected", "view", "restart", "violation", ...
    std::string node;   ///< as NodeName(); empty: of no node
    std::string detail; ///< in words; may be empty
};

} // namespace flowchain

#endif
