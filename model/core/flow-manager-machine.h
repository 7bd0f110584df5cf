// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FLOW_MANAGER_MACHINE_H
#define FLOWCHAIN_FLOW_MANAGER_MACHINE_H

#include "flow-table.h"
#include "network-function.h"
#include "packet-view.h"
#include "removal-log.h"
#include "replica-machine.h"

#include <array>
#include <deque>

namespace flowchain
{

struct FlowManagerConfig : ReplicaConfig
{
    std::uint32_t pendingMax = 65'536;
    std::uint32_t heldPerSessionMax = 256;
};

/**
 * Flow manager: routes first packets, stores and replicates session state (CN116389549, claims
 * 1-8).
 *
 * For each flow a manager has one or more roles: *first* (it got the packet; head of the chain),
 * *intermediate*, *second* (at the configured position; fans out to the service nodes), *third*
 * (has the entry of the reverse direction before the first reverse packet comes). A chain runs
 * through the live managers of the first one's group in configured order, starting with itself.
 *
 * The first manager holds the flow's packets until the release rule is satisfied. When the view
 * changes it asks again whoever it waited for, and replicates again what was not complete, so every
 * message may arrive twice and be applied twice. Messages of a superseded attempt are ignored.
 *
 * When a service group has lost everything, the managers are the donors of the service nodes that
 * come back. A deletion that was under way then is known to those managers alone that had been told
 * of it, so each of them hands on what it has been told and knows no end of.
 * What cannot come to an end, as where a link is cut one way, ends by a timeout, and its packets
 * are dropped.
 */
class FlowManagerMachine : public ReplicaMachine
{
  public:
    FlowManagerMachine(const NodeConfig& config, const FlowManagerConfig& manager);
    ~FlowManagerMachine() override;

    std::size_t TableBytes() const override;
    std::size_t TableEntries() const override;
    std::size_t TableLimit() const override;

    void ListSessions(std::vector<SessionId>& out) const override;

    /** Sessions that wait for state or acknowledgements, and spreads that are under way. */
    std::size_t PendingCount() const
    {
        return m_contexts.size() - m_freeContexts.size() + SpreadCount();
    }

  private:
    friend class MachineDigest; ///< of tests

    enum class Phase : std::uint8_t
    {
        FREE,
        AWAITING_STATE, ///< a service node has been asked
        REPLICATING,    ///< not everything has been acknowledged yet
    };

    /** A flow between its first packet and the last acknowledgement. */
    struct Context
    {
        Phase phase = Phase::FREE;
        bool reverseDone = false;
        bool released = false;
        bool known = false;     ///< the session is not new: its owner, too, may lack the state
        bool reverse = false;   ///< the waiting packets travel against the session's first packet
        std::uint8_t probe = 0; ///< holders that have been asked in vain
        SpreadHandle spread = NO_SPREAD; ///< NO_SPREAD: nothing to spread
        NodeId accelerator = NO_NODE;
        NodeId serviceNode = NO_NODE;
        NodeId placedAt = NO_NODE;    ///< asked for a new session, and has not answered
        std::uint32_t generation = 0; ///< of the slot, so that a late token finds nobody
        std::uint32_t heldCount = 0;
        std::uint8_t serviceIncarnation = 0;
        Instant deadline{};
        FlowKey key; ///< of the waiting packets
        /** What the accelerator knows of the flow's session: its id, or 0, and its last owner. */
        SessionId hintSession = 0;
        NodeId hintOwner = NO_NODE;
        SessionRecord record;
        FramePtr translated;              ///< first packet as the service node has processed it
        PooledFrame* heldFirst = nullptr; ///< owned list, in order of arrival
        PooledFrame* heldLast = nullptr;
    };

    /** Token of a spread that no context waits for. */
    static constexpr std::uint64_t UPDATE_TOKEN = ~std::uint64_t{0};

    static const FlowKey& KeyOf(const FlowEntry& entry)
    {
        return entry.match;
    }

