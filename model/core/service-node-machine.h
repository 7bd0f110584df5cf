// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SERVICE_NODE_MACHINE_H
#define FLOWCHAIN_SERVICE_NODE_MACHINE_H

#include "network-function.h"
#include "removal-log.h"
#include "replica-machine.h"
#include "session-ageing.h"

#include <map>
#include <memory>

namespace flowchain
{

struct ServiceNodeConfig : ReplicaConfig
{
    std::uint32_t waitingMax = 65'536; ///< packets that wait for the release of their session
    std::uint16_t repairWindow = 32;   ///< sessions or copies given to new nodes at a time
    std::uint32_t removalsMax = 255;   ///< deletions that are not confirmed yet; 1..255
    SessionTimers timers;
    bool updates = true; ///< changes of a TCP connection's state are replicated
};

/**
 * Instance of a network function: processes first packets for real, makes session state, returns
 * state and packet to the flow manager, and keeps a copy of everybody's sessions
 * (CN116389549, paragraphs [0005]-[0006], [0012]).
 *
 * A session whose owner has left the view is adopted: every node computes the same new owner and
 * version from the session's id and the view, so two copies never disagree. A node that comes back
 * joins by a snapshot from the active node with the lowest id, while live updates flow already.
 * Where no service node is active and managers have copies, all active managers are the donors,
 * and what they have together is what is left of the sessions; the first node that has it is the
 * donor of the others.
 *
 * A session's owner, or its heir, is responsible for it: it follows the TCP connection by what
 * accelerators tell, replicates its state, sends it to managers that a new view puts in its chain,
 * and deletes it in the end. A deletion is told to every
 * node that may have a copy or an entry (REMOVE); each takes them out for good, and what the
 * network function took for the session is given back only when all of them have confirmed or
 * left the view. Deletions that a dead node has not brought to an end are taken over.
 */
class ServiceNodeMachine : public ReplicaMachine
{
  public:
    ServiceNodeMachine(const NodeConfig& config,
                       const ServiceNodeConfig& service,
                       std::unique_ptr<NetworkFunction> function);

    std::size_t TableBytes() const override;
    std::size_t TableEntries() const override;
    std::size_t TableLimit() const override;

    /** Deletions that are not confirmed by everybody, or have not begun. */
    std::size_t PendingDeletions() const
    {
        return m_removals.UnderWay() + m_doomed.size();
    }

    const NetworkFunction& Function() const
    {
        return *m_function;
    }

  private:
    friend class MachineDigest; ///< of tests

    /** A processed packet that waits until its session has been spread. */
    struct Waiting
    {
        FramePtr packet; ///< null: slot free
        NodeId manager = NO_NODE;
        std::uint8_t flags = 0;
        std::uint32_t next = FlowIndex::NOT_FOUND; ///< of the same spread
    };

    /** A packet that waits for the store's answer. */
    struct PendingFetch
    {
        FramePtr packet; ///< null: slot free
        MessageHeader header;
        FlowKey key;
        std::uint32_t generation = 0; ///< of the slot, so that a late token finds nobody
        NodeId store = NO_NODE;       ///< who has been asked
        std::uint8_t incarnation = 0; ///< of it
    };

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
    void HandleWakeup(Instant now, Actions& out) override;
    Instant NextRoleWakeup() const override;
    void HandleKept(const SessionRecord& record, Instant now, Actions& out) override;
    std::uint8_t HeartbeatFlags() const override;

    void Process(const MessageHeader& header, FramePtr frame, Instant now, Actions& out);
    void ProcessLooked(const SessionStore::Match& match,
                       bool isFetched,
                       const MessageHeader& header,
                       FramePtr frame,
                       PacketView& view,
                       Instant now,
                       Actions& out);
    void Fetch(NodeId store,
               const MessageHeader& header,
               const FlowKey& key,
               FramePtr frame,
               Instant now,
               Actions& out);
    void RestartFetches(Instant now, Actions& out);
    void SendFetch(std::uint32_t slot, NodeId store, Instant now, Actions& out);
    PendingFetch TakeFetch(std::uint32_t slot);
    void HandleFetched(const SyncMessage& message, Instant now, Actions& out);
    void HandleReturnedFetch(std::uint64_t token, DropReason why, Instant now, Actions& out);
    /** The packet belongs to `record`, which is not to be spread, or has been. */
    void Answer(const SessionRecord& record,
                std::uint8_t flags,
                NodeId manager,
                FramePtr packet,
                Instant now,
                Actions& out);
    void SpreadAndAnswer(const SessionRecord& record,
                         std::uint8_t flags,
                         NodeId manager,
                         FramePtr packet,
                         Instant now,
                         Actions& out);
    void Wait(SpreadHandle handle, std::uint8_t flags, NodeId manager, FramePtr packet);
    void AnswerWaiting(SpreadHandle handle, Instant now, Actions& out);
    Waiting TakeWaiting(SpreadHandle handle);
    const Frame* FirstWaiting(SpreadHandle handle);
    void Progress(SpreadHandle handle, Instant now, Actions& out);
    void RestartSpreads(Instant now, Actions& out);
    void SetFirstWaiting(SpreadHandle handle, std::uint32_t slot);
    void Finish(SpreadHandle handle);
    void BeginRepair(Instant now, Actions& out);
    void FeedRepair(Instant now, Actions& out);
    void HandleRepaired(Instant now, Actions& out);
    bool NeedsRepair(const SessionRecord& record);
    bool Repair(const SessionRecord& record, Instant now, Actions& out);
    bool ChainsMayHaveGaps() const;
    bool ManagersAreAsAtFirst() const;
    void PlanRepair(const SessionRecord& record, const MembershipView& view, CopyPlan& plan) const;
    DropReason Create(const PacketView& view, Instant now, SessionRecord& record);
    bool Adopt(SessionRecord& record) const;
    void Refuse(NodeId manager,
                const FlowKey& key,
                DropReason reason,
                FramePtr packet,
                Instant now,
                Actions& out);

