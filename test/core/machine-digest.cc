// SPDX-License-Identifier: GPL-2.0-only
#include "machine-digest.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace flowchain
{

void
Digest::Add(const Frame& frame)
{
    Add(frame.packetId);
    Add(frame.payload.length);
    Add(frame.Header().size());
    for (auto rest = frame.Header(); !rest.empty();)
    {
        std::uint64_t word = 0;
        const std::size_t size = std::min(rest.size(), sizeof(word));
        std::memcpy(&word, rest.data(), size);
        Add(word);
        rest = rest.subspan(size);
    }
}

void
Digest::Add(const FlowKey& key)
{
    Add(static_cast<std::uint64_t>(key.source.address) << 32 | key.destination.address);
    Add(static_cast<std::uint64_t>(key.source.port) << 32 | key.destination.port << 8 |
        static_cast<std::uint64_t>(key.protocol));
}

void
Digest::Add(const SessionRecord& record)
{
    Add(record.id);
    Add(record.version);
    Add(record.original);
    Add(record.translated);
    Add(record.createdNs);
    Add(static_cast<std::uint64_t>(record.owner) << 32 | record.service << 8 |
        static_cast<std::uint64_t>(record.state));
}

void
Digest::Add(const FlowEntry& entry)
{
    Add(entry.match);
    Add(entry.rewrite);
    Add(entry.session);
    Add(entry.version);
    Add(entry.owner);
}

Digest
MachineDigest::Of(const ProtocolMachine& machine, NodeRole role, Instant now)
{
    Digest digest;
    AddBase(digest, machine, now);
    switch (role)
    {
    case NodeRole::ACCELERATOR:
        AddEntries(digest, static_cast<const AcceleratorMachine&>(machine).m_entries);
        AddTombstones(digest, static_cast<const AcceleratorMachine&>(machine).m_tombstones);
        break;
    case NodeRole::MANAGER:
        AddManager(digest, static_cast<const FlowManagerMachine&>(machine), now);
        break;
    case NodeRole::SERVICE_NODE:
        AddServiceNode(digest, static_cast<const ServiceNodeMachine&>(machine), now);
        break;
    default:
        break;
    }
    return digest;
}

Instant
MachineDigest::NextRetransmission(const ProtocolMachine& machine)
{
    Instant next = NEVER;
    for (const MessageTransport::Peer& peer : machine.m_transport.m_peers)
    {
        const ReliableChannel& channel = peer.channel;
        for (std::uint32_t sequence = channel.m_base; sequence != channel.m_unsent; ++sequence)
        {
            const auto& message = channel.m_ring[sequence & (channel.m_ring.size() - 1)];
            next = message.copy != nullptr ? std::min(next, message.deadline) : next;
        }
    }
    return next;
}

void
MachineDigest::AddTime(Digest& digest, Instant when, Instant now)
{
    digest.Add(when == NEVER ? ~std::uint64_t{0}
                             : static_cast<std::uint64_t>((when - now).count()));
}

void
MachineDigest::AddOutstanding(Digest& digest,
                              const ReliableChannel::Outstanding& message,
                              Instant now)
{
    digest.Add(message.copy != nullptr);
    if (message.copy != nullptr)
    {
        digest.Add(*message.copy);
        digest.Add(message.token);
        AddTime(digest, message.deadline, now);
        digest.Add(message.sequence);
        digest.Add(message.retries);
        digest.Add(static_cast<std::uint64_t>(message.kind));
    }
}

void
MachineDigest::AddChannel(Digest& digest, const ReliableChannel& channel, Instant now)
{
    for (const std::uint32_t number : {channel.m_base,
                                       channel.m_unsent,
                                       channel.m_next,
                                       channel.m_outstanding,
                                       channel.m_acknowledged,
                                       channel.m_arrived})
    {
        digest.Add(number);
    }
    digest.Add(channel.m_selective);
    digest.Add(channel.m_arrivedSelective);
    digest.Add(channel.m_owed);
    digest.Add(channel.m_congested);
    for (std::uint32_t sequence = channel.m_base; sequence != channel.m_unsent; ++sequence)
    {
        AddOutstanding(digest, channel.m_ring[sequence & (channel.m_ring.size() - 1)], now);
    }
    digest.Add(channel.BacklogCount());
    for (std::size_t i = channel.m_backlogBegin; i < channel.m_backlog.size(); ++i)
    {
        AddOutstanding(digest, channel.m_backlog[i], now);
    }
}

void
MachineDigest::AddBase(Digest& digest, const ProtocolMachine& machine, Instant now)
{
    const ViewBody& view = machine.m_view.Body();
    digest.Add(view.epoch);
    for (std::size_t node = 0; node < machine.m_incarnations.size(); ++node)
    {
        const MessageTransport::Peer& peer = machine.m_transport.m_peers[node];
        digest.Add(static_cast<std::uint64_t>(view.members[node].status) << 16 |
                   view.members[node].incarnation << 8 | machine.m_incarnations[node]);
        AddChannel(digest, peer.channel, now);
        AddTime(digest, peer.ackListed ? peer.ackAt : NEVER, now);
        AddTime(digest, peer.waiting.empty() ? NEVER : peer.batchAt, now);
        for (const FramePtr& frame : peer.waiting)
        {
            digest.Add(*frame);
        }
    }
    AddTime(digest, machine.m_nextHeartbeat, now);
    digest.Add(machine.m_heartbeats);
}

void
MachineDigest::AddStore(Digest& digest, const SessionStore& store)
{
    std::vector<SessionRecord> records;
    for (std::size_t slot = 0; slot < store.Slots(); ++slot)
    {
        if (store.At(slot).id != 0)
        {
            records.push_back(store.At(slot));
        }
    }
    std::sort(records.begin(), records.end());
    digest.Add(records.size());
    for (const SessionRecord& record : records)
    {
        digest.Add(record);
    }
    AddTombstones(digest, store.Deleted());
}

void
MachineDigest::AddTombstones(Digest& digest, const Tombstones& tombstones)
{
    digest.Add(tombstones.m_ring.size());
    for (const SessionId session : tombstones.m_ring)
    {
        digest.Add(session);
    }
}

template <typename Table>
void
MachineDigest::AddEntries(Digest& digest, const Table& table)
{
    std::vector<FlowEntry> entries;
    for (std::uint32_t slot = 0; slot < table.m_slots.Size(); ++slot)
    {
        if (std::find(table.m_free.begin(), table.m_free.end(), slot) == table.m_free.end())
        {
            entries.push_back(EntryOf(table.m_slots[slot]));
        }
    }
    std::sort(entries.begin(), entries.end());
    digest.Add(entries.size());
    for (const FlowEntry& entry : entries)
    {
        digest.Add(entry);
    }
}

void
MachineDigest::AddContext(Digest& digest, const FlowManagerMachine::Context& context, Instant now)
{
    digest.Add(static_cast<std::uint64_t>(context.phase));
    digest.Add(context.generation);
    if (context.phase == FlowManagerMachine::Phase::FREE)
    {
        return;
    }
    for (const bool flag : {context.reverseDone, context.released, context.known, context.reverse})
    {
        digest.Add(flag);
    }
    digest.Add(context.probe);
    digest.Add(context.spread);
    digest.Add(static_cast<std::uint64_t>(context.accelerator) << 32 | context.serviceNode << 8 |
               context.serviceIncarnation);
    digest.Add(context.hintSession);
    digest.Add(context.hintOwner);
    AddTime(digest, context.deadline, now);
    digest.Add(context.key);
    digest.Add(context.record);
    digest.Add(context.translated != nullptr);
    if (context.translated != nullptr)
    {
        digest.Add(*context.translated);
    }
    digest.Add(context.heldCount);
    for (const PooledFrame* frame = context.heldFirst; frame != nullptr; frame = frame->next)
    {
        digest.Add(*frame);
    }
}

void
MachineDigest::AddSlots(Digest& digest, const std::vector<std::uint32_t>& slots)
{
    digest.Add(slots.size());
    for (const std::uint32_t slot : slots)
    {
        digest.Add(slot);
    }
}

void
MachineDigest::AddDeadlines(Digest& digest,
                            const std::deque<std::pair<Instant, std::uint32_t>>& deadlines,
                            Instant now)
{
    digest.Add(deadlines.size());
    for (const auto& [when, slot] : deadlines)
    {
        AddTime(digest, when, now);
        digest.Add(slot);
    }
}

void
MachineDigest::AddReplica(Digest& digest, const ReplicaMachine& machine, Instant now)
{
    AddStore(digest, machine.m_store);
    digest.Add(machine.m_attempt);
    digest.Add(machine.m_spreads.size());
    for (const ReplicaMachine::Spread& spread : machine.m_spreads)
    {
        digest.Add(spread.live);
        if (spread.live)
        {
            digest.Add(spread.record);
            digest.Add(spread.token);
            digest.Add(static_cast<std::uint64_t>(spread.attempt) << 32 | spread.known << 4 |
                       spread.chainDone << 3 | spread.fanOutDone << 2 | spread.lastFansOut << 1 |
                       static_cast<int>(spread.releasedAtEnd));
            digest.Add(static_cast<std::uint64_t>(spread.refused));
            AddTime(digest, spread.deadline, now);
        }
    }
    digest.Add(machine.m_fanOuts.size());
    for (const ReplicaMachine::FanOut& fanOut : machine.m_fanOuts)
    {
        digest.Add(fanOut.generation);
        digest.Add(fanOut.remaining);
        if (fanOut.remaining != 0)
        {
            digest.Add(fanOut.record);
            digest.Add(static_cast<std::uint64_t>(fanOut.first) << 32 | fanOut.attempt);
            digest.Add(static_cast<std::uint64_t>(fanOut.refused));
        }
    }
    AddSlots(digest, machine.m_freeSpreads);
    AddSlots(digest, machine.m_freeFanOuts);
    AddDeadlines(digest, machine.m_deadlines, now);
}

void
MachineDigest::AddServiceNode(Digest& digest, const ServiceNodeMachine& machine, Instant now)
{
    AddReplica(digest, machine, now);
    digest.Add(static_cast<std::uint64_t>(now.time_since_epoch().count())); // of new records
    digest.Add(machine.m_serial);
    digest.Add(machine.m_ready);
    digest.Add(machine.m_waiting.size());
    for (const ServiceNodeMachine::Waiting& waiting : machine.m_waiting)
    {
        digest.Add(waiting.packet != nullptr);
        if (waiting.packet != nullptr)
        {
            digest.Add(*waiting.packet);
            digest.Add(static_cast<std::uint64_t>(waiting.manager) << 32 | waiting.flags);
            digest.Add(waiting.next);
        }
    }
    AddSlots(digest, machine.m_freeWaiting);
    const ViewBody& repaired = machine.m_repairedView.Body();
    if (repaired != machine.View().Body())
    {
        digest.Add(machine.m_repairCursor);
        for (const ViewBody::Member& member : repaired.members)
        {
            digest.Add(static_cast<std::uint64_t>(member.status) << 8 | member.incarnation);
        }
    }
    digest.Add(machine.m_repairs);
    AddTime(digest, machine.m_repairAt, now);
    AddRemovals(digest, machine, now);
}

void
MachineDigest::AddRemovals(Digest& digest, const ServiceNodeMachine& machine, Instant now)
{
    digest.Add(machine.m_removals.m_first);
    digest.Add(machine.m_removals.m_removals.size());
    for (const RemovalLog::Removal& removal : machine.m_removals.m_removals)
    {
        digest.Add(removal.record);
        digest.Add(removal.confirmed);
        for (const RemovalLog::Nodes& nodes : {removal.waiting, removal.unsent})
        {
            digest.Add(nodes.count());
            for (std::size_t node = nodes._Find_first(); node < nodes.size();
                 node = nodes._Find_next(node))
            {
                digest.Add(node);
            }
        }
    }
    AddTime(digest, machine.m_removalRetry, now);
    digest.Add(machine.m_doomed.size());
    for (const ServiceNodeMachine::Doomed& doomed : machine.m_doomed)
    {
        digest.Add(doomed.record);
        digest.Add(static_cast<std::uint64_t>(doomed.cause));
    }
    for (const RemovalWitness& witness : machine.m_witness)
    {
        digest.Add(witness.m_told.size());
        for (const RemovalWitness::Entry& entry : witness.m_told)
        {
            digest.Add(entry.record);
            digest.Add(entry.number ? *entry.number : 65'536U);
        }
    }
}

void
MachineDigest::AddManager(Digest& digest, const FlowManagerMachine& machine, Instant now)
{
    AddReplica(digest, machine, now);
    AddEntries(digest, machine.m_entries);
    digest.Add(machine.m_contexts.size());
    for (const FlowManagerMachine::Context& context : machine.m_contexts)
    {
        AddContext(digest, context, now);
    }
    AddSlots(digest, machine.m_freeContexts);
    AddDeadlines(digest, machine.m_deadlines, now);
}

} // namespace flowchain
