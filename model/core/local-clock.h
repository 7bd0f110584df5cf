// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_LOCAL_CLOCK_H
#define FLOWCHAIN_LOCAL_CLOCK_H

#include "instant.h"

#include <cassert>
#include <cstdint>

namespace flowchain
{

/** A node's clock, which may run fast or slow, but never jumps. Right until SetRate(). */
class LocalClock
{
  public:
    /** From `now` on it advances by `permille` thousandths of the time that passes. @pre permille >
     * 0; times never go back */
    void SetRate(Instant now, std::uint32_t permille)
    {
        assert(permille > 0 && now >= m_from);
        m_shown = Read(now);
        m_from = now;
        m_permille = permille;
    }

    /** What it shows, rounded down. @pre not earlier than the latest SetRate() */
    Instant Read(Instant now) const
    {
        return m_shown + Scaled(now - m_from, m_permille, 1000, 0);
    }

    /** The first instant at which it shows `shown` or later; NEVER stays NEVER. */
    Instant When(Instant shown) const
    {
        if (shown == NEVER || shown <= m_shown)
        {
            return shown == NEVER ? NEVER : m_from;
        }
        return m_from + Scaled(shown - m_shown, 1000, m_permille, m_permille - 1);
    }

  private:
    __extension__ using Int128 = __int128;

    static Duration Scaled(Duration span, std::uint32_t by, std::uint32_t per, std::uint32_t add)
    {
        return Duration{static_cast<std::int64_t>((Int128{span.count()} * by + add) / per)};
    }

    Instant m_from{};  ///< of the latest change
    Instant m_shown{}; ///< then
    std::uint32_t m_permille = 1000;
};

} // namespace flowchain

#endif
