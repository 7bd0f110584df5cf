// SPDX-License-Identifier: GPL-2.0-only
#include "flow-manager-machine.h"

#include "selector.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

FlowManagerMachine::FlowManagerMachine(const NodeConfig& config, const FlowManagerConfig& manager)
    : ReplicaMachine(config, manager)
    , m_manager(manager)
    , m_topology(MakeTopology(config.directory->function))
    , m_entries(2 * manager.sessionsMax)
    , m_witness(config.directory->nodes.size())
    , m_lastView(View().Body())
{
}

FlowManagerMachine::~FlowManagerMachine()
{
    for (Context& context : m_contexts)
    {
        while (TakeHeld(context))
        {
        }
    }
}

std::size_t
FlowManagerMachine::TableBytes() const
{
    return Store().Bytes() + m_entries.Bytes();
}

std::size_t
FlowManagerMachine::TableEntries() const
{
    return Store().Size() + m_entries.Size();
}

std::size_t
FlowManagerMachine::TableLimit() const
{
    return std::size_t{3} * m_manager.sessionsMax;
}

bool
FlowManagerMachine::IsIdle() const
{
    return PendingCount() == 0 && ReplicaMachine::IsIdle();
}

void
FlowManagerMachine::HandleRoleMessage(const SyncMessage& message,
                                      FramePtr frame,
                                      Instant now,
                                      Actions& out)
{
    switch (message.header.kind)
    {
    case MessageKind::PACKET_IN:
        HandlePacketIn(message, std::move(frame), now, out);
        break;
    case MessageKind::STATE:
        HandleState(message, std::move(frame), now, out);
        break;
    case MessageKind::FETCH:
        AnswerFetch(message, now, out);
        break;
    case MessageKind::REVERSE_ENTRY:
        StoreReverse(message.entry, out);
        break;
    case MessageKind::REMOVE:
        HandleRemove(message, out);
        break;
    default:
        Drop(std::move(frame), DropReason::NOT_FOR_ME);
        break;
    }
}

// ---------------------------------------------------------------------------------------------
// First packets

void
FlowManagerMachine::HandlePacketIn(const SyncMessage& message,
                                   FramePtr frame,
                                   Instant now,
                                   Actions& out)
{
    const NodeId accelerator = message.header.source;
    PacketView view;
    if (ParsePacketTrusted(*frame, 0, view) != PacketVerdict::OK || view.ttl <= 1)
    {
        Drop(std::move(frame), DropReason::MALFORMED);
        return;
    }
    if (View().Epoch() == 0)
    {
        Drop(std::move(frame), DropReason::NO_VIEW);
        return;
    }
    const FlowEntry* entry = m_entries.Find(view.key);
    if (entry != nullptr && View().IsActive(entry->owner))
    {
        SendEntry(*entry, accelerator, std::move(frame), now, out);
        return;
    }
    const std::uint32_t slot = FindContext(view.key);
    if (slot == FlowIndex::NOT_FOUND)
    {
        Open(view.key, message, std::move(frame), now, out);
        return;
    }
    Context& context = m_contexts[slot];
    context.accelerator = accelerator;
    if (context.released)
    {
        SendEntry(EntryOf(context), accelerator, std::move(frame), now, out);
        return;
    }
    Hold(context, std::move(frame));
}

void
FlowManagerMachine::SendEntry(
    const FlowEntry& entry, NodeId accelerator, FramePtr packet, Instant now, Actions& out)
{
    SyncMessage message;
    message.header.kind = MessageKind::ENTRY;
    message.entry = entry;
    message.hasInnerFrame = !packet->Header().empty();
    SendReliable(accelerator, message, std::move(packet), 0, now, out);
}

