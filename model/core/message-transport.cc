// SPDX-License-Identifier: GPL-2.0-only
#include "message-transport.h"

#include "flow-hash.h"
#include "message-batch.h"
#include "protocol-machine.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

std::uint64_t
EntropyOf(const SyncMessage& message)
{
    return message.record.id != 0 ? message.record.id : message.entry.session;
}

} // namespace

MessageTransport::MessageTransport(const NodeConfig& config, const MembershipView& view)
    : m_config(config)
    , m_view(view)
{
    const ChannelConfig& channel = config.channel;
    assert(channel.batchCount >= 1 && channel.batchCount <= BATCH_MESSAGES_MAX);
    assert(channel.batchBytes <= BATCH_BYTES_MAX);
    m_peers.reserve(config.directory->nodes.size());
    for (std::size_t i = 0; i < config.directory->nodes.size(); ++i)
    {
        m_peers.emplace_back(channel);
    }
}

// ---------------------------------------------------------------------------------------------
// Sending

void
MessageTransport::FillHeader(NodeId peer, MessageHeader& header)
{
    header.source = m_config.self;
    header.sourceIncarnation = m_config.incarnation;
    header.targetIncarnation = m_view.Epoch() == 0 ? 0 : m_view.Incarnation(peer);
    header.epoch = m_view.Epoch();
    m_peers[peer].channel.FillAck(header);
}

Underlay
MessageTransport::MakeUnderlay(NodeId peer, std::uint64_t entropy) const
{
    Underlay underlay;
    underlay.sourceMac = MacOf(m_config.self);
    underlay.destinationMac = MacOf(peer);
    underlay.sourceAddress = UnderlayAddressOf(m_config.self);
    underlay.destinationAddress = UnderlayAddressOf(peer);
    // RFC 8926, section 3.3: the source port carries the flow's entropy, in the dynamic range.
    underlay.sourcePort = static_cast<std::uint16_t>(0xc000 | (Mix64(entropy) & 0x3fff));
    underlay.vni = m_config.directory->VniBetween(m_config.self, peer);
    return underlay;
}

bool
MessageTransport::SendReliable(NodeId peer,
                               SyncMessage& message,
                               FramePtr frame,
                               std::uint64_t token,
                               Instant now,
                               Actions& out)
{
    ReliableChannel& channel = m_peers[peer].channel;
    const std::uint32_t owed = channel.Owed();
    message.header.sequence = channel.NextSequence();
    FillHeader(peer, message.header);
    Encapsulate(message, MakeUnderlay(peer, EntropyOf(message)), *frame);
    return Transmit(peer, std::move(frame), message.header.kind, token, owed, now, out);
}

void
MessageTransport::SendView(NodeId peer, const ViewBody& view, Instant now, Actions& out)
{
    ReliableChannel& channel = m_peers[peer].channel;
    const std::uint32_t owed = channel.Owed();
    MessageHeader header;
    header.kind = MessageKind::VIEW;
    header.sequence = channel.NextSequence();
    FillHeader(peer, header);
    FramePtr frame = m_config.pool->Acquire();
    EncapsulateView(header, view, MakeUnderlay(peer, view.epoch), *frame);
    Transmit(peer, std::move(frame), MessageKind::VIEW, view.epoch, owed, now, out);
}

void
MessageTransport::SendViewOnce(NodeId peer,
                               std::uint8_t incarnation,
                               const ViewBody& view,
                               Actions& out)
{
    MessageHeader header;
    header.kind = MessageKind::VIEW;
    FillHeader(peer, header);
    header.targetIncarnation = incarnation;
    FramePtr frame = m_config.pool->Acquire();
    EncapsulateView(header, view, MakeUnderlay(peer, view.epoch), *frame);
    out.sends.push_back(std::move(frame));
}

bool
MessageTransport::Transmit(NodeId peer,
                           FramePtr frame,
                           MessageKind kind,
                           std::uint64_t token,
                           std::uint32_t owed,
                           Instant now,
                           Actions& out)
{
    ReliableChannel& channel = m_peers[peer].channel;
    const auto verdict = channel.Send(frame, kind, token, now, *m_config.pool);
    if (verdict == ReliableChannel::SendVerdict::TRANSMIT)
    {
        m_retransmitDeadline = std::min(m_retransmitDeadline, channel.NextDeadline());
        Emit(peer, std::move(frame), now, out);
        return true;
    }
    NoteCongestion(peer);
    channel.OweAck(owed); // the frame that was to carry it does not leave now
    if (verdict == ReliableChannel::SendVerdict::BACKLOG_FULL)
    {
        m_config.pool->Discard(std::move(frame), DropReason::SYNC_BACKLOG_FULL);
        return false;
    }
    return true;
}

