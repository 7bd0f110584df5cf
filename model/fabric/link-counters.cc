// SPDX-License-Identifier: GPL-2.0-only
#include "fabric.h"

#include <cassert>
#include <numeric>

namespace flowchain
{

std::uint64_t
LinkCounters::Frames() const
{
    std::uint64_t sum = 0;
    for (const TrafficCounters& counters : traffic)
    {
        sum += counters.frames;
    }
    return sum;
}

std::uint64_t
LinkCounters::Bytes() const
{
    std::uint64_t sum = 0;
    for (const TrafficCounters& counters : traffic)
    {
        sum += counters.bytes;
    }
    return sum;
}

std::uint64_t
LinkCounters::Drops() const
{
    return std::accumulate(drops.begin(), drops.end(), std::uint64_t{0});
}

std::uint64_t
LinkCounters::QueueFramesMeanMilli(Duration span) const
{
    assert(span > Duration::zero());
    __extension__ typedef unsigned __int128 Uint128;
    const auto scaled = static_cast<Uint128>(queueTime.count()) * 1000;
    return static_cast<std::uint64_t>(scaled / static_cast<Uint128>(span.count()));
}

} // namespace flowchain
