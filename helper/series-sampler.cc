// SPDX-License-Identifier: GPL-2.0-only
#include "series-sampler.h"

#include "metric-dictionary.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

constexpr std::int64_t PS_PER_SECOND = 1'000'000'000'000;
constexpr std::int64_t DEFAULT_SAMPLES_MIN = 200;

std::int64_t
BitsPerSecond(std::uint64_t bytes, Duration interval)
{
    __extension__ using Uint128 = unsigned __int128;
    const auto bits = Uint128{bytes} * 8;
    return static_cast<std::int64_t>(bits * static_cast<std::uint64_t>(PS_PER_SECOND) /
                                     static_cast<std::uint64_t>(interval.count()));
}

} // namespace

SeriesSampler::SeriesSampler(Duration interval, Look look)
    : m_interval(interval)
    , m_look(std::move(look))
    , m_next(interval == Duration::zero() ? NEVER : Instant(interval))
{
}

/** In the order of SeriesDictionary(). */
SeriesSampler::Row
SeriesSampler::RowOf(const SeriesState& state) const
{
    const auto gain = [&](std::uint64_t SeriesState::*total)
    {
        return state.*total - m_previous.*total;
    };
    const auto count = [](std::uint64_t value)
    {
        return static_cast<std::int64_t>(value);
    };
    return {BitsPerSecond(gain(&SeriesState::payloadBytes), m_interval),
            count(gain(&SeriesState::packetsDelivered)),
            count(gain(&SeriesState::packetsDropped)),
            count(state.active),
            count(gain(&SeriesState::sessionsEstablished)),
            count(state.held),
            count(state.sessionsLost),
            count(gain(&SeriesState::syncBytes)),
            count(state.belowPromise),
            count(state.exposed)};
}

void
SeriesSampler::SampleUntil(Instant last)
{
    const SeriesState state = m_look();
    for (; m_next <= last; m_next += m_interval)
    {
        m_rows.push_back(RowOf(state));
        m_previous = state;
    }
}

std::vector<SeriesData>
SeriesSampler::Finish(Instant now)
{
    if (m_next <= now)
    {
        SampleUntil(now);
    }
    std::vector<SeriesData> all;
    if (m_rows.empty())
    {
        return all;
    }
    assert(SeriesDictionary().size() == SERIES_COUNT);
    for (std::size_t i = 0; i < SERIES_COUNT; ++i)
    {
        SeriesData& series = all.emplace_back();
        series.name = SeriesDictionary()[i].name;
        series.samples.reserve(m_rows.size());
        Instant time{};
        for (const Row& row : m_rows)
        {
            time += m_interval;
            series.samples.push_back({time, row[i]});
        }
    }
    return all;
}

Duration
DefaultSeriesInterval(Duration stop)
{
    const std::int64_t longest = stop.count() / DEFAULT_SAMPLES_MIN;
    std::int64_t unit = 1;
    while (longest / 10 >= unit)
    {
        unit *= 10;
    }
    const std::int64_t digit = longest / unit;
    return Duration{unit * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1)};
}

} // namespace flowchain
