// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_REGISTRY_H
#define FLOWCHAIN_SESSION_REGISTRY_H

#include "instant.h"
#include "session-record.h"
#include "sync-message.h"

#include <bitset>
#include <cstdint>
#include <deque>
#include <vector>

namespace flowchain
{

/** A set of nodes. */
using NodeMask = std::bitset<MAX_NODES>;

/** How well a session was protected so far; kept by CopyTracker. */
struct CopyHistory
{
    static constexpr std::uint16_t NO_GROUP = 0xffff;

    Instant changedAt{};             ///< since when `copies` holds
    Duration belowPromise{};         ///< time with some copies, but fewer than promised
    Duration belowTwo{};             ///< time with one copy
    std::uint16_t copies = 0;        ///< on live nodes
    std::uint16_t service = 0;       ///< service group of the session
    std::uint16_t group = NO_GROUP;  ///< of the first manager that stored a copy
    NodeId onlyHolder = NO_NODE;     ///< of the only copy
    bool isOpen = false;             ///< created, and neither over nor deleted
    bool isReleasedExposure = false; ///< under which of the two `onlyHolder` is counted
    bool isBelowPromise = false;     ///< counted among those with fewer copies than promised
    bool isHeld = false;             ///< counted among those that are not released
};

/** What an omniscient onlooker knows of one session; times are NEVER until they come. */
struct SessionInfo
{
    static constexpr std::uint32_t NO_SESSION = 0xffffffff;

    SessionRecord record; ///< of the newest version seen
    NodeMask holders;     ///< live nodes that have a copy
    NodeMask refusedBy;   ///< live nodes that have taken out theirs for good
    std::uint32_t workloadSession = NO_SESSION;
    NodeId root = NO_NODE; ///< manager that has received its state last
    bool released = false;
    bool reverseStored = false;
    bool repaired = false; ///< its owner has sent it to managers that are new in its chain
    bool deleting = false; ///< its owner has begun to delete it
    bool deleted = false;  ///< everybody has confirmed that
    bool lost = false;
    bool isZombie = false; ///< is being deleted or was, and a live node has a copy

    Instant injectedAt = NEVER; ///< first packet leaves the client
    Instant missedAt = NEVER;   ///< accelerator sends it to a manager
    Instant askedAt = NEVER;    ///< manager sends it to a service node, last time
    Instant createdAt = NEVER;  ///< its owner has made it
    Instant stateAt = NEVER;    ///< first manager has the state
    Instant secondAt = NEVER;   ///< second manager has it
    Instant chainAt = NEVER;    ///< last member of the chain has it
    Instant fanOutAt = NEVER;   ///< last service node has it
    Instant reverseAt = NEVER;  ///< third manager has the reverse entry
    Instant releasedAt = NEVER;
    std::uint16_t managers = 0; ///< copies stored by managers before the release

    NodeMask thirds;           ///< live managers that were given the reverse entry in advance
    bool reverseAsked = false; ///< a reverse packet has reached a manager
    CopyHistory copyHistory;
};

/** All sessions that were ever created, found by their ids, in order of creation. */
class SessionRegistry
{
  public:
    /** @returns null if there is no such session */
    SessionInfo* Find(SessionId id);
    /** @pre Find(id) is null; the serial numbers of one creator and incarnation ascend by 1 */
    SessionInfo& Create(SessionId id);

    std::size_t Size() const
    {
        return m_sessions.size();
    }

    SessionInfo& At(std::size_t index)
    {
        return m_sessions[index];
    }

    const SessionInfo& At(std::size_t index) const
    {
        return m_sessions[index];
    }

    /** @pre Find(id) is not null */
    std::uint32_t IndexOf(SessionId id) const;

  private:
    /** Sessions of one life of one service node: index of each serial number. */
    std::vector<std::uint32_t>* LifeOf(SessionId id);

    std::deque<SessionInfo> m_sessions;
    std::vector<std::vector<std::uint32_t>> m_lives; ///< index: creator's id and incarnation
};

} // namespace flowchain

#endif
