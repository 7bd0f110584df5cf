// SPDX-License-Identifier: GPL-2.0-only
// What a flow manager does as first and third: spreading begun, reverse entries, acknowledgements.
#include "flow-manager-machine.h"
#include "selector.h"

#include <cassert>

namespace flowchain
{

void
FlowManagerMachine::Replicate(std::uint32_t slot, Instant now, Actions& out)
{
    Context& context = m_contexts[slot];
    ++context.generation;
    context.reverseDone = !Scheme().HasReverseEntry();
    // A node that has restarted since it made the state has lost it.
    context.known =
        context.known || View().Incarnation(context.serviceNode) != context.serviceIncarnation;
    DropReason refused;
    if (context.spread == NO_SPREAD)
    {
        refused = BeginSpread(
            context.record, context.known, slot, PacketOf(context), now, out, context.spread);
    }
    else
    {
        SpreadAt(context.spread).known = context.known;
        refused = Advance(context.spread, PacketOf(context), now, out);
    }
    if (refused != DropReason::NONE)
    {
        GiveUp(slot, refused, now, out);
        return;
    }
    if (Scheme().HasReverseEntry())
    {
        SendReverseEntry(slot, now, out);
    }
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
    const bool isWrong = IsPlanted(PlantedDefect::REVERSE_ENTRY_WRONG_TUPLE);
    const NodeId third = Selector::Manager(
        isWrong ? context.record.original.Reversed() : message.entry.match, View());
    if (IsPlanted(PlantedDefect::PORT_REWRITTEN_ONE_WAY))
    {
        message.entry.rewrite.destination.port = message.entry.match.destination.port;
    }
    if (third == Self())
    {
        StoreReverse(message.entry, out);
        context.reverseDone = true;
        return;
    }
    SendReliable(third, message, Pool().Acquire(), TokenOf(slot, context.generation), now, out);
}

void
FlowManagerMachine::StoreReverse(const FlowEntry& entry, Actions& out)
{
    if (Store().IsDeleted(entry.session))
    {
        return;
    }
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
FlowManagerMachine::HandleSpread(SpreadHandle handle,
                                 FramePtr, // the context has the packet itself
                                 Instant now,
                                 Actions& out)
{
    if (SpreadAt(handle).token != UPDATE_TOKEN)
    {
        Progress(static_cast<std::uint32_t>(SpreadAt(handle).token), now, out);
    }
    else if (SpreadAt(handle).chainDone && SpreadAt(handle).fanOutDone)
    {
        EndSpread(handle);
    }
}

void
FlowManagerMachine::HandleSpreadFailed(SpreadHandle handle,
                                       DropReason reason,
                                       Instant now,
                                       Actions& out)
{
    if (SpreadAt(handle).token != UPDATE_TOKEN)
    {
        GiveUp(static_cast<std::uint32_t>(SpreadAt(handle).token), reason, now, out);
    }
    else
    {
        EndSpread(handle);
    }
}

void
FlowManagerMachine::HandleRoleAcknowledged(
    NodeId, MessageKind kind, std::uint64_t token, Instant now, Actions& out)
{
    if (kind != MessageKind::REVERSE_ENTRY)
    {
        return;
    }
    const std::uint32_t slot = ContextOf(token);
    if (slot != FlowIndex::NOT_FOUND)
    {
        m_contexts[slot].reverseDone = true;
        Progress(slot, now, out);
    }
}

void
FlowManagerMachine::HandleRoleReturned(
    NodeId, ReliableChannel::Outstanding message, DropReason why, Instant now, Actions& out)
{
    if (message.kind == MessageKind::PROCESS)
    {
        message.copy.reset(); // the context holds the packet itself
    }
    switch (message.kind)
    {
    case MessageKind::PROCESS:
    case MessageKind::REVERSE_ENTRY:
    {
        // After a change of view the context has a new token; the same one means: given up.
        const std::uint32_t slot = ContextOf(message.token);
        if (slot != FlowIndex::NOT_FOUND)
        {
            GiveUp(slot, why, now, out);
        }
        break;
    }
    case MessageKind::ENTRY:
        Drop(std::move(message.copy), why);
        break;
    default:
        break;
    }
}

void
FlowManagerMachine::HandleViewChange(Instant now, Actions& out)
{
    for (std::uint32_t slot = 0; slot < m_contexts.size(); ++slot)
    {
        Context& context = m_contexts[slot];
        if (context.phase == Phase::AWAITING_STATE)
        {
            if (!View().IsMember(context.serviceNode) ||
                View().Incarnation(context.serviceNode) != context.serviceIncarnation)
            {
                context.probe = 0;
                Ask(slot, now, out);
            }
        }
        else if (context.phase == Phase::REPLICATING)
        {
            Replicate(slot, now, out);
        }
    }
    RestartUpdates(now, out);
    ReviseWitnesses();
    ReviseSnapshots(Scheme().Promise(Replica()).Restores() && View().IsActive(Self()) &&
                        View().ActiveServiceNodes().empty(),
                    now,
                    out);
}

void
FlowManagerMachine::HandleWakeup(Instant now, Actions& out)
{
    while (!m_deadlines.empty() && m_deadlines.front().first <= now)
    {
        GiveUp(m_deadlines.front().second, DropReason::SYNC_ABANDONED, now, out);
    }
    ReplicaMachine::HandleWakeup(now, out);
}

Instant
FlowManagerMachine::NextRoleWakeup() const
{
    const Instant spreads = ReplicaMachine::NextRoleWakeup();
    return m_deadlines.empty() ? spreads : std::min(spreads, m_deadlines.front().first);
}

} // namespace flowchain
