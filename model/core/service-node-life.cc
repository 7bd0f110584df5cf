// SPDX-License-Identifier: GPL-2.0-only
// Life of sessions: what a service node does for those that it is responsible for.
#include "selector.h"
#include "service-node-machine.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

/** Token of a REMOVE by which another node is asked to delete; others have their number plus 1. */
constexpr std::uint64_t REQUEST_TOKEN = 0;

} // namespace

void
ServiceNodeMachine::HandleKept(const SessionRecord& record, Instant now, Actions& out)
{
    const std::vector<SessionRecord> superseded = Store().Superseded();
    if (IsResponsible(record))
    {
        m_ageing.Watch(record, MutableStore().Find(record.original).slot, now);
    }
    else
    {
        m_ageing.Forget(record.id);
    }
    for (const SessionRecord& old : superseded)
    {
        m_ageing.Forget(old.id);
        if (RemoverOf(old) == Self())
        {
            Doom(old, DeletionCause::SUPERSEDED, now, out);
        }
    }
}

bool
ServiceNodeMachine::IsResponsible(const SessionRecord& record, const MembershipView& view) const
{
    return view.IsActive(record.owner) ? record.owner == Self()
                                       : Scheme().Heir(record, view) == Self();
}

bool
ServiceNodeMachine::IsResponsible(const SessionRecord& record) const
{
    return IsResponsible(record, View());
}

void
ServiceNodeMachine::HandleLifeMessage(const SyncMessage& message, Instant now, Actions& out)
{
    switch (message.header.kind)
    {
    case MessageKind::OBSERVED:
        HandleObserved(message, now, out);
        break;
    case MessageKind::REFRESH:
        m_ageing.Touch(message.entry.session, now);
        break;
    default:
        HandleRemove(message, now, out);
        break;
    }
}

// ---------------------------------------------------------------------------------------------
// TCP state

void
ServiceNodeMachine::HandleObserved(const SyncMessage& message, Instant now, Actions& out)
{
    const SessionStore::Match match = MutableStore().Find(message.entry.match);
    if (match.record == nullptr || match.record->id != message.entry.session ||
        !IsResponsible(*match.record))
    {
        return;
    }
    m_ageing.Watch(*match.record, match.slot, now);
    const auto state =
        m_ageing.Observe(match.record->id, match.reverse, message.header.position, now);
    if (state)
    {
        ChangeState(*match.record, *state, now, out);
    }
}

void
ServiceNodeMachine::ChangeState(SessionRecord record, SessionState state, Instant now, Actions& out)
{
    Note note{.kind = NoteKind::STATE_CHANGED, .record = record};
    note.record.state = state;
    out.notes.push_back(note);
    // A connection that is opened again in CLOSING goes on as such in the copies.
    if (!m_service.updates || state <= record.state)
    {
        return;
    }
    record.state = state;
    if (!Adopt(record))
    {
        record.version = MakeSessionVersion(static_cast<std::uint32_t>(record.version >> 32),
                                            VersionCounterOf(state));
    }
    if (Keep(record, now, out) == DropReason::NONE)
    {
        SpreadUpdate(record, now, out);
    }
}

