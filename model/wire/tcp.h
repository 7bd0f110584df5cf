// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_TCP_H
#define FLOWCHAIN_TCP_H

#include <cstddef>
#include <cstdint>

/** TCP header (RFC 9293, section 3.1): offsets in bytes. */
namespace flowchain::tcp
{

constexpr std::size_t SOURCE_PORT = 0;
constexpr std::size_t DESTINATION_PORT = 2;
constexpr std::size_t SEQUENCE = 4;
constexpr std::size_t ACKNOWLEDGEMENT = 8;
constexpr std::size_t DATA_OFFSET = 12; ///< upper four bits, in 32-bit words
constexpr std::size_t FLAGS = 13;
constexpr std::size_t WINDOW = 14;
constexpr std::size_t CHECKSUM = 16;
constexpr std::size_t URGENT_POINTER = 18;
constexpr std::size_t HEADER_SIZE = 20; ///< without options

} // namespace flowchain::tcp

#endif
