// SPDX-License-Identifier: GPL-2.0-only
#include "timer-wheel.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

TimerWheel::TimerWheel(Duration tick)
    : m_tick(tick)
{
    assert(tick > Duration::zero());
}

void
TimerWheel::Add(std::uint64_t timer, Instant deadline)
{
    if (m_buckets.empty())
    {
        m_buckets.resize(BUCKETS);
    }
    const Duration since = std::max(deadline.time_since_epoch(), Duration::zero());
    const auto wanted = static_cast<std::uint64_t>((since - Duration{1}) / m_tick) + 1;
    const std::uint64_t tick = std::clamp(wanted, m_now + 1, m_now + BUCKETS - 1);
    m_buckets[tick % BUCKETS].push_back(timer);
    m_next = m_count == 0 ? tick : std::min(m_next, tick);
    ++m_count;
}

void
TimerWheel::Expire(Instant now, std::vector<std::uint64_t>& out)
{
    const auto reached = static_cast<std::uint64_t>(now.time_since_epoch() / m_tick);
    while (m_count != 0 && m_next <= reached)
    {
        std::vector<std::uint64_t>& bucket = m_buckets[m_next % BUCKETS];
        out.insert(out.end(), bucket.begin(), bucket.end());
        m_count -= bucket.size();
        bucket = {};
        m_now = m_next;
        FindNext();
    }
    m_now = std::max(m_now, reached);
}

void
TimerWheel::FindNext()
{
    if (m_count == 0)
    {
        return;
    }
    do
    {
        ++m_next;
    } while (m_buckets[m_next % BUCKETS].empty());
}

std::size_t
TimerWheel::Bytes() const
{
    std::size_t bytes = m_buckets.capacity() * sizeof(m_buckets[0]);
    for (const auto& bucket : m_buckets)
    {
        bytes += bucket.capacity() * sizeof(std::uint64_t);
    }
    return bytes;
}

} // namespace flowchain
