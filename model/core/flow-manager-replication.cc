// SPDX-License-Identifier: GPL-2.0-only
// Replication of session state: what a flow manager does as first, intermediate, second and third.
#include "copy-store.h"
#include "flow-manager-machine.h"
#include "selector.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace flowchain
{

void
FlowManagerMachine::Replicate(std::uint32_t slot, Instant now, Actions& out)
{
    Context& context = m_contexts[slot];
    ++context.generation;
    m_attempt = m_attempt == std::numeric_limits<std::uint16_t>::max() ? 1 : m_attempt + 1;
    context.attempt = m_attempt;
    context.chainDone = context.fanOutDone = context.reverseDone = false;
    // A node that has restarted since it made the state has lost it.
    context.known =
        context.known || View().Incarnation(context.serviceNode) != context.serviceIncarnation;
    const DropReason refused = Keep(context.record, out);
    if (refused != DropReason::NONE)
    {
        CloseContext(slot, refused, refused);
        return;
    }
    const std::uint16_t attempt = context.attempt;
    Relay(context.record, Self(), attempt, 1, context.known, now, out);
    SendReverseEntry(slot, now, out);
    Progress(slot, now, out);
}

void
FlowManagerMachine::SendReverseEntry(std::uint32_t slot, Instant now, Actions& out)
{
    Context& context = m_contexts[slot];
    SyncMessage message;
    message.header.kind = MessageKind::REVERSE_ENTRY;
    message.entry = ReverseEntry(context.record);
    // What the accelerator will select for the tuple that it sees on the way back (claim 5).
    const NodeId third = Selector::Manager(message.entry.match, View());
    if (third == Self())
    {
        StoreReverse(message.entry, out);
        context.reverseDone = true;
        return;
    }
    SendReliable(third, message, Pool().Acquire(), TokenOf(slot, context.generation), now, out);
}

DropReason
FlowManagerMachine::Keep(const SessionRecord& record, Actions& out)
{
    switch (StoreCopy(m_store, record, out))
    {
    case SessionStore::Outcome::FULL:
        return DropReason::TABLE_FULL;
    case SessionStore::Outcome::CONFLICT:
        return DropReason::REFUSED;
    default:
        return DropReason::NONE;
    }
}

void
FlowManagerMachine::HandleChain(const SyncMessage& message, Instant now, Actions& out)
{
    const MessageHeader& header = message.header;
    const DropReason refused = Keep(message.record, out);
    if (refused != DropReason::NONE)
    {
        ReportDone(MessageKind::CHAIN_DONE,
                   message.record,
                   header.first,
                   header.attempt,
                   refused,
                   now,
                   out);
        return;
    }
    Relay(message.record,
          header.first,
          header.attempt,
          header.position,
          (header.flags & message_flag::EXISTING) != 0,
          now,
          out);
}

NodeId
FlowManagerMachine::Successor(NodeId first, std::uint16_t position) const
{
    if (position >= m_manager.length)
    {
        return NO_NODE;
    }
    const auto& ring = Nodes().groups[Nodes().nodes[Self()].group];
    std::size_t i = std::find(ring.begin(), ring.end(), Self()) - ring.begin();
    for (;;)
    {
        i = (i + 1) % ring.size();
        if (ring[i] == first || ring[i] == Self())
        {
            return NO_NODE;
        }
        if (View().IsActive(ring[i]))
        {
            return ring[i];
        }
    }
}

void
FlowManagerMachine::Relay(const SessionRecord& record,
                          NodeId first,
                          std::uint16_t attempt,
                          std::uint16_t position,
                          bool known,
                          Instant now,
                          Actions& out)
{
    const NodeId successor = Successor(first, position);
    const bool tail = successor == NO_NODE;
    // A chain that has shrunk below the configured position has its tail as second manager.
    const bool second = position == m_manager.position || (tail && position < m_manager.position);
    if (!tail)
    {
        SyncMessage message;
        message.header.kind = MessageKind::CHAIN;
        message.header.flags = known ? message_flag::EXISTING : 0;
        message.header.first = first;
        message.header.attempt = attempt;
        message.header.position = static_cast<std::uint8_t>(position + 1);
        message.record = record;
        SendReliable(successor, message, Pool().Acquire(), 0, now, out);
    }
    else if (!second || m_manager.release == ReleaseRule::CHAIN)
    {
        // Otherwise the second manager's report says it: it is the tail.
        ReportDone(MessageKind::CHAIN_DONE, record, first, attempt, DropReason::NONE, now, out);
    }
    if (second)
    {
        StartFanOut(record, first, attempt, known, now, out);
    }
}

void
FlowManagerMachine::StartFanOut(const SessionRecord& record,
                                NodeId first,
                                std::uint16_t attempt,
                                bool known,
                                Instant now,
                                Actions& out)
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
    fanOut.record = record;
    fanOut.first = first;
    fanOut.attempt = attempt;
    fanOut.failed = false;
    ++fanOut.generation;
    fanOut.remaining = 1; // this function itself, so that the slot lives until its end
    const std::uint64_t token = TokenOf(slot, fanOut.generation);
    for (const NodeId node : View().MemberServiceNodes())
    {
        if (node == record.owner && !known)
        {
            continue; // it made the state
        }
        SyncMessage message;
        message.header.kind = MessageKind::FAN_OUT;
        message.record = record;
        ++m_fanOuts[slot].remaining;
        if (!SendReliable(node, message, Pool().Acquire(), token, now, out))
        {
            CountDownFanOut(token, false, now, out);
        }
    }
    CountDownFanOut(token, true, now, out);
}

