// SPDX-License-Identifier: GPL-2.0-only
#include "failure-detector.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

FailureDetector::FailureDetector(std::size_t nodes, Duration timeout)
    : m_timeout(timeout)
    , m_deadlines(nodes, NEVER)
{
    assert(timeout > Duration::zero());
}

void
FailureDetector::Watch(NodeId node, Instant now)
{
    assert(node < m_deadlines.size());
    m_deadlines[node] = now + m_timeout;
    m_nextDeadline = std::min(m_nextDeadline, m_deadlines[node]);
}

void
FailureDetector::Unwatch(NodeId node)
{
    assert(node < m_deadlines.size());
    m_deadlines[node] = NEVER;
}

bool
FailureDetector::IsWatched(NodeId node) const
{
    assert(node < m_deadlines.size());
    return m_deadlines[node] != NEVER;
}

void
FailureDetector::Heartbeat(NodeId node, Instant now)
{
    if (IsWatched(node))
    {
        m_deadlines[node] = now + m_timeout;
    }
}

std::vector<NodeId>
FailureDetector::Expire(Instant now)
{
    std::vector<NodeId> suspected;
    if (now < m_nextDeadline)
    {
        return suspected;
    }
    m_nextDeadline = NEVER;
    for (std::size_t node = 0; node < m_deadlines.size(); ++node)
    {
        if (m_deadlines[node] <= now)
        {
            suspected.push_back(static_cast<NodeId>(node));
            m_deadlines[node] = NEVER;
        }
        m_nextDeadline = std::min(m_nextDeadline, m_deadlines[node]);
    }
    return suspected;
}

Instant
FailureDetector::NextDeadline() const
{
    return m_nextDeadline;
}

} // namespace flowchain
