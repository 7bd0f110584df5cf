// SPDX-License-Identifier: GPL-2.0-only
#include "checksum.h"

#include "byte-order.h"

namespace flowchain
{

namespace
{

template <typename T>
T
LoadNative(const std::uint8_t* from)
{
    T word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

} // namespace

std::uint16_t
OnesComplementSum(std::span<const std::uint8_t> bytes)
{
    // The sum of byte-swapped words is the byte-swapped sum (RFC 1071, section 2 (B)), so the loop
    // adds native words and the result is swapped once. Halves of 32 bits have 32 bits for carries.
    const auto* at = bytes.data();
    auto left = bytes.size();
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    for (; left >= 8; left -= 8, at += 8)
    {
        const auto word = LoadNative<std::uint64_t>(at);
        low += word & 0xffffffff;
        high += word >> 32;
    }
    auto sum = low + high;
    if ((left & 4) != 0)
    {
        sum += LoadNative<std::uint32_t>(at);
        at += 4;
    }
    if ((left & 2) != 0)
    {
        sum += LoadNative<std::uint16_t>(at);
        at += 2;
    }
    if ((left & 1) != 0)
    {
        const std::uint8_t padded[2] = {*at, 0};
        sum += LoadNative<std::uint16_t>(padded);
    }
    const auto folded = FoldSum(sum);
    return std::endian::native == std::endian::big ? folded : SwapBytes(folded);
}

} // namespace flowchain
