// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PACKET_GAPS_H
#define FLOWCHAIN_PACKET_GAPS_H

#include "instant.h"
#include "metric-set.h"

#include <array>
#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * How long open sessions got nothing through. A packet's gap is the time from its injection until
 * the next delivery of its session in its direction: its own, if it arrives before any other, else
 * that of an earlier or a later one. Unlike the time between two deliveries it counts no pause of
 * the workload, and unlike a packet's own latency it counts lost packets. A session's worst gap is
 * its longest. Left out are packets that are sent before anything of the session was delivered,
 * since it is not open yet, and packets that no delivery follows: then the session is broken, for
 * hosts never send again.
 */
class PacketGaps
{
  public:
    /** @param warmup packets that are injected earlier are left out */
    explicit PacketGaps(Instant warmup);

    /** A packet is injected. */
    void Sent(std::uint32_t session, bool toServer, Instant now);
    /** A packet has arrived. @pre one of this session and direction was sent */
    void Delivered(std::uint32_t session, bool toServer, Instant now);

    /** Set the metric sessions.packet_gap, and keep the histogram of that name. */
    void Report(MetricSet& metrics) const;

  private:
    static constexpr Duration NO_GAP{-1};

    struct Session
    {
        bool isOpen = false;
        /** Injection of the first packet since the latest delivery; index: to the server. */
        std::array<Instant, 2> waitsSince = {NEVER, NEVER};
        Duration worst = NO_GAP;
    };

    Instant m_warmup;
    std::vector<Session> m_sessions; ///< index: workload session
};

} // namespace flowchain

#endif
