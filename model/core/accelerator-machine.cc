// SPDX-License-Identifier: GPL-2.0-only
#include "accelerator-machine.h"

#include "packet-rules.h"
#include "selector.h"

namespace flowchain
{

AcceleratorMachine::AcceleratorMachine(const NodeConfig& config, std::uint32_t entriesMax)
    : ProtocolMachine(config)
    , m_entriesMax(entriesMax)
    , m_entries(entriesMax)
{
}

std::size_t
AcceleratorMachine::TableBytes() const
{
    return m_entries.Bytes();
}

std::size_t
AcceleratorMachine::TableEntries() const
{
    return m_entries.Size();
}

std::size_t
AcceleratorMachine::TableLimit() const
{
    return m_entriesMax;
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
    const FlowEntry* entry = m_entries.Find(view.key);
    if (entry != nullptr && View().IsActive(entry->owner))
    {
        Forward(std::move(frame), view, *entry, out);
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
        message.entry = *entry;
    }
    SendUnreliable(manager, message, std::move(frame), now, out);
}

void
AcceleratorMachine::HandleMessage(const SyncMessage& message, FramePtr frame, Instant, Actions& out)
{
    if (message.header.kind != MessageKind::ENTRY)
    {
        Drop(std::move(frame), DropReason::NOT_FOR_ME);
        return;
    }
    Install(message.entry, out);
    if (!message.hasInnerFrame)
    {
        return;
    }
    // The packet that missed comes back with its entry; this node handles it (paragraph [0008]).
    PacketView view;
    if (ParsePacketTrusted(*frame, 0, view) != PacketVerdict::OK || view.ttl <= 1 ||
        view.key != message.entry.match)
    {
        Drop(std::move(frame), DropReason::MALFORMED);
        return;
    }
    Forward(std::move(frame), view, message.entry, out);
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
AcceleratorMachine::Install(const FlowEntry& entry, Actions& out)
{
    Note note{.kind = NoteKind::ENTRY_INSTALLED, .value = entry.version};
    note.record.id = entry.session;
    note.record.original = entry.match;
    note.record.translated = entry.rewrite;
    if (FlowEntry* old = m_entries.Find(entry.match))
    {
        // An older version never overwrites a newer one; another session's id starts afresh.
        if (old->session == entry.session && old->version >= entry.version)
        {
            return;
        }
        if (old->session != entry.session && old->version > entry.version)
        {
            return;
        }
        *old = entry;
    }
    else if (m_entries.Insert(entry) == nullptr)
    {
        note.kind = NoteKind::ENTRY_REFUSED;
    }
    out.notes.push_back(note);
}

} // namespace flowchain
