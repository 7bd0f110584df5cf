// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_BYTE_ORDER_H
#define FLOWCHAIN_BYTE_ORDER_H

#include <bit>
#include <cstdint>
#include <cstring>

namespace flowchain
{

constexpr std::uint16_t
SwapBytes(std::uint16_t value)
{
    return __builtin_bswap16(value);
}

constexpr std::uint32_t
SwapBytes(std::uint32_t value)
{
    return __builtin_bswap32(value);
}

constexpr std::uint64_t
SwapBytes(std::uint64_t value)
{
    return __builtin_bswap64(value);
}

/** @returns the unsigned integer that lies at `from` in network byte order, at any alignment. */
template <typename T>
T
LoadBig(const std::uint8_t* from)
{
    T value;
    std::memcpy(&value, from, sizeof value);
    return std::endian::native == std::endian::big ? value : SwapBytes(value);
}

/** Write an unsigned integer in network byte order to `to`, at any alignment. */
template <typename T>
void
StoreBig(std::uint8_t* to, T value)
{
    const T wire = std::endian::native == std::endian::big ? value : SwapBytes(value);
    std::memcpy(to, &wire, sizeof wire);
}

inline std::uint16_t
Load16(const std::uint8_t* from)
{
    return LoadBig<std::uint16_t>(from);
}

inline std::uint32_t
Load32(const std::uint8_t* from)
{
    return LoadBig<std::uint32_t>(from);
}

inline std::uint64_t
Load64(const std::uint8_t* from)
{
    return LoadBig<std::uint64_t>(from);
}

inline void
Store16(std::uint8_t* to, std::uint16_t value)
{
    StoreBig(to, value);
}

inline void
Store32(std::uint8_t* to, std::uint32_t value)
{
    StoreBig(to, value);
}

inline void
Store64(std::uint8_t* to, std::uint64_t value)
{
    StoreBig(to, value);
}

} // namespace flowchain

#endif
