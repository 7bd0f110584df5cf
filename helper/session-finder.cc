// SPDX-License-Identifier: GPL-2.0-only
#include "session-finder.h"

#include "message-batch.h"
#include "packet-view.h"

namespace flowchain
{

namespace
{

constexpr std::size_t MAC_NODE = 4; ///< offset of the node's number in the destination address

} // namespace

NodeId
SessionFinder::TargetOf(const Frame& frame)
{
    const auto header = frame.Header();
    return static_cast<NodeId>(header[MAC_NODE] << 8 | header[MAC_NODE + 1]);
}

std::uint32_t
SessionFinder::SessionOf(const FlowKey& key) const
{
    if (const auto session = m_context.workload.SessionOf(key))
    {
        return *session;
    }
    for (const FlowKey& external : {key, key.Reversed()})
    {
        if (const SessionInfo* info = m_context.observer.Checker().FindExternal(external))
        {
            return info->workloadSession;
        }
    }
    return m_context.workload.SessionOf(key.Reversed()).value_or(SessionInfo::NO_SESSION);
}

std::uint32_t
SessionFinder::SessionOf(const SessionRecord& record) const
{
    if (const SessionInfo* info = m_context.observer.FindSession(record.id))
    {
        return info->workloadSession;
    }
    return SessionOf(record.original);
}

std::uint32_t
SessionFinder::SessionOf(const Note& note) const
{
    const bool isOfSession = note.record.id != 0 || note.kind == NoteKind::SLOW_REVERSE ||
                             note.kind == NoteKind::COPY_REFUSED;
    return isOfSession ? SessionOf(note.record) : SessionInfo::NO_SESSION;
}

std::uint32_t
SessionFinder::SessionOf(const SyncMessage& message, const Frame& frame, std::size_t outer) const
{
    switch (message.header.kind)
    {
    case MessageKind::STATE:
    case MessageKind::CHAIN:
    case MessageKind::CHAIN_DONE:
    case MessageKind::FAN_OUT:
    case MessageKind::FAN_OUT_DONE:
    case MessageKind::SNAPSHOT:
    case MessageKind::REMOVE:
    case MessageKind::FETCH:
    case MessageKind::FETCHED:
        return SessionOf(message.record);
    case MessageKind::REVERSE_ENTRY:
    case MessageKind::ENTRY:
    case MessageKind::OBSERVED:
    case MessageKind::REFRESH:
        if (const SessionInfo* info = m_context.observer.FindSession(message.entry.session))
        {
            return info->workloadSession;
        }
        return SessionOf(message.entry.match);
    case MessageKind::PACKET_IN:
    case MessageKind::PROCESS:
    {
        PacketView view;
        return ParsePacketTrusted(frame, outer, view) == PacketVerdict::OK
                   ? SessionOf(view.key)
                   : SessionInfo::NO_SESSION;
    }
    default:
        return SessionInfo::NO_SESSION;
    }
}

std::vector<FoundMessage>
SessionFinder::MessagesOf(const Frame& frame) const
{
    std::vector<FoundMessage> found;
    SyncMessage message;
    std::size_t outer = 0;
    if (Decode(frame, message, outer) != DecodeVerdict::OK)
    {
        return found;
    }
    if (message.header.kind != MessageKind::BATCH)
    {
        found.push_back({message, SessionOf(message, frame, outer)});
        return found;
    }
    std::vector<SyncMessage> batch;
    if (DecodeBatch(frame, batch) == DecodeVerdict::OK)
    {
        for (const SyncMessage& part : batch)
        {
            found.push_back({part, SessionOf(part, frame, outer)});
        }
    }
    return found;
}

} // namespace flowchain