void
FlowManagerMachine::CountDownFanOut(std::uint64_t token, bool good, Instant now, Actions& out)
{
    const auto slot = static_cast<std::uint32_t>(token);
    FanOut& fanOut = m_fanOuts[slot];
    if (fanOut.generation != token >> 32 || fanOut.remaining == 0)
    {
        return;
    }
    fanOut.failed = fanOut.failed || !good;
    if (--fanOut.remaining != 0)
    {
        return;
    }
    m_freeFanOuts.push_back(slot);
    if (!fanOut.failed)
    {
        ReportDone(MessageKind::FAN_OUT_DONE,
                   fanOut.record,
                   fanOut.first,
                   fanOut.attempt,
                   DropReason::NONE,
                   now,
                   out);
    }
}

void
FlowManagerMachine::ReportDone(MessageKind kind,
                               const SessionRecord& record,
                               NodeId first,
                               std::uint16_t attempt,
                               DropReason refused,
                               Instant now,
                               Actions& out)
{
    if (first == Self())
    {
        // The caller's caller makes progress: contexts must not close below its feet.
        MarkDone(kind, record, attempt);
        return;
    }
    if (!View().IsMember(first))
    {
        return;
    }
    SyncMessage message;
    message.header.kind = kind;
    message.header.flags = refused == DropReason::NONE ? 0 : message_flag::REFUSED;
    message.header.reason = static_cast<std::uint8_t>(refused);
    message.header.first = first;
    message.header.attempt = attempt;
    message.record = record;
    SendReliable(first, message, Pool().Acquire(), 0, now, out);
}

bool
FlowManagerMachine::SecondIsTail() const
{
    const auto alive = View().ActiveGroups()[Nodes().nodes[Self()].group].size();
    const std::size_t length = std::min<std::size_t>(m_manager.length, alive);
    return std::min<std::size_t>(m_manager.position, length) == length;
}

std::uint32_t
FlowManagerMachine::MarkDone(MessageKind kind, const SessionRecord& record, std::uint16_t attempt)
{
    const std::uint32_t slot = ContextOf(record, attempt);
    if (slot == FlowIndex::NOT_FOUND)
    {
        return FlowIndex::NOT_FOUND;
    }
    Context& context = m_contexts[slot];
    if (kind == MessageKind::CHAIN_DONE)
    {
        context.chainDone = true;
    }
    else
    {
        context.fanOutDone = true;
        context.chainDone = context.chainDone || SecondIsTail();
    }
    return slot;
}

void
FlowManagerMachine::HandleDone(const SyncMessage& message, Instant now, Actions& out)
{
    const MessageHeader& header = message.header;
    const std::uint32_t slot = MarkDone(header.kind, message.record, header.attempt);
    if (slot == FlowIndex::NOT_FOUND)
    {
        return;
    }
    if ((header.flags & message_flag::REFUSED) != 0)
    {
        const auto reason = header.reason < DROP_REASON_COUNT
                                ? static_cast<DropReason>(header.reason)
                                : DropReason::MALFORMED;
        CloseContext(slot, reason, reason);
        return;
    }
    Progress(slot, now, out);
}

void
FlowManagerMachine::StoreReverse(const FlowEntry& entry, Actions& out)
{
    Remember(entry, out);
    Note note{.kind = NoteKind::REVERSE_STORED, .value = entry.version};
    note.record.id = entry.session;
    out.notes.push_back(note);
}

void
FlowManagerMachine::Remember(const FlowEntry& entry, Actions& out)
{
    if (FlowEntry* old = m_entries.Find(entry.match))
    {
        if (entry.version > old->version)
        {
            *old = entry;
        }
    }
    else if (m_entries.Insert(entry) == nullptr)
    {
        out.notes.push_back({.kind = NoteKind::ENTRY_REFUSED});
    }
}

// ---------------------------------------------------------------------------------------------
// Acknowledgements, dead peers, views

