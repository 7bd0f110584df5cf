// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PREFIX_H
#define FLOWCHAIN_PREFIX_H

#include <cstdint>

namespace flowchain
{

/** A block of addresses, host byte order. */
struct Prefix
{
    std::uint32_t address = 0;
    std::uint8_t length = 0; ///< 0..32

    bool Contains(std::uint32_t a) const
    {
        return length == 0 || ((a ^ address) >> (32 - length)) == 0;
    }

    std::uint64_t Size() const
    {
        return std::uint64_t{1} << (32 - length);
    }
};

} // namespace flowchain

#endif
