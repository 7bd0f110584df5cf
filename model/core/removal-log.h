// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_REMOVAL_LOG_H
#define FLOWCHAIN_REMOVAL_LOG_H

#include "session-record.h"
#include "sync-message.h"

#include <bitset>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace flowchain
{

/** The removals that a service node carries out itself: who has not confirmed which. */
class RemovalLog
{
  public:
    /** How many removals may be under way: MessageHeader::position counts them. */
    static constexpr std::uint32_t REMOVALS_MAX = 255;

    using Nodes = std::bitset<MAX_NODES>;

    struct Removal
    {
        SessionRecord record;
        Nodes waiting; ///< have not confirmed
        Nodes unsent;  ///< of these, the ones that could not be told yet
        bool confirmed = false;
    };

    /** @param underWayMax 1..REMOVALS_MAX */
    explicit RemovalLog(std::uint32_t underWayMax);

    /** Whether the oldest removal under way is so far behind that no other may begin. */
    bool IsFull() const
    {
        return m_removals.size() >= m_max;
    }

    /** @returns the removal's number, counting from 0. @pre !IsFull() */
    std::uint32_t Begin(const SessionRecord& record);

    /** @returns null if it is confirmed and no older one is under way */
    Removal* Find(std::uint32_t number);

    /** The node has confirmed, or has left.
     * @returns whether that was the last one: the removal is confirmed now */
    bool Confirm(std::uint32_t number, NodeId node);

    /** Drop the removals that nobody waits for from the front. */
    void Trim();

    /** The removals from First() on, some of which may be confirmed, up to before Next(). */
    std::uint32_t First() const
    {
        return m_first;
    }

    std::uint32_t Next() const
    {
        return m_first + static_cast<std::uint32_t>(m_removals.size());
    }

    /** Removals that are not confirmed. */
    std::size_t UnderWay() const;

    /** Whether a session with this tuple, in either direction, is being removed. */
    bool Has(const FlowKey& key) const;
    bool Has(SessionId session) const;

  private:
    friend class MachineDigest; ///< of tests

    std::uint32_t m_max;
    std::uint32_t m_first = 0; ///< number of the front
    std::deque<Removal> m_removals;
};

/**
 * What a node knows of a service node's removals: those that may not be confirmed, so that
 * they can be brought to their end if that node dies.
 */
class RemovalWitness
{
  public:
    /** A removal has been told. @param number modulo 65536 @param open see MessageHeader::position
     * @returns those that were told before, and that everybody has confirmed */
    std::vector<SessionRecord>
    Told(const SessionRecord& record, std::uint16_t number, std::uint8_t open);

    /** The node was asked to take a removal over, and has not told it to everybody yet. */
    void Asked(const SessionRecord& record);

    /** What may not be confirmed, in order of arrival. */
    std::vector<SessionRecord> Records() const;
    /** Records(); forget them. */
    std::vector<SessionRecord> Take();

    /** Somebody else sees to it that the session is removed. */
    void Settle(SessionId session);

    std::size_t Size() const
    {
        return m_told.size();
    }

  private:
    friend class MachineDigest; ///< of tests

    struct Entry
    {
        SessionRecord record;
        std::optional<std::uint16_t> number; ///< nothing: asked for only
    };

    std::deque<Entry> m_told; ///< at most 2 * REMOVALS_MAX
};

} // namespace flowchain

#endif
