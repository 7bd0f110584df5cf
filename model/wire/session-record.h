// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_RECORD_H
#define FLOWCHAIN_SESSION_RECORD_H

#include "flow-key.h"

#include <compare>
#include <cstdint>

namespace flowchain
{

/** Index of a node in the scenario's node list; 0 is the first node. */
using NodeId = std::uint16_t;
constexpr NodeId NO_NODE = 0xffff;

/** A session's name for life: creator node in the upper 16 bits, below it in 6 bits how often that
 * node had restarted, and a serial number (from 1) in 42: lives of a node never share a name. */
using SessionId = std::uint64_t;
constexpr int SESSION_SERIAL_BITS = 42;

constexpr SessionId
MakeSessionId(NodeId creator, std::uint64_t serial, std::uint8_t incarnation = 0)
{
    return (static_cast<SessionId>(creator) << 48) |
           (static_cast<SessionId>(incarnation) << SESSION_SERIAL_BITS) | serial;
}

/** The service node that made the session. */
constexpr NodeId
CreatorOf(SessionId id)
{
    return static_cast<NodeId>(id >> 48);
}

/** How often its creator had restarted, modulo 64. */
constexpr std::uint8_t
CreatorIncarnationOf(SessionId id)
{
    return static_cast<std::uint8_t>(id >> SESSION_SERIAL_BITS & 0x3f);
}

/** Version of a session's state: epoch in the upper 32 bits, counter below; newer is larger. */
using SessionVersion = std::uint64_t;

constexpr SessionVersion
MakeSessionVersion(std::uint32_t epoch, std::uint32_t counter)
{
    return (static_cast<SessionVersion>(epoch) << 32) | counter;
}

/** How far a session has come. A session never goes back to a state further up. */
enum class SessionState : std::uint8_t
{
    NEW = 0,         ///< no TCP, or a TCP connection that was not seen from its beginning
    SYN_SENT = 1,    ///< TCP, not open yet (RFC 5382: partially open)
    ESTABLISHED = 2, ///< TCP, open
    CLOSING = 3,     ///< TCP, both sides have sent a FIN, or one a RST (RFC 7857, section 2)
    DELETED = 4,     ///< every copy and entry is to be removed
};
constexpr SessionState LAST_SESSION_STATE = SessionState::DELETED;

/**
 * The counter of a version whose state this is: two copies of the same epoch and state are the same
 * version, whoever has made them, and the further state is the newer one.
 */
constexpr std::uint32_t
VersionCounterOf(SessionState state)
{
    return state <= SessionState::SYN_SENT ? 1 : static_cast<std::uint32_t>(state);
}

/**
 * The state of one session, as a service node makes it and as every copy holds it.
 *
 * `original` is the first packet's tuple as the accelerator sees it, `translated` the same packet's
 * tuple after the service node has processed it. The entry of the reverse direction follows from
 * both: it matches translated.Reversed() and rewrites to original.Reversed().
 */
struct SessionRecord
{
    SessionId id = 0;
    SessionVersion version = 0;
    FlowKey original;
    FlowKey translated;
    std::uint64_t createdNs = 0; ///< simulation time of creation, ns
    NodeId owner = NO_NODE;      ///< service node that is responsible for the session now
    std::uint16_t service = 0;   ///< index of the service group
    SessionState state = SessionState::NEW;

    friend auto operator<=>(const SessionRecord&, const SessionRecord&) = default;
};

/** One direction of a session: what a fast path needs to rewrite and forward a packet. */
struct FlowEntry
{
    FlowKey match;
    FlowKey rewrite;
    SessionId session = 0;
    SessionVersion version = 0;
    NodeId owner = NO_NODE;

    friend auto operator<=>(const FlowEntry&, const FlowEntry&) = default;
};

/** @returns the flow entry of the direction in which the session's first packet travels. */
inline FlowEntry
ForwardEntry(const SessionRecord& r)
{
    return {r.original, r.translated, r.id, r.version, r.owner};
}

/** @returns the flow entry of the opposite direction (CN116389549, claim 5). */
inline FlowEntry
ReverseEntry(const SessionRecord& r)
{
    return {r.translated.Reversed(), r.original.Reversed(), r.id, r.version, r.owner};
}

} // namespace flowchain

#endif
