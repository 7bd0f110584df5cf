// SPDX-License-Identifier: GPL-2.0-only
#include "session-life.h"

#include "sync-message.h"

#include <algorithm>

namespace flowchain
{

SessionLife
Observe(SessionLife life, IpProtocol protocol, bool reverse, std::uint8_t seen)
{
    if (protocol != IpProtocol::TCP || life.state == SessionState::DELETED)
    {
        return life;
    }
    if ((seen & tcp_observation::SYN) != 0 && life.state == SessionState::CLOSING)
    {
        life = {SessionState::SYN_SENT, false, false};
    }
    // Of a connection that was not seen from its beginning, any ACK shows that it is open.
    const bool opens =
        (seen & tcp_observation::ACK) != 0 &&
        (life.state == SessionState::NEW || (life.state == SessionState::SYN_SENT && !reverse));
    if (opens)
    {
        life.state = SessionState::ESTABLISHED;
    }
    if ((seen & tcp_observation::FIN) != 0)
    {
        (reverse ? life.finReverse : life.finForward) = true;
    }
    if ((life.finForward && life.finReverse) || (seen & tcp_observation::RST) != 0)
    {
        life.state = SessionState::CLOSING;
    }
    return life;
}

Duration
IdleTimeout(const SessionTimers& timers, IpProtocol protocol, SessionState state)
{
    switch (protocol)
    {
    case IpProtocol::UDP:
        return timers.udp;
    case IpProtocol::ICMP:
        return timers.icmp;
    default:
        break;
    }
    switch (state)
    {
    case SessionState::NEW:
    case SessionState::SYN_SENT:
        return timers.tcpTransitory;
    case SessionState::ESTABLISHED:
        return timers.tcpEstablished;
    case SessionState::CLOSING:
    case SessionState::DELETED:
        break;
    }
    return timers.closeLinger;
}

Duration
ShortestTimeout(const SessionTimers& timers)
{
    return std::min(
        {timers.tcpEstablished, timers.tcpTransitory, timers.udp, timers.icmp, timers.closeLinger});
}

} // namespace flowchain