void
MessageTransport::SendUnreliable(
    NodeId peer, SyncMessage& message, FramePtr frame, Instant now, Actions& out)
{
    message.header.sequence = 0;
    FillHeader(peer, message.header);
    Encapsulate(message, MakeUnderlay(peer, EntropyOf(message)), *frame);
    if (message.header.kind == MessageKind::ACK || message.header.kind == MessageKind::HEARTBEAT)
    {
        out.sends.push_back(std::move(frame));
        return;
    }
    Emit(peer, std::move(frame), now, out);
}

void
MessageTransport::RestampAndSend(NodeId peer, std::uint32_t again, Instant now, Actions& out)
{
    for (std::size_t i = 0; i < m_freed.size(); ++i)
    {
        MessageHeader header;
        FillHeader(peer, header);
        Restamp(*m_freed[i], header, i < again);
        Emit(peer, std::move(m_freed[i]), now, out);
    }
    m_freed.clear();
}

// ---------------------------------------------------------------------------------------------
// Batches

void
MessageTransport::Emit(NodeId peer, FramePtr frame, Instant now, Actions& out)
{
    const ChannelConfig& config = m_config.channel;
    if (config.batchCount == 1 || !MayBeInBatch(*frame))
    {
        out.sends.push_back(std::move(frame));
        return;
    }
    Peer& to = m_peers[peer];
    const std::size_t size = SizeInBatch(*frame);
    if (!to.waiting.empty() && to.waitingBytes + size > config.batchBytes)
    {
        Flush(peer, out);
    }
    if (to.waiting.empty())
    {
        to.waitingBytes = BATCH_OVERHEAD;
        to.batchAt = now + config.batchDelay;
        m_batchPeers.push_back(peer);
        m_batchDeadline = std::min(m_batchDeadline, to.batchAt);
    }
    to.waitingBytes += size;
    to.waiting.push_back(std::move(frame));
    if (to.waiting.size() == config.batchCount)
    {
        Flush(peer, out);
    }
}

void
MessageTransport::Flush(NodeId peer, Actions& out)
{
    Peer& to = m_peers[peer];
    MessageHeader header;
    header.kind = MessageKind::BATCH;
    FillHeader(peer, header);
    FramePtr frame;
    if (to.waiting.size() == 1)
    {
        frame = std::move(to.waiting.front());
        Restamp(*frame, header, false);
    }
    else
    {
        frame = m_config.pool->Acquire();
        for (const FramePtr& message : to.waiting)
        {
            AppendToBatch(*frame, *message, header);
        }
        header.attempt = static_cast<std::uint16_t>(to.waiting.size());
        // Each batch may take another path: it belongs to many flows.
        EncapsulateBatch(header, MakeUnderlay(peer, m_batches++), *frame);
    }
    to.waiting.clear();
    std::erase(m_batchPeers, peer);
    out.sends.push_back(std::move(frame));
}

void
MessageTransport::FlushDue(Instant now, Actions& out)
{
    while (!m_batchPeers.empty() && m_peers[m_batchPeers.front()].batchAt <= now)
    {
        Flush(m_batchPeers.front(), out);
    }
    m_batchDeadline = m_batchPeers.empty() ? NEVER : m_peers[m_batchPeers.front()].batchAt;
}

// ---------------------------------------------------------------------------------------------
// Acknowledgements

bool
MessageTransport::Accept(NodeId peer, std::uint32_t sequence, Instant now)
{
    Peer& from = m_peers[peer];
    const bool wasDue = from.channel.AckDue();
    const bool fresh = from.channel.Accept(sequence);
    if (!wasDue || !from.ackListed)
    {
        from.ackAt = now + m_config.channel.ackDelay;
    }
    if (from.channel.AckUrgent())
    {
        from.ackAt = now;
    }
    if (!from.ackListed)
    {
        from.ackListed = true;
        m_ackPeers.push_back(peer);
    }
    m_ackDeadline = std::min(m_ackDeadline, from.ackAt);
    return fresh;
}

