// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SERVICE_QUEUE_H
#define FLOWCHAIN_SERVICE_QUEUE_H

#include "instant.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace flowchain
{

/** Kinds of work with a cost of their own. */
enum class WorkKind : std::uint8_t
{
    PACKET = 0,  ///< a data packet, bare or encapsulated
    MESSAGE = 1, ///< a synchronisation message
    ACK = 2,     ///< acknowledgement, heartbeat, view
};

/** Processing model of a node: `cores` servers, a deterministic cost for each kind of work, and a
 * bounded first-in first-out queue in front (G/D/c/K). */
struct ProcessingConfig
{
    std::uint16_t cores = 1;
    std::uint32_t queueFrames = 4096; ///< that wait, besides those in service
    Duration packetCost{};
    Duration messageCost{};
    Duration ackCost{};
};

class ServiceQueue
{
  public:
    explicit ServiceQueue(const ProcessingConfig& config);

    /** A frame arrives: arrivals must come in time order. @returns the instant at which its
     * processing ends, or nothing if the queue is full. */
    std::optional<Instant> Admit(Duration cost, Instant now);

    /** Time that a core spends on a frame of the kind. */
    Duration CostOf(WorkKind kind) const;

    /** Time that the cores have been busy until now, summed over them; or until the latest arrival,
     * where that was announced in advance. Likewise the next one. */
    Duration BusyTime(Instant now) const;
    /** Time that frames have waited for a core until now, summed over them: divided by the time
     * that has passed, it is the mean number of waiting frames (Little's law). */
    Duration WaitingTime(Instant now) const;
    /** Most frames that ever waited. */
    std::uint32_t QueueFramesMax() const;
    /** Forget all work that is not done: the node restarts. The statistics stay. */
    void Reset(Instant now);
    /** All cores stop now and go on at `until`: what they work on takes so much longer, and what
     * arrives meanwhile waits. @pre no arrival after `now` was announced; until >= now */
    void Pause(Instant now, Instant until);
    /** From now on, work costs `permille` thousandths of what the configuration says, rounded down.
     * What was admitted goes on as it was promised. */
    void SetSlowdown(std::uint32_t permille);

  private:
    ProcessingConfig m_config;
    Duration m_costs[3];          ///< index: WorkKind
    std::vector<Instant> m_free;  ///< when each core becomes free; a min-heap
    std::deque<Instant> m_starts; ///< ascending; of the frames that waited at the last arrival
    Instant m_lastArrival = Instant::min();
    Instant m_resume = Instant::min(); ///< end of the latest pause
    Duration m_busyTime{};
    Duration m_waitingTime{};
    std::uint32_t m_queueFramesMax = 0;
};

} // namespace flowchain

#endif
