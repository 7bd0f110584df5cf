// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CONTROLLER_MACHINE_H
#define FLOWCHAIN_CONTROLLER_MACHINE_H

#include "failure-detector.h"
#include "protocol-machine.h"

namespace flowchain
{

struct ControllerConfig
{
    DetectorConfig detector;
    bool snapshotOnJoin = true; ///< a service node that comes back joins first; else it is active
    Duration publishDelay{0};   ///< from a decision to the view that says so
    Duration drainTime{20'000'000'000}; ///< once all know that a node drains, until it may stop
    /** Managers have copies: where no service node is active, one that comes back joins by them. */
    bool restoreFromManagers = false;
};

/**
 * Detects failures by heartbeats and publishes membership views. Every change is a new epoch, sent
 * reliably to all nodes that are not down.
 *
 * A service node that comes back is JOINING until it says that it has got what it lacks, from an
 * active service node or, if there is none, from the active managers. If there is nobody who could
 * give it anything, it is ACTIVE at once.
 *
 * A silent node that is the last of its role stays in the view: there is nobody to take over, and
 * if it is the controller that is cut off, to be out would cost the node all that it has.
 *
 * A node is drained in three steps. A view calls it DRAINING: nobody selects it any more. Once all
 * others have acknowledged that view, what they sent before needs `drainTime` at most to arrive.
 * After that, the first heartbeat that says that nothing is pending there makes it DOWN, and it
 * stops. The last active node of a role is not drained.
 *
 * A controller that has restarted knows nothing, and must not publish what contradicts its former
 * self. It listens for as long as it would take to suspect a node, asks those that it hears for
 * their views, and goes on from the newest one (as a view change in Viewstamped Replication does,
 * Oki & Liskov 1988): those that it has not heard are down. Epochs of its lives never meet, since
 * those of the n-th one begin at n * 2^24: a view that has reached nobody but a dead node or a host
 * is not reused either.
 */
class ControllerMachine : public ProtocolMachine
{
  public:
    ControllerMachine(const NodeConfig& config, const ControllerConfig& controller);

  private:
    /** What the controller knows of a node beyond the view. */
    struct Member
    {
        std::uint32_t acknowledged = 0; ///< newest epoch that the node has adopted, as it says
        std::uint32_t activeSince = 0;  ///< first epoch that calls it ACTIVE
        std::uint32_t drainEpoch = 0;   ///< first that calls it DRAINING; 0: none does
        Instant drainableAt = NEVER;    ///< everything sent to it before drainEpoch has arrived
        bool heard = false;             ///< while the controller recovers
        std::uint8_t incarnation = 0;   ///< as heard then
        bool ready = false;             ///< as heard then
    };

    void HandleStart(Instant now, Actions& out) override;
    void HandleWakeup(Instant now, Actions& out) override;
    void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) override;
    void HandleAcknowledged(
        NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out) override;
    void HandleNewerView(const ViewBody& body, Instant now, Actions& out) override;
    void HandleRequest(OperatorRequest request, NodeId subject, Instant now, Actions& out) override;
    Instant NextRoleWakeup() const override;

    bool IsWatched(NodeId node) const;
    bool IsRecovering() const
    {
        return m_recoveredAt != NEVER;
    }

    void HandleHeartbeat(const MessageHeader& header, Instant now, Actions& out);
    MemberStatus StatusOnReturn(NodeId node, bool ready, const ViewBody& body) const;
    /** Whether the view has nobody else of the node's role in its service group. */
    bool IsLast(NodeId node) const;
    bool IsLastActive(NodeId node) const;
    bool HasAlike(NodeId node, MemberStatus status, const ViewBody& body) const;
    bool KnowsADonor(NodeId node, std::uint32_t epoch) const;
    /** Whether managers can give the service node's group what it has lost. */
    bool CanRestore(NodeId node, const ViewBody& body) const;
    void PromoteIfLast(ViewBody& body) const;
    void Suspect(NodeId node, Actions& out);
    void UpdateDrains(Instant now);

    // After a restart
    void Listen(const MessageHeader& header, Instant now, Actions& out);
    void ListenFrom(Instant now);
    void Resume(Instant now, Actions& out);

    /** m_wanted has changed: a view that says so follows, at once or after the delay. */
    void Decide(Instant now, Actions& out);
    void Publish(Instant now, Actions& out);

    ControllerConfig m_controller;
    FailureDetector m_detector;
    ViewBody m_wanted;              ///< members as the next view has them; its epoch means nothing
    Instant m_publishAt = NEVER;    ///< of a view that is delayed
    std::vector<Member> m_members;  ///< index: NodeId
    Instant m_listensSince{};       ///< while recovering
    Instant m_recoveredAt = NEVER;  ///< until then only listen, or longer
    std::uint32_t m_epochFloor = 0; ///< no epoch up to this one is published
    std::uint32_t m_heardEpoch = 0; ///< newest that a heartbeat named in this round of listening
    ViewBody m_learnt;              ///< newest view of others, while recovering
};

} // namespace flowchain

#endif
