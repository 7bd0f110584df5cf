// SPDX-License-Identifier: GPL-2.0-only
#include "service-node-machine.h"

#include "byte-order.h"
#include "icmp.h"
#include "selector.h"
#include "tcp.h"
#include "udp.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

/** Of the packet's transport header. */
std::uint8_t*
ChecksumField(Frame& frame, const PacketView& view)
{
    const std::size_t offset = view.key.protocol == IpProtocol::TCP   ? tcp::CHECKSUM
                               : view.key.protocol == IpProtocol::UDP ? udp::CHECKSUM
                                                                      : icmp::CHECKSUM;
    return frame.Header().data() + view.l4Offset + offset;
}

} // namespace

ServiceNodeMachine::ServiceNodeMachine(const NodeConfig& config,
                                       const ServiceNodeConfig& service,
                                       std::unique_ptr<NetworkFunction> function)
    : ReplicaMachine(config, service)
    , m_service(service)
    , m_function(std::move(function))
    , m_repairedView(View())
    , m_ready(config.incarnation == 0 || config.defects.Has(PlantedDefect::ACTIVE_BEFORE_SNAPSHOT))
    , m_ageing(service.timers)
    , m_removals(service.removalsMax)
    , m_witness(config.directory->nodes.size())
    , m_lastView(View().Body())
{
}

std::size_t
ServiceNodeMachine::TableBytes() const
{
    return Store().Bytes() + m_ageing.Bytes();
}

std::size_t
ServiceNodeMachine::TableEntries() const
{
    return Store().Size();
}

std::size_t
ServiceNodeMachine::TableLimit() const
{
    return m_service.sessionsMax;
}

std::uint8_t
ServiceNodeMachine::HeartbeatFlags() const
{
    return m_ready ? message_flag::READY : 0;
}

void
ServiceNodeMachine::HandleRoleMessage(const SyncMessage& message,
                                      FramePtr frame,
                                      Instant now,
                                      Actions& out)
{
    switch (message.header.kind)
    {
    case MessageKind::PROCESS:
        Process(message.header, std::move(frame), now, out);
        break;
    case MessageKind::FETCHED:
        HandleFetched(message, now, out);
        break;
    case MessageKind::SNAPSHOT:
        HandleSnapshot(message, now, out);
        break;
    case MessageKind::OBSERVED:
    case MessageKind::REFRESH:
    case MessageKind::REMOVE:
        HandleLifeMessage(message, now, out);
        break;
    case MessageKind::SNAPSHOT_END:
        HandleSnapshotEnd(message.header, now, out);
        break;
    default:
        Drop(std::move(frame), DropReason::NOT_FOR_ME);
        break;
    }
}

void
ServiceNodeMachine::Process(const MessageHeader& header, FramePtr frame, Instant now, Actions& out)
{
    PacketView view;
    if (ParsePacketTrusted(*frame, 0, view) != PacketVerdict::OK || view.ttl <= 1)
    {
        Drop(std::move(frame), DropReason::MALFORMED);
        return;
    }
    const SessionStore::Match match = MutableStore().Find(view.key);
    const NodeId store = match.record == nullptr ? Scheme().FetchFrom(view.key, View()) : NO_NODE;
    if (store != NO_NODE)
    {
        Fetch(store, header, view.key, std::move(frame), now, out);
        return;
    }
    ProcessLooked(match, false, header, std::move(frame), view, now, out);
}

/** Process a packet once it is certain whether its session is known. */
void
ServiceNodeMachine::ProcessLooked(const SessionStore::Match& match,
                                  bool isFetched,
                                  const MessageHeader& header,
                                  FramePtr frame,
                                  PacketView& view,
                                  Instant now,
                                  Actions& out)
{
    const NodeId manager = header.source;
    SessionRecord record;
    std::uint8_t flags = 0;
    if (match.record != nullptr && IsDoomed(match.record->id))
    {
        Refuse(manager, view.key, WhyClosing(view), std::move(frame), now, out);
        return;
    }
    if (match.record != nullptr)
    {
        record = *match.record;
        m_ageing.Touch(record.id, now);
        flags = message_flag::EXISTING;
        if (isFetched)
        {
            flags |= message_flag::ADOPTED; // whoever wrote it may have died before all had it
        }
        if (match.reverse)
        {
            flags |= message_flag::REVERSE;
        }
        if (Adopt(record))
        {
            flags |= message_flag::ADOPTED;
            Keep(record, now, out);
            out.notes.push_back({.kind = NoteKind::ADOPTED, .record = record});
        }
    }
    else
    {
        const DropReason reason = (header.flags & message_flag::EXISTING) != 0
                                      ? DropReason::NO_SESSION
                                      : Create(view, now, record);
        if (reason != DropReason::NONE)
        {
            Refuse(manager, view.key, reason, std::move(frame), now, out);
            return;
        }
        // A node that its own view has retired makes it for its heir at once. Who takes over by the
        // same view must write the same version of it.
        flags = Scheme().Heir(record, View()) != NO_NODE && Adopt(record) ? message_flag::ADOPTED
                                                                          : std::uint8_t{0};
        out.notes.push_back(
            {.kind = NoteKind::CREATED, .packetId = frame->packetId, .record = record});
        Keep(record, now, out);
    }
    const bool reverse = (flags & message_flag::REVERSE) != 0;
    const std::uint16_t checksum = Load16(ChecksumField(*frame, view));
    RewritePacket(*frame, view, reverse ? record.original.Reversed() : record.translated);
    if (IsPlanted(PlantedDefect::CHECKSUM_NOT_UPDATED))
    {
        Store16(ChecksumField(*frame, view), checksum);
    }
    SpreadAndAnswer(record, flags, manager, std::move(frame), now, out);
}

