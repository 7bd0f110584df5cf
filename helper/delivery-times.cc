// SPDX-License-Identifier: GPL-2.0-only
#include "delivery-times.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

DeliveryTimes::DeliveryTimes(Instant warmup)
    : m_warmup(warmup)
{
}

void
DeliveryTimes::Started(std::uint32_t session, Instant now)
{
    m_sessions.resize(std::max<std::size_t>(m_sessions.size(), session + std::size_t{1}));
    if (now < m_warmup)
    {
        m_sessions[session].latest = LEFT_OUT;
    }
}

void
DeliveryTimes::Delivered(std::uint32_t session, Instant injectedAt, Instant now)
{
    if (injectedAt >= m_warmup)
    {
        m_latency.Add(now - injectedAt);
    }
    assert(session < m_sessions.size());
    Session& about = m_sessions[session];
    if (about.latest == LEFT_OUT)
    {
        return;
    }
    if (about.latest != NEVER)
    {
        about.worstGap = std::max(about.worstGap, now - about.latest);
    }
    about.latest = now;
}

void
DeliveryTimes::Report(MetricSet& metrics) const
{
    LatencyHistogram gaps;
    for (const Session& session : m_sessions)
    {
        if (session.worstGap != NO_GAP)
        {
            gaps.Add(session.worstGap);
        }
    }
    metrics.AddHistogram("packet.latency", m_latency);
    metrics.AddHistogram("sessions.worst_gap", gaps);
}

} // namespace flowchain
