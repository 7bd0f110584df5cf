// SPDX-License-Identifier: GPL-2.0-only
#include "packet-gaps.h"

#include "latency-histogram.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

PacketGaps::PacketGaps(Instant warmup)
    : m_warmup(warmup)
{
}

void
PacketGaps::Sent(std::uint32_t session, bool toServer, Instant now)
{
    m_sessions.resize(std::max<std::size_t>(m_sessions.size(), session + std::size_t{1}));
    Session& about = m_sessions[session];
    Instant& waitsSince = about.waitsSince[toServer ? 1 : 0];
    if (about.isOpen && waitsSince == NEVER && now >= m_warmup)
    {
        waitsSince = now;
    }
}

void
PacketGaps::Delivered(std::uint32_t session, bool toServer, Instant now)
{
    assert(session < m_sessions.size());
    Session& about = m_sessions[session];
    about.isOpen = true;
    Instant& waitsSince = about.waitsSince[toServer ? 1 : 0];
    if (waitsSince != NEVER)
    {
        about.worst = std::max(about.worst, now - waitsSince);
        waitsSince = NEVER;
    }
}

void
PacketGaps::Report(MetricSet& metrics) const
{
    LatencyHistogram gaps;
    for (const Session& session : m_sessions)
    {
        if (session.worst != NO_GAP)
        {
            gaps.Add(session.worst);
        }
    }
    metrics.SetLongest("sessions.packet_gap", gaps);
}

} // namespace flowchain
