// SPDX-License-Identifier: GPL-2.0-only
#include "deterministic-random.h"

#include <bit>
#include <limits>

namespace flowchain
{

namespace
{

__extension__ using Uint128 = unsigned __int128;

constexpr std::uint64_t LN_2 = 0xb17217f7d1cf79ab; ///< ln 2, in units of 2^-64

/** @returns log2(x), rounded down, in units of 2^-40. @pre x > 0 */
std::uint64_t
Log2(std::uint64_t x)
{
    const int exponent = std::bit_width(x) - 1;
    std::uint64_t mantissa = x << (63 - exponent); // 1 <= mantissa < 2, in units of 2^-63
    std::uint64_t result = static_cast<std::uint64_t>(exponent);
    for (unsigned bit = 0; bit < EXPONENTIAL_FRACTION_BITS; ++bit)
    {
        const Uint128 square = (static_cast<Uint128>(mantissa) * mantissa) >> 63;
        const auto carry = static_cast<unsigned>(square >> 64); // the square is 2 or more
        mantissa = static_cast<std::uint64_t>(square >> carry);
        result = result << 1 | carry;
    }
    return result;
}

} // namespace

std::uint64_t
ExponentialFrom(std::uint64_t uniform)
{
    if (uniform == std::numeric_limits<std::uint64_t>::max())
    {
        return 0; // uniform + 1 would be 2^64, whose logarithm is 64
    }
    const std::uint64_t below =
        (std::uint64_t{64} << EXPONENTIAL_FRACTION_BITS) - Log2(uniform + 1);
    return static_cast<std::uint64_t>((static_cast<Uint128>(below) * LN_2) >> 64);
}

} // namespace flowchain
