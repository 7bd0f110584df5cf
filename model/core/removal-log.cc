// SPDX-License-Identifier: GPL-2.0-only
#include "removal-log.h"

#include <algorithm>
#include <cassert>

namespace flowchain
{

RemovalLog::RemovalLog(std::uint32_t underWayMax)
    : m_max(underWayMax)
{
    assert(underWayMax >= 1 && underWayMax <= REMOVALS_MAX);
}

std::uint32_t
RemovalLog::Begin(const SessionRecord& record)
{
    assert(!IsFull());
    m_removals.push_back({.record = record, .waiting = {}, .unsent = {}, .confirmed = false});
    return Next() - 1;
}

RemovalLog::Removal*
RemovalLog::Find(std::uint32_t number)
{
    return number - m_first < m_removals.size() ? &m_removals[number - m_first] : nullptr;
}

bool
RemovalLog::Confirm(std::uint32_t number, NodeId node)
{
    Removal* removal = Find(number);
    if (removal == nullptr || removal->confirmed || !removal->waiting.test(node))
    {
        return false;
    }
    removal->waiting.reset(node);
    removal->unsent.reset(node);
    removal->confirmed = removal->waiting.none();
    return removal->confirmed;
}

void
RemovalLog::Trim()
{
    while (!m_removals.empty() && m_removals.front().waiting.none())
    {
        m_removals.pop_front();
        ++m_first;
    }
}

std::size_t
RemovalLog::UnderWay() const
{
    return static_cast<std::size_t>(std::count_if(m_removals.begin(),
                                                  m_removals.end(),
                                                  [](const Removal& removal)
                                                  {
        return !removal.confirmed;
    }));
}

bool
RemovalLog::Has(const FlowKey& key) const
{
    return std::any_of(m_removals.begin(),
                       m_removals.end(),
                       [&](const Removal& removal)
                       {
        return !removal.confirmed &&
               (removal.record.original == key || removal.record.translated.Reversed() == key);
    });
}

bool
RemovalLog::Has(SessionId session) const
{
    return std::any_of(m_removals.begin(),
                       m_removals.end(),
                       [&](const Removal& removal)
                       {
        return !removal.confirmed && removal.record.id == session;
    });
}

std::vector<SessionRecord>
RemovalWitness::Told(const SessionRecord& record, std::uint16_t number, std::uint8_t open)
{
    const auto oldestOpen = static_cast<std::uint16_t>(number - open + 1);
    // Numbers count modulo 65536 and are close to each other.
    const auto isSettled = [&](const Entry& entry)
    {
        return entry.number ? static_cast<std::int16_t>(*entry.number - oldestOpen) < 0
                            : entry.record.id == record.id;
    };
    std::vector<SessionRecord> confirmed;
    for (const Entry& entry : m_told)
    {
        if (entry.number && isSettled(entry))
        {
            confirmed.push_back(entry.record);
        }
    }
    std::erase_if(m_told, isSettled);
    m_told.push_back({record, number});
    if (m_told.size() > 2 * RemovalLog::REMOVALS_MAX)
    {
        m_told.pop_front();
    }
    return confirmed;
}

void
RemovalWitness::Asked(const SessionRecord& record)
{
    m_told.push_back({record, std::nullopt});
    if (m_told.size() > 2 * RemovalLog::REMOVALS_MAX)
    {
        m_told.pop_front();
    }
}

std::vector<SessionRecord>
RemovalWitness::Records() const
{
    std::vector<SessionRecord> records;
    for (const Entry& entry : m_told)
    {
        records.push_back(entry.record);
    }
    return records;
}

std::vector<SessionRecord>
RemovalWitness::Take()
{
    std::vector<SessionRecord> records = Records();
    m_told.clear();
    return records;
}

void
RemovalWitness::Settle(SessionId session)
{
    std::erase_if(m_told,
                  [session](const Entry& entry)
                  {
        return entry.record.id == session;
    });
}

} // namespace flowchain
