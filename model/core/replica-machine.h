// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_REPLICA_MACHINE_H
#define FLOWCHAIN_REPLICA_MACHINE_H

#include "flow-table.h"
#include "protocol-machine.h"
#include "session-store.h"
#include "sync-scheme.h"

#include <deque>

namespace flowchain
{

/** What every node that holds copies of session state is configured with. */
struct ReplicaConfig : SchemeConfig
{
    const SyncScheme* scheme = &ChainScheme();
    std::uint32_t sessionsMax = 4'000'000;
    std::uint32_t tombstonesMax = SessionStore::TOMBSTONES_MAX; ///< names of deleted sessions
    Duration pendingTimeout{2'000'000'000'000};                 ///< then what waits is given up
    std::uint16_t snapshotWindow = 32; ///< messages of one snapshot in flight
};

/**
 * A node that holds copies of session state and spreads them, as root or as a member of a plan
 * that the scheme makes: the part that flow managers and service nodes share.
 *
 * A *spread* is one session's way from its root to everyone in the plan. Each node of the path
 * stores, then forwards (CHAIN); the last one reports to the root (CHAIN_DONE). The node at the
 * plan's position fans out (FAN_OUT) and reports (FAN_OUT_DONE) once everyone there has
 * acknowledged; where it is the last one, too, this one report says both. A node that cannot store
 * refuses, and the root learns why.
 *
 * When the view changes, roots begin their spreads again, so every message may arrive twice and be
 * applied twice. Reports about a superseded attempt are ignored.
 *
 * A node that has copies can be a *donor*: it sends a joining service node all of them, a few
 * messages at a time, and says when the last one has been acknowledged.
 */
class ReplicaMachine : public ProtocolMachine
{
  public:
    ReplicaMachine(const NodeConfig& config, const ReplicaConfig& replica);

    /** Copies of session state held here. */
    const SessionStore& Store() const
    {
        return m_store;
    }

    /** Spreads and fan-outs under way. */
    std::size_t SpreadCount() const
    {
        return m_spreads.size() - m_freeSpreads.size() + m_fanOuts.size() - m_freeFanOuts.size();
    }

    void ListSessions(std::vector<SessionId>& out) const override;

    const Tombstones* DeletedSessions() const override
    {
        return &m_store.Deleted();
    }

  protected:
    using SpreadHandle = std::uint32_t;
    static constexpr SpreadHandle NO_SPREAD = FlowIndex::NOT_FOUND;
    /** Token of a FAN_OUT that is part of no fan-out: the role itself is told of its end. */
    static constexpr std::uint64_t SINGLE_COPY = ~std::uint64_t{0};

    /** A session that this node spreads as root. */
    struct Spread
    {
        SessionRecord record;
        std::uint64_t token = 0; ///< the role's own name for it
        /** Part of every message about it; two spreads of one session have different ones. */
        std::uint16_t attempt = 0;
        bool live = false;
        bool known = false; ///< the session is not new: its owner, too, may lack this version
        bool chainDone = false;
        bool fanOutDone = false;
        bool lastFansOut = false; ///< the report of the fan-out stands for the path's, too
        /** The end of the path sends the packet on, or has. */
        bool releasedAtEnd = false;
        DropReason refused = DropReason::NONE; ///< why it cannot come to an end
        Instant deadline{};
    };

    /**
     * Store a record and give it to everyone in the scheme's plan.
     * @param packet the first packet, copied where the plan wants it to travel along; may be null
     * @param[out] handle valid until EndSpread(), exactly if NONE is returned
     * @returns NONE, or why it cannot be stored here or sent on
     */
    DropReason BeginSpread(const SessionRecord& record,
                           bool known,
                           std::uint64_t token,
                           const Frame* packet,
                           Instant now,
                           Actions& out,
                           SpreadHandle& handle);
    /** Give the record to everyone in the plan of this view, as a new attempt. @returns as
     * BeginSpread() */
    DropReason Advance(SpreadHandle handle, const Frame* packet, Instant now, Actions& out);
    void EndSpread(SpreadHandle handle);

    Spread& SpreadAt(SpreadHandle handle)
    {
        return m_spreads[handle];
    }

    std::size_t SpreadSlots() const
    {
        return m_spreads.size();
    }

    /** @returns the latest spread of the session that this node is the root of, or NO_SPREAD */
    SpreadHandle FindSpread(SessionId session) const;
    /** Whether the release rule is satisfied as far as the spread is concerned. */
    bool MayRelease(const Spread& spread) const;

    /** Another node's report has advanced the spread.
     * @param returned the first packet, if the end of the path has sent it back */
    virtual void
    HandleSpread(SpreadHandle handle, FramePtr returned, Instant now, Actions& out) = 0;
    /** The spread cannot come to an end; the role ends it. */
    virtual void
    HandleSpreadFailed(SpreadHandle handle, DropReason reason, Instant now, Actions& out) = 0;
    /** A message that is not about spreading. */
    virtual void
    HandleRoleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) = 0;
    virtual void HandleRoleAcknowledged(
        NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out);
    virtual void HandleRoleReturned(NodeId peer,
                                    ReliableChannel::Outstanding message,
                                    DropReason why,
                                    Instant now,
                                    Actions& out);

