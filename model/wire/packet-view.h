// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PACKET_VIEW_H
#define FLOWCHAIN_PACKET_VIEW_H

#include "flow-key.h"
#include "frame.h"

#include <array>
#include <cstdint>

namespace flowchain
{

/** Why a data packet cannot be processed; every value names a counted drop. */
enum class PacketVerdict : std::uint8_t
{
    OK = 0,
    TRUNCATED,            ///< a length runs past the bytes that are there
    NOT_IPV4,             ///< EtherType other than 0x0800, or IP version other than 4
    BAD_HEADER,           ///< IHL, total length, TCP data offset or UDP length impossible
    FRAGMENT,             ///< part of a fragmented datagram
    UNSUPPORTED_PROTOCOL, ///< neither TCP, UDP nor ICMP
    UNSUPPORTED_ICMP,     ///< ICMP, but no echo request or reply
    BAD_CHECKSUM,         ///< IPv4, TCP, UDP or ICMP checksum wrong
};

const char* ToString(PacketVerdict verdict);

/** TCP flag bits (RFC 9293, section 3.1). */
namespace tcp_flag
{
constexpr std::uint8_t FIN = 0x01;
constexpr std::uint8_t SYN = 0x02;
constexpr std::uint8_t RST = 0x04;
constexpr std::uint8_t PSH = 0x08;
constexpr std::uint8_t ACK = 0x10;
} // namespace tcp_flag

/** What a checked packet says of itself, with the offsets (into Frame::Header()) to rewrite it. */
struct PacketView
{
    FlowKey key;
    std::uint8_t ttl = 0;
    std::uint8_t tcpFlags = 0;      ///< 0 unless TCP
    std::uint16_t ipOffset = 0;     ///< of the IPv4 header
    std::uint16_t l4Offset = 0;     ///< of the TCP, UDP or ICMP header
    bool udpChecksumAbsent = false; ///< UDP checksum field is 0: not computed by the sender
};

/**
 * Check the Ethernet frame whose headers start at `offset` of frame.Header(), checksums included,
 * and describe it.
 */
PacketVerdict ParsePacket(const Frame& frame, std::size_t offset, PacketView& view);

/** As ParsePacket(), without reading checksums: for a packet that was checked at the entrance. */
PacketVerdict ParsePacketTrusted(const Frame& frame, std::size_t offset, PacketView& view);

/**
 * Rewrite a checked packet to the tuple `to` and decrement its TTL, with incremental checksums
 * (RFC 1624, eqn. 3; a UDP checksum that is absent stays absent, and one that becomes 0 is sent as
 * 0xffff, RFC 768). `view` is updated.
 * @pre view.ttl > 1 and to.protocol == view.key.protocol
 */
void RewritePacket(Frame& frame, PacketView& view, const FlowKey& to);

/** Set the Ethernet addresses of the frame that starts at `offset`. */
void SetMacAddresses(Frame& frame,
                     std::size_t offset,
                     const std::array<std::uint8_t, 6>& source,
                     const std::array<std::uint8_t, 6>& destination);

} // namespace flowchain

#endif
