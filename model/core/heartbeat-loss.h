// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_HEARTBEAT_LOSS_H
#define FLOWCHAIN_HEARTBEAT_LOSS_H

#include "session-record.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * How many heartbeats are lost on their way, from the gaps in the numbers of those that arrive, as
 * NFD-E of Chen, Toueg and Aguilera (IEEE Transactions on Computers 51(5), 2002, section 6) learns
 * it. All nodes are pooled, over a window of the latest heartbeats. The silence of a node counts
 * for nothing until it is heard again, so that a crash is no loss.
 */
class HeartbeatLoss
{
  public:
    /**
     * @param window heartbeats received that are remembered, at least 1
     * @param gapMax a longer gap counts as this: an outage is not to fill the window
     */
    HeartbeatLoss(std::size_t nodes, std::uint32_t window, std::uint16_t gapMax);

    /** The node's life has begun: its first heartbeat will have the number 1. */
    void Expect(NodeId node, std::uint8_t incarnation);
    /** A heartbeat has come. The first one of a life that was not expected counts for no gap. */
    void Heard(NodeId node, std::uint8_t incarnation, std::uint32_t number);

    /** Lost ones in the window. One that arrives after a later one of its node is lost. */
    std::uint64_t Lost() const
    {
        return m_lost;
    }

    /** Those in the window, received or lost. */
    std::uint64_t Sent() const
    {
        return m_gaps.size() + m_lost;
    }

  private:
    struct Source
    {
        bool known = false;
        std::uint8_t incarnation = 0;
        std::uint32_t number = 0; ///< of the latest heartbeat of this life
    };

    std::uint32_t m_window;
    std::uint16_t m_gapMax;
    std::vector<Source> m_sources;     ///< index: NodeId
    std::vector<std::uint16_t> m_gaps; ///< ring: heartbeats missing before each one received
    std::size_t m_next = 0;            ///< of the ring
    std::uint64_t m_lost = 0;          ///< sum of the ring
};

/**
 * How many heartbeats in a row a living node must miss before it may be suspected: the smallest n
 * with p^n <= 1 / recurrence, where p = (lost + 1) / (sent + 2) is Laplace's rule of succession,
 * since few samples are no certainty. Without a loss nothing is learnt, and n is 0. Integers only;
 * rounding makes n greater, never smaller: by 1 at most up to n = 64, by 3 % up to n = 10000.
 * @param recurrence mean number of heartbeats after which a living node is suspected (Chen et
 * al.: mistake recurrence time), at least 1
 * @param max n is never greater
 * @pre lost <= sent < 2^32
 */
std::uint32_t MissesTolerated(std::uint64_t lost,
                              std::uint64_t sent,
                              std::uint64_t recurrence,
                              std::uint32_t max);

} // namespace flowchain

#endif
