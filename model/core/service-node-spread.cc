// SPDX-License-Identifier: GPL-2.0-only
// What a service node does under schemes in which it spreads its sessions, or asks a store.
#include "service-node-machine.h"

#include <cassert>

namespace flowchain
{

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
        Finish(handle);
        handle = NO_SPREAD;
    }
    // An owner that is active, and was not asked or did not know, has restarted and needs it again.
    const bool ownerLacksIt =
        record.owner != Self() && !Scheme().Promise(Replica()).everyServiceNode;
    if (handle == NO_SPREAD && !fresh && !ownerLacksIt)
    {
        Answer(record, flags, manager, std::move(packet), now, out);
        return;
    }
    if (handle == NO_SPREAD)
    {
        constexpr std::uint8_t KNOWN = message_flag::EXISTING | message_flag::ADOPTED;
        const DropReason refused = BeginSpread(
            record, (flags & KNOWN) != 0, FlowIndex::NOT_FOUND, packet.get(), now, out, handle);
        if (refused != DropReason::NONE)
        {
            Refuse(manager, record.original, refused, std::move(packet), now, out);
            if ((flags & message_flag::EXISTING) == 0)
            {
                Doom(record, DeletionCause::ABANDONED, now, out);
            }
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
        SetFirstWaiting(handle, slot);
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
    const auto slot = static_cast<std::uint32_t>(SpreadAt(handle).token);
    if (slot == FlowIndex::NOT_FOUND)
    {
        return {};
    }
    Waiting waiting = std::move(m_waiting[slot]);
    SetFirstWaiting(handle, waiting.next);
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
        Finish(handle);
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
    FeedRepair(now, out);
}

void
ServiceNodeMachine::HandleSpreadFailed(SpreadHandle handle,
                                       DropReason reason,
                                       Instant now,
                                       Actions& out)
{
    const SessionRecord record = SpreadAt(handle).record;
    bool isNew = false;
    for (Waiting waiting = TakeWaiting(handle); waiting.packet != nullptr;
         waiting = TakeWaiting(handle))
    {
        const bool reverse = (waiting.flags & message_flag::REVERSE) != 0;
        isNew = isNew || (waiting.flags & message_flag::EXISTING) == 0;
        Refuse(waiting.manager,
               reverse ? record.translated.Reversed() : record.original,
               reason,
               std::move(waiting.packet),
               now,
               out);
    }
    Finish(handle);
    if (isNew)
    {
        Doom(record, DeletionCause::ABANDONED, now, out);
    }
    FeedRepair(now, out);
}

/** The lower half of a spread's token is the first packet that waits for it. */
void
ServiceNodeMachine::SetFirstWaiting(SpreadHandle handle, std::uint32_t slot)
{
    std::uint64_t& token = SpreadAt(handle).token;
    token = (token & ~std::uint64_t{0xffffffff}) | slot;
}

void
ServiceNodeMachine::Finish(SpreadHandle handle)
{
    if (SpreadAt(handle).token >> 32 != 0)
    {
        --m_repairs;
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
        const DropReason refused = Advance(handle, FirstWaiting(handle), now, out);
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
// Asking the store

void
ServiceNodeMachine::Fetch(NodeId store,
                          const MessageHeader& header,
                          const FlowKey& key,
                          FramePtr frame,
                          Instant now,
                          Actions& out)
{
    if (m_fetches.size() - m_freeFetches.size() >= m_service.waitingMax)
    {
        Refuse(header.source, key, DropReason::HOLD_FULL, std::move(frame), now, out);
        return;
    }
    std::uint32_t slot;
    if (m_freeFetches.empty())
    {
        slot = static_cast<std::uint32_t>(m_fetches.size());
        m_fetches.emplace_back();
    }
    else
    {
        slot = m_freeFetches.back();
        m_freeFetches.pop_back();
    }
    m_fetches[slot].packet = std::move(frame);
    m_fetches[slot].header = header;
    m_fetches[slot].key = key;
    SendFetch(slot, store, now, out);
}

void
ServiceNodeMachine::SendFetch(std::uint32_t slot, NodeId store, Instant now, Actions& out)
{
    PendingFetch& fetch = m_fetches[slot];
    ++fetch.generation;
    fetch.store = store;
    fetch.incarnation = View().Incarnation(store);
    SyncMessage message;
    message.header.kind = MessageKind::FETCH;
    SetNumber(message.header, slot);
    message.record.original = fetch.key;
    const std::uint64_t token = TokenOf(slot, fetch.generation);
    if (!SendReliable(store, message, Pool().Acquire(), token, now, out))
    {
        PendingFetch given = TakeFetch(slot);
        Refuse(given.header.source,
               given.key,
               DropReason::SYNC_BACKLOG_FULL,
               std::move(given.packet),
               now,
               out);
    }
}

ServiceNodeMachine::PendingFetch
ServiceNodeMachine::TakeFetch(std::uint32_t slot)
{
    PendingFetch fetch = std::move(m_fetches[slot]);
    m_fetches[slot].generation = fetch.generation + 1;
    m_freeFetches.push_back(slot);
    return fetch;
}

void
ServiceNodeMachine::HandleFetched(const SyncMessage& message, Instant now, Actions& out)
{
    const std::uint32_t slot = NumberOf(message.header);
    if (slot >= m_fetches.size() || m_fetches[slot].packet == nullptr)
    {
        return;
    }
    const FlowKey key = m_fetches[slot].key;
    const bool found = (message.header.flags & message_flag::REFUSED) == 0;
    if (key != message.record.original && (!found || key != message.record.translated.Reversed()))
    {
        return; // an answer to an earlier question from the same slot
    }
    PendingFetch fetch = TakeFetch(slot);
    if (found)
    {
        const DropReason refused = Keep(message.record, now, out);
        if (refused != DropReason::NONE)
        {
            Refuse(fetch.header.source, key, refused, std::move(fetch.packet), now, out);
            return;
        }
    }
    PacketView view;
    [[maybe_unused]] const PacketVerdict verdict = ParsePacketTrusted(*fetch.packet, 0, view);
    assert(verdict == PacketVerdict::OK);
    ProcessLooked(
        MutableStore().Find(key), found, fetch.header, std::move(fetch.packet), view, now, out);
}

/** Ask again whoever is to be asked now instead of a server that is gone: its answer may be, too.
 */
void
ServiceNodeMachine::RestartFetches(Instant now, Actions& out)
{
    for (std::uint32_t slot = 0; slot < m_fetches.size(); ++slot)
    {
        const PendingFetch& fetch = m_fetches[slot];
        if (fetch.packet != nullptr &&
            (!View().IsMember(fetch.store) || View().Incarnation(fetch.store) != fetch.incarnation))
        {
            HandleReturnedFetch(TokenOf(slot, fetch.generation), DropReason::NODE_DOWN, now, out);
        }
    }
}

void
ServiceNodeMachine::HandleReturnedFetch(std::uint64_t token,
                                        DropReason why,
                                        Instant now,
                                        Actions& out)
{
    const auto slot = static_cast<std::uint32_t>(token);
    if (m_fetches[slot].packet == nullptr || m_fetches[slot].generation != token >> 32)
    {
        return;
    }
    const NodeId store = Scheme().FetchFrom(m_fetches[slot].key, View());
    if (why == DropReason::NODE_DOWN && store != NO_NODE)
    {
        SendFetch(slot, store, now, out);
        return;
    }
    PendingFetch fetch = TakeFetch(slot);
    Refuse(fetch.header.source, fetch.key, why, std::move(fetch.packet), now, out);
}

} // namespace flowchain
