// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-machine.h"

#include "byte-order.h"
#include "flow-hash.h"
#include "message-batch.h"
#include "message-layout.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace flowchain
{

namespace
{

/** Is incarnation `a` later than `b`? Both count modulo 64. */
bool
IsLater(std::uint8_t a, std::uint8_t b)
{
    const unsigned distance = (a - b) & 63;
    return distance != 0 && distance < 32;
}

/** @returns the outer IPv4 destination of a frame that was decoded. */
std::uint32_t
OuterDestination(const Frame& frame)
{
    return Load32(frame.Header().data() + layout::IP + ipv4::DESTINATION);
}

NodeConfig
WithDefects(NodeConfig config)
{
    if (config.defects.Has(PlantedDefect::UNBOUNDED_BACKLOG))
    {
        config.channel.backlogMax = std::numeric_limits<std::uint32_t>::max();
    }
    return config;
}

} // namespace

ProtocolMachine::ProtocolMachine(const NodeConfig& config)
    : m_config(WithDefects(config))
    , m_view(config.incarnation == 0 ? MembershipView::Initial(*config.directory)
                                     : MembershipView(*config.directory))
    , m_incarnations(config.directory->nodes.size())
    , m_transport(m_config, m_view)
{
}

void
ProtocolMachine::Step(Event event, Instant now, Actions& out)
{
    switch (event.kind)
    {
    case Event::Kind::START:
        if (m_config.heartbeatInterval > Duration::zero())
        {
            m_nextHeartbeat = now;
        }
        HandleStart(now, out);
        break;
    case Event::Kind::FRAME:
        HandleFrame(std::move(event.frame), now, out);
        break;
    case Event::Kind::INJECT:
        HandleInject(std::move(event.frame), now, out);
        break;
    case Event::Kind::WAKEUP:
        if (now >= m_nextHeartbeat)
        {
            SendHeartbeat(now, out);
        }
        if (now >= m_transport.RetransmitDeadline())
        {
            ExpireChannels(now, out);
        }
        HandleWakeup(now, out);
        break;
    case Event::Kind::REQUEST:
        HandleRequest(event.request, event.subject, now, out);
        break;
    }
    m_transport.EndStep(now, out);
}

Instant
ProtocolMachine::NextWakeup() const
{
    return std::min({m_transport.NextWakeup(), m_nextHeartbeat, NextRoleWakeup()});
}

void
ProtocolMachine::HandleFrame(FramePtr frame, Instant now, Actions& out)
{
    SyncMessage message;
    std::size_t outerLength = 0;
    switch (Decode(*frame, message, outerLength))
    {
    case DecodeVerdict::OK:
        break;
    case DecodeVerdict::NOT_GENEVE:
        HandlePacket(std::move(frame), now, out);
        return;
    default:
        Drop(std::move(frame), DropReason::MALFORMED);
        return;
    }
    if (OuterDestination(*frame) != UnderlayAddressOf(m_config.self))
    {
        // No checksum covers the Ethernet address that has brought the message here.
        Drop(std::move(frame), DropReason::NOT_FOR_ME);
        return;
    }
    if (message.header.source < m_incarnations.size() &&
        VniOf(*frame) != Nodes().VniBetween(m_config.self, message.header.source))
    {
        Drop(std::move(frame), DropReason::WRONG_SERVICE);
        return;
    }
    if (message.header.kind == MessageKind::BATCH)
    {
        HandleBatch(std::move(frame), now, out);
        return;
    }
    HandleDecoded(message, std::move(frame), outerLength, now, out);
}

void
ProtocolMachine::HandleBatch(FramePtr frame, Instant now, Actions& out)
{
    std::vector<SyncMessage> messages = std::move(m_batch);
    if (DecodeBatch(*frame, messages) != DecodeVerdict::OK)
    {
        Drop(std::move(frame), DropReason::MALFORMED);
        messages.clear();
    }
    for (const SyncMessage& message : messages)
    {
        HandleDecoded(message, Pool().Acquire(), 0, now, out);
    }
    m_batch = std::move(messages);
}

void
ProtocolMachine::HandleDecoded(
    const SyncMessage& message, FramePtr frame, std::size_t outerLength, Instant now, Actions& out)
{
    const MessageHeader& header = message.header;
    if (header.source >= m_incarnations.size() || header.source == m_config.self)
    {
        Drop(std::move(frame), DropReason::MALFORMED);
        return;
    }
    if (!CheckIncarnations(header))
    {
        Refuse(std::move(frame), header.source, DropReason::STALE_INCARNATION, out);
        return;
    }
    ProcessAck(header, now, out);
    if (header.sequence == 0)
    {
        if (header.kind == MessageKind::ACK)
        {
            return;
        }
        if (header.kind == MessageKind::REFUSAL)
        {
            HandleRefusal(header, now, out);
            return;
        }
    }
    else
    {
        const DropReason fenced = Fence(header);
        if (fenced != DropReason::NONE)
        {
            Refuse(std::move(frame), header.source, fenced, out);
            return;
        }
        const bool isTwiceGood = IsPlanted(PlantedDefect::DUPLICATE_NOT_SUPPRESSED);
        if (isTwiceGood || m_transport.ChannelTo(header.source).IsNew(header.sequence))
        {
            const DropReason refused = Admit(message, out);
            if (refused != DropReason::NONE)
            {
                SendRefusal(header, refused, now, out);
                return;
            }
        }
        // A view tells by its epoch whether it is new. The controller counts from 1 again for a
        // node that it takes to be dead, and the node may have had these numbers in this life.
        const bool fresh = m_transport.Accept(header.source, header.sequence, now);
        if (!fresh && header.kind != MessageKind::VIEW && !isTwiceGood)
        {
            Drop(std::move(frame), DropReason::DUPLICATE);
            return;
        }
    }
    if (header.kind == MessageKind::VIEW)
    {
        HandleView(*frame, header.source, now, out);
        return;
    }
    frame->TrimFront(outerLength);
    HandleMessage(message, std::move(frame), now, out);
}

void
ProtocolMachine::AdoptIncarnation(NodeId peer, std::uint8_t incarnation)
{
    if (IsLater(incarnation, m_incarnations[peer]) &&
        !IsPlanted(PlantedDefect::NO_INCARNATION_CHECK))
    {
        m_incarnations[peer] = incarnation;
        m_transport.ResetReceiver(peer);
    }
}

bool
ProtocolMachine::CheckIncarnations(const MessageHeader& header)
{
    if (IsPlanted(PlantedDefect::NO_INCARNATION_CHECK))
    {
        return true;
    }
    AdoptIncarnation(header.source, header.sourceIncarnation);
    if (header.sourceIncarnation != m_incarnations[header.source])
    {
        return false;
    }
    // A heartbeat or a packet without entry is good whatever life of ours it was meant for.
    return header.kind == MessageKind::HEARTBEAT || header.kind == MessageKind::PACKET_IN ||
           header.targetIncarnation == m_config.incarnation;
}

DropReason
ProtocolMachine::Fence(const MessageHeader& header) const
{
    if (header.kind == MessageKind::VIEW)
    {
        return DropReason::NONE;
    }
    if (m_view.Epoch() == 0)
    {
        return DropReason::NO_VIEW;
    }
    if (IsPlanted(PlantedDefect::NO_FENCING))
    {
        return DropReason::NONE;
    }
    // A newer message is as bad as an older one: whoever acts on it would do so in a view that its
    // sender has left, such as fan out to fewer nodes than there are. It comes again.
    return header.epoch < m_view.Epoch()   ? DropReason::STALE_EPOCH
           : header.epoch > m_view.Epoch() ? DropReason::FUTURE_EPOCH
                                           : DropReason::NONE;
}

void
ProtocolMachine::Refuse(FramePtr frame, NodeId peer, DropReason reason, Actions& out)
{
    out.notes.push_back({.kind = NoteKind::STALE_REFUSED, .peer = peer});
    Drop(std::move(frame), reason);
}

void
ProtocolMachine::SendRefusal(const MessageHeader& refused,
                             DropReason reason,
                             Instant now,
                             Actions& out)
{
    SyncMessage message;
    message.header.kind = MessageKind::REFUSAL;
    message.header.reason = static_cast<std::uint8_t>(reason);
    SetNumber(message.header, refused.sequence);
    SendUnreliable(refused.source, message, Pool().Acquire(), now, out);
}

void
ProtocolMachine::HandleRefusal(const MessageHeader& header, Instant now, Actions& out)
{
    const NodeId peer = header.source;
    // As with an acknowledgement: it must be meant for this life and come from the one in the view.
    if (header.sourceIncarnation != m_view.Incarnation(peer) || header.reason == 0 ||
        header.reason >= DROP_REASON_COUNT)
    {
        return;
    }
    ReliableChannel::Outstanding message = m_transport.TakeBack(peer, NumberOf(header), now, out);
    if (message.copy != nullptr)
    {
        HandleReturned(peer, std::move(message), static_cast<DropReason>(header.reason), now, out);
    }
}

void
ProtocolMachine::ProcessAck(const MessageHeader& header, Instant now, Actions& out)
{
    const NodeId peer = header.source;
    // What a peer of another life acknowledges was not sent to this one.
    const bool isOfThisLife = header.sourceIncarnation == m_view.Incarnation(peer) &&
                              header.targetIncarnation == m_config.incarnation;
    if (!isOfThisLife && !IsPlanted(PlantedDefect::NO_INCARNATION_CHECK))
    {
        return;
    }
    m_transport.Acknowledge(header, m_acknowledged, now, out);
    if (m_acknowledged.empty())
    {
        return;
    }
    auto acknowledged = std::move(m_acknowledged);
    for (const auto& [kind, token] : acknowledged)
    {
        HandleAcknowledged(peer, kind, token, now, out);
    }
    acknowledged.clear();
    m_acknowledged = std::move(acknowledged);
}

void
ProtocolMachine::HandleView(const Frame& frame, NodeId source, Instant now, Actions& out)
{
    ViewBody body;
    if (DecodeView(frame, body) != DecodeVerdict::OK || body.count != m_incarnations.size())
    {
        return;
    }
    if (body.epoch == 0 && m_view.Epoch() != 0)
    {
        SendViewOnce(source, m_view.Body(), out);
    }
    else if (body.epoch > m_view.Epoch())
    {
        HandleNewerView(body, now, out);
    }
}

void
ProtocolMachine::HandleNewerView(const ViewBody& body, Instant now, Actions& out)
{
    AdoptView(body, now, out);
}

void
ProtocolMachine::AdoptView(const ViewBody& body, Instant now, Actions& out)
{
    const ViewBody old = m_view.Body();
    m_view.Adopt(body);
    out.notes.push_back({.kind = NoteKind::VIEW_ADOPTED, .value = body.epoch});
    const ViewBody::Member& self = body.members[m_config.self];
    if (self.status == MemberStatus::DOWN || self.incarnation != m_config.incarnation)
    {
        const bool planned = old.members[m_config.self].status == MemberStatus::DRAINING &&
                             self.incarnation == m_config.incarnation;
        out.notes.push_back({.kind = planned ? NoteKind::DRAINED : NoteKind::REMOVED});
        return;
    }
    std::vector<std::pair<NodeId, std::vector<ReliableChannel::Outstanding>>> returned;
    for (NodeId peer = 0; peer < m_incarnations.size(); ++peer)
    {
        const ViewBody::Member& member = body.members[peer];
        // What the last life sent must not be acknowledged to the new one.
        AdoptIncarnation(peer, member.incarnation);
        const bool left =
            member.status == MemberStatus::DOWN && old.members[peer].status != MemberStatus::DOWN;
        if (left || member.incarnation != old.members[peer].incarnation)
        {
            returned.emplace_back(peer, m_transport.ResetSender(peer));
        }
    }
    HandleViewChange(now, out);
    for (auto& [peer, messages] : returned)
    {
        for (auto& message : messages)
        {
            HandleReturned(peer, std::move(message), DropReason::NODE_DOWN, now, out);
        }
    }
}

bool
ProtocolMachine::SendReliable(NodeId peer,
                              SyncMessage& message,
                              FramePtr frame,
                              std::uint64_t token,
                              Instant now,
                              Actions& out)
{
    return m_transport.SendReliable(peer, message, std::move(frame), token, now, out);
}

void
ProtocolMachine::SendUnreliable(
    NodeId peer, SyncMessage& message, FramePtr frame, Instant now, Actions& out)
{
    m_transport.SendUnreliable(peer, message, std::move(frame), now, out);
}

void
ProtocolMachine::SendView(NodeId peer, const ViewBody& view, Instant now, Actions& out)
{
    m_transport.SendView(peer, view, now, out);
}

void
ProtocolMachine::SendViewOnce(NodeId peer, const ViewBody& view, Actions& out)
{
    m_transport.SendViewOnce(peer, m_incarnations[peer], view, out);
}

void
ProtocolMachine::SendHeartbeat(Instant now, Actions& out)
{
    SyncMessage message;
    message.header.kind = MessageKind::HEARTBEAT;
    message.header.flags = HeartbeatFlags();
    if (m_view.Status(m_config.self) == MemberStatus::DRAINING && IsIdle())
    {
        message.header.flags |= message_flag::DRAINED;
    }
    SetNumber(message.header, ++m_heartbeats);
    SendUnreliable(Nodes().controller, message, Pool().Acquire(), now, out);
    m_nextHeartbeat = now + m_config.heartbeatInterval;
}

void
ProtocolMachine::ExpireChannels(Instant now, Actions& out)
{
    for (NodeId peer = 0; peer < m_incarnations.size(); ++peer)
    {
        m_transport.Expire(peer, now, m_abandoned, out);
        if (m_abandoned.empty())
        {
            continue;
        }
        auto abandoned = std::move(m_abandoned);
        m_abandoned.clear();
        for (auto& message : abandoned)
        {
            out.notes.push_back({.kind = NoteKind::ABANDONED, .peer = peer});
            HandleReturned(peer, std::move(message), DropReason::SYNC_ABANDONED, now, out);
        }
    }
    m_transport.EndExpiry();
}

void
ProtocolMachine::HandlePacket(FramePtr frame, Instant, Actions&)
{
    Drop(std::move(frame), DropReason::NOT_FOR_ME);
}

void
ProtocolMachine::ListSessions(std::vector<SessionId>&) const
{
}

void
ProtocolMachine::HandleInject(FramePtr frame, Instant, Actions&)
{
    Drop(std::move(frame), DropReason::NOT_FOR_ME);
}

void
ProtocolMachine::HandleAcknowledged(NodeId, MessageKind, std::uint64_t, Instant, Actions&)
{
}

void
ProtocolMachine::HandleReturned(
    NodeId, ReliableChannel::Outstanding message, DropReason why, Instant, Actions&)
{
    Drop(std::move(message.copy), why);
}

DropReason
ProtocolMachine::Admit(const SyncMessage&, Actions&)
{
    return DropReason::NONE;
}

void
ProtocolMachine::HandleViewChange(Instant, Actions&)
{
}

void
ProtocolMachine::HandleWakeup(Instant, Actions&)
{
}

void
ProtocolMachine::HandleStart(Instant, Actions&)
{
}

Instant
ProtocolMachine::NextRoleWakeup() const
{
    return NEVER;
}

std::uint8_t
ProtocolMachine::HeartbeatFlags() const
{
    return message_flag::READY;
}

bool
ProtocolMachine::IsIdle() const
{
    return m_transport.IsIdle();
}

void
ProtocolMachine::HandleRequest(OperatorRequest, NodeId, Instant, Actions&)
{
}

} // namespace flowchain
