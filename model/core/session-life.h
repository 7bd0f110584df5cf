// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_LIFE_H
#define FLOWCHAIN_SESSION_LIFE_H

#include "instant.h"
#include "session-record.h"

#include <cstdint>

namespace flowchain
{

/** After how long without packets a session is deleted. */
struct SessionTimers
{
    static constexpr Duration SECOND{1'000'000'000'000};

    Duration tcpEstablished = 7440 * SECOND; ///< RFC 5382, REQ-5: at least 2 hours 4 minutes
    Duration tcpTransitory = 240 * SECOND;   ///< RFC 5382, REQ-5: at least 4 minutes
    Duration udp = 300 * SECOND;             ///< RFC 4787, REQ-5: 5 minutes recommended
    Duration icmp = 60 * SECOND;             ///< RFC 5508, REQ-2: at least 60 seconds
    Duration closeLinger = 240 * SECOND;     ///< closed or reset TCP; RFC 5382, REQ-5
    /** How often accelerators tell which sessions have had packets. A session lives on for twice
     * that long beyond its time, since packets may not have been told yet. */
    Duration refreshInterval = 30 * SECOND;
};

/** What has been seen of a session so far. */
struct SessionLife
{
    SessionState state = SessionState::NEW;
    bool finForward = false; ///< in the direction of the session's first packet
    bool finReverse = false;
};

/**
 * Take note of TCP flags, a mask of tcp_observation, that packets of one direction had.
 *
 * The handshake is over with the first ACK of the side that sent the SYN (RFC 5382, section 4). A
 * connection that one side has closed is still open for the other one's data; it is closing once
 * both have sent a FIN, or either a RST (RFC 7857, section 2; RFC 6146, section 3.5.2). A SYN after
 * that opens it again (RFC 9293, section 3.6.1, from TIME-WAIT).
 *
 * @returns the life after the observation
 */
SessionLife Observe(SessionLife life, IpProtocol protocol, bool reverse, std::uint8_t seen);

/** How long the session lives without packets. */
Duration IdleTimeout(const SessionTimers& timers, IpProtocol protocol, SessionState state);

/** The shortest of all idle timeouts. */
Duration ShortestTimeout(const SessionTimers& timers);

} // namespace flowchain

#endif
