// SPDX-License-Identifier: GPL-2.0-only
#include "session-registry.h"

#include <cassert>

namespace flowchain
{

namespace
{

/** A service node's serial numbers: 42 bits, above them its incarnation and its node id. */
constexpr unsigned SERIAL_BITS = 42;
constexpr std::uint64_t SERIAL_MASK = (std::uint64_t{1} << SERIAL_BITS) - 1;

} // namespace

std::vector<std::uint32_t>*
SessionRegistry::LifeOf(SessionId id)
{
    const std::uint64_t life = id >> SERIAL_BITS;
    return life < m_lives.size() ? &m_lives[life] : nullptr;
}

SessionInfo*
SessionRegistry::Find(SessionId id)
{
    const std::vector<std::uint32_t>* life = LifeOf(id);
    const std::uint64_t serial = id & SERIAL_MASK;
    if (life == nullptr || serial == 0 || serial > life->size())
    {
        return nullptr;
    }
    return &m_sessions[(*life)[serial - 1]];
}

std::uint32_t
SessionRegistry::IndexOf(SessionId id) const
{
    return m_lives[id >> SERIAL_BITS][(id & SERIAL_MASK) - 1];
}

SessionInfo&
SessionRegistry::Create(SessionId id)
{
    const std::uint64_t life = id >> SERIAL_BITS;
    if (life >= m_lives.size())
    {
        m_lives.resize(life + 1);
    }
    assert(m_lives[life].size() + 1 == (id & SERIAL_MASK));
    m_lives[life].push_back(static_cast<std::uint32_t>(m_sessions.size()));
    return m_sessions.emplace_back();
}

} // namespace flowchain
