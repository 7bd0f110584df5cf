// SPDX-License-Identifier: GPL-2.0-only
#include "failure-detector.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

namespace
{

constexpr Duration LONGEST{1'000'000'000'000'000'000}; ///< 1000000 s

/** How long it takes to miss as many heartbeats as the loss asks for, and longer by what the
 * configured timeout has beyond those that it must miss. */
Duration
TimeoutAt(const HeartbeatLoss& loss, const DetectorConfig& config)
{
    if (config.interval == Duration::zero())
    {
        return config.timeout;
    }
    // One that is due just when the timeout ends is not missed yet.
    const std::int64_t configured = (config.timeout.count() - 1) / config.interval.count();
    const std::int64_t wanted =
        MissesTolerated(loss.Lost(), loss.Sent(), config.mistakeRecurrence, config.missedMax);
    if (wanted <= configured)
    {
        return config.timeout;
    }
    const std::int64_t room = (LONGEST - config.timeout) / config.interval;
    return config.timeout + std::min(wanted - configured, room) * config.interval;
}

} // namespace

FailureDetector::FailureDetector(std::size_t nodes, const DetectorConfig& config)
    : m_config(config)
    , m_loss(nodes, config.lossWindow, config.missedMax)
    , m_timeout(config.timeout)
    , m_heard(nodes, NEVER)
{
    assert(config.timeout > Duration::zero() && config.interval >= Duration::zero());
}

void
FailureDetector::Watch(NodeId node, Instant now)
{
    assert(node < m_heard.size());
    m_heard[node] = now;
    m_oldest = std::min(m_oldest, now);
}

void
FailureDetector::Unwatch(NodeId node)
{
    assert(node < m_heard.size());
    m_heard[node] = NEVER;
}

bool
FailureDetector::IsWatched(NodeId node) const
{
    assert(node < m_heard.size());
    return m_heard[node] != NEVER;
}

void
FailureDetector::Expect(NodeId node, std::uint8_t incarnation)
{
    m_loss.Expect(node, incarnation);
}

void
FailureDetector::Heartbeat(NodeId node, std::uint8_t incarnation, std::uint32_t number, Instant now)
{
    if (IsWatched(node))
    {
        m_heard[node] = now;
    }
    m_loss.Heard(node, incarnation, number);
    m_timeout = TimeoutAt(m_loss, m_config);
}

std::vector<NodeId>
FailureDetector::Expire(Instant now)
{
    std::vector<NodeId> suspected;
    if (now < NextDeadline())
    {
        return suspected;
    }
    m_oldest = NEVER;
    for (std::size_t node = 0; node < m_heard.size(); ++node)
    {
        if (m_heard[node] != NEVER && m_heard[node] + m_timeout <= now)
        {
            suspected.push_back(static_cast<NodeId>(node));
            m_heard[node] = NEVER;
        }
        m_oldest = std::min(m_oldest, m_heard[node]);
    }
    return suspected;
}

Instant
FailureDetector::NextDeadline() const
{
    return m_oldest == NEVER ? NEVER : m_oldest + m_timeout;
}

} // namespace flowchain
