// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_COPY_TRACKER_H
#define FLOWCHAIN_COPY_TRACKER_H

#include "latency-histogram.h"
#include "metric-set.h"
#include "session-registry.h"

#include <array>
#include <cstdint>
#include <vector>

namespace flowchain
{

/** How many copies of a session there are once everything that the configuration promises is done;
 * of live nodes only, so a crash lowers the promise. */
struct CopyPromise
{
    std::uint16_t managers = 0;     ///< of one group
    std::uint16_t serviceNodes = 1; ///< the owner included
    bool everyServiceNode = false;  ///< all that are active, whatever `serviceNodes` says
};

/**
 * How long, and to whose crash, sessions were exposed. A copy is a session record that a live node
 * stores, manager or service node. A session counts from its creation until its last packet or its
 * deletion, whichever is first.
 *
 * - Window: time in which the session has at least one copy, but fewer than promised (or fewer than
 *   two, a yardstick that all schemes share); one value a session, summed over its whole life. With
 *   no copy at all it is lost, not vulnerable.
 * - Exposure of a node: sessions whose only copy it has, those that its crash would lose.
 *
 * Each change costs constant time, a change of the promise one pass over all sessions.
 */
class CopyTracker
{
  public:
    /** @param warmup windows of sessions that are created earlier are left out */
    CopyTracker(const CopyPromise& promise, SessionRegistry& registry, Instant warmup);

    /** From now on these nodes are up and in service; before the first call nothing is promised.
     * @param groups managers of each group */
    void SetLive(const NodeMask& serviceNodes, const std::vector<NodeMask>& groups, Instant now);
    /** A session is new, its first copy not yet noted. */
    void Open(SessionInfo& session, Instant now);
    /** A manager of this group has stored a copy: the session's chain lies there. */
    void SetGroup(SessionInfo& session, std::uint16_t group, Instant now);
    /** The session's holders or its release may have changed. */
    void Update(SessionInfo& session, Instant now);
    /** The same for every session. */
    void UpdateAll(Instant now);
    /** Nobody depends on the session any more. */
    void Close(SessionInfo& session, Instant now);
    /** The run is over. Set the metrics vulnerability.* and exposure.*. */
    void Finish(Instant now, MetricSet& metrics);

  private:
    __extension__ using Uint128 = unsigned __int128;

    /** One distribution of windows. */
    struct Windows
    {
        LatencyHistogram histogram;
        Uint128 total = 0; ///< ps
    };

    /** Sessions with one copy, of one kind: released or not. */
    struct Exposure
    {
        std::array<std::uint32_t, MAX_NODES> at{}; ///< index: NodeId
        std::uint32_t now = 0;                     ///< at all nodes
        std::uint32_t peak = 0;                    ///< of one node
        Uint128 sum = 0;                           ///< of `now` over time, ps
    };

    std::uint32_t PromisedTo(const CopyHistory& history) const;
    void Settle(CopyHistory& history, Instant now) const;
    void SetExposure(CopyHistory& history, NodeId onlyHolder, bool isReleased, Instant now);
    void AddTime(Instant now);

    CopyPromise m_promise;
    SessionRegistry& m_registry;
    Instant m_warmup;
    std::vector<std::uint32_t> m_promised; ///< copies, by group
    std::uint32_t m_promisedAnywhere = 0;  ///< copies of a session whose group is not known yet
    Windows m_belowPromise;
    Windows m_belowTwo;
    std::array<Exposure, 2> m_exposures; ///< not released, released
    std::uint32_t m_peak = 0;            ///< of one node, both kinds together
    Instant m_countedUntil{};            ///< sums are
};

} // namespace flowchain

#endif
