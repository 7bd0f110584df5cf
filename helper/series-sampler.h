// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SERIES_SAMPLER_H
#define FLOWCHAIN_SERIES_SAMPLER_H

#include "run-data.h"

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace flowchain
{

/** What time series are made of. */
struct SeriesState
{
    // Totals since the start of the run:
    std::uint64_t payloadBytes = 0; ///< behind the transport headers of delivered packets
    std::uint64_t packetsDelivered = 0;
    std::uint64_t packetsDropped = 0;
    std::uint64_t sessionsEstablished = 0;
    std::uint64_t sessionsLost = 0;
    std::uint64_t syncBytes = 0;
    // As it is now, sessions:
    std::uint64_t active = 0;       ///< started and not over
    std::uint64_t held = 0;         ///< made and not released yet
    std::uint64_t belowPromise = 0; ///< with fewer copies than promised, but one
    std::uint64_t exposed = 0;      ///< with one copy
};

/**
 * Samples a run at the multiples of an interval, without events of its own: whoever changes the
 * state says so first, and what was before is then the sample of every instant that has passed. The
 * sample at an instant is of the interval that ends there, what happens just then included.
 */
class SeriesSampler
{
  public:
    static constexpr std::int64_t SAMPLES_MAX = 10'000; ///< of each series of a run

    /** @returns the state, as the changes so far have made it */
    using Look = std::function<SeriesState()>;

    /** @param interval 0: no sample is ever taken */
    SeriesSampler(Duration interval, Look look);

    /** The state is about to change. @pre `now` never goes back */
    void Advance(Instant now)
    {
        if (now > m_next)
        {
            SampleUntil(now - Duration{1});
        }
    }

    /** The run is over. @returns every series of SeriesDictionary(), in its order, or none if there
     * is no sample. What comes after the last multiple of the interval is in no sample. */
    std::vector<SeriesData> Finish(Instant now);

  private:
    static constexpr std::size_t SERIES_COUNT = 10;
    using Row = std::array<std::int64_t, SERIES_COUNT>;

    void SampleUntil(Instant last);
    Row RowOf(const SeriesState& state) const;

    Duration m_interval;
    Look m_look;
    Instant m_next;         ///< sample
    SeriesState m_previous; ///< at the latest sample
    std::vector<Row> m_rows;
};

/** The interval that a run of this length has by default: the longest of 1, 2 or 5 units of a
 * decimal place that makes at least 200 samples; one picosecond for the shortest runs. */
Duration DefaultSeriesInterval(Duration stop);

} // namespace flowchain

#endif
