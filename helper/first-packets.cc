// SPDX-License-Identifier: GPL-2.0-only
#include "first-packets.h"

#include "flow-hash.h"

#include <algorithm>

namespace flowchain
{

void
FirstPackets::Start(std::uint32_t packetId,
                    std::uint32_t workloadSession,
                    std::uint16_t service,
                    Instant now)
{
    std::uint32_t slot;
    if (m_free.empty())
    {
        slot = static_cast<std::uint32_t>(m_slots.size());
        m_slots.emplace_back();
    }
    else
    {
        slot = m_free.back();
        m_free.pop_back();
    }
    m_slots[slot] = {.packetId = packetId,
                     .workloadSession = workloadSession,
                     .service = service,
                     .injectedAt = now};
    m_index.Insert(Mix64(packetId), slot);
}

FirstPacket*
FirstPackets::Find(std::uint32_t packetId)
{
    const std::uint32_t slot = m_index.Find(Mix64(packetId),
                                            [&](std::uint32_t s)
                                            {
        return m_slots[s].packetId == packetId;
    });
    return slot == FlowIndex::NOT_FOUND ? nullptr : &m_slots[slot];
}

const FirstPacket*
FirstPackets::OfSession(std::uint32_t workloadSession) const
{
    const auto found = std::ranges::find_if(m_slots,
                                            [&](const FirstPacket& slot)
                                            {
        return slot.packetId != 0 && slot.workloadSession == workloadSession;
    });
    return found == m_slots.end() ? nullptr : &*found;
}

void
FirstPackets::Forget(std::uint32_t packetId)
{
    if (FirstPacket* first = Find(packetId))
    {
        const auto slot = static_cast<std::uint32_t>(first - m_slots.data());
        m_index.Erase(Mix64(packetId), slot);
        first->packetId = 0;
        m_free.push_back(slot);
    }
}

void
FirstPackets::TouchAsked(NodeId node, Instant now)
{
    for (FirstPacket& first : m_slots)
    {
        if (first.packetId != 0 && first.asked == node)
        {
            first.touchedAt = std::min(first.touchedAt, now);
        }
    }
}

void
FirstPackets::TouchAll(std::uint16_t service, Instant now)
{
    for (FirstPacket& first : m_slots)
    {
        if (first.packetId != 0 && first.service == service)
        {
            first.touchedAt = std::min(first.touchedAt, now);
        }
    }
}

} // namespace flowchain
