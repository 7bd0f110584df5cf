// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_ETHERNET_H
#define FLOWCHAIN_ETHERNET_H

#include <cstddef>
#include <cstdint>

/** Ethernet II header (IEEE 802.3, clause 3.2.6): offsets in bytes and EtherTypes. */
namespace flowchain::ethernet
{

constexpr std::size_t DESTINATION = 0;
constexpr std::size_t SOURCE = 6;
constexpr std::size_t TYPE = 12;
constexpr std::size_t HEADER_SIZE = 14;

constexpr std::uint16_t TYPE_IPV4 = 0x0800;
constexpr std::uint16_t TYPE_TRANSPARENT_BRIDGING = 0x6558; ///< Ethernet in Geneve (RFC 8926)
constexpr std::uint16_t TYPE_LOCAL_EXPERIMENTAL = 0x88b5;   ///< IEEE 802, clause 9.2.3

} // namespace flowchain::ethernet

#endif
