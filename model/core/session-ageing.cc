// SPDX-License-Identifier: GPL-2.0-only
#include "session-ageing.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

SessionAgeing::SessionAgeing(const SessionTimers& timers)
    : m_timers(timers)
    , m_wheel(std::max(ShortestTimeout(timers) / 64, Duration{1}))
{
    assert(ShortestTimeout(timers) > Duration::zero());
}

std::uint32_t
SessionAgeing::Lookup(SessionId session) const
{
    return m_index.Find(Mix64(session),
                        [&](std::uint32_t place)
                        {
        return m_lives[place].id == session;
    });
}

Instant
SessionAgeing::DeadlineOf(const Life& life) const
{
    // An accelerator waits one interval for its first report, and takes another for a whole round.
    return life.activeAt + IdleTimeout(m_timers, life.protocol, life.life.state) +
           2 * m_timers.refreshInterval;
}

void
SessionAgeing::SetTimer(std::uint32_t place)
{
    Life& life = m_lives[place];
    ++life.generation;
    m_wheel.Add((static_cast<std::uint64_t>(life.generation) << 32) | place, DeadlineOf(life));
}

void
SessionAgeing::Watch(const SessionRecord& record, std::uint32_t slot, Instant now)
{
    if (IsWatched(record.id))
    {
        return;
    }
    std::uint32_t place;
    if (m_free.empty())
    {
        place = static_cast<std::uint32_t>(m_lives.Size());
        m_lives.PushBack(Life{});
    }
    else
    {
        place = m_free.back();
        m_free.pop_back();
    }
    Life& life = m_lives[place];
    life.id = record.id;
    life.activeAt = now;
    life.slot = slot;
    life.hadPackets = false;
    life.protocol = record.original.protocol;
    life.life = {record.state, false, false};
    m_index.Insert(Mix64(record.id), place);
    SetTimer(place);
}

void
SessionAgeing::Touch(SessionId session, Instant now)
{
    const std::uint32_t place = Lookup(session);
    if (place != FlowIndex::NOT_FOUND)
    {
        m_lives[place].activeAt = now; // the timer finds out when it goes off
        m_lives[place].hadPackets = true;
    }
}

std::optional<SessionState>
SessionAgeing::Observe(SessionId session, bool reverse, std::uint8_t seen, Instant now)
{
    const std::uint32_t place = Lookup(session);
    if (place == FlowIndex::NOT_FOUND)
    {
        return std::nullopt;
    }
    Life& life = m_lives[place];
    const SessionState before = life.life.state;
    life.activeAt = now;
    life.hadPackets = true;
    life.life = flowchain::Observe(life.life, life.protocol, reverse, seen);
    if (life.life.state == before)
    {
        return std::nullopt;
    }
    SetTimer(place); // it may have less time now
    return life.life.state;
}

bool
SessionAgeing::HasHadPackets(SessionId session) const
{
    const std::uint32_t place = Lookup(session);
    return place != FlowIndex::NOT_FOUND && m_lives[place].hadPackets;
}

void
SessionAgeing::Forget(SessionId session)
{
    const std::uint32_t place = Lookup(session);
    if (place == FlowIndex::NOT_FOUND)
    {
        return;
    }
    m_index.Erase(Mix64(session), place);
    Life& life = m_lives[place];
    life.id = 0;
    ++life.generation;
    m_free.push_back(place);
}

void
SessionAgeing::Expire(Instant now, std::vector<Watched>& out)
{
    m_expired.clear();
    m_wheel.Expire(now, m_expired);
    for (const std::uint64_t timer : m_expired)
    {
        const auto place = static_cast<std::uint32_t>(timer);
        const Life& life = m_lives[place];
        if (life.id == 0 || life.generation != timer >> 32)
        {
            continue;
        }
        if (DeadlineOf(life) <= now)
        {
            out.push_back({life.id, life.slot, life.life.state});
        }
        else
        {
            SetTimer(place);
        }
    }
}

std::size_t
SessionAgeing::Bytes() const
{
    return m_wheel.Bytes() + m_lives.Bytes() + m_index.Bytes() +
           m_free.capacity() * sizeof(std::uint32_t);
}

} // namespace flowchain
