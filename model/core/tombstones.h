// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_TOMBSTONES_H
#define FLOWCHAIN_TOMBSTONES_H

#include "flow-table.h"
#include "session-record.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowchain
{

/**
 * Names of sessions that have been deleted, so that no late message brings one back. A session's
 * name is never used again, so the name alone will do. Bounded: the oldest one makes way. It must
 * outlive every message about its session, that is the time until the last retransmission.
 */
class Tombstones
{
  public:
    explicit Tombstones(std::uint32_t tombstonesMax);

    bool Contains(SessionId session) const;

    /** Add a name; nothing happens if it is there. */
    void Add(SessionId session);

    std::size_t Size() const
    {
        return m_index.Size();
    }

    /** Names that made way for newer ones. */
    std::uint64_t Evicted() const
    {
        return m_evicted;
    }

    /** Memory held, in bytes. */
    std::size_t Bytes() const
    {
        return m_index.Bytes() + m_ring.capacity() * sizeof(SessionId);
    }

  private:
    friend class MachineDigest; ///< of tests

    std::uint32_t Lookup(SessionId session) const;

    std::uint32_t m_max;
    std::vector<SessionId> m_ring; ///< grows up to m_max, then is written in turn
    std::uint32_t m_next = 0;      ///< place of the next name; once the ring is full, the oldest
    FlowIndex m_index;             ///< place in the ring by name
    std::uint64_t m_evicted = 0;
};

} // namespace flowchain

#endif
