// SPDX-License-Identifier: GPL-2.0-only
#include "accelerator-machine.h"

#include "packet-rules.h"
#include "selector.h"

#include <algorithm>

namespace flowchain
{

namespace
{

/** A refresh interval is divided into so many looks at a part of the table each. */
constexpr std::uint32_t SCAN_PARTS = 64;

} // namespace

AcceleratorMachine::AcceleratorMachine(const NodeConfig& config,
                                       const AcceleratorConfig& accelerator)
    : ProtocolMachine(config)
    , m_accelerator(accelerator)
    , m_entries(accelerator.entriesMax)
    , m_tombstones(accelerator.tombstonesMax)
{
}

std::size_t
AcceleratorMachine::TableBytes() const
{
    return m_entries.Bytes() + m_tombstones.Bytes();
}

std::size_t
AcceleratorMachine::TableEntries() const
{
    return m_entries.Size();
}

std::size_t
AcceleratorMachine::TableLimit() const
{
    return m_accelerator.entriesMax;
}

void
AcceleratorMachine::ListSessions(std::vector<SessionId>& out) const
{
    for (std::size_t slot = 0; slot < m_entries.Slots(); ++slot)
    {
        if (m_entries.At(slot).live)
        {
            out.push_back(m_entries.At(slot).flow.session);
        }
    }
}

void
AcceleratorMachine::HandlePacket(FramePtr frame, Instant now, Actions& out)
{
    PacketView view;
    const PacketVerdict verdict = ParsePacket(*frame, 0, view);
    if (verdict != PacketVerdict::OK)
    {
        Drop(std::move(frame), DropReasonOf(verdict));
        return;
    }
    if (view.ttl <= 1)
    {
        Drop(std::move(frame), DropReason::TTL_EXCEEDED);
        return;
    }
    Entry* entry = m_entries.Find(view.key);
    if (entry != nullptr && View().IsActive(entry->flow.owner))
    {
        Forward(std::move(frame), view, entry->flow, out);
        Observe(*entry, view, now, out);
        return;
    }
    const NodeId manager = Selector::Manager(view.key, View());
    if (manager == NO_NODE)
    {
        Drop(std::move(frame), View().Epoch() == 0 ? DropReason::NO_VIEW : DropReason::NO_MANAGER);
        return;
    }
    out.notes.push_back({.kind = NoteKind::MISSED, .peer = manager, .packetId = frame->packetId});
    SyncMessage message;
    message.header.kind = MessageKind::PACKET_IN;
    message.hasInnerFrame = true;
    message.entry.session = FlowHash(view.key); // entropy of the outer source port
    if (entry != nullptr)
    {
        message.header.flags = message_flag::EXISTING;
        message.entry = entry->flow;
    }
    SendUnreliable(manager, message, std::move(frame), now, out);
}

void
AcceleratorMachine::HandleMessage(const SyncMessage& message,
                                  FramePtr frame,
                                  Instant now,
                                  Actions& out)
{
    switch (message.header.kind)
    {
    case MessageKind::ENTRY:
        HandleEntry(message.entry, message.hasInnerFrame ? std::move(frame) : nullptr, now, out);
        break;
    case MessageKind::REMOVE:
        Remove(message.record, out);
        break;
    default:
        Drop(std::move(frame), DropReason::NOT_FOR_ME);
        break;
    }
}

/** @param frame the packet that missed, which this node handles (paragraph [0008]), or null */
void
AcceleratorMachine::HandleEntry(const FlowEntry& entry, FramePtr frame, Instant now, Actions& out)
{
    if (m_tombstones.Contains(entry.session))
    {
        if (frame != nullptr)
        {
            Drop(std::move(frame), DropReason::NO_SESSION);
        }
        return;
    }
    Install(entry, now, out);
    if (frame == nullptr)
    {
        return;
    }
    PacketView view;
    if (ParsePacketTrusted(*frame, 0, view) != PacketVerdict::OK || view.ttl <= 1 ||
        view.key != entry.match)
    {
        Drop(std::move(frame), DropReason::MALFORMED);
        return;
    }
    Forward(std::move(frame), view, entry, out);
    Entry* installed = m_entries.Find(entry.match);
    if (installed != nullptr && installed->flow.session == entry.session)
    {
        Observe(*installed, view, now, out);
    }
}

void
AcceleratorMachine::Forward(FramePtr frame, PacketView& view, const FlowEntry& entry, Actions& out)
{
    RewritePacket(*frame, view, entry.rewrite);
    SetMacAddresses(
        *frame, 0, MacOf(Self()), MacOf(Nodes().HostOf(entry.rewrite.destination.address)));
    out.sends.push_back(std::move(frame));
}

void
AcceleratorMachine::Install(const FlowEntry& entry, Instant now, Actions& out)
{
    Note note{.kind = NoteKind::ENTRY_INSTALLED, .value = entry.version};
    note.record.id = entry.session;
    note.record.original = entry.match;
    note.record.translated = entry.rewrite;
    if (Entry* old = m_entries.Find(entry.match))
    {
        // An older version never overwrites a newer one; another session's id starts afresh.
        if (old->flow.session == entry.session)
        {
            if (old->flow.version >= entry.version)
            {
                return;
            }
            const bool moved = old->flow.owner != entry.owner;
            old->flow = entry;
            if (moved && old->told != 0)
            {
                Tell(*old, old->told, now, out); // the last owner may have taken it to its grave
            }
        }
        else if (old->flow.version > entry.version)
        {
            return;
        }
        else
        {
            *old = {.flow = entry};
        }
    }
    else if (m_entries.Insert({.flow = entry}) == nullptr)
    {
        note.kind = NoteKind::ENTRY_REFUSED;
    }
    else if (m_nextScan == NEVER)
    {
        m_nextScan = now + m_accelerator.refreshInterval;
    }
    out.notes.push_back(note);
}

// ---------------------------------------------------------------------------------------------
// Life of sessions

void
AcceleratorMachine::Observe(Entry& entry, const PacketView& view, Instant now, Actions& out)
{
    entry.active = true;
    if (view.key.protocol != IpProtocol::TCP || !m_accelerator.observe)
    {
        return;
    }
    const std::uint8_t flags = view.tcpFlags;
    const bool ack = (flags & tcp_flag::ACK) != 0;
    std::uint8_t seen = 0;
    if ((flags & tcp_flag::SYN) != 0)
    {
        entry.answers = ack;
        if ((entry.told & (tcp_observation::FIN | tcp_observation::RST)) != 0)
        {
            entry.told = 0;
            seen = ack ? 0 : tcp_observation::SYN;
        }
    }
    else if (ack && !entry.answers)
    {
        seen = tcp_observation::ACK; // of the handshake, or of a connection that was picked up
    }
    seen |= (flags & tcp_flag::FIN) != 0 ? tcp_observation::FIN : 0;
    seen |= (flags & tcp_flag::RST) != 0 ? tcp_observation::RST : 0;
    seen &= static_cast<std::uint8_t>(~entry.told);
    if (seen != 0)
    {
        Tell(entry, seen, now, out);
    }
}

void
AcceleratorMachine::Tell(Entry& entry, std::uint8_t seen, Instant now, Actions& out)
{
    SyncMessage message;
    message.header.kind = MessageKind::OBSERVED;
    message.header.position = seen;
    message.entry = entry.flow;
    if (SendReliable(entry.flow.owner, message, Pool().Acquire(), 0, now, out))
    {
        entry.told |= seen & ~tcp_observation::SYN;
    }
}

void
AcceleratorMachine::Remove(const SessionRecord& record, Actions& out)
{
    m_tombstones.Add(record.id);
    if (IsPlanted(PlantedDefect::STALE_ENTRY_KEPT))
    {
        return;
    }
    for (const FlowKey& key : {record.original, record.translated.Reversed()})
    {
        Entry* entry = m_entries.Find(key);
        if (entry != nullptr && entry->flow.session == record.id)
        {
            Note note{.kind = NoteKind::ENTRY_REMOVED, .record = record};
            note.record.original = key;
            out.notes.push_back(note);
            m_entries.Erase(entry);
            entry->live = false;
        }
    }
}

void
AcceleratorMachine::HandleWakeup(Instant now, Actions& out)
{
    if (now < m_nextScan)
    {
        return;
    }
    // Each slot's turn comes once in an interval, however few there are.
    for (std::size_t slot = m_scanPart; slot < m_entries.Slots(); slot += SCAN_PARTS)
    {
        Entry& entry = m_entries.At(slot);
        if (!entry.live || !entry.active || !View().IsActive(entry.flow.owner))
        {
            continue;
        }
        SyncMessage message;
        message.header.kind = MessageKind::REFRESH;
        message.entry = entry.flow;
        entry.active = !SendReliable(entry.flow.owner, message, Pool().Acquire(), 0, now, out);
    }
    m_scanPart = (m_scanPart + 1) % SCAN_PARTS;
    m_nextScan =
        m_entries.Size() == 0
            ? NEVER
            : m_nextScan + std::max(m_accelerator.refreshInterval / SCAN_PARTS, Duration{1});
}

Instant
AcceleratorMachine::NextRoleWakeup() const
{
    return m_nextScan;
}

} // namespace flowchain
