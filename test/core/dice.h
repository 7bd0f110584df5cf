// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_DICE_H
#define FLOWCHAIN_DICE_H

#include "protocol-harness.h"

#include <cstdint>
#include <random>

namespace flowchain
{

/** Integers from a seed, the same on every machine. */
class Dice
{
  public:
    explicit Dice(std::uint64_t seed)
        : m_engine(seed)
    {
    }

    /** @returns 0..sides-1 */
    std::uint64_t Roll(std::uint64_t sides)
    {
        return m_engine() % sides;
    }

    bool Percent(std::uint64_t percent)
    {
        return Roll(100) < percent;
    }

    /** @returns whole microseconds below `end` */
    Duration Time(Duration end)
    {
        return static_cast<Duration::rep>(Roll(static_cast<std::uint64_t>(end / MICROSECOND))) *
               MICROSECOND;
    }

  private:
    std::mt19937_64 m_engine;
};

} // namespace flowchain

#endif
