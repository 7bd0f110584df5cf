// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_MEMBERSHIP_WATCH_H
#define FLOWCHAIN_MEMBERSHIP_WATCH_H

#include "actions.h"
#include "instant.h"
#include "latency-histogram.h"
#include "metric-set.h"

#include <map>

namespace flowchain
{

/** Counts and times planned changes of membership from the nodes' notes. */
class MembershipWatch
{
  public:
    void OnNote(NodeId node, const Note& note, Instant now);
    /** Set the metrics whose names begin with "membership". */
    void Report(MetricSet& metrics) const;

  private:
    std::map<NodeId, Instant> m_drainSince; ///< nodes that are being drained
    LatencyHistogram m_drainTime;
    std::int64_t m_drained = 0;
    std::int64_t m_refused = 0;
    std::int64_t m_restarts = 0;
    std::int64_t m_removed = 0;
};

} // namespace flowchain

#endif
