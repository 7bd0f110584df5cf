// SPDX-License-Identifier: GPL-2.0-only
#include "tombstones.h"

namespace flowchain
{

Tombstones::Tombstones(std::uint32_t tombstonesMax)
    : m_max(tombstonesMax)
{
    assert(tombstonesMax >= 1);
}

std::uint32_t
Tombstones::Lookup(SessionId session) const
{
    return m_index.Find(Mix64(session),
                        [&](std::uint32_t place)
                        {
        return m_ring[place] == session;
    });
}

bool
Tombstones::Contains(SessionId session) const
{
    return Lookup(session) != FlowIndex::NOT_FOUND;
}

void
Tombstones::Add(SessionId session)
{
    if (Contains(session))
    {
        return;
    }
    if (m_ring.size() < m_max)
    {
        m_next = static_cast<std::uint32_t>(m_ring.size());
        m_ring.push_back(session);
    }
    else
    {
        m_index.Erase(Mix64(m_ring[m_next]), m_next);
        m_ring[m_next] = session;
        ++m_evicted;
    }
    m_index.Insert(Mix64(session), m_next);
    m_next = (m_next + 1) % m_max;
}

} // namespace flowchain
