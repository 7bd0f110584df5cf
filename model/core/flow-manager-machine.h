// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FLOW_MANAGER_MACHINE_H
#define FLOWCHAIN_FLOW_MANAGER_MACHINE_H

#include "flow-table.h"
#include "nat44.h"
#include "packet-view.h"
#include "protocol-machine.h"
#include "session-store.h"
#include "sync-scheme.h"

#include <deque>

namespace flowchain
{

struct FlowManagerConfig
{
    SyncScheme scheme{"chain", true};
    ReleaseRule release = ReleaseRule::ALL;
    std::uint16_t length = 3;   ///< managers in a chain; fewer if the group has fewer alive
    std::uint16_t position = 3; ///< of the second manager, which fans out; 1..length
    std::uint32_t sessionsMax = 4'000'000;
    std::uint32_t pendingMax = 65'536;
    std::uint32_t heldPerSessionMax = 256;
    Duration pendingTimeout{2'000'000'000'000}; ///< then a session that waits is given up
    Nat44Config nat; ///< tells which service node made the session of an external endpoint
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
 * What cannot come to an end, as where a link is cut one way, ends by a timeout, and its packets
 * are dropped.
 */
class FlowManagerMachine : public ProtocolMachine
{
  public:
    FlowManagerMachine(const NodeConfig& config, const FlowManagerConfig& manager);
    ~FlowManagerMachine() override;

    std::size_t TableBytes() const override;
    std::size_t TableEntries() const override;
    std::size_t TableLimit() const override;

    /** Sessions that wait for state or acknowledgements, and fan-outs that are under way. */
    std::size_t PendingCount() const
    {
        return m_contexts.size() - m_freeContexts.size() + m_fanOuts.size() - m_freeFanOuts.size();
    }

    /** Copies of session state held as a member of chains. */
    const SessionStore& Store() const
    {
        return m_store;
    }

  private:
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
        bool chainDone = false;
        bool fanOutDone = false;
        bool reverseDone = false;
        bool released = false;
        bool known = false;   ///< the session is not new: its owner, too, may lack the state
        bool reverse = false; ///< the waiting packets travel against the session's first packet
        /** Of replication; part of every message about it. Both directions of a session may have
         * a context: no two contexts have the same attempt. 0: nothing was replicated. */
        std::uint16_t attempt = 0;
        NodeId accelerator = NO_NODE;
        NodeId serviceNode = NO_NODE;
        std::uint32_t generation = 0; ///< of the slot, so that a late token finds nobody
        std::uint32_t heldCount = 0;
        std::uint8_t serviceIncarnation = 0;
        Instant deadline{};
        FlowKey key; ///< of the waiting packets
        SessionRecord record;
        FramePtr translated;              ///< first packet as the service node has processed it
        PooledFrame* heldFirst = nullptr; ///< owned list, in order of arrival
        PooledFrame* heldLast = nullptr;
    };

    /** Fan-out that this node does as second manager. */
    struct FanOut
    {
        SessionRecord record;
        NodeId first = NO_NODE;
        std::uint16_t attempt = 0;
        std::uint32_t generation = 0;
        std::uint32_t remaining = 0; ///< service nodes that have not acknowledged; 0: slot free
        bool failed = false;         ///< a live service node does not have the state: no report
    };

    static const FlowKey& KeyOf(const FlowEntry& entry)
    {
        return entry.match;
    }

    void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) override;
    void HandleAcknowledged(
        NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out) override;
    void HandleReturned(NodeId peer,
                        ReliableChannel::Outstanding message,
                        Returned why,
                        Instant now,
                        Actions& out) override;
    void HandleViewChange(Instant now, Actions& out) override;
    void HandleWakeup(Instant now, Actions& out) override;
    Instant NextRoleWakeup() const override;

