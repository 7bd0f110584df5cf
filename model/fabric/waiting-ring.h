// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_WAITING_RING_H
#define FLOWCHAIN_WAITING_RING_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowchain
{

/** The instants (ps, ascending) at which a port will start to send the frames that wait in it.
 * Grows by doubling; the owner bounds it. */
class WaitingRing
{
  public:
    std::size_t Size() const
    {
        return m_tail - m_head;
    }

    /** Forget the frames that have started by `now`. */
    void DropStarted(std::int64_t now)
    {
        while (m_head != m_tail && m_starts[m_head & m_mask] <= now)
        {
            ++m_head;
        }
    }

    void Push(std::int64_t start)
    {
        if (Size() == m_starts.size())
        {
            Grow();
        }
        m_starts[m_tail++ & m_mask] = start;
    }

    /** @returns the time from `now` to the start of each frame, summed over those that have not
     * started. */
    std::int64_t TimeLeft(std::int64_t now) const
    {
        std::int64_t sum = 0;
        for (std::size_t i = m_tail; i != m_head && m_starts[(i - 1) & m_mask] > now; --i)
        {
            sum += m_starts[(i - 1) & m_mask] - now;
        }
        return sum;
    }

  private:
    void Grow()
    {
        std::vector<std::int64_t> larger(m_starts.empty() ? 8 : 2 * m_starts.size());
        const std::size_t size = Size();
        for (std::size_t i = 0; i < size; ++i)
        {
            larger[i] = m_starts[(m_head + i) & m_mask];
        }
        m_starts.swap(larger);
        m_head = 0;
        m_tail = size;
        m_mask = m_starts.size() - 1;
    }

    std::vector<std::int64_t> m_starts; ///< size 0 or a power of two
    std::size_t m_head = 0;
    std::size_t m_tail = 0;
    std::size_t m_mask = 0;
};

} // namespace flowchain

#endif
