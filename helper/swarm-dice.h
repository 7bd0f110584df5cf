// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWARM_DICE_H
#define FLOWCHAIN_SWARM_DICE_H

#include "deterministic-random.h"
#include "instant.h"

#include <cassert>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace flowchain
{

/** Draws of one stream of a seed, in integers. */
class SwarmDice
{
  public:
    SwarmDice(std::uint64_t seed, std::uint64_t stream)
        : m_random(seed, stream)
    {
    }

    bool Coin()
    {
        return (m_random.Next() >> 63) != 0;
    }

    /** @returns 0 to count - 1; that the lowest are likelier by count / 2^64 is of no account. */
    std::uint64_t Below(std::uint64_t count)
    {
        assert(count > 0);
        return m_random.Next() % count;
    }

    /** @returns lowest to highest */
    std::uint64_t Between(std::uint64_t lowest, std::uint64_t highest)
    {
        assert(lowest <= highest);
        return lowest + Below(highest - lowest + 1);
    }

    /** @returns a whole number of microseconds where that is possible */
    Duration Between(Duration shortest, Duration longest)
    {
        const Duration drawn{static_cast<std::int64_t>(
            Between(static_cast<std::uint64_t>(shortest.count()),
                    static_cast<std::uint64_t>(std::max(shortest, longest).count())))};
        constexpr Duration MICROSECOND{1'000'000};
        return drawn - drawn % MICROSECOND >= shortest ? drawn - drawn % MICROSECOND : drawn;
    }

    /** Shorter than half, a quarter, ... of the longest as often as longer. */
    Duration Scaled(Duration longest)
    {
        constexpr std::uint64_t HALVINGS = 8;
        const Duration most = longest / (std::int64_t{1} << Below(HALVINGS));
        return Between(std::max(most / 2, Duration{1}), most);
    }

    template <typename T>
    T Pick(std::initializer_list<T> list)
    {
        return list.begin()[Below(list.size())];
    }

    template <typename T>
    const T& Pick(const std::vector<T>& list)
    {
        return list[Below(list.size())];
    }

  private:
    SplitMix64 m_random;
};

} // namespace flowchain

#endif