    // Joining
    void HandleSnapshot(const SyncMessage& message, Instant now, Actions& out);
    void HandleSnapshotEnd(const MessageHeader& header, Instant now, Actions& out);
    void ReviseJoining(Instant now, Actions& out);
    bool HasAllOfManagers() const;
    void BecomeReady(NodeId donor, Instant now, Actions& out);
    /** Who deletes a session whose owner cannot. @returns NO_NODE if there is nobody */
    NodeId RemoverOf(const SessionRecord& record) const;

    // Life of sessions
    /** A session whose deletion is decided and has not begun. */
    struct Doomed
    {
        SessionRecord record;
        DeletionCause cause;
    };

    bool IsResponsible(const SessionRecord& record, const MembershipView& view) const;
    bool IsResponsible(const SessionRecord& record) const;
    bool IsDoomed(SessionId id) const;
    /** Why a packet of a session that is being deleted is dropped. */
    static DropReason WhyClosing(const PacketView& view);
    void HandleLifeMessage(const SyncMessage& message, Instant now, Actions& out);
    void HandleObserved(const SyncMessage& message, Instant now, Actions& out);
    void ChangeState(SessionRecord record, SessionState state, Instant now, Actions& out);
    void SpreadUpdate(const SessionRecord& record, Instant now, Actions& out);
    void HandleRemove(const SyncMessage& message, Instant now, Actions& out);
    void Abandon(const SessionRecord& record, Instant now, Actions& out);
    void Doom(const SessionRecord& record, DeletionCause cause, Instant now, Actions& out);
    void BeginRemovals(Instant now, Actions& out);
    void BeginRemoval(SessionRecord record, DeletionCause cause, Instant now, Actions& out);
    void TakeOut(const SessionRecord& record, Instant now, Actions& out);
    /** Who else may have a copy or an entry of a session. */
    std::vector<NodeId> Holders() const;
    void TellRemoval(std::uint32_t number, NodeId node, Instant now, Actions& out);
    void ConfirmRemoval(std::uint64_t token, NodeId node, Instant now, Actions& out);
    void FinishRemoval(const SessionRecord& record, Actions& out);
    void HandleReturnedRemoval(NodeId peer, std::uint64_t token, DropReason why, Instant now);
    void RetryRemovals(Instant now, Actions& out);
    bool HasChanged(NodeId node) const;
    void TakeOverLives(Instant now, Actions& out);
    void ReviseRemovals(Instant now, Actions& out);
    void TakeOverRemovals(NodeId gone, Instant now, Actions& out);

    ServiceNodeConfig m_service;
    std::unique_ptr<NetworkFunction> m_function;
    std::vector<Waiting> m_waiting;
    std::vector<std::uint32_t> m_freeWaiting;
    std::vector<PendingFetch> m_fetches;
    std::vector<std::uint32_t> m_freeFetches;
    /** View in which every own session was spread as its scheme wants it. */
    MembershipView m_repairedView;
    std::size_t m_repairCursor = 0; ///< next slot of the store; none is left at its end
    std::uint32_t m_repairs = 0;    ///< spreads or managers' copies under way for repair
    Instant m_repairAt = NEVER;     ///< when repair goes on, unless something is reported before
    CopyPlan m_planBefore;          ///< scratch, like m_planNow and m_lacking
    CopyPlan m_planNow;
    std::vector<NodeId> m_lacking;
    std::uint64_t m_serial = 0;
    bool m_ready;
    bool m_isRestored = false; ///< it is ready since managers gave it what they have
    std::map<NodeId, std::uint8_t> m_ended; ///< donors that have sent all, with their lives
    Instant m_joinBy = NEVER; ///< while managers are the donors: wait no longer without progress

    SessionAgeing m_ageing; ///< of the sessions that this node is responsible for
    RemovalLog m_removals;
    std::deque<Doomed> m_doomed; ///< wait for m_removals; of the store, or just taken out of it
    std::vector<RemovalWitness> m_witness; ///< index: NodeId
    ViewBody m_lastView;                   ///< the one before
    Instant m_removalRetry = NEVER;        ///< when what could not be told is told again
};

} // namespace flowchain

#endif
