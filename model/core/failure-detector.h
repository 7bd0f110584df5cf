// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAILURE_DETECTOR_H
#define FLOWCHAIN_FAILURE_DETECTOR_H

#include "instant.h"
#include "session-record.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * Timeout-based failure detector (Chandra & Toueg 1996): a watched node is suspected when no
 * heartbeat has come for `timeout`.
 */
class FailureDetector
{
  public:
    FailureDetector(std::size_t nodes, Duration timeout);

    /** Start to watch, as if a heartbeat had come now. */
    void Watch(NodeId node, Instant now);
    void Unwatch(NodeId node);
    bool IsWatched(NodeId node) const;
    /** A heartbeat of a watched node has come. Of another node: ignored. */
    void Heartbeat(NodeId node, Instant now);
    /** Nodes whose time is up, in ascending order; they are no longer watched. */
    std::vector<NodeId> Expire(Instant now);
    /** Instant before which Expire() returns nothing, or NEVER. May be early: call Expire() then.
     */
    Instant NextDeadline() const;

  private:
    Duration m_timeout;
    std::vector<Instant> m_deadlines; ///< index: NodeId; NEVER: not watched
    Instant m_nextDeadline = NEVER;   ///< no deadline is earlier
};

} // namespace flowchain

#endif
