// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_ICMP_H
#define FLOWCHAIN_ICMP_H

#include <cstddef>
#include <cstdint>

/** ICMP echo and echo reply (RFC 792): offsets in bytes and field values. */
namespace flowchain::icmp
{

constexpr std::size_t TYPE = 0;
constexpr std::size_t CODE = 1;
constexpr std::size_t CHECKSUM = 2;
constexpr std::size_t IDENTIFIER = 4;
constexpr std::size_t SEQUENCE = 6;
constexpr std::size_t HEADER_SIZE = 8;

constexpr std::uint8_t TYPE_ECHO_REPLY = 0;
constexpr std::uint8_t TYPE_ECHO = 8;

} // namespace flowchain::icmp

#endif
