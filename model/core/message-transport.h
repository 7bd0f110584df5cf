// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_MESSAGE_TRANSPORT_H
#define FLOWCHAIN_MESSAGE_TRANSPORT_H

#include "actions.h"
#include "instant.h"
#include "membership-view.h"
#include "reliable-channel.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

struct NodeConfig;

/**
 * How a node's messages reach its peers: a reliable channel to each of them, acknowledgements on
 * their own where no message carries them, and batches of messages in one frame.
 *
 * Messages to one peer wait for others until there are batchCount of them, the frame would become
 * longer than batchBytes, or the first one has waited for batchDelay; then they leave in one frame.
 * Those with an inner frame, views, heartbeats and lone acknowledgements do not wait and pass by:
 * the channel is unordered anyway, and a batch that every packet cut short would be none.
 */
class MessageTransport
{
  public:
    /** Both are referred to, not copied. */
    MessageTransport(const NodeConfig& config, const MembershipView& view);

    /** As ProtocolMachine::SendReliable(). */
    bool SendReliable(NodeId peer,
                      SyncMessage& message,
                      FramePtr frame,
                      std::uint64_t token,
                      Instant now,
                      Actions& out);
    void
    SendUnreliable(NodeId peer, SyncMessage& message, FramePtr frame, Instant now, Actions& out);
    void SendView(NodeId peer, const ViewBody& view, Instant now, Actions& out);
    /** As ProtocolMachine::SendViewOnce(). @param incarnation of the peer, which the view may not
     * know */
    void SendViewOnce(NodeId peer, std::uint8_t incarnation, const ViewBody& view, Actions& out);

    /** Note a sequenced message that has been received. @returns whether it is new */
    bool Accept(NodeId peer, std::uint32_t sequence, Instant now);
    /** Process the acknowledgement fields of a header, as ReliableChannel::Acknowledge(). */
    void Acknowledge(const MessageHeader& header,
                     std::vector<std::pair<MessageKind, std::uint64_t>>& acknowledged,
                     Instant now,
                     Actions& out);

    /** The peer refuses a message for good, as ReliableChannel::Refuse(). */
    ReliableChannel::Outstanding
    TakeBack(NodeId peer, std::uint32_t sequence, Instant now, Actions& out);

    /** The peer has restarted: forget what it had sent. */
    void ResetReceiver(NodeId peer);
    /** The peer is gone or has restarted. @returns what it has not acknowledged */
    std::vector<ReliableChannel::Outstanding> ResetSender(NodeId peer);

    /** Send again to one peer what is due. Messages that are given up are appended to `abandoned`.
     */
    void Expire(NodeId peer,
                Instant now,
                std::vector<ReliableChannel::Outstanding>& abandoned,
                Actions& out);
    /** Expire() has been called for every peer. */
    void EndExpiry();
    /** No message is due to be sent again before it. */
    Instant RetransmitDeadline() const
    {
        return m_retransmitDeadline;
    }

    /** Let go what has waited for long enough: batches, then acknowledgements. To be called at the
     * end of every step. */
    void EndStep(Instant now, Actions& out);
    /** When the transport wants to be woken, or NEVER. */
    Instant NextWakeup() const;

    const ReliableChannel& ChannelTo(NodeId peer) const
    {
        return m_peers[peer].channel;
    }

    /** Peers for which more messages wait than ChannelConfig::backlogHigh allows. */
    const std::vector<NodeId>& Congested() const
    {
        return m_congested;
    }

    /** Whether every message has been acknowledged. */
    bool IsIdle() const;

    /** Most messages that have been unacknowledged, or have waited for a window, to one peer. */
    std::uint32_t OutstandingMax() const;
    std::uint32_t BacklogMax() const;

  private:
    friend class MachineDigest; ///< of tests

    struct Peer
    {
        explicit Peer(const ChannelConfig& config)
            : channel(config)
        {
        }

        ReliableChannel channel;
        bool congested = false;        ///< in m_congested
        Instant ackAt{};               ///< when an acknowledgement that is due leaves on its own
        bool ackListed = false;        ///< in m_ackPeers
        std::vector<FramePtr> waiting; ///< whole messages, for a batch
        std::size_t waitingBytes = 0;  ///< length of the frame that they would make
        Instant batchAt{};             ///< when they leave at the latest
    };

    void FillHeader(NodeId peer, MessageHeader& header);
    Underlay MakeUnderlay(NodeId peer, std::uint64_t entropy) const;
    bool Transmit(NodeId peer,
                  FramePtr frame,
                  MessageKind kind,
                  std::uint64_t token,
                  std::uint32_t owed,
                  Instant now,
                  Actions& out);
    void Emit(NodeId peer, FramePtr frame, Instant now, Actions& out);
    void Flush(NodeId peer, Actions& out);
    void FlushDue(Instant now, Actions& out);
    void SendDueAcks(Instant now, Actions& out);
    /** Keep m_congested: the channel's backlog has changed. */
    void NoteCongestion(NodeId peer);
    /** Send the frames of m_freed: the first `again` have been sent before. */
    void RestampAndSend(NodeId peer, std::uint32_t again, Instant now, Actions& out);

    const NodeConfig& m_config;
    const MembershipView& m_view;
    std::vector<Peer> m_peers; ///< index: NodeId
    Instant m_retransmitDeadline = NEVER;

    std::vector<NodeId> m_ackPeers;   ///< in the order in which acknowledgements became due
    Instant m_ackDeadline = NEVER;    ///< no acknowledgement has to leave earlier
    std::vector<NodeId> m_batchPeers; ///< messages wait; in the order of their batchAt
    Instant m_batchDeadline = NEVER;
    std::uint64_t m_batches = 0; ///< sent so far

    std::vector<NodeId> m_congested; ///< in the order in which they became it

    std::vector<FramePtr> m_freed; ///< scratch space, kept for its capacity
};

} // namespace flowchain

#endif
