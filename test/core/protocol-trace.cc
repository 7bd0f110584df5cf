// SPDX-License-Identifier: GPL-2.0-only
#include "protocol-trace.h"

#include "message-batch.h"
#include "protocol-text.h"

namespace flowchain
{

namespace
{

bool
HasRecord(const SyncMessage& message)
{
    switch (message.header.kind)
    {
    case MessageKind::STATE:
        return (message.header.flags & message_flag::REFUSED) == 0;
    case MessageKind::CHAIN:
    case MessageKind::CHAIN_DONE:
    case MessageKind::FAN_OUT:
    case MessageKind::FAN_OUT_DONE:
    case MessageKind::SNAPSHOT:
    case MessageKind::REMOVE:
        return true;
    default:
        return false;
    }
}

} // namespace

void
ProtocolTrace::SetHarness(const ProtocolHarness* harness)
{
    m_harness = harness;
    m_names.clear();
    m_received.clear();
    m_lastMessage = harness->Now();
}

void
ProtocolTrace::NameFlow(const std::string& name, const FlowKey& key)
{
    m_names[key] = {key, name, false, 0};
    m_names[key.Reversed()] = {key, name, true, 0};
}

bool
ProtocolTrace::Show(const std::string& what, bool shown)
{
    bool known = false;
    for (int kind = 0; kind <= static_cast<int>(LAST_NOTE_KIND); ++kind)
    {
        known = known || NameOfNote(static_cast<NoteKind>(kind)) == what;
    }
    for (int kind = 1; kind <= static_cast<int>(LAST_MESSAGE_KIND); ++kind)
    {
        known = known || NameOf(static_cast<MessageKind>(kind)) == what;
    }
    if (shown)
    {
        m_hidden.erase(what);
    }
    else
    {
        m_hidden.insert(what);
    }
    return known;
}

void
ProtocolTrace::SetQuiet(bool quiet)
{
    m_quiet = quiet;
}

std::string
ProtocolTrace::Take()
{
    return std::exchange(m_text, {});
}

void
ProtocolTrace::Line(Instant now, const std::string& text)
{
    if (!m_quiet)
    {
        m_text += std::to_string(now.time_since_epoch() / MICROSECOND) + " " + text + "\n";
    }
}

const FlowKey*
ProtocolTrace::Received(const FlowKey& original) const
{
    const auto found = m_received.find(original);
    return found == m_received.end() ? nullptr : &found->second;
}

std::string
ProtocolTrace::NameOf(MessageKind kind)
{
    return Capitals(ToString(kind));
}

std::string
ProtocolTrace::TextOf(const FlowKey& key) const
{
    const auto found = m_names.find(key);
    if (found == m_names.end())
    {
        return TextOfEndpoint(key.source) + ">" + TextOfEndpoint(key.destination);
    }
    const FlowName& flow = found->second;
    return flow.name + (flow.back ? " back" : "") +
           (flow.port != 0 ? " as :" + std::to_string(flow.port) : "");
}

std::string
ProtocolTrace::SessionName(SessionId session) const
{
    return m_harness->NameOf(static_cast<NodeId>(session >> 48)) + "/" +
           std::to_string(session & ((std::uint64_t{1} << 42) - 1)) +
           std::string((session >> 42) & 63, '\''); // one mark for each restart of the creator
}

std::string
ProtocolTrace::TextOf(const SessionRecord& record) const
{
    const bool made = record.owner == record.id >> 48;
    return SessionName(record.id) + " " + TextOfVersion(record.version) +
           TextOfState(record.state) + (made ? "" : " owner=" + m_harness->NameOf(record.owner));
}

std::string
ProtocolTrace::TextOfEntry(const FlowEntry& entry) const
{
    return TextOf(entry.match) + " => " + TextOf(entry.rewrite) + " " +
           TextOfVersion(entry.version) + " owner=" + m_harness->NameOf(entry.owner);
}

std::string
ProtocolTrace::TextOfPacket(const Frame& frame, std::size_t offset) const
{
    PacketView view;
    if (ParsePacket(frame, offset, view) != PacketVerdict::OK)
    {
        return "?";
    }
    return TextOf(view.key) + TextOfTcpFlags(view.tcpFlags) + (view.ttl == 1 ? " ttl=1" : "");
}

std::string
ProtocolTrace::TextOfView(const Frame& frame) const
{
    ViewBody body;
    if (DecodeView(frame, body) != DecodeVerdict::OK)
    {
        return " ?";
    }
    std::string text;
    for (NodeId node = 0; node < body.count; ++node)
    {
        const ViewBody::Member& member = body.members[node];
        if (member.status != MemberStatus::ACTIVE)
        {
            text += " ";
            text += m_harness->NameOf(node);
            text += "=";
            text += NameOfStatus(member.status);
        }
    }
    return std::string(" of e") + std::to_string(body.epoch) + ":" +
           (text.empty() ? " all active" : text);
}

std::string
ProtocolTrace::TextOfMessage(const SyncMessage& message, const Frame& frame) const
{
    const MessageHeader& header = message.header;
    std::string text = NameOf(header.kind) + " e" + std::to_string(header.epoch);
    if (header.sequence != 0)
    {
        text += " #" + std::to_string(header.sequence);
    }
    if (header.kind == MessageKind::ACK)
    {
        text += " of #" + std::to_string(header.acknowledged);
        for (int bit = 0; bit < 64; ++bit)
        {
            if ((header.selective >> bit & 1) != 0)
            {
                text += ",#" + std::to_string(header.acknowledged + 2 + bit);
            }
        }
    }
    if (HasRecord(message))
    {
        text += " ";
        text += TextOf(message.record);
    }
    if (header.kind == MessageKind::ENTRY || header.kind == MessageKind::REVERSE_ENTRY ||
        header.kind == MessageKind::OBSERVED || header.kind == MessageKind::REFRESH)
    {
        text += " ";
        text += TextOfEntry(message.entry);
    }
    if (header.kind == MessageKind::OBSERVED)
    {
        text += TextOfObservation(header.position);
    }
    if (header.kind == MessageKind::REMOVE)
    {
        text += header.position == 0 ? " please"
                                     : " nr=" + std::to_string(header.attempt) +
                                           " open=" + std::to_string(header.position);
    }
    if (header.kind == MessageKind::CHAIN)
    {
        text += " pos=" + std::to_string(header.position);
    }
    if (header.kind == MessageKind::REFUSAL)
    {
        text += " of #" + std::to_string(NumberOf(header)) + " " +
                ToString(static_cast<DropReason>(header.reason));
    }
    else if (header.kind == MessageKind::HEARTBEAT)
    {
        text += " nr=" + std::to_string(NumberOf(header));
    }
    else if (header.first != NO_NODE)
    {
        text +=
            " first=" + m_harness->NameOf(header.first) + " try=" + std::to_string(header.attempt);
    }
    text += TextOfMessageFlags(header.flags);
    if (header.kind == MessageKind::STATE && (header.flags & message_flag::REFUSED) != 0)
    {
        text += std::string(" ") + ToString(static_cast<DropReason>(header.reason));
    }
    if (header.kind == MessageKind::VIEW)
    {
        text += TextOfView(frame);
    }
    return text;
}

std::string
ProtocolTrace::TextOfBatch(const Frame& frame) const
{
    std::vector<SyncMessage> messages;
    if (DecodeBatch(frame, messages) != DecodeVerdict::OK)
    {
        return "BATCH ?";
    }
    std::string text;
    for (const SyncMessage& message : messages)
    {
        text += (text.empty() ? "BATCH {" : "; ") + TextOfMessage(message, frame);
    }
    return text + "}";
}

bool
ProtocolTrace::IsBackground(NodeId from, NodeId to, MessageKind kind) const
{
    const NodeId controller = m_harness->Nodes().controller;
    return kind == MessageKind::HEARTBEAT || kind == MessageKind::VIEW ||
           (kind == MessageKind::ACK && (from == controller || to == controller));
}

void
ProtocolTrace::OnSend(NodeId from, NodeId to, const Frame& frame, const Fate& fate, Instant now)
{
    SyncMessage message;
    std::size_t outerLength = 0;
    std::string text = m_harness->NameOf(from) + " -> " + m_harness->NameOf(to) + " ";
    if (Decode(frame, message, outerLength) == DecodeVerdict::OK)
    {
        const MessageKind kind = message.header.kind;
        if (!IsBackground(from, to, kind))
        {
            m_lastMessage = now;
        }
        const bool toController =
            kind == MessageKind::ACK && IsBackground(from, to, kind) && m_hidden.contains("VIEW");
        if (m_hidden.contains(NameOf(kind)) || toController)
        {
            return;
        }
        text += kind == MessageKind::BATCH ? TextOfBatch(frame) : TextOfMessage(message, frame);
        text += message.hasInnerFrame ? " [" + TextOfPacket(frame, outerLength) + "]" : "";
    }
    else
    {
        m_lastMessage = now;
        text += "packet [" + TextOfPacket(frame, 0) + "]";
    }
    text += fate.lost ? " LOST" : "";
    text += fate.held ? " HELD" : "";
    text += fate.twice ? " TWICE" : "";
    text +=
        fate.late > Duration::zero() ? " LATE by " + std::to_string(fate.late / MICROSECOND) : "";
    Line(now, text);
}

std::string
ProtocolTrace::TextOfNote(const Note& note) const
{
    std::string text = NameOfNote(note.kind);
    switch (note.kind)
    {
    case NoteKind::CREATED:
        return text + " " + TextOf(note.record) + " " + TextOf(note.record.original) +
               " as :" + std::to_string(note.record.translated.source.port);
    case NoteKind::COPY_STORED:
    case NoteKind::COPY_CONFLICT:
    case NoteKind::COPY_REFUSED:
    case NoteKind::RELEASED:
    case NoteKind::ADOPTED:
    case NoteKind::REPAIRED:
        return text + " " + TextOf(note.record);
    case NoteKind::DELETED:
        return text + " " + TextOf(note.record) + " " +
               TextOfCause(static_cast<DeletionCause>(note.value));
    case NoteKind::STATE_CHANGED:
        return text + " " + SessionName(note.record.id) + TextOfState(note.record.state);
    case NoteKind::ENTRY_REMOVED:
        return text + " " + SessionName(note.record.id) + " " + TextOf(note.record.original);
    case NoteKind::COPY_REMOVED:
    case NoteKind::DELETION_CONFIRMED:
    case NoteKind::COPY_SUPERSEDED:
        return text + " " + SessionName(note.record.id);
    case NoteKind::REVERSE_STORED:
        return text + " " + SessionName(note.record.id) + " " + TextOfVersion(note.value);
    case NoteKind::ENTRY_INSTALLED:
        return text + " " + TextOf(note.record.original) + " => " + TextOf(note.record.translated) +
               " " + TextOfVersion(note.value);
    case NoteKind::SLOW_REVERSE:
        return text + " " + TextOf(note.record.original);
    case NoteKind::VIEW_ADOPTED:
        return text + " e" + std::to_string(note.value);
    case NoteKind::READMITTED:
        return text + " " + m_harness->NameOf(note.peer) + " " +
               NameOfStatus(static_cast<MemberStatus>(note.value));
    default:
        return text + (note.peer != NO_NODE ? " " + m_harness->NameOf(note.peer) : "");
    }
}

void
ProtocolTrace::OnNote(NodeId node, const Note& note, Instant now)
{
    if (note.kind == NoteKind::CREATED)
    {
        const auto found = m_names.find(note.record.original);
        if (found != m_names.end())
        {
            FlowName flow = found->second;
            flow.port = note.record.translated.source.port;
            m_names[note.record.translated] = flow;
            flow.back = true;
            m_names[note.record.translated.Reversed()] = flow;
        }
    }
    const bool controllerView =
        note.kind == NoteKind::VIEW_ADOPTED && node == m_harness->Nodes().controller;
    if (controllerView || !m_hidden.contains(NameOfNote(note.kind)))
    {
        Line(now, m_harness->NameOf(node) + " ! " + TextOfNote(note));
    }
}

void
ProtocolTrace::OnDelivered(NodeId host, const Frame& frame, Instant now)
{
    PacketView view;
    if (ParsePacket(frame, 0, view) == PacketVerdict::OK)
    {
        const auto found = m_names.find(view.key);
        if (found != m_names.end() && !found->second.back)
        {
            m_received[found->second.original] = view.key;
        }
    }
    Line(now, m_harness->NameOf(host) + " < " + TextOfPacket(frame, 0));
}

void
ProtocolTrace::OnDropped(NodeId node, const Frame& frame, DropReason reason, Instant now)
{
    if (node == NO_NODE || reason == DropReason::END_OF_RUN)
    {
        return; // the line of the sender says that it is lost
    }
    SyncMessage message;
    std::size_t outerLength = 0;
    std::string what;
    if (Decode(frame, message, outerLength) == DecodeVerdict::OK)
    {
        what = NameOf(message.header.kind);
        if (m_hidden.contains(what) ||
            IsBackground(message.header.source, node, message.header.kind))
        {
            return;
        }
        what += message.header.sequence != 0 ? " #" + std::to_string(message.header.sequence) : "";
        what += " from " + m_harness->NameOf(message.header.source);
    }
    else
    {
        what = frame.Header().empty() ? "part of a batch" : TextOfPacket(frame, 0);
    }
    Line(now, m_harness->NameOf(node) + " x " + Capitals(ToString(reason)) + " [" + what + "]");
}

void
ProtocolTrace::OnDown(NodeId node, Instant now)
{
    Line(now, m_harness->NameOf(node) + " is down");
}

void
ProtocolTrace::OnUp(NodeId node, Instant now)
{
    Line(now,
         m_harness->NameOf(node) + " is up, life " + std::to_string(m_harness->Incarnation(node)));
}

} // namespace flowchain
