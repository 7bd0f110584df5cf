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
        const DropReason refused = Advance(handle, nullptr, now, out);
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
FlowManagerMachine::HandleRemove(const SyncMessage& message, Actions& out)
{
    const MessageHeader& header = message.header;
    const SessionRecord& record = message.record;
    Forget(record, out);
    if (header.position != 0 && Scheme().Promise(Replica()).Restores())
    {
        m_witness[header.source].Told(record, header.attempt, header.position);
        m_orphans.Settle(record.id);
    }
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

/** Who has died, or lives again, numbers its removals no more, or anew. */
void
FlowManagerMachine::ReviseWitnesses()
{
    for (const NodeId node : Nodes().serviceNodes)
    {
        const bool gone = !View().IsMember(node) ||
                          View().Incarnation(node) != m_lastView.members[node].incarnation;
        if (gone)
        {
            for (const SessionRecord& record : m_witness[node].Take())
            {
                m_orphans.Asked(record);
            }
        }
    }
    m_lastView = View().Body();
}

std::vector<SessionRecord>
FlowManagerMachine::OpenRemovals() const
{
    std::vector<SessionRecord> open = m_orphans.Records();
    for (const RemovalWitness& witness : m_witness)
    {
        const std::vector<SessionRecord> told = witness.Records();
        open.insert(open.end(), told.begin(), told.end());
    }
    return open;
}

/** Close a context that cannot come to an end. A session that was made for it is of no use then. */
void
FlowManagerMachine::GiveUp(std::uint32_t slot, DropReason reason, Instant now, Actions& out)
{
    const Context& context = m_contexts[slot];
    const bool useless = context.phase == Phase::REPLICATING && !context.released && !context.known;
    const SessionRecord record = context.record;
    reason = IsPlanted(PlantedDefect::DROP_WITHOUT_REASON) ? DropReason::NONE : reason;
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
