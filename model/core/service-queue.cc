// SPDX-License-Identifier: GPL-2.0-only
#include "service-queue.h"

#include <algorithm>
#include <cassert>
#include <functional>

namespace flowchain
{

ServiceQueue::ServiceQueue(const ProcessingConfig& config)
    : m_config(config)
    , m_free(config.cores, Instant::min())
{
    assert(config.cores > 0);
    SetSlowdown(1000);
}

std::optional<Instant>
ServiceQueue::Admit(Duration cost, Instant now)
{
    assert(now >= m_lastArrival);
    m_lastArrival = now;
    while (!m_starts.empty() && m_starts.front() <= now)
    {
        m_starts.pop_front();
    }

    const Instant start = std::max(now, m_free.front());
    if (start > now)
    {
        if (m_starts.size() >= m_config.queueFrames)
        {
            return std::nullopt;
        }
        m_starts.push_back(start);
        m_waitingTime += start - now;
        m_queueFramesMax = std::max(m_queueFramesMax, static_cast<std::uint32_t>(m_starts.size()));
    }

    const Instant end = start + cost;
    std::pop_heap(m_free.begin(), m_free.end(), std::greater<>{});
    m_free.back() = end;
    std::push_heap(m_free.begin(), m_free.end(), std::greater<>{});
    m_busyTime += cost;
    return end;
}

Duration
ServiceQueue::CostOf(WorkKind kind) const
{
    return m_costs[static_cast<std::size_t>(kind)];
}

Duration
ServiceQueue::BusyTime(Instant now) const
{
    // Behind the latest arrival a core has no free moment before its last work ends; and in a pause
    // no work is done.
    now = std::max({now, m_lastArrival, m_resume});
    Duration ahead{};
    for (const Instant free : m_free)
    {
        ahead += std::max(free, now) - now;
    }
    return m_busyTime - ahead;
}

Duration
ServiceQueue::WaitingTime(Instant now) const
{
    now = std::max(now, m_lastArrival);
    Duration ahead{};
    for (const Instant start : m_starts)
    {
        ahead += std::max(start, now) - now;
    }
    return m_waitingTime - ahead;
}

std::uint32_t
ServiceQueue::QueueFramesMax() const
{
    return m_queueFramesMax;
}

void
ServiceQueue::Reset(Instant now)
{
    m_busyTime = BusyTime(now);
    m_waitingTime = WaitingTime(now);
    std::fill(m_free.begin(), m_free.end(), Instant::min());
    m_starts.clear();
    m_resume = Instant::min();
}

void
ServiceQueue::Pause(Instant now, Instant until)
{
    assert(m_lastArrival <= now && now <= until);
    const Duration length = until - now;
    for (Instant& free : m_free) // it stays a heap, since the order stays
    {
        free = std::max(free, now) + length;
    }
    for (Instant& start : m_starts)
    {
        if (start > now)
        {
            start += length;
            m_waitingTime += length;
        }
    }
    m_resume = until;
}

void
ServiceQueue::SetSlowdown(std::uint32_t permille)
{
    const Duration costs[] = {m_config.packetCost, m_config.messageCost, m_config.ackCost};
    std::ranges::transform(costs,
                           m_costs,
                           [permille](Duration cost)
                           {
        return cost * permille / 1000;
    });
}

} // namespace flowchain
