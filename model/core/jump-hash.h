// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_JUMP_HASH_H
#define FLOWCHAIN_JUMP_HASH_H

#include <cstdint>

namespace flowchain
{

/**
 * Jump consistent hash (Lamping & Veach 2014): when the number of buckets grows, keys move to the
 * new ones only.
 *
 * The paper computes the next jump as floor((b + 1) * (2^31 / r)) in doubles; this computes
 * floor((b + 1) * 2^31 / r) in integers, which is what the paper means. The two differ only where
 * that quotient is a whole number and the doubles round it down (r = 49 * 2^25 and b = 48 give 63
 * in place of 64): otherwise the quotient is at least 1/r >= 2^-31 away from one, and the error of
 * the doubles is at most 2^-32 below 2^20 buckets.
 *
 * @returns 0 to buckets - 1. @pre buckets >= 1
 */
constexpr std::uint32_t
JumpHash(std::uint64_t key, std::uint32_t buckets)
{
    std::uint64_t bucket = 0;
    for (std::uint64_t next = 0; next < buckets;)
    {
        bucket = next;
        key = key * 2862933555777941757ULL + 1;
        next = ((bucket + 1) << 31) / ((key >> 33) + 1);
    }
    return static_cast<std::uint32_t>(bucket);
}

} // namespace flowchain

#endif