/** As the scheme spreads new state; who has lost an update has an older state, no wrong one. */
void
ServiceNodeMachine::SpreadUpdate(const SessionRecord& record, Instant now, Actions& out)
{
    if (Scheme().Root() == SchemeRoot::OWNER)
    {
        SpreadHandle handle = FindSpread(record.id);
        if (handle == NO_SPREAD)
        {
            const DropReason refused =
                BeginSpread(record, false, FlowIndex::NOT_FOUND, nullptr, now, out, handle);
            if (refused != DropReason::NONE)
            {
                return;
            }
        }
        else
        {
            SpreadAt(handle).record = record;
            const DropReason refused = Advance(handle, FirstWaiting(handle), now, out);
            if (refused != DropReason::NONE)
            {
                HandleSpreadFailed(handle, refused, now, out);
                return;
            }
        }
        Progress(handle, now, out);
    }
    else if (Scheme().Root() == SchemeRoot::MANAGER)
    {
        const NodeId manager = Selector::Manager(record.original, View());
        if (manager != NO_NODE)
        {
            SyncMessage message;
            message.header.kind = MessageKind::STATE;
            message.header.flags =
                message_flag::UPDATE | message_flag::EXISTING | message_flag::RELEASED;
            message.record = record;
            SendReliable(manager, message, Pool().Acquire(), 0, now, out);
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Deletion

void
ServiceNodeMachine::HandleRemove(const SyncMessage& message, Instant now, Actions& out)
{
    const MessageHeader& header = message.header;
    const SessionRecord& record = message.record;
    if (header.position != 0)
    {
        TakeOut(record, now, out);
        m_function->Reserve(record);
        for (const SessionRecord& confirmed :
             m_witness[header.source].Told(record, header.attempt, header.position))
        {
            m_function->Settle(confirmed);
        }
        return;
    }
    if (Nodes().nodes[header.source].role == NodeRole::SERVICE_NODE)
    {
        Doom(record, DeletionCause::TAKEN_OVER, now, out);
        return;
    }
    Abandon(record, now, out);
}

/** Take out a copy for good, and end what is under way for it. */
void
ServiceNodeMachine::TakeOut(const SessionRecord& record, Instant now, Actions& out)
{
    m_ageing.Forget(record.id);
    Forget(record, out);
    const SpreadHandle handle = FindSpread(record.id);
    if (handle != NO_SPREAD)
    {
        HandleSpreadFailed(handle, DropReason::NO_SESSION, now, out);
    }
}

/** Whoever the session was made for has no use for it. */
void
ServiceNodeMachine::Abandon(const SessionRecord& record, Instant now, Actions& out)
{
    const SessionStore::Match match = MutableStore().Find(record.original);
    // Another manager may have asked for the session and released packets of it in the meantime.
    if (match.record != nullptr && match.record->id == record.id && IsResponsible(*match.record) &&
        !m_ageing.HasHadPackets(record.id))
    {
        Doom(*match.record, DeletionCause::ABANDONED, now, out);
    }
}

void
ServiceNodeMachine::Doom(const SessionRecord& record,
                         DeletionCause cause,
                         Instant now,
                         Actions& out)
{
    m_ageing.Forget(record.id);
    m_doomed.push_back({record, cause});
    BeginRemovals(now, out);
}

/** Whether the session is going to be deleted once others are. They are few, or many have come to
 * their end at once, and few of these have a packet then that misses everywhere. */
bool
ServiceNodeMachine::IsDoomed(SessionId id) const
{
    return std::any_of(m_doomed.begin(),
                       m_doomed.end(),
                       [id](const Doomed& doomed)
                       {
        return doomed.record.id == id;
    });
}

void
ServiceNodeMachine::BeginRemovals(Instant now, Actions& out)
{
    while (!m_doomed.empty() && !m_removals.IsFull())
    {
        const Doomed doomed = m_doomed.front();
        m_doomed.pop_front();
        // What this node has removed, others may still have if the one who told it is gone.
        const bool done =
            m_removals.Has(doomed.record.id) ||
            (doomed.cause != DeletionCause::TAKEN_OVER && Store().IsDeleted(doomed.record.id));
        if (!done)
        {
            BeginRemoval(doomed.record, doomed.cause, now, out);
        }
    }
}

void
ServiceNodeMachine::BeginRemoval(SessionRecord record,
                                 DeletionCause cause,
                                 Instant now,
                                 Actions& out)
{
    const std::uint32_t epoch =
        record.owner == Self() ? static_cast<std::uint32_t>(record.version >> 32) : View().Epoch();
    record.owner = Self();
    record.state = SessionState::DELETED;
    record.version = MakeSessionVersion(epoch, VersionCounterOf(record.state));
    out.notes.push_back(
        {.kind = NoteKind::DELETED, .value = static_cast<std::uint64_t>(cause), .record = record});
    // Before its spread ends, as packets that wait for that may doom it once more, or others.
    const std::uint32_t number = m_removals.Begin(record);
    const std::vector<NodeId> holders = Holders();
    for (const NodeId node : holders)
    {
        m_removals.Find(number)->waiting.set(node);
    }
    TakeOut(record, now, out);
    if (IsPlanted(PlantedDefect::EARLY_PORT_REUSE))
    {
        m_function->Close(record);
    }
    else
    {
        m_function->Reserve(record); // it may be of an earlier life of this node
    }
    for (const NodeId node : holders)
    {
        TellRemoval(number, node, now, out);
    }
    if (holders.empty())
    {
        m_removals.Find(number)->confirmed = true;
        FinishRemoval(record, out);
    }
}

std::vector<NodeId>
ServiceNodeMachine::Holders() const
{
    std::vector<NodeId> holders;
    const auto add = [&](const std::vector<NodeId>& nodes)
    {
        std::copy_if(nodes.begin(),
                     nodes.end(),
                     std::back_inserter(holders),
                     [this](NodeId node)
                     {
            return node != Self() && View().IsMember(node);
        });
    };
    // Managers before accelerators: who has no entry left asks a manager for one.
    for (const std::vector<NodeId>& group : Nodes().groups)
    {
        add(group);
    }
    add(Nodes().accelerators);
    add(Nodes().serviceNodes);
    return holders;
}

void
ServiceNodeMachine::TellRemoval(std::uint32_t number, NodeId node, Instant now, Actions& out)
{
    RemovalLog::Removal* removal = m_removals.Find(number);
    SyncMessage message;
    message.header.kind = MessageKind::REMOVE;
    message.header.attempt = static_cast<std::uint16_t>(number);
    message.header.position = static_cast<std::uint8_t>(number - m_removals.First() + 1);
    message.record = removal->record;
    const bool sent =
        SendReliable(node, message, Pool().Acquire(), std::uint64_t{number} + 1, now, out);
    removal->unsent.set(node, !sent);
    if (!sent)
    {
        m_removalRetry = std::min(m_removalRetry, now + Config().channel.retransmitTimeout);
    }
}

void
ServiceNodeMachine::ConfirmRemoval(std::uint64_t token, NodeId node, Instant now, Actions& out)
{
    const auto number = static_cast<std::uint32_t>(token - 1);
    if (token == REQUEST_TOKEN || !m_removals.Confirm(number, node))
    {
        return;
    }
    FinishRemoval(m_removals.Find(number)->record, out);
    BeginRemovals(now, out);
}

void
ServiceNodeMachine::FinishRemoval(const SessionRecord& record, Actions& out)
{
    out.notes.push_back({.kind = NoteKind::DELETION_CONFIRMED, .record = record});
    if (!IsPlanted(PlantedDefect::EARLY_PORT_REUSE))
    {
        m_function->Close(record);
    }
    m_removals.Trim();
}

void
ServiceNodeMachine::HandleReturnedRemoval(NodeId peer,
                                          std::uint64_t token,
                                          DropReason why,
                                          Instant now)
{
    // Of a peer that is gone, the change of the view has told already.
    if (token == REQUEST_TOKEN || why == DropReason::NODE_DOWN)
    {
        return;
    }
    RemovalLog::Removal* removal = m_removals.Find(static_cast<std::uint32_t>(token - 1));
    if (removal != nullptr && removal->waiting.test(peer))
    {
        removal->unsent.set(peer);
        m_removalRetry = std::min(m_removalRetry, now + Config().channel.retransmitTimeout);
    }
}

void
ServiceNodeMachine::RetryRemovals(Instant now, Actions& out)
{
    m_removalRetry = NEVER;
    const std::uint32_t end = m_removals.Next();
    for (std::uint32_t number = m_removals.First(); number != end; ++number)
    {
        const RemovalLog::Nodes unsent = m_removals.Find(number)->unsent;
        for (std::size_t node = unsent._Find_first(); node < unsent.size();
             node = unsent._Find_next(node))
        {
            TellRemoval(number, static_cast<NodeId>(node), now, out);
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Time and views

void
ServiceNodeMachine::HandleWakeup(Instant now, Actions& out)
{
    ReplicaMachine::HandleWakeup(now, out);
    if (now >= m_removalRetry)
    {
        RetryRemovals(now, out);
    }
    if (now >= m_joinBy)
    {
        BecomeReady(NO_NODE, now, out);
    }
    if (now >= m_repairAt)
    {
        FeedRepair(now, out);
    }
    if (now < m_ageing.Next())
    {
        return;
    }
    std::vector<SessionAgeing::Watched> expired;
    m_ageing.Expire(now, expired);
    for (const SessionAgeing::Watched& session : expired)
    {
        m_ageing.Forget(session.id);
        const SessionRecord record = Store().At(session.slot);
        if (record.id == session.id && IsResponsible(record))
        {
            Doom(record,
                 session.state == SessionState::CLOSING ? DeletionCause::CLOSED
                                                        : DeletionCause::AGED,
                 now,
                 out);
        }
    }
}

Instant
ServiceNodeMachine::NextRoleWakeup() const
{
    return std::min(
        {ReplicaMachine::NextRoleWakeup(), m_removalRetry, m_joinBy, m_repairAt, m_ageing.Next()});
}

/** Whether the node's status or incarnation is another one than in the last view. */
bool
ServiceNodeMachine::HasChanged(NodeId node) const
{
    return View().Body().members[node] != m_lastView.members[node];
}

void
ServiceNodeMachine::TakeOverLives(Instant now, Actions& out)
{
    ReviseRemovals(now, out);
    bool heirsChanged = false;
    for (const NodeId node : Nodes().serviceNodes)
    {
        if (!HasChanged(node))
        {
            continue;
        }
        heirsChanged = true;
        const bool gone = !View().IsMember(node) ||
                          View().Incarnation(node) != m_lastView.members[node].incarnation;
        if (gone)
        {
            TakeOverRemovals(node, now, out);
        }
    }
    m_lastView = View().Body();
    for (std::size_t slot = 0; heirsChanged && slot < Store().Slots(); ++slot)
    {
        const SessionRecord& record = Store().At(slot);
        if (record.id != 0 && IsResponsible(record))
        {
            m_ageing.Watch(record, static_cast<std::uint32_t>(slot), now);
        }
    }
}

/** Wait no longer for nodes that have left, and tell those that have come. */
void
ServiceNodeMachine::ReviseRemovals(Instant now, Actions& out)
{
    const std::vector<NodeId> holders = Holders();
    const std::uint32_t end = m_removals.Next();
    for (std::uint32_t number = m_removals.First(); number != end; ++number)
    {
        RemovalLog::Removal* removal = m_removals.Find(number);
        if (removal == nullptr || removal->confirmed)
        {
            continue;
        }
        for (const NodeId node : holders)
        {
            if (HasChanged(node))
            {
                m_removals.Find(number)->waiting.set(node);
                TellRemoval(number, node, now, out);
            }
        }
        for (NodeId node = 0; node < Nodes().nodes.size(); ++node)
        {
            if (!View().IsMember(node))
            {
                ConfirmRemoval(std::uint64_t{number} + 1, node, now, out);
            }
        }
    }
}

void
ServiceNodeMachine::TakeOverRemovals(NodeId gone, Instant now, Actions& out)
{
    for (const SessionRecord& record : m_witness[gone].Take())
    {
        const NodeId heir = RemoverOf(record);
        if (heir == Self())
        {
            Doom(record, DeletionCause::TAKEN_OVER, now, out);
        }
        else if (heir != NO_NODE)
        {
            m_witness[heir].Asked(record);
            SyncMessage message;
            message.header.kind = MessageKind::REMOVE;
            message.record = record;
            SendReliable(heir, message, Pool().Acquire(), REQUEST_TOKEN, now, out);
        }
    }
}

} // namespace flowchain