void
FlowManagerMachine::Open(
    const FlowKey& key, const SyncMessage& message, FramePtr frame, Instant now, Actions& out)
{
    if (IsHeldBack())
    {
        Drop(std::move(frame), DropReason::BACKPRESSURE);
        return;
    }
    const std::uint32_t slot = NewContext(key, now);
    if (slot == FlowIndex::NOT_FOUND)
    {
        Drop(std::move(frame), DropReason::PENDING_FULL);
        return;
    }
    Context& context = m_contexts[slot];
    context.accelerator = message.header.source;
    if ((message.header.flags & message_flag::EXISTING) != 0)
    {
        context.hintSession = message.entry.session;
        context.hintOwner = message.entry.owner;
    }
    const std::uint32_t packetId = frame->packetId;
    Hold(context, std::move(frame));
    Ask(slot, now, out);
    if (m_topology->IsReverse(key))
    {
        Note note{
            .kind = NoteKind::SLOW_REVERSE, .peer = context.serviceNode, .packetId = packetId};
        note.record.original = key;
        out.notes.push_back(note);
    }
}

bool
FlowManagerMachine::IsHeldBack() const
{
    const auto isNeeded = [this](NodeId peer)
    {
        const Directory::Node& node = Nodes().nodes[peer];
        return node.role == NodeRole::SERVICE_NODE ||
               (node.role == NodeRole::MANAGER && node.group == Nodes().nodes[Self()].group);
    };
    return std::ranges::any_of(Transport().Congested(), isNeeded);
}

void
FlowManagerMachine::Ask(std::uint32_t slot, Instant now, Actions& out)
{
    Context& context = m_contexts[slot];
    Place(context, NO_NODE);
    context.serviceNode = ChooseServiceNode(context, context.probe);
    Place(context, IsOfKnownSession(context) ? NO_NODE : context.serviceNode);
    ++context.generation;
    if (context.serviceNode == NO_NODE)
    {
        CloseContext(slot, DropReason::NO_SERVICE_NODE, DropReason::NO_SERVICE_NODE);
        return;
    }
    context.serviceIncarnation = View().Incarnation(context.serviceNode);
    SyncMessage message;
    message.header.kind = MessageKind::PROCESS;
    if (IsOfKnownSession(context) && ChooseServiceNode(context, context.probe + 1) != NO_NODE)
    {
        message.header.flags = message_flag::EXISTING; // only the last one may make a session
    }
    message.hasInnerFrame = true;
    message.entry.session = FlowHash(context.key);
    FramePtr packet = Pool().Clone(*context.heldFirst);
    out.notes.push_back(
        {.kind = NoteKind::ASKED, .peer = context.serviceNode, .packetId = packet->packetId});
    if (!SendReliable(context.serviceNode,
                      message,
                      std::move(packet),
                      TokenOf(slot, context.generation),
                      now,
                      out))
    {
        CloseContext(slot, DropReason::SYNC_BACKLOG_FULL, DropReason::SYNC_BACKLOG_FULL);
    }
}

void
FlowManagerMachine::HandleState(const SyncMessage& message,
                                FramePtr frame,
                                Instant now,
                                Actions& out)
{
    const MessageHeader& header = message.header;
    if ((header.flags & message_flag::UPDATE) != 0)
    {
        HandleUpdate(message.record, now, out);
        return;
    }
    const bool reverse = (header.flags & message_flag::REVERSE) != 0;
    const std::uint32_t slot =
        FindContext(reverse ? message.record.translated.Reversed() : message.record.original);
    if (slot == FlowIndex::NOT_FOUND || m_contexts[slot].phase != Phase::AWAITING_STATE ||
        m_contexts[slot].serviceNode != header.source)
    {
        if ((header.flags & (message_flag::EXISTING | message_flag::REFUSED)) == 0)
        {
            AskForRemoval(message.record, now, out); // nobody waits for it any more
        }
        Drop(std::move(frame), DropReason::DUPLICATE);
        return;
    }
    Context& context = m_contexts[slot];
    if ((header.flags & message_flag::REFUSED) != 0)
    {
        if (header.reason >= DROP_REASON_COUNT)
        {
            Drop(std::move(frame), DropReason::MALFORMED);
            return;
        }
        const auto reason = static_cast<DropReason>(header.reason);
        if ((reason == DropReason::NO_SESSION || reason == DropReason::NO_BINDING) &&
            ChooseServiceNode(context, context.probe + 1) != NO_NODE)
        {
            ++context.probe;
            Ask(slot, now, out);
            return;
        }
        CloseContext(slot, reason, DropReason::REFUSED);
        return;
    }
    if (Store().IsDeleted(message.record.id))
    {
        Drop(std::move(frame), DropReason::NONE); // the context has the packet, too
        CloseContext(slot, DropReason::NO_SESSION, DropReason::NO_SESSION);
        return;
    }
    Place(context, NO_NODE);
    context.phase = Phase::REPLICATING;
    context.reverse = reverse;
    context.known = (header.flags & (message_flag::EXISTING | message_flag::ADOPTED)) != 0;
    context.record = message.record;
    out.notes.push_back({.kind = NoteKind::STATE_RECEIVED,
                         .peer = header.source,
                         .packetId = context.heldFirst->packetId,
                         .record = message.record});
    TakeHeld(context); // the packet as it was before translation
    if (message.hasInnerFrame)
    {
        context.translated = std::move(frame);
    }
    // A reverse packet may be late, and meant for an older session of its tuple: then this one may
    // be in no chain yet. So it is spread once more, unless a release promises nothing anyway.
    const bool promisesNothing = Replica().release == ReleaseRule::IMMEDIATE;
    const bool adopted = (header.flags & message_flag::ADOPTED) != 0;
    if (Scheme().Root() != SchemeRoot::MANAGER || (reverse && !adopted && promisesNothing))
    {
        context.reverseDone = true;
        Progress(slot, now, out);
        return;
    }
    Replicate(slot, now, out);
}

