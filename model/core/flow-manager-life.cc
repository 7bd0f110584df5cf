// SPDX-License-Identifier: GPL-2.0-only
// Life of sessions: updates, deletions, and sessions that come to nothing.
#include "flow-manager-machine.h"

namespace flowchain
{

void
FlowManagerMachine::ListSessions(std::vector<SessionId>& out) const
{
    ReplicaMachine::ListSessions(out);
    for (std::size_t slot = 0; slot < m_entries.Slots(); ++slot)
    {
        if (m_entries.IsUsed(slot))
        {
            out.push_back(m_entries.At(slot).session);
        }
    }
}

void
FlowManagerMachine::HandleUpdate(const SessionRecord& record, Instant now, Actions& out)
{
    if (SpreadCount() >= m_manager.pendingMax)
    {
        return; // the copies keep the older state
    }
    SpreadHandle handle = NO_SPREAD;
    // The owner has it: it has made it.
    if (BeginSpread(record, false, UPDATE_TOKEN, nullptr, now, out, handle) == DropReason::NONE)
    {
        HandleSpread(handle, FramePtr(), now, out);
    }
}

void
FlowManagerMachine::RestartUpdates(Instant now, Actions& out)
{
    for (SpreadHandle handle = 0; handle < SpreadSlots(); ++handle)
    {
        if (!SpreadAt(handle).live || SpreadAt(handle).token != UPDATE_TOKEN)
        {
            continue;
        }
        const DropReason refused = RestartSpread(handle, nullptr, now, out);
        if (refused != DropReason::NONE)
        {
            EndSpread(handle);
        }
        else
        {
            HandleSpread(handle, FramePtr(), now, out);
        }
    }
}

void
FlowManagerMachine::HandleRemove(const SessionRecord& record, Actions& out)
{
    Forget(record, out);
    for (const FlowKey& key : {record.original, record.translated.Reversed()})
    {
        FlowEntry* entry = m_entries.Find(key);
        if (entry != nullptr && entry->session == record.id)
        {
            Note note{.kind = NoteKind::ENTRY_REMOVED, .record = record};
            note.record.original = key;
            out.notes.push_back(note);
            m_entries.Erase(entry);
        }
        const std::uint32_t slot = FindContext(key);
        if (slot != FlowIndex::NOT_FOUND && m_contexts[slot].phase == Phase::REPLICATING &&
            m_contexts[slot].record.id == record.id)
        {
            CloseContext(slot, DropReason::NO_SESSION, DropReason::NO_SESSION);
        }
    }
}

/** Close a context that cannot come to an end. A session that was made for it is of no use then. */
void
FlowManagerMachine::GiveUp(std::uint32_t slot, DropReason reason, Instant now, Actions& out)
{
    const Context& context = m_contexts[slot];
    const bool useless = context.phase == Phase::REPLICATING && !context.released && !context.known;
    const SessionRecord record = context.record;
    CloseContext(slot, reason, reason);
    if (useless)
    {
        AskForRemoval(record, now, out);
    }
}

void
FlowManagerMachine::AskForRemoval(const SessionRecord& record, Instant now, Actions& out)
{
    if (Store().IsDeleted(record.id) || !View().IsMember(record.owner))
    {
        return;
    }
    SyncMessage message;
    message.header.kind = MessageKind::REMOVE;
    message.record = record;
    SendReliable(record.owner, message, Pool().Acquire(), 0, now, out);
}

} // namespace flowchain
