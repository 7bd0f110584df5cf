// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_TIMER_WHEEL_H
#define FLOWCHAIN_TIMER_WHEEL_H

#include "instant.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * Many coarse timers behind one wakeup (Varghese & Lauck 1987, scheme 4): a ring of buckets, one
 * tick each. A timer goes off at the end of the tick that its deadline lies in, so up to one tick
 * late, and never early but for one: a deadline beyond the ring goes off at the ring's end, and
 * the caller sets it again.
 */
class TimerWheel
{
  public:
    static constexpr std::uint64_t BUCKETS = 2048;

    /** @pre tick > 0 */
    explicit TimerWheel(Duration tick);

    /** @param timer the caller's own name; it stays until it goes off */
    void Add(std::uint64_t timer, Instant deadline);

    /** Append the timers that have gone off by `now` to `out`: earlier ticks first, then in order
     * of Add(). @pre `now` never goes back */
    void Expire(Instant now, std::vector<std::uint64_t>& out);

    /** When the next timer goes off, or NEVER. */
    Instant Next() const
    {
        return m_count == 0 ? NEVER : Instant{m_tick * static_cast<Duration::rep>(m_next)};
    }

    std::size_t Size() const
    {
        return m_count;
    }

    /** Memory held, in bytes. */
    std::size_t Bytes() const;

  private:
    void FindNext();

    Duration m_tick;
    std::uint64_t m_now = 0;  ///< ticks up to this one have gone off
    std::uint64_t m_next = 0; ///< of the ticks in which timers go off, the first. Any: none do.
    std::size_t m_count = 0;
    std::vector<std::vector<std::uint64_t>> m_buckets; ///< empty until the first Add()
};

} // namespace flowchain

#endif
