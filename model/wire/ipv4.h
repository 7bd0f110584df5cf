// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_IPV4_H
#define FLOWCHAIN_IPV4_H

#include "byte-order.h"
#include "checksum.h"
#include "flow-key.h"

#include <cstddef>
#include <cstdint>

/** IPv4 header (RFC 791, section 3.1): offsets in bytes and field values. */
namespace flowchain::ipv4
{

constexpr std::size_t VERSION_IHL = 0;
constexpr std::size_t TYPE_OF_SERVICE = 1;
constexpr std::size_t TOTAL_LENGTH = 2;
constexpr std::size_t IDENTIFICATION = 4;
constexpr std::size_t FRAGMENT = 6;
constexpr std::size_t TTL = 8;
constexpr std::size_t PROTOCOL = 9;
constexpr std::size_t CHECKSUM = 10;
constexpr std::size_t SOURCE = 12;
constexpr std::size_t DESTINATION = 16;
constexpr std::size_t HEADER_SIZE = 20; ///< without options

constexpr std::uint8_t VERSION = 4;
constexpr std::uint8_t VERSION_IHL_PLAIN = 0x45; ///< no options
constexpr std::uint16_t DONT_FRAGMENT = 0x4000;
constexpr std::uint16_t FRAGMENT_MASK = 0x3fff; ///< MF flag and offset: 0 in a whole datagram
constexpr std::size_t MAX_TOTAL_LENGTH = 0xffff;

/** @returns the unfolded sum of the pseudo-header (RFC 793, RFC 768) over the header at `ip`. */
inline std::uint32_t
PseudoHeaderSum(const std::uint8_t* ip, std::uint16_t segmentLength)
{
    return WordSum(Load32(ip + SOURCE)) + WordSum(Load32(ip + DESTINATION)) + ip[PROTOCOL] +
           segmentLength;
}

/** Fields of a header without options that differ between packets; `Write` sets the others. */
struct Header
{
    std::uint32_t source = 0;
    std::uint32_t destination = 0;
    IpProtocol protocol = IpProtocol::NONE;
    std::uint8_t ttl = 64;
    std::uint16_t identification = 0;
    std::uint16_t totalLength = HEADER_SIZE;
};

/** Write a header of HEADER_SIZE bytes with DF set and its checksum to `ip`. */
inline void
Write(std::uint8_t* ip, const Header& header)
{
    ip[VERSION_IHL] = VERSION_IHL_PLAIN;
    ip[TYPE_OF_SERVICE] = 0;
    Store16(ip + TOTAL_LENGTH, header.totalLength);
    Store16(ip + IDENTIFICATION, header.identification);
    Store16(ip + FRAGMENT, DONT_FRAGMENT);
    ip[TTL] = header.ttl;
    ip[PROTOCOL] = static_cast<std::uint8_t>(header.protocol);
    Store32(ip + SOURCE, header.source);
    Store32(ip + DESTINATION, header.destination);
    const std::uint32_t sum = (VERSION_IHL_PLAIN << 8) + header.totalLength +
                              header.identification + DONT_FRAGMENT + Load16(ip + TTL) +
                              WordSum(header.source) + WordSum(header.destination);
    Store16(ip + CHECKSUM, static_cast<std::uint16_t>(~FoldSum(sum)));
}

} // namespace flowchain::ipv4

#endif
