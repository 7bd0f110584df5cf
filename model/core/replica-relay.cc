// SPDX-License-Identifier: GPL-2.0-only
// How a record travels: along the path, out to the fan, and the reports back to the root.
#include "packet-view.h"
#include "replica-machine.h"

#include <cassert>

namespace flowchain
{

// ---------------------------------------------------------------------------------------------
// Path

void
ReplicaMachine::MakePlan(const Passage& passage)
{
    Scheme().Plan(passage.record, passage.first, passage.known, View(), m_replica, m_plan);
    assert(!m_plan.path.empty() && m_plan.path.front() == passage.first &&
           m_plan.position <= m_plan.path.size());
}

/** Go on from this node, which has stored the record. @pre MakePlan(passage) */
void
ReplicaMachine::Relay(
    const Passage& passage, std::size_t position, FramePtr packet, Instant now, Actions& out)
{
    const bool last = position == m_plan.path.size();
    const bool fansOut = position == m_plan.position;
    if (!last)
    {
        SyncMessage message;
        message.header.kind = MessageKind::CHAIN;
        message.header.flags = passage.known ? message_flag::EXISTING : 0;
        message.header.first = passage.first;
        message.header.attempt = passage.attempt;
        message.header.position = static_cast<std::uint8_t>(position + 1);
        message.record = passage.record;
        message.hasInnerFrame = packet != nullptr;
        if (!SendReliable(m_plan.path[position],
                          message,
                          packet != nullptr ? std::move(packet) : Pool().Acquire(),
                          0,
                          now,
                          out))
        {
            ReportDone(MessageKind::CHAIN_DONE,
                       passage,
                       DropReason::SYNC_BACKLOG_FULL,
                       FramePtr(),
                       now,
                       out);
        }
    }
    else
    {
        FinishPath(passage, std::move(packet), now, out);
    }
    if (fansOut)
    {
        StartFanOut(passage, now, out);
    }
}

/** This node is the last one of the path. */
void
ReplicaMachine::FinishPath(const Passage& passage, FramePtr packet, Instant now, Actions& out)
{
    if (packet != nullptr && m_plan.packet == PacketPath::RELEASED_AT_END)
    {
        PacketView view;
        if (ParsePacketTrusted(*packet, 0, view) != PacketVerdict::OK)
        {
            Drop(std::move(packet), DropReason::MALFORMED);
        }
        else
        {
            out.notes.push_back({.kind = NoteKind::RELEASED,
                                 .packetId = packet->packetId,
                                 .record = passage.record});
            SendOn(std::move(packet), view.key, out);
        }
    }
    // Otherwise the report of the fan-out says it.
    if (m_plan.position != m_plan.path.size() || m_replica.release == ReleaseRule::CHAIN ||
        m_replica.release == ReleaseRule::TAIL)
    {
        ReportDone(MessageKind::CHAIN_DONE, passage, DropReason::NONE, std::move(packet), now, out);
    }
}

void
ReplicaMachine::HandleChain(const SyncMessage& message, FramePtr packet, Instant now, Actions& out)
{
    const MessageHeader& header = message.header;
    const Passage passage{
        message.record, header.first, header.attempt, (header.flags & message_flag::EXISTING) != 0};
    [[maybe_unused]] const DropReason refused = Keep(message.record, now, out);
    assert(refused == DropReason::NONE); // Admit() has said so
    MakePlan(passage);
    if (header.position < 2 || header.position > m_plan.path.size() ||
        m_plan.path[header.position - 1] != Self())
    {
        Drop(std::move(packet), DropReason::NOT_FOR_ME);
        return;
    }
    Relay(
        passage, header.position, message.hasInnerFrame ? std::move(packet) : FramePtr(), now, out);
}

// ---------------------------------------------------------------------------------------------
// Fan-out

bool
ReplicaMachine::IsInFan(NodeId node) const
{
    const bool isLeftOut =
        (IsPlanted(PlantedDefect::SKIP_LAST_FAN_OUT) && node == m_plan.fan.back()) ||
        (IsPlanted(PlantedDefect::SKIP_JOINING_NODES) &&
         View().Status(node) == MemberStatus::JOINING);
    return !isLeftOut;
}

void
ReplicaMachine::StartFanOut(const Passage& passage, Instant now, Actions& out)
{
    std::uint32_t slot;
    if (m_freeFanOuts.empty())
    {
        slot = static_cast<std::uint32_t>(m_fanOuts.size());
        m_fanOuts.emplace_back();
    }
    else
    {
        slot = m_freeFanOuts.back();
        m_freeFanOuts.pop_back();
    }
    FanOut& fanOut = m_fanOuts[slot];
    fanOut.record = passage.record;
    fanOut.first = passage.first;
    fanOut.attempt = passage.attempt;
    fanOut.refused = DropReason::NONE;
    ++fanOut.generation;
    fanOut.remaining = 1; // this function itself, so that the slot lives until its end
    const std::uint64_t token = TokenOf(slot, fanOut.generation);
    for (const NodeId node : m_plan.fan)
    {
        if (!IsInFan(node))
        {
            continue;
        }
        SyncMessage message;
        message.header.kind = MessageKind::FAN_OUT;
        message.record = passage.record;
        ++fanOut.remaining;
        if (!SendReliable(node, message, Pool().Acquire(), token, now, out))
        {
            CountDownFanOut(token, DropReason::SYNC_BACKLOG_FULL, now, out);
        }
    }
    CountDownFanOut(token, DropReason::NONE, now, out);
}

void
ReplicaMachine::CountDownFanOut(std::uint64_t token, DropReason refused, Instant now, Actions& out)
{
    const auto slot = static_cast<std::uint32_t>(token);
    FanOut& fanOut = m_fanOuts[slot];
    if (fanOut.generation != token >> 32 || fanOut.remaining == 0)
    {
        return;
    }
    if (refused != DropReason::NONE)
    {
        fanOut.refused = refused;
    }
    if (--fanOut.remaining != 0)
    {
        return;
    }
    m_freeFanOuts.push_back(slot);
    const Passage passage{fanOut.record, fanOut.first, fanOut.attempt, false};
    ReportDone(MessageKind::FAN_OUT_DONE, passage, fanOut.refused, FramePtr(), now, out);
}

void
ReplicaMachine::FinishFanOut(std::uint64_t token, DropReason refused, Instant now, Actions& out)
{
    const FanOut& fanOut = m_fanOuts[static_cast<std::uint32_t>(token)];
    const SessionId session = fanOut.record.id;
    const std::uint16_t attempt = fanOut.attempt;
    const bool mine = fanOut.first == Self();
    CountDownFanOut(token, refused, now, out);
    if (!mine)
    {
        return;
    }
    const SpreadHandle handle = FindSpread(session, attempt);
    if (handle == NO_SPREAD)
    {
        return;
    }
    if (refused != DropReason::NONE)
    {
        HandleSpreadFailed(handle, refused, now, out);
    }
    else
    {
        HandleSpread(handle, FramePtr(), now, out);
    }
}

void
ReplicaMachine::ReportDone(MessageKind kind,
                           const Passage& passage,
                           DropReason refused,
                           FramePtr packet,
                           Instant now,
                           Actions& out)
{
    if (passage.first == Self())
    {
        // The caller's caller tells the role: spreads must not end below its feet.
        if (refused == DropReason::NONE)
        {
            MarkDone(kind, passage.record.id, passage.attempt);
        }
        else if (const SpreadHandle handle = FindSpread(passage.record.id, passage.attempt);
                 handle != NO_SPREAD)
        {
            m_spreads[handle].refused = refused;
        }
        return;
    }
    if (!View().IsMember(passage.first))
    {
        return;
    }
    SyncMessage message;
    message.header.kind = kind;
    message.header.flags = refused == DropReason::NONE ? 0 : message_flag::REFUSED;
    message.header.reason = static_cast<std::uint8_t>(refused);
    message.header.first = passage.first;
    message.header.attempt = passage.attempt;
    message.record = passage.record;
    message.hasInnerFrame = packet != nullptr;
    SendReliable(passage.first,
                 message,
                 packet != nullptr ? std::move(packet) : Pool().Acquire(),
                 0,
                 now,
                 out);
}

} // namespace flowchain
