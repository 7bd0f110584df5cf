// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_STORE_H
#define FLOWCHAIN_SESSION_STORE_H

#include "flow-table.h"
#include "session-record.h"

#include <cstdint>

namespace flowchain
{

/**
 * A node's copies of session state, found by the tuple of either direction. Bounded. Records keep
 * their slot, in order of arrival, so that a snapshot can walk them.
 */
class SessionStore
{
  public:
    enum class Outcome : std::uint8_t
    {
        INSERTED,
        UPDATED,
        UNCHANGED, ///< same or older version: applying twice is harmless
        CONFLICT,  ///< another session holds one of the two tuples: not applied
        FULL,
    };

    explicit SessionStore(std::uint32_t sessionsMax);

    /** Insert the record, or replace an older version of the same session.
     * @pre the tuples of a session never change with its versions */
    Outcome Apply(const SessionRecord& record);

    struct Match
    {
        SessionRecord* record = nullptr; ///< null: not found. Its address never changes.
        bool reverse = false;            ///< the tuple is that of the opposite direction
    };

    Match Find(const FlowKey& key);

    std::size_t Size() const
    {
        return m_records.Size();
    }

    /** @pre slot < Size() */
    const SessionRecord& At(std::size_t slot) const
    {
        return m_records[slot];
    }

    /** Memory held, in bytes. */
    std::size_t Bytes() const;

    /** Bring the index bucket of a tuple into the cache. */
    void Prefetch(const FlowKey& key) const
    {
        m_index.Prefetch(FlowHash(key));
    }

  private:
    /** @returns slot * 2 for the original tuple, slot * 2 + 1 for the reverse one, or NOT_FOUND */
    std::uint32_t Lookup(const FlowKey& key, std::uint64_t hash) const;

    std::uint32_t m_sessionsMax;
    FlowIndex m_index; ///< of what Lookup() returns
    ChunkedVector<SessionRecord> m_records;
};

} // namespace flowchain

#endif
