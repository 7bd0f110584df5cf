// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAILURE_DETECTOR_H
#define FLOWCHAIN_FAILURE_DETECTOR_H

#include "heartbeat-loss.h"
#include "instant.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

struct DetectorConfig
{
    Duration timeout{30'000'000'000};  ///< without a heartbeat: down, as long as none is lost
    Duration interval{10'000'000'000}; ///< between two heartbeats of a node; 0: not known
    /** Mean number of heartbeats after which a living node may be suspected; 1: loss does not
     * matter. */
    std::uint64_t mistakeRecurrence = 1'000'000'000;
    std::uint16_t missedMax = 64;    ///< loss makes nobody wait for more missed heartbeats
    std::uint32_t lossWindow = 1024; ///< heartbeats by which loss is measured
};

/**
 * Failure detector (Chandra & Toueg 1996): a watched node is suspected when no heartbeat has come
 * for a time, the timeout. The timeout adapts to loss, as in NFD-E (Chen, Toueg & Aguilera 2002)
 * and the phi-accrual detector (Hayashibara et al. 2004): it is as long as it takes to miss so
 * many heartbeats of a node that its being alive is improbable. It is never shorter than what is
 * configured, and just that as long as no heartbeat is lost.
 *
 * Loss is measured over all nodes together, so that one whose own link is far worse than the
 * others' is suspected too early.
 */
class FailureDetector
{
  public:
    FailureDetector(std::size_t nodes, const DetectorConfig& config);

    /** Start to watch, as if a heartbeat had come now. */
    void Watch(NodeId node, Instant now);
    void Unwatch(NodeId node);
    bool IsWatched(NodeId node) const;
    /** The node's life has begun: its first heartbeat will have the number 1. */
    void Expect(NodeId node, std::uint8_t incarnation);
    /** A heartbeat has come, and counts for the loss. Of a node that is watched: it is alive. */
    void Heartbeat(NodeId node, std::uint8_t incarnation, std::uint32_t number, Instant now);
    /** Nodes whose time is up, in ascending order; they are no longer watched. */
    std::vector<NodeId> Expire(Instant now);
    /** Instant before which Expire() returns nothing, or NEVER. May be early: call Expire() then.
     */
    Instant NextDeadline() const;

    /** Silence after which a node is suspected, at the loss of these days. */
    Duration Timeout() const
    {
        return m_timeout;
    }

  private:
    DetectorConfig m_config;
    HeartbeatLoss m_loss;
    Duration m_timeout;
    std::vector<Instant> m_heard; ///< index: NodeId; NEVER: not watched
    Instant m_oldest = NEVER;     ///< no watched node was heard earlier
};

} // namespace flowchain

#endif