// ---------------------------------------------------------------------------------------------
// Sessions

DropReason
ServiceNodeMachine::WhyClosing(const PacketView& view)
{
    return NetworkFunction::StateOf(view) == SessionState::NEW &&
                   view.key.protocol == IpProtocol::TCP
               ? DropReason::NO_SESSION
               : DropReason::CLOSING;
}

DropReason
ServiceNodeMachine::Create(const PacketView& view, Instant now, SessionRecord& record)
{
    if (m_removals.Has(view.key))
    {
        return WhyClosing(view);
    }
    // An eighth of the table is kept for copies of sessions that others create meanwhile.
    if (Store().Size() >= m_service.sessionsMax - m_service.sessionsMax / 8)
    {
        return DropReason::TABLE_FULL;
    }
    const DropReason reason = m_function->Open(view, MutableStore(), now, record.translated);
    if (reason != DropReason::NONE)
    {
        return reason;
    }
    record.id = MakeSessionId(Self(), ++m_serial, Config().incarnation);
    record.version = MakeSessionVersion(View().Epoch(), 1);
    record.original = view.key;
    record.createdNs = static_cast<std::uint64_t>(now.time_since_epoch().count() / 1000);
    record.owner = Self();
    record.service = Nodes().nodes[Self()].service;
    record.state = NetworkFunction::StateOf(view);
    return DropReason::NONE;
}

bool
ServiceNodeMachine::Adopt(SessionRecord& record) const
{
    if (View().IsActive(record.owner))
    {
        return false;
    }
    record.owner = Scheme().Heir(record, View());
    if (!IsPlanted(PlantedDefect::ADOPT_KEEPS_VERSION))
    {
        record.version = MakeSessionVersion(View().Epoch(), VersionCounterOf(record.state));
    }
    return true;
}

void
ServiceNodeMachine::Answer(const SessionRecord& record,
                           std::uint8_t flags,
                           NodeId manager,
                           FramePtr packet,
                           Instant now,
                           Actions& out)
{
    SyncMessage message;
    message.header.kind = MessageKind::STATE;
    message.header.flags = flags;
    message.record = record;
    message.hasInnerFrame = packet != nullptr;
    if (packet == nullptr)
    {
        message.header.flags |= message_flag::RELEASED;
        packet = Pool().Acquire();
    }
    SendReliable(manager, message, std::move(packet), 0, now, out);
}

void
ServiceNodeMachine::Refuse(NodeId manager,
                           const FlowKey& key,
                           DropReason reason,
                           FramePtr packet,
                           Instant now,
                           Actions& out)
{
    Drop(std::move(packet), reason);
    SyncMessage message;
    message.header.kind = MessageKind::STATE;
    message.header.flags = message_flag::REFUSED;
    message.header.reason = static_cast<std::uint8_t>(reason);
    message.record.original = key;
    SendReliable(manager, message, Pool().Acquire(), 0, now, out);
}

void
ServiceNodeMachine::HandleViewChange(Instant now, Actions& out)
{
    RestartSpreads(now, out);
    RestartFetches(now, out);
    BeginRepair(now, out);
    TakeOverLives(now, out);
    const auto& active = View().ActiveServiceNodes();
    ReviseSnapshots(!active.empty() && active.front() == Self(), now, out);
    ReviseJoining(now, out);
}

void
ServiceNodeMachine::HandleRoleAcknowledged(
    NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out)
{
    if (kind == MessageKind::REMOVE)
    {
        ConfirmRemoval(token, peer, now, out);
    }
    else if (kind == MessageKind::FAN_OUT)
    {
        HandleRepaired(now, out);
    }
}

void
ServiceNodeMachine::HandleRoleReturned(
    NodeId peer, ReliableChannel::Outstanding message, DropReason why, Instant now, Actions& out)
{
    if (message.kind == MessageKind::FETCH)
    {
        HandleReturnedFetch(message.token, why, now, out);
    }
    if (message.kind == MessageKind::FAN_OUT)
    {
        HandleRepaired(now, out); // if the manager is gone, the view has told who has its place
    }
    else if (message.kind == MessageKind::REMOVE)
    {
        HandleReturnedRemoval(peer, message.token, why, now);
    }
    else if (message.kind == MessageKind::STATE)
    {
        // The manager that asked has its own copy of the packet, or is gone and the packet with it.
        // The session stays, as that manager may well have got the state, and released the packet:
        // only the acknowledgements may be lost.
        Drop(std::move(message.copy), why);
    }
}

} // namespace flowchain
