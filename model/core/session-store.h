// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_STORE_H
#define FLOWCHAIN_SESSION_STORE_H

#include "flow-table.h"
#include "planted-defect.h"
#include "session-record.h"
#include "sync-message.h"
#include "tombstones.h"

#include <array>
#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * A node's copies of session state, found by the tuple of either direction. Bounded. A record keeps
 * its slot as long as it is there, so that a snapshot can walk them; the slot of one that has gone
 * is used again. Sessions that were removed do not come back.
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
        DELETED, ///< the session was removed: not applied
    };

    static constexpr std::uint32_t TOMBSTONES_MAX = 65'536;

    explicit SessionStore(std::uint32_t sessionsMax,
                          std::uint32_t tombstonesMax = TOMBSTONES_MAX,
                          PlantedDefects defects = {});

    /**
     * Insert the record, or replace an older version of the same session. Where another session
     * holds one of the tuples, the newer one stays: that happens when a flow is opened anew because
     * nobody alive knew that it was there, or because its old session is being removed. Newer is
     * that of the later epoch, then that which was created later, then that of the larger id, so
     * all nodes agree, whatever version of either session they know.
     * @pre the tuples of a session never change with its versions
     */
    Outcome Apply(const SessionRecord& record);

    /** What Apply() would return. */
    Outcome Check(const SessionRecord& record) const;

    /** Sessions that the last Apply() has taken out for a newer one; at most two. */
    const std::vector<SessionRecord>& Superseded() const
    {
        return m_superseded;
    }

    /** Version that the last Apply() has updated; 0: there was none. */
    std::uint64_t UpdatedVersion() const
    {
        return m_updatedVersion;
    }

    /** Take the session out, whatever its version, and refuse it from now on.
     * @returns whether it was there */
    bool Remove(const SessionRecord& record);

    /** Sessions that were removed and are refused. */
    const Tombstones& Deleted() const
    {
        return m_tombstones;
    }

    /** Whether the session was removed, as far as is remembered. */
    bool IsDeleted(SessionId session) const
    {
        return m_tombstones.Size() != 0 && m_tombstones.Contains(session);
    }

    struct Match
    {
        /** null: not found. Its address does not change as long as the session is there. */
        SessionRecord* record = nullptr;
        bool reverse = false; ///< the tuple is that of the opposite direction
        std::uint32_t slot = 0;
    };

    Match Find(const FlowKey& key);

    /** Sessions that are there. */
    std::size_t Size() const
    {
        return m_records.Size() - m_free.size();
    }

    /** Sessions that are there of this owner. */
    std::uint32_t OwnedBy(NodeId owner) const
    {
        return owner < MAX_NODES ? m_owned[owner] : 0;
    }

    /** Slots in use, or to be used again. */
    std::size_t Slots() const
    {
        return m_records.Size();
    }

    /** A slot that is not in use has id 0. @pre slot < Slots() */
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
    std::uint32_t NewSlot(const SessionRecord& record);
    void TakeOut(std::uint32_t found);
    void CountOwner(NodeId owner, std::uint32_t change);

    bool IsRefused(SessionId session) const
    {
        return IsDeleted(session) && !m_defects.Has(PlantedDefect::TOMBSTONE_IGNORED);
    }

    bool IsFull() const
    {
        return Size() >= m_sessionsMax && !m_defects.Has(PlantedDefect::TABLE_LIMIT_IGNORED);
    }

    std::uint32_t m_sessionsMax;
    PlantedDefects m_defects;
    std::uint64_t m_updatedVersion = 0;
    std::vector<SessionRecord> m_superseded;
    FlowIndex m_index; ///< of what Lookup() returns
    ChunkedVector<SessionRecord> m_records;
    std::vector<std::uint32_t> m_free;              ///< slots to be used again
    std::array<std::uint32_t, MAX_NODES> m_owned{}; ///< sessions; index: NodeId of the owner
    Tombstones m_tombstones;
};

} // namespace flowchain

#endif
