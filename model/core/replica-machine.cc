// SPDX-License-Identifier: GPL-2.0-only
#include "replica-machine.h"

#include "copy-store.h"
#include "flow-hash.h"
#include "packet-view.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace flowchain
{

ReplicaMachine::ReplicaMachine(const NodeConfig& config, const ReplicaConfig& replica)
    : ProtocolMachine(config)
    , m_replica(replica)
    , m_store(replica.sessionsMax, replica.tombstonesMax, config.defects)
{
    assert(replica.length >= 1 && replica.position >= 1 && replica.position <= replica.length);
    m_replica.release = replica.scheme->Release(replica.release);
}

void
ReplicaMachine::ListSessions(std::vector<SessionId>& out) const
{
    for (std::size_t slot = 0; slot < m_store.Slots(); ++slot)
    {
        if (m_store.At(slot).id != 0)
        {
            out.push_back(m_store.At(slot).id);
        }
    }
}

// ---------------------------------------------------------------------------------------------
// The root

DropReason
ReplicaMachine::BeginSpread(const SessionRecord& record,
                            bool known,
                            std::uint64_t token,
                            const Frame* packet,
                            Instant now,
                            Actions& out,
                            SpreadHandle& handle)
{
    if (m_freeSpreads.empty())
    {
        handle = static_cast<SpreadHandle>(m_spreads.size());
        m_spreads.emplace_back();
    }
    else
    {
        handle = m_freeSpreads.back();
        m_freeSpreads.pop_back();
    }
    Spread& spread = m_spreads[handle];
    spread.record = record;
    spread.known = known;
    spread.token = token;
    spread.live = true;
    spread.deadline = now + m_replica.pendingTimeout;
    m_deadlines.emplace_back(spread.deadline, handle);
    m_spreadIndex.Insert(Mix64(record.id), handle);
    const DropReason refused = Advance(handle, packet, now, out);
    if (refused != DropReason::NONE)
    {
        EndSpread(handle);
        handle = NO_SPREAD;
    }
    return refused;
}

DropReason
ReplicaMachine::Advance(SpreadHandle handle, const Frame* packet, Instant now, Actions& out)
{
    Spread& spread = m_spreads[handle];
    m_attempt = m_attempt == std::numeric_limits<std::uint16_t>::max() ? 1 : m_attempt + 1;
    spread.attempt = m_attempt;
    spread.chainDone = spread.fanOutDone = false;
    spread.refused = DropReason::NONE;
    const DropReason refused = Keep(spread.record, now, out);
    if (refused != DropReason::NONE)
    {
        return refused;
    }
    const Passage passage{spread.record, Self(), spread.attempt, spread.known};
    MakePlan(passage);
    spread.lastFansOut = m_plan.position == m_plan.path.size();
    spread.fanOutDone = m_plan.position == 0;
    spread.releasedAtEnd =
        m_plan.packet == PacketPath::RELEASED_AT_END && m_plan.path.size() > 1 && packet != nullptr;
    const bool travels = m_plan.packet != PacketPath::STAYS && m_plan.path.size() > 1;
    Relay(passage, 1, travels && packet != nullptr ? Pool().Clone(*packet) : FramePtr(), now, out);
    return spread.refused;
}

void
ReplicaMachine::EndSpread(SpreadHandle handle)
{
    m_spreadIndex.Erase(Mix64(m_spreads[handle].record.id), handle);
    m_spreads[handle] = Spread{};
    m_freeSpreads.push_back(handle);
    ForgetDeadlines();
}

ReplicaMachine::SpreadHandle
ReplicaMachine::FindSpread(SessionId session) const
{
    return m_spreadIndex.Find(Mix64(session),
                              [&](std::uint32_t slot)
                              {
        return m_spreads[slot].record.id == session;
    });
}

ReplicaMachine::SpreadHandle
ReplicaMachine::FindSpread(SessionId session, std::uint16_t attempt) const
{
    return m_spreadIndex.Find(Mix64(session),
                              [&](std::uint32_t slot)
                              {
        return m_spreads[slot].record.id == session && m_spreads[slot].attempt == attempt;
    });
}

bool
ReplicaMachine::MayRelease(const Spread& spread) const
{
    if (IsPlanted(PlantedDefect::RELEASE_BEFORE_ACK))
    {
        return true;
    }
    switch (m_replica.release)
    {
    case ReleaseRule::IMMEDIATE:
        return true;
    case ReleaseRule::CHAIN:
    case ReleaseRule::TAIL:
        return spread.chainDone;
    case ReleaseRule::ALL:
        return spread.chainDone && spread.fanOutDone;
    }
    return false;
}

DropReason
ReplicaMachine::Keep(const SessionRecord& record, Instant now, Actions& out)
{
    switch (StoreCopy(m_store, record, out))
    {
    case SessionStore::Outcome::FULL:
        return DropReason::TABLE_FULL;
    case SessionStore::Outcome::CONFLICT:
        return DropReason::REFUSED;
    case SessionStore::Outcome::DELETED:
        return DropReason::NO_SESSION;
    case SessionStore::Outcome::INSERTED:
    case SessionStore::Outcome::UPDATED:
        HandleKept(record, now, out);
        break;
    case SessionStore::Outcome::UNCHANGED:
        break;
    }
    return DropReason::NONE;
}

void
ReplicaMachine::HandleKept(const SessionRecord&, Instant, Actions&)
{
}

void
ReplicaMachine::Forget(const SessionRecord& record, Actions& out)
{
    if (m_store.Remove(record))
    {
        out.notes.push_back({.kind = NoteKind::COPY_REMOVED, .record = record});
    }
}

ReplicaMachine::SpreadHandle
ReplicaMachine::MarkDone(MessageKind kind, SessionId session, std::uint16_t attempt)
{
    const SpreadHandle handle = FindSpread(session, attempt);
    if (handle == NO_SPREAD)
    {
        return NO_SPREAD;
    }
    Spread& spread = m_spreads[handle];
    if (kind == MessageKind::CHAIN_DONE)
    {
        spread.chainDone = true;
    }
    else
    {
        spread.fanOutDone = true;
        spread.chainDone = spread.chainDone || spread.lastFansOut;
    }
    return handle;
}

void
ReplicaMachine::HandleDone(const SyncMessage& message, FramePtr packet, Instant now, Actions& out)
{
    const MessageHeader& header = message.header;
    const SpreadHandle handle = MarkDone(header.kind, message.record.id, header.attempt);
    if (handle == NO_SPREAD)
    {
        return;
    }
    if ((header.flags & message_flag::REFUSED) != 0)
    {
        const auto reason = header.reason < DROP_REASON_COUNT
                                ? static_cast<DropReason>(header.reason)
                                : DropReason::MALFORMED;
        HandleSpreadFailed(handle, reason, now, out);
        return;
    }
    HandleSpread(handle, std::move(packet), now, out);
}

// ---------------------------------------------------------------------------------------------
// Messages

void
ReplicaMachine::HandleMessage(const SyncMessage& message, FramePtr frame, Instant now, Actions& out)
{
    switch (message.header.kind)
    {
    case MessageKind::CHAIN:
        HandleChain(message, std::move(frame), now, out);
        break;
    case MessageKind::FAN_OUT:
        Keep(message.record, now, out);
        break;
    case MessageKind::CHAIN_DONE:
    case MessageKind::FAN_OUT_DONE:
        HandleDone(message, message.hasInnerFrame ? std::move(frame) : FramePtr(), now, out);
        break;
    default:
        HandleRoleMessage(message, std::move(frame), now, out);
        break;
    }
}

DropReason
ReplicaMachine::Admit(const SyncMessage& message, Actions& out)
{
    if (message.header.kind == MessageKind::SNAPSHOT)
    {
        // Who is ready has everything: the donor tries again until there is room.
        const bool isFull = message.record.state != SessionState::DELETED &&
                            m_store.Check(message.record) == SessionStore::Outcome::FULL;
        return isFull ? DropReason::TABLE_FULL : DropReason::NONE;
    }
    if (message.header.kind != MessageKind::CHAIN && message.header.kind != MessageKind::FAN_OUT)
    {
        return DropReason::NONE;
    }
    switch (m_store.Check(message.record))
    {
    case SessionStore::Outcome::FULL:
        out.notes.push_back({.kind = NoteKind::COPY_REFUSED, .record = message.record});
        return message.header.kind == MessageKind::FAN_OUT &&
                       IsPlanted(PlantedDefect::ACK_BEFORE_STORE)
                   ? DropReason::NONE
                   : DropReason::TABLE_FULL;
    case SessionStore::Outcome::CONFLICT:
        out.notes.push_back({.kind = NoteKind::COPY_CONFLICT, .record = message.record});
        return DropReason::REFUSED;
    case SessionStore::Outcome::DELETED:
        return DropReason::NO_SESSION;
    default:
        return DropReason::NONE;
    }
}

void
ReplicaMachine::HandleAcknowledged(
    NodeId peer, MessageKind kind, std::uint64_t token, Instant now, Actions& out)
{
    if (kind == MessageKind::FAN_OUT && token != SINGLE_COPY)
    {
        FinishFanOut(token, DropReason::NONE, now, out);
    }
    else if (kind == MessageKind::SNAPSHOT)
    {
        if (Snapshot* snapshot = FindSnapshot(peer, token))
        {
            --snapshot->inFlight;
            FeedSnapshot(*snapshot, now, out);
        }
    }
    else
    {
        HandleRoleAcknowledged(peer, kind, token, now, out);
    }
}

void
ReplicaMachine::HandleReturned(
    NodeId peer, ReliableChannel::Outstanding message, DropReason why, Instant now, Actions& out)
{
    switch (message.kind)
    {
    case MessageKind::FAN_OUT:
        if (message.token == SINGLE_COPY)
        {
            HandleRoleReturned(peer, std::move(message), why, now, out);
            break;
        }
        // In the new view the root begins again, so this one need not be complete.
        FinishFanOut(
            message.token, why == DropReason::NODE_DOWN ? DropReason::NONE : why, now, out);
        break;
    case MessageKind::CHAIN:
        HandleReturnedChain(std::move(message), why, now, out);
        break;
    case MessageKind::CHAIN_DONE:
    case MessageKind::FAN_OUT_DONE:
        break; // a packet that comes back in it has its original at the root
    case MessageKind::SNAPSHOT:
    case MessageKind::SNAPSHOT_END:
        if (Snapshot* snapshot = FindSnapshot(peer, message.token); snapshot != nullptr)
        {
            Rewind(*snapshot); // given up or refused, and nothing may be missing
            m_snapshotRetry =
                std::min(m_snapshotRetry, now + Config().channel.retransmitTimeoutMax);
        }
        break;
    default:
        HandleRoleReturned(peer, std::move(message), why, now, out);
        break;
    }
}

void
ReplicaMachine::HandleReturnedChain(ReliableChannel::Outstanding message,
                                    DropReason why,
                                    Instant now,
                                    Actions& out)
{
    SyncMessage decoded;
    std::size_t outerLength = 0;
    const DecodeVerdict verdict = Decode(*message.copy, decoded, outerLength);
    assert(verdict == DecodeVerdict::OK);
    const MessageHeader& header = decoded.header;
    const Passage passage{
        decoded.record, header.first, header.attempt, (header.flags & message_flag::EXISTING) != 0};
    if (why == DropReason::NODE_DOWN && IsPlanted(PlantedDefect::FORGET_UNACKED_ON_VIEW_CHANGE))
    {
        TakeForDone(decoded.record.id, now, out);
        return;
    }
    if (header.first == Self())
    {
        const SpreadHandle handle = FindSpread(decoded.record.id, header.attempt);
        if (handle != NO_SPREAD)
        {
            HandleSpreadFailed(handle, why, now, out);
        }
        return;
    }
    if (why != DropReason::NODE_DOWN)
    {
        ReportDone(MessageKind::CHAIN_DONE, passage, why, FramePtr(), now, out);
        return;
    }
    // A root that is alive begins again itself. For one that is dead, the predecessor takes its
    // unacknowledged updates to the successor (van Renesse & Schneider 2004).
    if (View().IsMember(header.first))
    {
        return;
    }
    MakePlan(passage);
    const auto self = std::find(m_plan.path.begin(), m_plan.path.end(), Self());
    if (self != m_plan.path.end())
    {
        message.copy->TrimFront(outerLength);
        Relay(passage,
              static_cast<std::size_t>(self - m_plan.path.begin()) + 1,
              decoded.hasInnerFrame ? std::move(message.copy) : FramePtr(),
              now,
              out);
    }
}

/** Of PlantedDefect::FORGET_UNACKED_ON_VIEW_CHANGE: the root waits for nobody any longer. */
void
ReplicaMachine::TakeForDone(SessionId session, Instant now, Actions& out)
{
    const SpreadHandle handle = FindSpread(session);
    if (handle != NO_SPREAD)
    {
        m_spreads[handle].chainDone = m_spreads[handle].fanOutDone = true;
        HandleSpread(handle, FramePtr(), now, out);
    }
}

void
ReplicaMachine::HandleRoleAcknowledged(NodeId, MessageKind, std::uint64_t, Instant, Actions&)
{
}

void
ReplicaMachine::HandleRoleReturned(
    NodeId peer, ReliableChannel::Outstanding message, DropReason why, Instant now, Actions& out)
{
    ProtocolMachine::HandleReturned(peer, std::move(message), why, now, out);
}

void
ReplicaMachine::SendOn(FramePtr frame, const FlowKey& key, Actions& out)
{
    SetMacAddresses(*frame, 0, MacOf(Self()), MacOf(Nodes().HostOf(key.destination.address)));
    out.sends.push_back(std::move(frame));
}

// ---------------------------------------------------------------------------------------------
// Timeouts

void
ReplicaMachine::HandleWakeup(Instant now, Actions& out)
{
    while (!m_deadlines.empty() && m_deadlines.front().first <= now)
    {
        const SpreadHandle handle = m_deadlines.front().second;
        HandleSpreadFailed(handle, DropReason::SYNC_ABANDONED, now, out);
    }
    if (now >= m_snapshotRetry)
    {
        m_snapshotRetry = NEVER;
        FeedSnapshots(now, out);
    }
}

Instant
ReplicaMachine::NextRoleWakeup() const
{
    return m_deadlines.empty() ? m_snapshotRetry
                               : std::min(m_snapshotRetry, m_deadlines.front().first);
}

bool
ReplicaMachine::IsIdle() const
{
    return SpreadCount() == 0 && ProtocolMachine::IsIdle();
}

void
ReplicaMachine::ForgetDeadlines()
{
    while (!m_deadlines.empty())
    {
        const auto& [deadline, handle] = m_deadlines.front();
        if (m_spreads[handle].live && m_spreads[handle].deadline == deadline)
        {
            return;
        }
        m_deadlines.pop_front();
    }
}

} // namespace flowchain
