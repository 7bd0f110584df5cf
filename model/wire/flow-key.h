// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FLOW_KEY_H
#define FLOWCHAIN_FLOW_KEY_H

#include <compare>
#include <cstdint>

namespace flowchain
{

/** IP protocol numbers (IANA) that a flow may have. */
enum class IpProtocol : std::uint8_t
{
    NONE = 0,
    ICMP = 1,
    TCP = 6,
    UDP = 17,
};

/** An IPv4 transport endpoint; both members in host byte order. */
struct Endpoint
{
    std::uint32_t address = 0; ///< IPv4 address
    std::uint16_t port = 0;    ///< TCP or UDP port; ICMP query identifier (RFC 5508, section 3.1)

    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/**
 * The directional five-tuple of a packet.
 *
 * An ICMP query has its identifier as the port of the side that asks, and 0 as the port of the side
 * that is asked, so that Reversed() of the request's key is the reply's key.
 */
struct FlowKey
{
    Endpoint source;
    Endpoint destination;
    IpProtocol protocol = IpProtocol::NONE;

    /** @returns the key of the packets that travel the other way. */
    FlowKey Reversed() const
    {
        return {destination, source, protocol};
    }

    friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

} // namespace flowchain

#endif
