// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PROTOCOL_MACHINE_H
#define FLOWCHAIN_PROTOCOL_MACHINE_H

#include "actions.h"
#include "instant.h"
#include "membership-view.h"
#include "message-transport.h"
#include "planted-defect.h"
#include "tombstones.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

/** What every node of the system is configured with. */
struct NodeConfig
{
    NodeId self = NO_NODE;
    std::uint8_t incarnation = 0;         ///< how often the node has restarted, modulo 64
    const Directory* directory = nullptr; ///< that of the node's service group
    FramePool* pool = nullptr;
    ChannelConfig channel;
    Duration heartbeatInterval{0}; ///< 0: sends no heartbeats
    PlantedDefects defects;
};

/** What an operator asks the controller for. */
enum class OperatorRequest : std::uint8_t
{
    DRAIN,   ///< take a node out of service without loss, then let it stop
    SUSPECT, ///< take a node to be down, whether it is or not
};

/** One thing that happens to a node. */
struct Event
{
    enum class Kind : std::uint8_t
    {
        START,   ///< first event of every machine
        FRAME,   ///< a frame has been received and its processing cost paid
        INJECT,  ///< edge hosts only: the host wants to send this data packet
        WAKEUP,  ///< NextWakeup() has come, or earlier
        REQUEST, ///< controller only: an operator asks for something
    };

    Kind kind;
    FramePtr frame;
    OperatorRequest request = OperatorRequest::DRAIN; ///< of REQUEST
    NodeId subject = NO_NODE;                         ///< of REQUEST: the node that it is about
};

/**
 * The part that all nodes share: decoding, fencing by epoch and incarnation, reliable channels to
 * every peer, views, heartbeats. A role derives from it and handles what is left.
 *
 * A machine is told the time and reads no clock; its effects are the Actions of Step().
 */
class ProtocolMachine
{
  public:
    explicit ProtocolMachine(const NodeConfig& config);
    virtual ~ProtocolMachine() = default;
    ProtocolMachine(const ProtocolMachine&) = delete;
    ProtocolMachine& operator=(const ProtocolMachine&) = delete;

    /** Process one event; effects are appended to `out`. Times never go back. */
    void Step(Event event, Instant now, Actions& out);

    /** When the machine wants Event::Kind::WAKEUP next, or NEVER. */
    Instant NextWakeup() const;

    const MembershipView& View() const
    {
        return m_view;
    }

    NodeId Self() const
    {
        return m_config.self;
    }

    const MessageTransport& Transport() const
    {
        return m_transport;
    }

    /** Bytes of the tables that hold session state or flow entries. */
    virtual std::size_t TableBytes() const
    {
        return 0;
    }

    /** Entries of those tables. */
    virtual std::size_t TableEntries() const
    {
        return 0;
    }

    /** Entries that those tables may hold. */
    virtual std::size_t TableLimit() const
    {
        return 0;
    }

    /** Append the name of a session for every copy or entry of it that those tables hold. */
    virtual void ListSessions(std::vector<SessionId>& out) const;

    /** Names of deleted sessions that the node refuses; null if it knows none. */
    virtual const Tombstones* DeletedSessions() const
    {
        return nullptr;
    }

