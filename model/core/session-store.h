// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_STORE_H
#define FLOWCHAIN_SESSION_STORE_H

#include "flow-table.h"
#include "session-record.h"

#include <cstdint>
#include <vector>

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
        CONFLICT,  ///< a newer session holds one of the two tuples: not applied
        FULL,
    };

    explicit SessionStore(std::uint32_t sessionsMax);

    /**
     * Insert the record, or replace an older version of the same session. Where another session
     * holds one of the tuples, the newer one stays (version, then id, decides, so all nodes agree):
     * that happens when a flow is opened anew because nobody alive knew that it was there.
     * @pre the tuples of a session never change with its versions
     */
    Outcome Apply(const SessionRecord& record);

    /** What Apply() would return. */
    Outcome Check(const SessionRecord& record) const;

    /** Sessions that the last Apply() has taken out for a newer one; at most two. */
    const std::vector<SessionId>& Superseded() const
    {
        return m_superseded;
    }

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

    /** A record that was superseded leaves a slot with id 0. @pre slot < Size() */
    const SessionRecord& At(std::size_t slot) const
    {
        return m_records[slot];
    }

    /** Memory held, in bytes. */
    std::size_t Bytes() const;

  private:
    /** @returns slot * 2 for the original tuple, slot * 2 + 1 for the reverse one, or NOT_FOUND */
    std::uint32_t Lookup(const FlowKey& key, std::uint64_t hash) const;

    bool MayReplace(std::uint32_t found, const SessionRecord& record) const;
    void TakeOut(std::uint32_t found);

    std::uint32_t m_sessionsMax;
    std::vector<SessionId> m_superseded;
    FlowIndex m_index; ///< of what Lookup() returns
    ChunkedVector<SessionRecord> m_records;
};

} // namespace flowchain

#endif