/** As a server of the store: look a session up for a service node. */
void
FlowManagerMachine::AnswerFetch(const SyncMessage& message, Instant now, Actions& out)
{
    SyncMessage answer;
    answer.header.kind = MessageKind::FETCHED;
    answer.header.first = message.header.first;
    answer.header.attempt = message.header.attempt;
    if (const SessionRecord* record = MutableStore().Find(message.record.original).record)
    {
        answer.record = *record;
    }
    else
    {
        answer.header.flags = message_flag::REFUSED;
        answer.record.original = message.record.original;
    }
    SendReliable(message.header.source, answer, Pool().Acquire(), 0, now, out);
}

// ---------------------------------------------------------------------------------------------
// Contexts

std::uint32_t
FlowManagerMachine::FindContext(const FlowKey& key) const
{
    return m_contextIndex.Find(FlowHash(key),
                               [&](std::uint32_t slot)
                               {
        return m_contexts[slot].key == key;
    });
}

std::uint32_t
FlowManagerMachine::ContextOf(std::uint64_t token) const
{
    const auto slot = static_cast<std::uint32_t>(token);
    const Context& context = m_contexts[slot];
    return context.phase != Phase::FREE && context.generation == token >> 32 ? slot
                                                                             : FlowIndex::NOT_FOUND;
}

std::uint32_t
FlowManagerMachine::NewContext(const FlowKey& key, Instant now)
{
    std::uint32_t slot;
    if (!m_freeContexts.empty())
    {
        slot = m_freeContexts.back();
        m_freeContexts.pop_back();
    }
    else if (m_contexts.size() < m_manager.pendingMax)
    {
        slot = static_cast<std::uint32_t>(m_contexts.size());
        m_contexts.emplace_back();
    }
    else
    {
        return FlowIndex::NOT_FOUND;
    }
    Context& context = m_contexts[slot];
    context.phase = Phase::AWAITING_STATE;
    context.key = key;
    context.deadline = now + m_manager.pendingTimeout;
    m_deadlines.emplace_back(context.deadline, slot);
    m_contextIndex.Insert(FlowHash(key), slot);
    return slot;
}

void
FlowManagerMachine::CloseContext(std::uint32_t slot, DropReason first, DropReason others)
{
    Context& context = m_contexts[slot];
    if (context.translated)
    {
        Drop(std::move(context.translated), first);
        first = others;
    }
    while (FramePtr frame = TakeHeld(context))
    {
        Drop(std::move(frame), first);
        first = others;
    }
    if (context.spread != NO_SPREAD)
    {
        EndSpread(context.spread);
    }
    Place(context, NO_NODE);
    m_contextIndex.Erase(FlowHash(context.key), slot);
    const std::uint32_t generation = context.generation;
    context = Context{};
    context.generation = generation + 1;
    m_freeContexts.push_back(slot);
    ForgetDeadlines();
}

