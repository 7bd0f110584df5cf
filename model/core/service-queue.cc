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
}

std::optional<Instant>
ServiceQueue::Admit(WorkKind kind, Instant now)
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
        m_queueFramesMax = std::max(m_queueFramesMax, static_cast<std::uint32_t>(m_starts.size()));
    }

    const Duration cost = CostOf(kind);
    const Instant end = start + cost;
    std::pop_heap(m_free.begin(), m_free.end(), std::greater<>{});
    m_free.back() = end;
    std::push_heap(m_free.begin(), m_free.end(), std::greater<>{});
    m_busyTime += cost;
    return end;
}

Duration
ServiceQueue::BusyTime() const
{
    return m_busyTime;
}

std::uint32_t
ServiceQueue::QueueFramesMax() const
{
    return m_queueFramesMax;
}

void
ServiceQueue::Reset()
{
    std::fill(m_free.begin(), m_free.end(), Instant::min());
    m_starts.clear();
}

Duration
ServiceQueue::CostOf(WorkKind kind) const
{
    switch (kind)
    {
    case WorkKind::PACKET:
        return m_config.packetCost;
    case WorkKind::MESSAGE:
        return m_config.messageCost;
    case WorkKind::ACK:
        return m_config.ackCost;
    }
    assert(!"a kind of work without a cost");
    return {};
}

} // namespace flowchain
