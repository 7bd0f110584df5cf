// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_DELIVERY_TIMES_H
#define FLOWCHAIN_DELIVERY_TIMES_H

#include "instant.h"
#include "latency-histogram.h"
#include "metric-set.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * How long data packets took, and how long a session heard nothing: its worst gap is the longest
 * time between two deliveries, whichever way the packets went. Packets that are lost leave a gap
 * only if one comes after them. 16 bytes a session.
 */
class DeliveryTimes
{
  public:
    /** @param warmup packets that are injected, and sessions that start, earlier are left out */
    explicit DeliveryTimes(Instant warmup);

    /** The session's first packet is injected. */
    void Started(std::uint32_t session, Instant now);
    /** A packet has arrived. @pre its session has started */
    void Delivered(std::uint32_t session, Instant injectedAt, Instant now);

    /** Keep the histograms "packet.latency" and "sessions.worst_gap". */
    void Report(MetricSet& metrics) const;

  private:
    static constexpr Instant LEFT_OUT = Instant::min();
    static constexpr Duration NO_GAP{-1};

    struct Session
    {
        Instant latest = NEVER; ///< delivery; or LEFT_OUT
        Duration worstGap = NO_GAP;
    };

    Instant m_warmup;
    LatencyHistogram m_latency;
    std::vector<Session> m_sessions; ///< index: workload session
};

} // namespace flowchain

#endif
