// SPDX-License-Identifier: GPL-2.0-only
// How a service node that comes back gets what it lacks.
#include "service-node-machine.h"

#include <algorithm>

namespace flowchain
{

void
ServiceNodeMachine::HandleSnapshot(const SyncMessage& message, Instant now, Actions& out)
{
    const SessionRecord& record = message.record;
    m_joinBy = m_joinBy == NEVER ? NEVER : now + m_service.pendingTimeout;
    if (record.state != SessionState::DELETED)
    {
        const bool superseded = Keep(record, now, out) == DropReason::REFUSED;
        // Where nobody is active, nobody has seen to it yet that the older session is deleted.
        if (superseded && View().ActiveServiceNodes().empty() && RemoverOf(record) == Self())
        {
            Doom(record, DeletionCause::SUPERSEDED, now, out);
        }
        return;
    }
    if (Store().IsDeleted(record.id))
    {
        return; // another donor has told it
    }
    TakeOut(record, now, out);
    m_function->Reserve(record);
    const NodeId remover = RemoverOf(record);
    if (remover == Self())
    {
        Doom(record, DeletionCause::TAKEN_OVER, now, out);
    }
    else
    {
        m_witness[remover].Asked(record); // that node has been told, too
    }
}

void
ServiceNodeMachine::HandleSnapshotEnd(const MessageHeader& header, Instant now, Actions& out)
{
    m_ended[header.source] = header.sourceIncarnation;
    if (Nodes().nodes[header.source].role == NodeRole::SERVICE_NODE)
    {
        m_isRestored = false;
        BecomeReady(header.source, now, out);
    }
    else if (!m_ready && View().ActiveServiceNodes().empty() && HasAllOfManagers())
    {
        m_isRestored = true;
        BecomeReady(header.source, now, out);
    }
}

void
ServiceNodeMachine::ReviseJoining(Instant now, Actions& out)
{
    const bool isJoining = View().Status(Self()) == MemberStatus::JOINING;
    const bool isAlone = View().ActiveServiceNodes().empty();
    if (isJoining && m_isRestored && !isAlone)
    {
        // Who is active first may have got more, of managers that have died since.
        m_isRestored = false;
        m_ready = false;
    }
    if (m_ready || !isJoining || !isAlone)
    {
        m_joinBy = NEVER;
    }
    else if (HasAllOfManagers())
    {
        m_isRestored = true;
        BecomeReady(m_ended.rbegin()->first, now, out); // the last one to be waited for has died
    }
    else if (m_joinBy == NEVER)
    {
        m_joinBy = now + m_service.pendingTimeout;
    }
}

/** Whether every active manager has sent all that it has, and there is one. */
bool
ServiceNodeMachine::HasAllOfManagers() const
{
    bool any = false;
    for (const std::vector<NodeId>& group : View().ActiveGroups())
    {
        for (const NodeId manager : group)
        {
            const auto ended = m_ended.find(manager);
            if (ended == m_ended.end() || ended->second != View().Incarnation(manager))
            {
                return false;
            }
            any = true;
        }
    }
    return any;
}

void
ServiceNodeMachine::BecomeReady(NodeId donor, Instant now, Actions& out)
{
    m_ready = true;
    m_joinBy = NEVER;
    out.notes.push_back({.kind = NoteKind::SNAPSHOT_ENDED, .peer = donor});
    SendHeartbeat(now, out);
}

NodeId
ServiceNodeMachine::RemoverOf(const SessionRecord& record) const
{
    if (View().IsActive(record.owner))
    {
        return record.owner;
    }
    const NodeId heir = Scheme().Heir(record, View());
    // While everybody joins, the first of them will do.
    const auto& members = View().MemberServiceNodes();
    return heir != NO_NODE || members.empty() ? heir : members.front();
}

} // namespace flowchain
