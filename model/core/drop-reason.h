// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_DROP_REASON_H
#define FLOWCHAIN_DROP_REASON_H

#include <cstddef>
#include <cstdint>

namespace flowchain
{

/** Every way in which a frame ends other than by delivery. The one list of the whole project. */
enum class DropReason : std::uint8_t
{
    NONE = 0,          ///< a copy that is no longer needed (acknowledged, answered): no loss
    QUEUE_FULL,        ///< a port's drop-tail queue
    LINK_LOSS,         ///< the loss model of a link
    LINK_CUT,          ///< a link that is cut
    SWITCH_DOWN,       ///< a link of a switch that is down
    PARTITIONED,       ///< a partition lies between sender and receiver
    NO_ROUTE,          ///< a switch knows no way to the (damaged) destination address
    NODE_QUEUE_FULL,   ///< a node's processing queue
    NODE_DOWN,         ///< arrived at, or was held by, a node that is down
    MALFORMED,         ///< PacketVerdict or DecodeVerdict other than OK
    UNSUPPORTED,       ///< fragment, or protocol that no service handles
    TTL_EXCEEDED,      ///< TTL would become 0
    NO_VIEW,           ///< a restarted node that has not been told a view yet
    NO_SERVICE,        ///< no service group takes packets with these addresses
    NO_ACCELERATOR,    ///< no live accelerator
    NO_MANAGER,        ///< no live flow manager
    NO_SERVICE_NODE,   ///< no live service node
    NO_BINDING,        ///< from outside or a backend, and no session
    NO_VIP,            ///< to no virtual service of the load balancer
    NO_BACKEND,        ///< no backend in service, or each has the client's endpoint already
    NO_SESSION,        ///< TCP without SYN, and no session (RFC 5382, section 4)
    CLOSING,           ///< opens a flow anew whose old session is being deleted
    PORT_EXHAUSTED,    ///< no free port in the node's blocks
    TABLE_FULL,        ///< a bounded table
    HOLD_FULL,         ///< too many packets wait for the session's release
    PENDING_FULL,      ///< too many sessions wait for their state
    SYNC_BACKLOG_FULL, ///< too many messages wait for the reliable channel's window
    SYNC_ABANDONED,    ///< retransmissions of a message exhausted
    REFUSED,           ///< waited behind a first packet that was refused
    STALE_EPOCH,       ///< message of an older view
    FUTURE_EPOCH,      ///< message of a view that the receiver has not been told yet
    STALE_INCARNATION, ///< message from or to an earlier life of a node
    DUPLICATE,         ///< message that had arrived before
    NOT_FOR_ME,        ///< frame for a node, or message of a kind, that the receiver does not serve
    WRONG_SERVICE,     ///< message with another service group's VNI
    UNKNOWN_CONNECTION, ///< reached a host that has no such connection (translation changed)
    BACKPRESSURE,       ///< no new session: too many messages wait for a node that it needs
    END_OF_RUN,         ///< still alive when the run was torn down; never counted as a drop
};
constexpr std::size_t DROP_REASON_COUNT = static_cast<std::size_t>(DropReason::END_OF_RUN) + 1;

/** @returns a lower-case name such as "queue-full", the one used in every output. */
const char* ToString(DropReason reason);

} // namespace flowchain

#endif