    /** Store a copy. @returns NONE, or why not */
    DropReason Keep(const SessionRecord& record, Instant now, Actions& out);
    /** A copy has been stored that is new or newer; Store().Superseded() made way for it. */
    virtual void HandleKept(const SessionRecord& record, Instant now, Actions& out);
    /** Take a copy out for good. */
    void Forget(const SessionRecord& record, Actions& out);
    /** Send a data packet to the host that has its destination address. */
    void SendOn(FramePtr frame, const FlowKey& key, Actions& out);

    /** In this view, be the donor of every joining service node, or of no further one. Snapshots
     * that have begun go on as long as their node joins. */
    void ReviseSnapshots(bool isDonor, Instant now, Actions& out);
    /** Sessions that may still be about to be deleted: a snapshot begins with their names, as
     * records in state DELETED. */
    virtual std::vector<SessionRecord> OpenRemovals() const;

    SessionStore& MutableStore()
    {
        return m_store;
    }

    const ReplicaConfig& Replica() const
    {
        return m_replica;
    }

    const SyncScheme& Scheme() const
    {
        return *m_replica.scheme;
    }

    void HandleWakeup(Instant now, Actions& out) override;
    Instant NextRoleWakeup() const override;
    bool IsIdle() const override;

    static std::uint64_t TokenOf(std::uint32_t slot, std::uint32_t generation)
    {
        return (static_cast<std::uint64_t>(generation) << 32) | slot;
    }

  private:
    friend class MachineDigest; ///< of tests

    /** What every message of one spread repeats. */
    struct Passage
    {
        const SessionRecord& record;
        NodeId first; ///< root
        std::uint16_t attempt;
        bool known;
    };

    /** A fan-out that this node does, for itself or another root. */
    struct FanOut
    {
        SessionRecord record;
        NodeId first = NO_NODE;
        std::uint16_t attempt = 0;
        std::uint32_t generation = 0;
        std::uint32_t remaining = 0;           ///< nodes that have not acknowledged; 0: slot free
        DropReason refused = DropReason::NONE; ///< why one of them does not have the state
    };

    /** A snapshot that this node sends to a joining one. */
    struct Snapshot
    {
        NodeId target = NO_NODE;
        std::uint8_t incarnation = 0;
        std::vector<SessionRecord> removals;
        std::size_t cursor = 0; ///< next of the removals, then of the store's slots
        std::uint32_t inFlight = 0;
        std::uint32_t run =
            0; ///< part of the tokens: acknowledgements of an earlier run do not count
        bool ended = false;
    };

    void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) override;
    void HandleAcknowledged(
        NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out) override;
    void HandleReturned(NodeId peer,
                        ReliableChannel::Outstanding message,
                        DropReason why,
                        Instant now,
                        Actions& out) override;
    DropReason Admit(const SyncMessage& message, Actions& out) override;

    void MakePlan(const Passage& passage);
    void
    Relay(const Passage& passage, std::size_t position, FramePtr packet, Instant now, Actions& out);
    void HandleChain(const SyncMessage& message, FramePtr packet, Instant now, Actions& out);
    void FinishPath(const Passage& passage, FramePtr packet, Instant now, Actions& out);
    void StartFanOut(const Passage& passage, Instant now, Actions& out);
    void CountDownFanOut(std::uint64_t token, DropReason refused, Instant now, Actions& out);
    void FinishFanOut(std::uint64_t token, DropReason refused, Instant now, Actions& out);
    void ReportDone(MessageKind kind,
                    const Passage& passage,
                    DropReason refused,
                    FramePtr packet,
                    Instant now,
                    Actions& out);
    SpreadHandle MarkDone(MessageKind kind, SessionId session, std::uint16_t attempt);
    void HandleDone(const SyncMessage& message, FramePtr packet, Instant now, Actions& out);
    void HandleReturnedChain(ReliableChannel::Outstanding message,
                             DropReason why,
                             Instant now,
                             Actions& out);
    void TakeForDone(SessionId session, Instant now, Actions& out);
    /** Whether a node is fanned out to; it is, but for a planted defect. */
    bool IsInFan(NodeId node) const;
    SpreadHandle FindSpread(SessionId session, std::uint16_t attempt) const;
    void ForgetDeadlines();
    bool IsOpen(const Snapshot& snapshot) const;
    void StartSnapshot(Snapshot& snapshot, Instant now, Actions& out);
    void Rewind(Snapshot& snapshot);
    void FeedSnapshot(Snapshot& snapshot, Instant now, Actions& out);
    void FeedSnapshots(Instant now, Actions& out);
    Snapshot* FindSnapshot(NodeId peer, std::uint64_t run);

    ReplicaConfig m_replica;
    SessionStore m_store;
    CopyPlan m_plan;             ///< scratch
    std::uint16_t m_attempt = 0; ///< that was begun last
    std::deque<Spread> m_spreads;
    std::vector<SpreadHandle> m_freeSpreads;
    FlowIndex m_spreadIndex; ///< by session id
    /** Of spreads, in order of time. Those of spreads that have ended go once they are in front. */
    std::deque<std::pair<Instant, SpreadHandle>> m_deadlines;
    std::deque<FanOut> m_fanOuts;
    std::vector<std::uint32_t> m_freeFanOuts;
    std::vector<Snapshot> m_snapshots;
    std::uint32_t m_snapshotRun = 0;
    Instant m_snapshotRetry = NEVER; ///< when what could not be sent is sent
};

} // namespace flowchain

#endif
