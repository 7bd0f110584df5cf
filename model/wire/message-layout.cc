// SPDX-License-Identifier: GPL-2.0-only
#include "message-layout.h"

#include "byte-order.h"

namespace flowchain::layout
{

namespace
{

void
StoreTuple(std::uint8_t* to, const FlowKey& key)
{
    Store32(to + tuple::SOURCE_ADDRESS, key.source.address);
    Store32(to + tuple::DESTINATION_ADDRESS, key.destination.address);
    Store16(to + tuple::SOURCE_PORT, key.source.port);
    Store16(to + tuple::DESTINATION_PORT, key.destination.port);
}

void
LoadTuple(const std::uint8_t* from, std::uint8_t protocol, FlowKey& key)
{
    key.source.address = Load32(from + tuple::SOURCE_ADDRESS);
    key.destination.address = Load32(from + tuple::DESTINATION_ADDRESS);
    key.source.port = Load16(from + tuple::SOURCE_PORT);
    key.destination.port = Load16(from + tuple::DESTINATION_PORT);
    key.protocol = static_cast<IpProtocol>(protocol);
}

/** @returns whether a session may have the IP protocol number. */
bool
IsSessionProtocol(std::uint8_t protocol)
{
    switch (static_cast<IpProtocol>(protocol))
    {
    case IpProtocol::ICMP:
    case IpProtocol::TCP:
    case IpProtocol::UDP:
        return true;
    default:
        return false;
    }
}

} // namespace

void
StoreHeader(std::uint8_t* to, const MessageHeader& header)
{
    to[message::KIND] = static_cast<std::uint8_t>(header.kind);
    to[message::FLAGS] = header.flags;
    Store16(to + message::SOURCE, header.source);
    to[message::SOURCE_INCARNATION] = header.sourceIncarnation;
    to[message::TARGET_INCARNATION] = header.targetIncarnation;
    to[message::POSITION] = header.position;
    to[message::REASON] = header.reason;
    Store32(to + message::EPOCH, header.epoch);
    Store32(to + message::SEQUENCE, header.sequence);
    Store32(to + message::ACKNOWLEDGED, header.acknowledged);
    Store64(to + message::SELECTIVE, header.selective);
    Store16(to + message::FIRST, header.first);
    Store16(to + message::ATTEMPT, header.attempt);
}

void
StoreRecord(std::uint8_t* to, const SessionRecord& record)
{
    Store64(to + record::ID, record.id);
    Store64(to + record::VERSION, record.version);
    StoreTuple(to + record::ORIGINAL, record.original);
    StoreTuple(to + record::TRANSLATED, record.translated);
    Store64(to + record::CREATED_NS, record.createdNs);
    Store16(to + record::OWNER, record.owner);
    Store16(to + record::SERVICE, record.service);
    to[record::STATE] = static_cast<std::uint8_t>(record.state);
    to[record::ORIGINAL_PROTOCOL] = static_cast<std::uint8_t>(record.original.protocol);
    to[record::TRANSLATED_PROTOCOL] = static_cast<std::uint8_t>(record.translated.protocol);
    to[record::RESERVED] = 0;
}

void
StoreEntry(std::uint8_t* to, const FlowEntry& entry)
{
    Store64(to + entry::SESSION, entry.session);
    Store64(to + entry::VERSION, entry.version);
    StoreTuple(to + entry::MATCH, entry.match);
    StoreTuple(to + entry::REWRITE, entry.rewrite);
    Store16(to + entry::OWNER, entry.owner);
    to[entry::MATCH_PROTOCOL] = static_cast<std::uint8_t>(entry.match.protocol);
    to[entry::REWRITE_PROTOCOL] = static_cast<std::uint8_t>(entry.rewrite.protocol);
}

bool
LoadHeader(const std::uint8_t* from, MessageHeader& header)
{
    const auto kind = from[message::KIND];
    if (!IsMessageKind(kind))
    {
        return false;
    }
    header.kind = static_cast<MessageKind>(kind);
    header.flags = from[message::FLAGS];
    header.source = Load16(from + message::SOURCE);
    header.sourceIncarnation = from[message::SOURCE_INCARNATION];
    header.targetIncarnation = from[message::TARGET_INCARNATION];
    header.position = from[message::POSITION];
    header.reason = from[message::REASON];
    header.epoch = Load32(from + message::EPOCH);
    header.sequence = Load32(from + message::SEQUENCE);
    header.acknowledged = Load32(from + message::ACKNOWLEDGED);
    header.selective = Load64(from + message::SELECTIVE);
    header.first = Load16(from + message::FIRST);
    header.attempt = Load16(from + message::ATTEMPT);
    return true;
}

bool
LoadRecord(const std::uint8_t* from, bool complete, SessionRecord& record)
{
    const auto state = from[record::STATE];
    const auto original = from[record::ORIGINAL_PROTOCOL];
    const auto translated = from[record::TRANSLATED_PROTOCOL];
    const bool known =
        IsSessionProtocol(translated) || translated == static_cast<std::uint8_t>(IpProtocol::NONE);
    if (state > static_cast<std::uint8_t>(LAST_SESSION_STATE) || !IsSessionProtocol(original) ||
        !known || (complete && translated != original))
    {
        return false;
    }
    record.id = Load64(from + record::ID);
    record.version = Load64(from + record::VERSION);
    LoadTuple(from + record::ORIGINAL, original, record.original);
    LoadTuple(from + record::TRANSLATED, translated, record.translated);
    record.createdNs = Load64(from + record::CREATED_NS);
    record.owner = Load16(from + record::OWNER);
    record.service = Load16(from + record::SERVICE);
    record.state = static_cast<SessionState>(state);
    return true;
}

bool
LoadEntry(const std::uint8_t* from, FlowEntry& entry)
{
    const auto protocol = from[entry::MATCH_PROTOCOL];
    if (!IsSessionProtocol(protocol) || from[entry::REWRITE_PROTOCOL] != protocol)
    {
        return false;
    }
    entry.session = Load64(from + entry::SESSION);
    entry.version = Load64(from + entry::VERSION);
    LoadTuple(from + entry::MATCH, protocol, entry.match);
    LoadTuple(from + entry::REWRITE, protocol, entry.rewrite);
    entry.owner = Load16(from + entry::OWNER);
    return true;
}

} // namespace flowchain::layout
