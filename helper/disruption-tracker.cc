// SPDX-License-Identifier: GPL-2.0-only
#include "disruption-tracker.h"

#include <algorithm>

namespace flowchain
{

DisruptionTracker::DisruptionTracker(Instant firstFailure)
    : m_firstFailure(firstFailure)
{
}

void
DisruptionTracker::FirstDelivered(Instant injectedAt, Instant now)
{
    if (now < m_firstFailure)
    {
        m_slowest = std::max(m_slowest, now - injectedAt);
    }
}

void
DisruptionTracker::Delivered(std::uint32_t session, Instant injectedAt, Instant now)
{
    const Duration taken = now - injectedAt;
    if (now >= m_firstFailure && m_slowest > Duration::zero() && taken > FACTOR * m_slowest)
    {
        auto& longest = m_longest[session];
        longest = std::max(longest, taken);
    }
}

void
DisruptionTracker::Report(MetricSet& metrics) const
{
    if (m_firstFailure == NEVER || m_slowest == Duration::zero())
    {
        return;
    }
    LatencyHistogram histogram;
    for (const auto& [session, longest] : m_longest)
    {
        histogram.Add(longest);
    }
    metrics.Set("disruption.sessions", static_cast<std::int64_t>(histogram.Count()));
    metrics.SetDistribution("disruption", histogram);
}

} // namespace flowchain