void
FlowManagerMachine::HandleAcknowledged(
    NodeId, MessageKind kind, std::uint64_t token, Instant now, Actions& out)
{
    if (kind == MessageKind::FAN_OUT)
    {
        FinishFanOut(token, true, now, out);
    }
    else if (kind == MessageKind::REVERSE_ENTRY)
    {
        const std::uint32_t slot = ContextOf(token);
        if (slot != FlowIndex::NOT_FOUND)
        {
            m_contexts[slot].reverseDone = true;
            Progress(slot, now, out);
        }
    }
}

void
FlowManagerMachine::FinishFanOut(std::uint64_t token, bool good, Instant now, Actions& out)
{
    const FanOut& fanOut = m_fanOuts[static_cast<std::uint32_t>(token)];
    const SessionRecord record = fanOut.record;
    const std::uint16_t attempt = fanOut.attempt;
    const bool mine = fanOut.first == Self();
    CountDownFanOut(token, good, now, out);
    if (mine)
    {
        const std::uint32_t slot = ContextOf(record, attempt);
        if (slot != FlowIndex::NOT_FOUND)
        {
            Progress(slot, now, out);
        }
    }
}

void
FlowManagerMachine::HandleReturned(
    NodeId, ReliableChannel::Outstanding message, Returned why, Instant now, Actions& out)
{
    if (message.kind == MessageKind::PROCESS)
    {
        message.copy.reset(); // the context holds the packet itself
    }
    switch (message.kind)
    {
    case MessageKind::FAN_OUT:
        // In the new view the first manager starts again, so this one need not be complete.
        FinishFanOut(message.token, why == Returned::PEER_GONE, now, out);
        break;
    case MessageKind::CHAIN:
    {
        SyncMessage decoded;
        std::size_t outerLength = 0;
        const DecodeVerdict verdict = Decode(*message.copy, decoded, outerLength);
        assert(verdict == DecodeVerdict::OK);
        HandleReturnedChain(decoded, why, now, out);
        break;
    }
    case MessageKind::PROCESS:
    case MessageKind::REVERSE_ENTRY:
    {
        // After a change of view the context has a new token; the same one means: given up.
        const std::uint32_t slot = ContextOf(message.token);
        if (slot != FlowIndex::NOT_FOUND)
        {
            CloseContext(slot, DropReason::SYNC_ABANDONED, DropReason::SYNC_ABANDONED);
        }
        break;
    }
    case MessageKind::ENTRY:
        Drop(std::move(message.copy),
             why == Returned::PEER_GONE ? DropReason::NODE_DOWN : DropReason::SYNC_ABANDONED);
        break;
    default:
        break;
    }
}

void
FlowManagerMachine::HandleReturnedChain(const SyncMessage& message,
                                        Returned why,
                                        Instant now,
                                        Actions& out)
{
    const MessageHeader& header = message.header;
    if (header.first == Self())
    {
        const std::uint32_t slot = ContextOf(message.record, header.attempt);
        if (slot != FlowIndex::NOT_FOUND)
        {
            CloseContext(slot, DropReason::SYNC_ABANDONED, DropReason::SYNC_ABANDONED);
        }
        return;
    }
    // A first manager that is alive starts the chain again itself. For one that is dead, the
    // predecessor takes its unacknowledged updates to the successor (van Renesse & Schneider 2004).
    if (why == Returned::PEER_GONE && !View().IsMember(header.first))
    {
        Relay(message.record,
              header.first,
              header.attempt,
              static_cast<std::uint16_t>(header.position - 1),
              (header.flags & message_flag::EXISTING) != 0,
              now,
              out);
    }
}

void
FlowManagerMachine::HandleViewChange(Instant now, Actions& out)
{
    for (std::uint32_t slot = 0; slot < m_contexts.size(); ++slot)
    {
        const Context& context = m_contexts[slot];
        if (context.phase == Phase::AWAITING_STATE)
        {
            if (!View().IsActive(context.serviceNode) ||
                View().Incarnation(context.serviceNode) != context.serviceIncarnation)
            {
                Ask(slot, now, out);
            }
        }
        else if (context.phase == Phase::REPLICATING)
        {
            Replicate(slot, now, out);
        }
    }
}

void
FlowManagerMachine::HandleWakeup(Instant now, Actions&)
{
    while (!m_deadlines.empty() && m_deadlines.front().first <= now)
    {
        CloseContext(
            m_deadlines.front().second, DropReason::SYNC_ABANDONED, DropReason::SYNC_ABANDONED);
    }
}

Instant
FlowManagerMachine::NextRoleWakeup() const
{
    return m_deadlines.empty() ? NEVER : m_deadlines.front().first;
}

} // namespace flowchain