void
FlowManagerMachine::ForgetDeadlines()
{
    const auto isPast = [this](const std::pair<Instant, std::uint32_t>& entry)
    {
        const Context& context = m_contexts[entry.second];
        return context.phase == Phase::FREE || context.deadline != entry.first;
    };
    while (!m_deadlines.empty() && isPast(m_deadlines.front()))
    {
        m_deadlines.pop_front();
    }
}

void
FlowManagerMachine::Hold(Context& context, FramePtr frame)
{
    if (context.heldCount >= m_manager.heldPerSessionMax)
    {
        Drop(std::move(frame), DropReason::HOLD_FULL);
        return;
    }
    PooledFrame* raw = frame.release();
    raw->next = nullptr;
    (context.heldLast != nullptr ? context.heldLast->next : context.heldFirst) = raw;
    context.heldLast = raw;
    ++context.heldCount;
}

FramePtr
FlowManagerMachine::TakeHeld(Context& context)
{
    PooledFrame* raw = context.heldFirst;
    if (raw != nullptr)
    {
        context.heldFirst = raw->next;
        context.heldLast = context.heldFirst == nullptr ? nullptr : context.heldLast;
        --context.heldCount;
    }
    return FramePtr(raw);
}

FlowEntry
FlowManagerMachine::EntryOf(const Context& context)
{
    return context.reverse ? ReverseEntry(context.record) : ForwardEntry(context.record);
}

bool
FlowManagerMachine::MayReleaseContext(const Context& context)
{
    return context.spread == NO_SPREAD ||
           (MayRelease(SpreadAt(context.spread)) &&
            (context.reverseDone || Replica().release != ReleaseRule::ALL));
}

/** Whether nothing is left to wait for. */
bool
FlowManagerMachine::IsComplete(const Context& context)
{
    if (context.spread == NO_SPREAD)
    {
        return true;
    }
    const Spread& spread = SpreadAt(context.spread);
    return spread.chainDone && spread.fanOutDone && context.reverseDone;
}

/** Has another manager replicated a newer session of the flow in the meantime? */
bool
FlowManagerMachine::IsSuperseded(const Context& context)
{
    if (context.spread == NO_SPREAD)
    {
        return false; // nothing was to be replicated
    }
    const SessionRecord* record = MutableStore().Find(context.record.original).record;
    return record == nullptr || record->id != context.record.id;
}

/** The first packet, for the spread to take along. */
const Frame*
FlowManagerMachine::PacketOf(const Context& context) const
{
    return context.released ? nullptr : context.translated.get();
}

void
FlowManagerMachine::Progress(std::uint32_t slot, Instant now, Actions& out)
{
    Context& context = m_contexts[slot];
    if (!context.released && MayReleaseContext(context))
    {
        if (IsSuperseded(context))
        {
            GiveUp(slot, DropReason::REFUSED, now, out);
            return;
        }
        Release(slot, now, out);
    }
    if (context.released && IsComplete(context))
    {
        CloseContext(slot, DropReason::NONE, DropReason::NONE);
    }
}

void
FlowManagerMachine::Release(std::uint32_t slot, Instant now, Actions& out)
{
    Context& context = m_contexts[slot];
    const FlowEntry entry = EntryOf(context);
    context.released = true;
    if (context.spread != NO_SPREAD && SpreadAt(context.spread).releasedAtEnd)
    {
        context.translated.reset(); // the end of the path has sent it on
    }
    if (context.translated != nullptr)
    {
        out.notes.push_back({.kind = NoteKind::RELEASED,
                             .packetId = context.translated->packetId,
                             .record = context.record});
    }
    if (Scheme().Root() == SchemeRoot::MANAGER)
    {
        Remember(entry, out);
    }
    if (context.translated != nullptr)
    {
        SendOn(std::move(context.translated), entry.rewrite, out);
    }
    while (FramePtr frame = TakeHeld(context))
    {
        PacketView view;
        const PacketVerdict verdict = ParsePacketTrusted(*frame, 0, view);
        assert(verdict == PacketVerdict::OK);
        RewritePacket(*frame, view, entry.rewrite);
        SendOn(std::move(frame), entry.rewrite, out);
    }
    if (View().IsMember(context.accelerator))
    {
        SendEntry(entry, context.accelerator, Pool().Acquire(), now, out);
    }
}

} // namespace flowchain
