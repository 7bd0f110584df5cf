// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_UDP_H
#define FLOWCHAIN_UDP_H

#include <cstddef>
#include <cstdint>

/** UDP header (RFC 768): offsets in bytes. */
namespace flowchain::udp
{

constexpr std::size_t SOURCE_PORT = 0;
constexpr std::size_t DESTINATION_PORT = 2;
constexpr std::size_t LENGTH = 4;
constexpr std::size_t CHECKSUM = 6;
constexpr std::size_t HEADER_SIZE = 8;

} // namespace flowchain::udp

#endif