  protected:
    /** A bare data packet, not a message. By default it is dropped. */
    virtual void HandlePacket(FramePtr frame, Instant now, Actions& out);
    /** A fresh, unfenced message. `frame` starts with the inner frame, if there is one. */
    virtual void
    HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out) = 0;
    virtual void HandleInject(FramePtr frame, Instant now, Actions& out);
    virtual void HandleAcknowledged(
        NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out);
    /**
     * Whether a fresh sequenced message can be acted upon.
     * @returns NONE, or why it is refused: it is not acknowledged, and the sender is told
     */
    virtual DropReason Admit(const SyncMessage& message, Actions& out);
    /**
     * A message that was not acknowledged.
     * @param why NODE_DOWN: the peer left the view or has restarted, and the view has just changed;
     *            SYNC_ABANDONED: retransmissions exhausted; else: the peer refuses it
     */
    virtual void HandleReturned(NodeId peer,
                                ReliableChannel::Outstanding message,
                                DropReason why,
                                Instant now,
                                Actions& out);
    /** The view has changed and all channels have been reset accordingly. */
    virtual void HandleViewChange(Instant now, Actions& out);
    virtual void HandleWakeup(Instant now, Actions& out);
    virtual void HandleStart(Instant now, Actions& out);
    /** Wakeup wanted by the role itself. */
    virtual Instant NextRoleWakeup() const;
    /** Flags of the next heartbeat. */
    virtual std::uint8_t HeartbeatFlags() const;
    /** Whether the node may stop without loss: nobody waits for it, and it waits for nobody. */
    virtual bool IsIdle() const;
    /** A view that is newer than this node's has come: adopt it. */
    virtual void HandleNewerView(const ViewBody& body, Instant now, Actions& out);
    virtual void HandleRequest(OperatorRequest request, NodeId subject, Instant now, Actions& out);

    /**
     * Encapsulate `frame` (an inner frame, or empty) and send it over the reliable channel.
     * @returns false if the channel's backlog is full; the frame was dropped
     */
    bool SendReliable(NodeId peer,
                      SyncMessage& message,
                      FramePtr frame,
                      std::uint64_t token,
                      Instant now,
                      Actions& out);
    void
    SendUnreliable(NodeId peer, SyncMessage& message, FramePtr frame, Instant now, Actions& out);
    /** Send the view reliably; controller only. */
    void SendView(NodeId peer, const ViewBody& view, Instant now, Actions& out);
    /** Send a view without a guarantee, to whoever the peer is now: it need not be in the view. An
     * empty one, of epoch 0, asks the peer for its own. */
    void SendViewOnce(NodeId peer, const ViewBody& view, Actions& out);
    void SendHeartbeat(Instant now, Actions& out);
    /** Adopt a newer view: reset channels, hand back what dead peers did not acknowledge. */
    void AdoptView(const ViewBody& body, Instant now, Actions& out);

    void Drop(FramePtr frame, DropReason reason)
    {
        m_config.pool->Discard(std::move(frame), reason);
    }

    FramePool& Pool()
    {
        return *m_config.pool;
    }

    const NodeConfig& Config() const
    {
        return m_config;
    }

    bool IsPlanted(PlantedDefect defect) const
    {
        return m_config.defects.Has(defect);
    }

    const Directory& Nodes() const
    {
        return *m_config.directory;
    }

  private:
    friend class MachineDigest; ///< of tests

    void HandleFrame(FramePtr frame, Instant now, Actions& out);
    void HandleBatch(FramePtr frame, Instant now, Actions& out);
    /** Act on a message from a node of the directory. */
    void HandleDecoded(const SyncMessage& message,
                       FramePtr frame,
                       std::size_t outerLength,
                       Instant now,
                       Actions& out);
    /** Forget what an earlier life of the peer has sent, if this is a later one. */
    void AdoptIncarnation(NodeId peer, std::uint8_t incarnation);
    bool CheckIncarnations(const MessageHeader& header);
    void ProcessAck(const MessageHeader& header, Instant now, Actions& out);
    /** Whether a sequenced message may be acted upon: NONE, or why not. */
    DropReason Fence(const MessageHeader& header) const;
    void Refuse(FramePtr frame, NodeId peer, DropReason reason, Actions& out);
    void SendRefusal(const MessageHeader& refused, DropReason reason, Instant now, Actions& out);
    void HandleRefusal(const MessageHeader& header, Instant now, Actions& out);
    void HandleView(const Frame& frame, NodeId source, Instant now, Actions& out);
    void ExpireChannels(Instant now, Actions& out);

    NodeConfig m_config;
    MembershipView m_view;
    std::vector<std::uint8_t> m_incarnations; ///< newest that each node has named, by NodeId
    MessageTransport m_transport;
    Instant m_nextHeartbeat = NEVER;
    std::uint32_t m_heartbeats = 0; ///< sent in this life

    /** Scratch space, kept for its capacity. */
    std::vector<std::pair<MessageKind, std::uint64_t>> m_acknowledged;
    std::vector<ReliableChannel::Outstanding> m_abandoned;
    std::vector<SyncMessage> m_batch;
};

} // namespace flowchain

#endif
