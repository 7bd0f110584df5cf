// SPDX-License-Identifier: GPL-2.0-only
#include "session-store.h"

#include <cassert>
#include <tuple>

namespace flowchain
{

SessionStore::SessionStore(std::uint32_t sessionsMax,
                           std::uint32_t tombstonesMax,
                           PlantedDefects defects)
    : m_sessionsMax(sessionsMax)
    , m_defects(defects)
    , m_tombstones(tombstonesMax)
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
    m_updatedVersion = 0;
    const std::uint32_t found = Lookup(record.original, hash);
    if (found != FlowIndex::NOT_FOUND && m_records[found / 2].id == record.id)
    {
        SessionRecord& known = m_records[found / 2];
        assert(known.original == record.original && known.translated == record.translated);
        const bool isOlder = known.version > record.version;
        if (known.version == record.version ||
            (isOlder && !m_defects.Has(PlantedDefect::OLD_VERSION_OVERWRITES)))
        {
            return Outcome::UNCHANGED;
        }
        m_updatedVersion = known.version;
        CountOwner(known.owner, -1U);
        known = record;
        CountOwner(known.owner, 1);
        return Outcome::UPDATED;
    }
    if (IsRefused(record.id))
    {
        return Outcome::DELETED;
    }

    const std::uint32_t other = Lookup(reverse, reverseHash);
    if (!MayReplace(found, record) || !MayReplace(other, record))
    {
        return Outcome::CONFLICT;
    }
    const bool replaces = found != FlowIndex::NOT_FOUND || other != FlowIndex::NOT_FOUND;
    if (IsFull() && !replaces)
    {
        return Outcome::FULL;
    }
    if (found != FlowIndex::NOT_FOUND)
    {
        m_superseded.push_back(m_records[found / 2]);
        TakeOut(found);
    }
    if (other != FlowIndex::NOT_FOUND && (found == FlowIndex::NOT_FOUND || other / 2 != found / 2))
    {
        m_superseded.push_back(m_records[other / 2]);
        TakeOut(other);
    }
    const std::uint32_t slot = NewSlot(record);
    CountOwner(record.owner, 1);
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
    if (IsRefused(record.id))
    {
        return Outcome::DELETED;
    }
    const FlowKey reverse = record.translated.Reversed();
    const std::uint32_t other = Lookup(reverse, FlowHash(reverse));
    if (!MayReplace(found, record) || !MayReplace(other, record))
    {
        return Outcome::CONFLICT;
    }
    const bool replaces = found != FlowIndex::NOT_FOUND || other != FlowIndex::NOT_FOUND;
    return IsFull() && !replaces ? Outcome::FULL : Outcome::INSERTED;
}

std::uint32_t
SessionStore::NewSlot(const SessionRecord& record)
{
    if (m_free.empty())
    {
        m_records.PushBack(record);
        return static_cast<std::uint32_t>(m_records.Size() - 1);
    }
    const std::uint32_t slot = m_free.back();
    m_free.pop_back();
    m_records[slot] = record;
    return slot;
}

bool
SessionStore::MayReplace(std::uint32_t found, const SessionRecord& record) const
{
    if (found == FlowIndex::NOT_FOUND)
    {
        return true;
    }
    // The counter of a version is left out: it tells how far a session has come, not its age.
    const auto age = [](const SessionRecord& r)
    {
        return std::tuple(r.version >> 32, r.createdNs, r.id);
    };
    return age(m_records[found / 2]) < age(record);
}

void
SessionStore::TakeOut(std::uint32_t found)
{
    const std::uint32_t slot = found / 2;
    SessionRecord& record = m_records[slot];
    const FlowKey reverse = record.translated.Reversed();
    m_index.Erase(FlowHash(record.original), slot * 2);
    if (reverse != record.original)
    {
        m_index.Erase(FlowHash(reverse), slot * 2 + 1);
    }
    CountOwner(record.owner, -1U);
    record = SessionRecord{};
    m_free.push_back(slot);
}

/** @param change modulo 2^32; a message may name an owner that is no node's */
void
SessionStore::CountOwner(NodeId owner, std::uint32_t change)
{
    if (owner < MAX_NODES)
    {
        m_owned[owner] += change;
    }
}

bool
SessionStore::Remove(const SessionRecord& record)
{
    m_tombstones.Add(record.id);
    const std::uint32_t found = Lookup(record.original, FlowHash(record.original));
    if (found == FlowIndex::NOT_FOUND || m_records[found / 2].id != record.id)
    {
        return false;
    }
    TakeOut(found);
    return true;
}

SessionStore::Match
SessionStore::Find(const FlowKey& key)
{
    const std::uint32_t found = Lookup(key, FlowHash(key));
    if (found == FlowIndex::NOT_FOUND)
    {
        return {};
    }
    return {&m_records[found / 2], found % 2 == 1, found / 2};
}

std::size_t
SessionStore::Bytes() const
{
    return m_index.Bytes() + m_records.Bytes() + m_free.capacity() * sizeof(std::uint32_t) +
           m_tombstones.Bytes();
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
