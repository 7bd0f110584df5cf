// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RUN_DATA_H
#define FLOWCHAIN_RUN_DATA_H

#include "fabric.h"
#include "instant.h"

#include <array>
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

/** What has happened on a directed link, and in the port in front of it, during the run. */
struct LinkData
{
    std::string from; ///< NodeName(), "leaf[0]" or "spine[0]"
    std::string to;
    bool isHostLink = false;
    std::array<TrafficCounters, TRAFFIC_CLASS_COUNT> traffic{}; ///< accepted by the port
    std::array<std::uint64_t, DROP_REASON_COUNT> drops{};       ///< frames
    std::uint64_t utilisationPermille = 0; ///< time that the port was sending, rounded down
    /** Frames that waited, time-weighted mean in thousandths, rounded down. By Little's law it is
     * the sum of their waiting times over the length of the run: exact, without any sampling. */
    std::uint64_t queueFramesMeanMilli = 0;
    std::uint32_t queueFramesMax = 0; ///< most frames that waited at once

    friend bool operator==(const LinkData&, const LinkData&) = default;
};

} // namespace flowchain

#endif
