// SPDX-License-Identifier: GPL-2.0-only
#include "service-node-machine.h"

#include "selector.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

ServiceNodeMachine::ServiceNodeMachine(const NodeConfig& config,
                                       const ServiceNodeConfig& service,
                                       std::unique_ptr<NetworkFunction> function)
    : ReplicaMachine(config, service)
    , m_service(service)
    , m_function(std::move(function))
    // Serial numbers of different lives never meet: 42 bits for each of 64 incarnations.
    , m_serial(static_cast<std::uint64_t>(config.incarnation) << 42)
    , m_ready(config.incarnation == 0)
{
}

std::size_t
ServiceNodeMachine::TableBytes() const
{
    return Store().Bytes();
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
    case MessageKind::SNAPSHOT:
        Keep(message.record, out);
        break;
    case MessageKind::SNAPSHOT_END:
        m_ready = true;
        out.notes.push_back({.kind = NoteKind::SNAPSHOT_ENDED, .peer = message.header.source});
        SendHeartbeat(now, out);
        break;
    default:
        Drop(std::move(frame), DropReason::NOT_FOR_ME);
        break;
    }
}

void
ServiceNodeMachine::Process(const MessageHeader& header, FramePtr frame, Instant now, Actions& out)
{
    const NodeId manager = header.source;
    PacketView view;
    if (ParsePacketTrusted(*frame, 0, view) != PacketVerdict::OK || view.ttl <= 1)
    {
        Drop(std::move(frame), DropReason::MALFORMED);
        return;
    }
    SessionRecord record;
    std::uint8_t flags = 0;
    const SessionStore::Match match = MutableStore().Find(view.key);
    if (match.record != nullptr)
    {
        record = *match.record;
        flags = message_flag::EXISTING;
        if (match.reverse)
        {
            flags |= message_flag::REVERSE;
        }
        if (Adopt(record))
        {
            flags |= message_flag::ADOPTED;
            Keep(record, out);
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
        out.notes.push_back(
            {.kind = NoteKind::CREATED, .packetId = frame->packetId, .record = record});
        Keep(record, out);
    }
    const bool reverse = (flags & message_flag::REVERSE) != 0;
    RewritePacket(*frame, view, reverse ? record.original.Reversed() : record.translated);
    SpreadAndAnswer(record, flags, manager, std::move(frame), now, out);
}

// ---------------------------------------------------------------------------------------------
// Spreading, where the scheme has the owner do it

void
ServiceNodeMachine::SpreadAndAnswer(const SessionRecord& record,
                                    std::uint8_t flags,
                                    NodeId manager,
                                    FramePtr packet,
                                    Instant now,
                                    Actions& out)
{
    if (Scheme().Root() != SchemeRoot::OWNER)
    {
        Answer(record, flags, manager, std::move(packet), now, out);
        return;
    }
    SpreadHandle handle = FindSpread(record.id);
    const bool fresh =
        (flags & message_flag::EXISTING) == 0 || (flags & message_flag::ADOPTED) != 0;
    if (handle != NO_SPREAD && SpreadAt(handle).record.version != record.version)
    {
        AnswerWaiting(handle, now, out); // of the session's last owner: what is new follows
        EndSpread(handle);
        handle = NO_SPREAD;
    }
    if (handle == NO_SPREAD && !fresh)
    {
        Answer(record, flags, manager, std::move(packet), now, out);
        return;
    }
    if (handle == NO_SPREAD)
    {
        const DropReason refused = BeginSpread(record,
                                               (flags & message_flag::EXISTING) != 0,
                                               FlowIndex::NOT_FOUND,
                                               packet.get(),
                                               now,
                                               out,
                                               handle);
        if (refused != DropReason::NONE)
        {
            Refuse(manager, record.original, refused, std::move(packet), now, out);
            return;
        }
    }
    Wait(handle, flags, manager, std::move(packet));
    Progress(handle, now, out);
}

void
ServiceNodeMachine::Wait(SpreadHandle handle, std::uint8_t flags, NodeId manager, FramePtr packet)
{
    // A manager that asks again has no more use for its earlier packet.
    std::uint32_t last = FlowIndex::NOT_FOUND;
    for (auto i = static_cast<std::uint32_t>(SpreadAt(handle).token); i != FlowIndex::NOT_FOUND;
         i = m_waiting[i].next)
    {
        last = i;
        constexpr std::uint8_t SIDE = message_flag::REVERSE;
        if (m_waiting[i].manager == manager && ((m_waiting[i].flags ^ flags) & SIDE) == 0)
        {
            Drop(std::move(m_waiting[i].packet), DropReason::DUPLICATE);
            m_waiting[i].packet = std::move(packet);
            return;
        }
    }
    if (m_waiting.size() - m_freeWaiting.size() >= m_service.waitingMax)
    {
        Drop(std::move(packet), DropReason::HOLD_FULL);
        return;
    }
    std::uint32_t slot;
    if (m_freeWaiting.empty())
    {
        slot = static_cast<std::uint32_t>(m_waiting.size());
        m_waiting.emplace_back();
    }
    else
    {
        slot = m_freeWaiting.back();
        m_freeWaiting.pop_back();
    }
    m_waiting[slot].packet = std::move(packet);
    m_waiting[slot].manager = manager;
    m_waiting[slot].flags = flags;
    m_waiting[slot].next = FlowIndex::NOT_FOUND;
    if (last == FlowIndex::NOT_FOUND)
    {
        SpreadAt(handle).token = slot;
    }
    else
    {
        m_waiting[last].next = slot;
    }
}

/** @returns one with a null packet if none is left */
ServiceNodeMachine::Waiting
ServiceNodeMachine::TakeWaiting(SpreadHandle handle)
{
    Spread& spread = SpreadAt(handle);
    const auto slot = static_cast<std::uint32_t>(spread.token);
    if (slot == FlowIndex::NOT_FOUND)
    {
        return {};
    }
    Waiting waiting = std::move(m_waiting[slot]);
    spread.token = waiting.next;
    m_freeWaiting.push_back(slot);
    return waiting;
}

const Frame*
ServiceNodeMachine::FirstWaiting(SpreadHandle handle)
{
    const auto slot = static_cast<std::uint32_t>(SpreadAt(handle).token);
    return slot == FlowIndex::NOT_FOUND ? nullptr : m_waiting[slot].packet.get();
}

void
ServiceNodeMachine::AnswerWaiting(SpreadHandle handle, Instant now, Actions& out)
{
    // Answering ends no spread, so the record stays where it is.
    const SessionRecord& record = SpreadAt(handle).record;
    const bool releasedAtEnd = SpreadAt(handle).releasedAtEnd;
    bool isFirst = true;
    for (Waiting waiting = TakeWaiting(handle); waiting.packet != nullptr;
         waiting = TakeWaiting(handle))
    {
        if (releasedAtEnd && isFirst)
        {
            waiting.packet.reset(); // the end of the path has sent it on
        }
        isFirst = false;
        Answer(record, waiting.flags, waiting.manager, std::move(waiting.packet), now, out);
    }
}

void
ServiceNodeMachine::Progress(SpreadHandle handle, Instant now, Actions& out)
{
    const Spread& spread = SpreadAt(handle);
    if (MayRelease(spread))
    {
        AnswerWaiting(handle, now, out);
    }
    if (spread.chainDone && spread.fanOutDone)
    {
        EndSpread(handle);
    }
}

void
ServiceNodeMachine::HandleSpread(SpreadHandle handle, FramePtr returned, Instant now, Actions& out)
{
    const auto slot = static_cast<std::uint32_t>(SpreadAt(handle).token);
    if (returned != nullptr && slot != FlowIndex::NOT_FOUND)
    {
        m_waiting[slot].packet = std::move(returned);
    }
    Progress(handle, now, out);
}

void
ServiceNodeMachine::HandleSpreadFailed(SpreadHandle handle,
                                       DropReason reason,
                                       Instant now,
                                       Actions& out)
{
    const SessionRecord record = SpreadAt(handle).record;
    for (Waiting waiting = TakeWaiting(handle); waiting.packet != nullptr;
         waiting = TakeWaiting(handle))
    {
        const bool reverse = (waiting.flags & message_flag::REVERSE) != 0;
        Refuse(waiting.manager,
               reverse ? record.translated.Reversed() : record.original,
               reason,
               std::move(waiting.packet),
               now,
               out);
    }
    EndSpread(handle);
}

void
ServiceNodeMachine::RestartSpreads(Instant now, Actions& out)
{
    for (SpreadHandle handle = 0; handle < SpreadSlots(); ++handle)
    {
        if (!SpreadAt(handle).live)
        {
            continue;
        }
        const DropReason refused = RestartSpread(handle, FirstWaiting(handle), now, out);
        if (refused != DropReason::NONE)
        {
            HandleSpreadFailed(handle, refused, now, out);
        }
        else
        {
            Progress(handle, now, out);
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Sessions

DropReason
ServiceNodeMachine::Create(const PacketView& view, Instant now, SessionRecord& record)
{
    // An eighth of the table is kept for copies of sessions that others create meanwhile.
    if (Store().Size() >= m_service.sessionsMax - m_service.sessionsMax / 8)
    {
        return DropReason::TABLE_FULL;
    }
    const DropReason reason = m_function->Open(view, MutableStore(), record.translated);
    if (reason != DropReason::NONE)
    {
        return reason;
    }
    record.id = MakeSessionId(Self(), ++m_serial);
    record.version = MakeSessionVersion(View().Epoch(), 1);
    record.original = view.key;
    record.createdNs = static_cast<std::uint64_t>(now.time_since_epoch().count() / 1000);
    record.owner = Self();
    record.service = Config().service;
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
    record.version = std::max(record.version + 1, MakeSessionVersion(View().Epoch(), 1));
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
    std::erase_if(m_snapshots,
                  [this](const Snapshot& s)
                  {
        return View().Body().members[s.target].status != MemberStatus::JOINING ||
               View().Incarnation(s.target) != s.incarnation;
    });
    if (View().ActiveServiceNodes().empty() || View().ActiveServiceNodes().front() != Self())
    {
        return;
    }
    for (const NodeId node : View().MemberServiceNodes())
    {
        const bool running = std::any_of(m_snapshots.begin(),
                                         m_snapshots.end(),
                                         [node](const Snapshot& s)
                                         {
            return s.target == node;
        });
        if (!View().IsActive(node) && !running)
        {
            m_snapshots.push_back(
                {.target = node, .incarnation = View().Incarnation(node), .run = ++m_snapshotRun});
            out.notes.push_back({.kind = NoteKind::SNAPSHOT_STARTED, .peer = node});
            FeedSnapshot(m_snapshots.back(), now, out);
        }
    }
}

void
ServiceNodeMachine::FeedSnapshot(Snapshot& snapshot, Instant now, Actions& out)
{
    while (snapshot.inFlight < m_service.snapshotWindow && snapshot.cursor < Store().Size())
    {
        const SessionRecord& record = Store().At(snapshot.cursor++);
        if (record.id == 0)
        {
            continue; // superseded
        }
        SyncMessage message;
        message.header.kind = MessageKind::SNAPSHOT;
        message.record = record;
        ++snapshot.inFlight;
        SendReliable(snapshot.target, message, Pool().Acquire(), snapshot.run, now, out);
    }
    if (snapshot.inFlight == 0 && !snapshot.ended)
    {
        // Only now: messages may overtake each other, and this one says that nothing is missing.
        snapshot.ended = true;
        SyncMessage message;
        message.header.kind = MessageKind::SNAPSHOT_END;
        SendReliable(snapshot.target, message, Pool().Acquire(), snapshot.run, now, out);
    }
}

void
ServiceNodeMachine::HandleRoleAcknowledged(
    NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out)
{
    if (kind != MessageKind::SNAPSHOT)
    {
        return;
    }
    for (Snapshot& snapshot : m_snapshots)
    {
        if (snapshot.target == peer && snapshot.run == token)
        {
            --snapshot.inFlight;
            FeedSnapshot(snapshot, now, out);
        }
    }
}

void
ServiceNodeMachine::HandleRoleReturned(
    NodeId, ReliableChannel::Outstanding message, DropReason why, Instant, Actions&)
{
    // The manager that asked has its own copy of the packet, or is gone and the packet with it.
    if (message.kind == MessageKind::STATE)
    {
        Drop(std::move(message.copy), why);
    }
}

} // namespace flowchain