    void HandleRoleMessage(const SyncMessage& message,
                           FramePtr frame,
                           Instant now,
                           Actions& out) override;
    void HandleRoleAcknowledged(
        NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out) override;
    void HandleRoleReturned(NodeId peer,
                            ReliableChannel::Outstanding message,
                            DropReason why,
                            Instant now,
                            Actions& out) override;
    void HandleSpread(SpreadHandle handle, FramePtr returned, Instant now, Actions& out) override;
    void
    HandleSpreadFailed(SpreadHandle handle, DropReason reason, Instant now, Actions& out) override;
    void HandleViewChange(Instant now, Actions& out) override;
    bool IsIdle() const override;
    void HandleWakeup(Instant now, Actions& out) override;
    Instant NextRoleWakeup() const override;

    // First packets
    void HandlePacketIn(const SyncMessage& message, FramePtr frame, Instant now, Actions& out);
    void
    Open(const FlowKey& key, const SyncMessage& message, FramePtr frame, Instant now, Actions& out);
    /** Back-pressure: do too many messages wait for a manager of the group or a service node? */
    bool IsHeldBack() const;
    NodeId ChooseServiceNode(const Context& context, unsigned probe);
    void Place(Context& context, NodeId serviceNode);
    bool HasBackups() const;
    bool IsOfKnownSession(const Context& context);
    NodeId AnyServiceNode(const FlowKey& key, unsigned probe) const;
    void Ask(std::uint32_t slot, Instant now, Actions& out);
    void HandleState(const SyncMessage& message, FramePtr frame, Instant now, Actions& out);
    void AnswerFetch(const SyncMessage& message, Instant now, Actions& out);

    // Replication
    void Replicate(std::uint32_t slot, Instant now, Actions& out);
    void SendReverseEntry(std::uint32_t slot, Instant now, Actions& out);
    void StoreReverse(const FlowEntry& entry, Actions& out);
    void Remember(const FlowEntry& entry, Actions& out);

    // Life of sessions
    void HandleUpdate(const SessionRecord& record, Instant now, Actions& out);
    void RestartUpdates(Instant now, Actions& out);
    void HandleRemove(const SyncMessage& message, Actions& out);
    void ReviseWitnesses();
    std::vector<SessionRecord> OpenRemovals() const override;
    void GiveUp(std::uint32_t slot, DropReason reason, Instant now, Actions& out);
    void AskForRemoval(const SessionRecord& record, Instant now, Actions& out);

    // Contexts
    std::uint32_t FindContext(const FlowKey& key) const;
    std::uint32_t NewContext(const FlowKey& key, Instant now);
    std::uint32_t ContextOf(std::uint64_t token) const;
    void CloseContext(std::uint32_t slot, DropReason first, DropReason others);
    void ForgetDeadlines();
    void Hold(Context& context, FramePtr frame);
    static FramePtr TakeHeld(Context& context);
    static FlowEntry EntryOf(const Context& context);
    void Progress(std::uint32_t slot, Instant now, Actions& out);
    bool MayReleaseContext(const Context& context);
    bool IsComplete(const Context& context);
    const Frame* PacketOf(const Context& context) const;
    bool IsSuperseded(const Context& context);
    void Release(std::uint32_t slot, Instant now, Actions& out);
    void SendEntry(
        const FlowEntry& entry, NodeId accelerator, FramePtr packet, Instant now, Actions& out);

    FlowManagerConfig m_manager;
    std::unique_ptr<FunctionTopology> m_topology;
    FlowTable<FlowEntry, &FlowManagerMachine::KeyOf> m_entries; ///< to give out: first, third
    std::deque<Context> m_contexts;
    std::vector<std::uint32_t> m_freeContexts;
    /** Of contexts, with their slots, in order of time. Those of contexts that are closed go once
     * they are in front. */
    std::deque<std::pair<Instant, std::uint32_t>> m_deadlines;
    FlowIndex m_contextIndex;
    std::array<std::uint32_t, MAX_NODES> m_placed{}; ///< contexts by Context::placedAt
    std::vector<RemovalWitness> m_witness; ///< of service nodes; index: NodeId; else unused
    RemovalWitness m_orphans;              ///< removals of those that have gone since
    ViewBody m_lastView;                   ///< the one before
};

} // namespace flowchain

#endif