    // First packets
    void HandlePacketIn(NodeId accelerator, FramePtr frame, Instant now, Actions& out);
    void Open(const FlowKey& key, NodeId accelerator, FramePtr frame, Instant now, Actions& out);
    NodeId ChooseServiceNode(const FlowKey& key);
    void Ask(std::uint32_t slot, Instant now, Actions& out);
    void HandleState(const SyncMessage& message, FramePtr frame, Instant now, Actions& out);

    // Replication
    void Replicate(std::uint32_t slot, Instant now, Actions& out);
    void SendReverseEntry(std::uint32_t slot, Instant now, Actions& out);
    /** Store a copy. @returns NONE, or why the session must not be released */
    DropReason Keep(const SessionRecord& record, Actions& out);
    void HandleChain(const SyncMessage& message, Instant now, Actions& out);
    void Relay(const SessionRecord& record,
               NodeId first,
               std::uint16_t attempt,
               std::uint16_t position,
               bool known,
               Instant now,
               Actions& out);
    NodeId Successor(NodeId first, std::uint16_t position) const;
    void StartFanOut(const SessionRecord& record,
                     NodeId first,
                     std::uint16_t attempt,
                     bool known,
                     Instant now,
                     Actions& out);
    void CountDownFanOut(std::uint64_t token, bool good, Instant now, Actions& out);
    void ReportDone(MessageKind kind,
                    const SessionRecord& record,
                    NodeId first,
                    std::uint16_t attempt,
                    DropReason refused,
                    Instant now,
                    Actions& out);
    std::uint32_t MarkDone(MessageKind kind, const SessionRecord& record, std::uint16_t attempt);
    void HandleDone(const SyncMessage& message, Instant now, Actions& out);
    void FinishFanOut(std::uint64_t token, bool good, Instant now, Actions& out);
    bool SecondIsTail() const;
    void StoreReverse(const FlowEntry& entry, Actions& out);
    void Remember(const FlowEntry& entry, Actions& out);
    void HandleReturnedChain(const SyncMessage& message, Returned why, Instant now, Actions& out);

    // Contexts
    std::uint32_t FindContext(const FlowKey& key) const;
    std::uint32_t NewContext(const FlowKey& key, Instant now);
    std::uint32_t ContextOf(std::uint64_t token) const;
    std::uint32_t ContextOf(const SessionRecord& record, std::uint16_t attempt) const;
    void CloseContext(std::uint32_t slot, DropReason first, DropReason others);
    void ForgetDeadlines();
    void Hold(Context& context, FramePtr frame);
    static FramePtr TakeHeld(Context& context);
    static FlowEntry EntryOf(const Context& context);
    void Progress(std::uint32_t slot, Instant now, Actions& out);
    bool MayRelease(const Context& context) const;
    bool IsSuperseded(const Context& context);
    void Release(std::uint32_t slot, Instant now, Actions& out);
    void SendOn(FramePtr frame, const FlowKey& key, Actions& out);
    void SendEntry(
        const FlowEntry& entry, NodeId accelerator, FramePtr packet, Instant now, Actions& out);

    static std::uint64_t TokenOf(std::uint32_t slot, std::uint32_t generation)
    {
        return (static_cast<std::uint64_t>(generation) << 32) | slot;
    }

    FlowManagerConfig m_manager;
    Nat44 m_nat;          ///< consulted for block owners only; allocates nothing
    SessionStore m_store; ///< copies, as member of chains
    FlowTable<FlowEntry, &FlowManagerMachine::KeyOf> m_entries; ///< to give out: first, third
    std::deque<Context> m_contexts;
    std::vector<std::uint32_t> m_freeContexts;
    /** Of contexts, with their slots, in order of time. Those of contexts that are closed go once
     * they are in front. */
    std::deque<std::pair<Instant, std::uint32_t>> m_deadlines;
    std::uint16_t m_attempt = 0; ///< that was begun last
    FlowIndex m_contextIndex;
    std::deque<FanOut> m_fanOuts;
    std::vector<std::uint32_t> m_freeFanOuts;
};

} // namespace flowchain

#endif
