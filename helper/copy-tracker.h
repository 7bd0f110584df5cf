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

/** Nodes of a service group that are up and in service. */
struct LiveNodes
{
    NodeMask serviceNodes;
    std::vector<NodeMask> groups; ///< managers of each group
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
    /** @param promises of each service group
     * @param warmup windows of sessions that are created earlier are left out */
    CopyTracker(std::vector<CopyPromise> promises, SessionRegistry& registry, Instant warmup);

    /** From now on these nodes of each service group are up and in service; before the first call
     * nothing is promised. */
    void SetLive(const std::vector<LiveNodes>& services, Instant now);
    /** A session is new, its first copy not yet noted. */
    void Open(SessionInfo& session, Instant now);
    /** A manager of this group of its service has stored a copy: the session's chain lies there. */
    void SetGroup(SessionInfo& session, std::uint16_t group, Instant now);
    /** The session's holders or its release may have changed. */
    void Update(SessionInfo& session, Instant now);
    /** The same for every session. */
    void UpdateAll(Instant now);
    /** Nobody depends on the session any more. */
    void Close(SessionInfo& session, Instant now);

    /** Sessions that have, now, fewer copies than promised, but one. */
    std::uint32_t BelowPromise() const
    {
        return m_belowNow;
    }

    /** Sessions that have, now, exactly one copy. */
    std::uint32_t Exposed() const
    {
        return m_exposures[0].now + m_exposures[1].now;
    }

    /** Sessions that wait, now, for their release. */
    std::uint32_t Held() const
    {
        return m_heldNow;
    }

    /** The run is over. Set the metrics vulnerability.* and exposure.*. */
    void Finish(Instant now, MetricSet& metrics);

  private:
    __extension__ using Uint128 = unsigned __int128;

    /** Copies that the sessions of a service group are promised now. */
    struct Promised
    {
        std::vector<std::uint32_t> byGroup;
        std::uint32_t anywhere = 0; ///< while the session's group is not known yet

        friend bool operator==(const Promised&, const Promised&) = default;
    };

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
    bool IsBelowPromise(const CopyHistory& history) const;
    void CountNow(CopyHistory& history, bool isReleased);

    std::vector<CopyPromise> m_promises; ///< index: service group
    SessionRegistry& m_registry;
    Instant m_warmup;
    std::vector<Promised> m_promised; ///< index: service group
    Windows m_belowPromise;
    Windows m_belowTwo;
    std::array<Exposure, 2> m_exposures; ///< not released, released
    std::uint32_t m_peak = 0;            ///< of one node, both kinds together
    Instant m_countedUntil{};            ///< sums are
    std::uint32_t m_belowNow = 0;
    std::uint32_t m_heldNow = 0;
};

} // namespace flowchain

#endif
