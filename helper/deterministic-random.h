// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_DETERMINISTIC_RANDOM_H
#define FLOWCHAIN_DETERMINISTIC_RANDOM_H

#include "flow-hash.h"

#include <cstdint>

namespace flowchain
{

/** SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014). */
class SplitMix64
{
  public:
    explicit SplitMix64(std::uint64_t seed)
        : m_state(seed)
    {
    }

    /** A generator whose numbers are independent of those of other streams of the same seed. */
    SplitMix64(std::uint64_t seed, std::uint64_t stream)
        : m_state(Mix64(Mix64(seed) + stream))
    {
    }

    /** @returns 64 uniformly distributed bits. */
    std::uint64_t Next()
    {
        m_state += 0x9e3779b97f4a7c15ULL;
        return Mix64(m_state);
    }

  private:
    std::uint64_t m_state;
};

/** Fraction bits of ExponentialFrom(). */
constexpr unsigned EXPONENTIAL_FRACTION_BITS = 40;

/**
 * An exponentially distributed number of mean 1 out of a uniform one, in integers, because libm's
 * logarithms differ between machines: -ln((uniform + 1) / 2^64), bit by bit (C. Turner, A fast
 * binary logarithm algorithm, IEEE Signal Processing Magazine 27(5), 2010).
 * @returns in units of 2^-40, too large by less than two of them; at most 64 ln 2 = 44.4
 */
std::uint64_t ExponentialFrom(std::uint64_t uniform);

} // namespace flowchain

#endif
