// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_GENEVE_H
#define FLOWCHAIN_GENEVE_H

#include <cstddef>
#include <cstdint>

/** Geneve base header and option header (RFC 8926, sections 3.4 and 3.5): offsets in bytes. */
namespace flowchain::geneve
{

constexpr std::uint16_t UDP_PORT = 6081;

constexpr std::size_t VERSION_LENGTH = 0; ///< version, 2 bits; length of all options, in words
constexpr std::size_t FLAGS = 1;
constexpr std::size_t PROTOCOL_TYPE = 2;
constexpr std::size_t VNI = 4; ///< upper 24 bits; the lower 8 are reserved
constexpr std::size_t HEADER_SIZE = 8;

constexpr unsigned VERSION_SHIFT = 6;
constexpr std::uint8_t LENGTH_MASK = 0x3f;
constexpr std::uint8_t FLAG_CONTROL = 0x80; ///< O bit: a control packet
constexpr std::uint32_t MAX_VNI = 0xffffff;

constexpr std::size_t OPTION_CLASS = 0;
constexpr std::size_t OPTION_TYPE = 2;
constexpr std::size_t OPTION_LENGTH = 3; ///< lower five bits, in words, without the option header
constexpr std::size_t OPTION_HEADER_SIZE = 4;

constexpr std::uint8_t OPTION_TYPE_CRITICAL = 0x80;
constexpr std::uint8_t OPTION_LENGTH_MASK = 0x1f;
constexpr std::size_t WORD_SIZE = 4; ///< unit of the length fields

} // namespace flowchain::geneve

#endif