void
MessageTransport::SendDueAcks(Instant now, Actions& out)
{
    if (now < m_ackDeadline)
    {
        return;
    }
    m_ackDeadline = NEVER;
    std::erase_if(m_ackPeers,
                  [&](NodeId peer)
                  {
        Peer& to = m_peers[peer];
        // Messages that wait carry it.
        const bool isDue = to.channel.AckDue() && to.waiting.empty();
        if (isDue && now < to.ackAt)
        {
            m_ackDeadline = std::min(m_ackDeadline, to.ackAt);
            return false;
        }
        to.ackListed = false;
        if (isDue)
        {
            SyncMessage message;
            message.header.kind = MessageKind::ACK;
            SendUnreliable(peer, message, m_config.pool->Acquire(), now, out);
        }
        return true;
    });
}

void
MessageTransport::Acknowledge(const MessageHeader& header,
                              std::vector<std::pair<MessageKind, std::uint64_t>>& acknowledged,
                              Instant now,
                              Actions& out)
{
    ReliableChannel& channel = m_peers[header.source].channel;
    channel.Acknowledge(header, now, *m_config.pool, acknowledged, m_freed);
    if (!m_freed.empty())
    {
        RestampAndSend(header.source, 0, now, out);
        NoteCongestion(header.source);
        m_retransmitDeadline = std::min(m_retransmitDeadline, channel.NextDeadline());
    }
}

ReliableChannel::Outstanding
MessageTransport::TakeBack(NodeId peer, std::uint32_t sequence, Instant now, Actions& out)
{
    ReliableChannel& channel = m_peers[peer].channel;
    auto message = channel.Refuse(sequence, now, *m_config.pool, m_freed);
    if (!m_freed.empty())
    {
        RestampAndSend(peer, 0, now, out);
        NoteCongestion(peer);
        m_retransmitDeadline = std::min(m_retransmitDeadline, channel.NextDeadline());
    }
    return message;
}

// ---------------------------------------------------------------------------------------------
// Peers that restart, time

void
MessageTransport::ResetReceiver(NodeId peer)
{
    m_peers[peer].channel.ResetReceiver();
}

std::vector<ReliableChannel::Outstanding>
MessageTransport::ResetSender(NodeId peer)
{
    Peer& to = m_peers[peer];
    if (!to.waiting.empty())
    {
        to.waiting.clear();
        std::erase(m_batchPeers, peer);
    }
    auto unacknowledged = to.channel.ResetSender();
    NoteCongestion(peer);
    return unacknowledged;
}

void
MessageTransport::Expire(NodeId peer,
                         Instant now,
                         std::vector<ReliableChannel::Outstanding>& abandoned,
                         Actions& out)
{
    ReliableChannel& channel = m_peers[peer].channel;
    if (channel.NextDeadline() > now)
    {
        return;
    }
    const std::uint32_t again = channel.Expire(now, *m_config.pool, m_freed, abandoned);
    if (again != 0)
    {
        out.notes.push_back({.kind = NoteKind::RETRANSMITTED, .peer = peer, .value = again});
    }
    RestampAndSend(peer, again, now, out);
    NoteCongestion(peer);
}

void
MessageTransport::NoteCongestion(NodeId peer)
{
    Peer& to = m_peers[peer];
    if (to.congested != to.channel.IsCongested())
    {
        to.congested = !to.congested;
        if (to.congested)
        {
            m_congested.push_back(peer);
        }
        else
        {
            std::erase(m_congested, peer);
        }
    }
}

bool
MessageTransport::IsIdle() const
{
    return std::all_of(m_peers.begin(),
                       m_peers.end(),
                       [](const Peer& peer)
                       {
        return peer.channel.OutstandingCount() == 0 && peer.channel.BacklogCount() == 0;
    });
}

std::uint32_t
MessageTransport::OutstandingMax() const
{
    std::uint32_t most = 0;
    for (const Peer& peer : m_peers)
    {
        most = std::max(most, peer.channel.OutstandingMax());
    }
    return most;
}

std::uint32_t
MessageTransport::BacklogMax() const
{
    std::uint32_t most = 0;
    for (const Peer& peer : m_peers)
    {
        most = std::max(most, peer.channel.BacklogMax());
    }
    return most;
}

void
MessageTransport::EndExpiry()
{
    m_retransmitDeadline = NEVER;
    for (const Peer& peer : m_peers)
    {
        m_retransmitDeadline = std::min(m_retransmitDeadline, peer.channel.NextDeadline());
    }
}

void
MessageTransport::EndStep(Instant now, Actions& out)
{
    FlushDue(now, out);
    SendDueAcks(now, out);
}

Instant
MessageTransport::NextWakeup() const
{
    return std::min({m_retransmitDeadline, m_ackDeadline, m_batchDeadline});
}

} // namespace flowchain
