// SPDX-License-Identifier: GPL-2.0-only
#include "session-store.h"

#include <cassert>
#include <utility>

namespace flowchain
{

SessionStore::SessionStore(std::uint32_t sessionsMax)
    : m_sessionsMax(sessionsMax)
{
    assert(sessionsMax < FlowIndex::NOT_FOUND / 2); // two index entries a session
}

SessionStore::Outcome
SessionStore::Apply(const SessionRecord& record)
{
    const FlowKey reverse = record.translated.Reversed();
    const std::uint64_t hash = FlowHash(record.original);
    const std::uint64_t reverseHash = FlowHash(reverse);
    m_superseded.clear();
    const std::uint32_t found = Lookup(record.original, hash);
    if (found != FlowIndex::NOT_FOUND && m_records[found / 2].id == record.id)
    {
        SessionRecord& known = m_records[found / 2];
        assert(known.original == record.original && known.translated == record.translated);
        if (known.version >= record.version)
        {
            return Outcome::UNCHANGED;
        }
        known = record;
        return Outcome::UPDATED;
    }

    const std::uint32_t other = Lookup(reverse, reverseHash);
    if (!MayReplace(found, record) || !MayReplace(other, record))
    {
        return Outcome::CONFLICT;
    }
    if (Size() >= m_sessionsMax)
    {
        return Outcome::FULL;
    }
    if (found != FlowIndex::NOT_FOUND)
    {
        TakeOut(found);
    }
    if (other != FlowIndex::NOT_FOUND && (found == FlowIndex::NOT_FOUND || other / 2 != found / 2))
    {
        TakeOut(other);
    }
    const auto slot = static_cast<std::uint32_t>(Size());
    m_records.PushBack(record);
    m_index.Insert(hash, slot * 2);
    if (reverse != record.original) // a host that talks to itself, untranslated
    {
        m_index.Insert(reverseHash, slot * 2 + 1);
    }
    return Outcome::INSERTED;
}

SessionStore::Outcome
SessionStore::Check(const SessionRecord& record) const
{
    const std::uint32_t found = Lookup(record.original, FlowHash(record.original));
    if (found != FlowIndex::NOT_FOUND && m_records[found / 2].id == record.id)
    {
        return m_records[found / 2].version >= record.version ? Outcome::UNCHANGED
                                                              : Outcome::UPDATED;
    }
    const FlowKey reverse = record.translated.Reversed();
    const std::uint32_t other = Lookup(reverse, FlowHash(reverse));
    if (!MayReplace(found, record) || !MayReplace(other, record))
    {
        return Outcome::CONFLICT;
    }
    return Size() >= m_sessionsMax ? Outcome::FULL : Outcome::INSERTED;
}

bool
SessionStore::MayReplace(std::uint32_t found, const SessionRecord& record) const
{
    if (found == FlowIndex::NOT_FOUND)
    {
        return true;
    }
    const SessionRecord& known = m_records[found / 2];
    return std::pair(known.version, known.id) < std::pair(record.version, record.id);
}

void
SessionStore::TakeOut(std::uint32_t found)
{
    const std::uint32_t slot = found / 2;
    SessionRecord& record = m_records[slot];
    const FlowKey reverse = record.translated.Reversed();
    m_superseded.push_back(record.id);
    m_index.Erase(FlowHash(record.original), slot * 2);
    if (reverse != record.original)
    {
        m_index.Erase(FlowHash(reverse), slot * 2 + 1);
    }
    record = SessionRecord{};
}

SessionStore::Match
SessionStore::Find(const FlowKey& key)
{
    const std::uint32_t found = Lookup(key, FlowHash(key));
    if (found == FlowIndex::NOT_FOUND)
    {
        return {};
    }
    return {&m_records[found / 2], found % 2 == 1};
}

std::size_t
SessionStore::Bytes() const
{
    return m_index.Bytes() + m_records.Bytes();
}

std::uint32_t
SessionStore::Lookup(const FlowKey& key, std::uint64_t hash) const
{
    return m_index.Find(hash,
                        [&](std::uint32_t entry)
                        {
        const SessionRecord& r = m_records[entry / 2];
        return entry % 2 == 0 ? r.original == key
                              : r.translated.source == key.destination &&
                                    r.translated.destination == key.source &&
                                    r.translated.protocol == key.protocol;
    });
}

} // namespace flowchain
