// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_AGEING_H
#define FLOWCHAIN_SESSION_AGEING_H

#include "chunked-vector.h"
#include "flow-table.h"
#include "session-life.h"
#include "timer-wheel.h"

#include <optional>
#include <vector>

namespace flowchain
{

/**
 * The sessions that a service node is responsible for: in which state they are, when each one had
 * packets last, and which ones have had none for too long. One timer wheel for all of them, whose
 * tick is a sixty-fourth of the shortest timeout.
 */
class SessionAgeing
{
  public:
    /** @pre every timeout is positive */
    explicit SessionAgeing(const SessionTimers& timers);

    /** A session that is watched, and where the caller keeps it. */
    struct Watched
    {
        SessionId id;
        std::uint32_t slot; ///< as it was given to Watch()
        SessionState state;
    };

    /** Begin to watch a session as if it had just had a packet. Nothing happens if it is watched.
     * @param slot the caller's own */
    void Watch(const SessionRecord& record, std::uint32_t slot, Instant now);

    /** The session has had packets. Nothing happens if it is not watched. */
    void Touch(SessionId session, Instant now);

    /**
     * Packets of one direction had these TCP flags, a mask of tcp_observation.
     * @returns the session's state if that has changed
     */
    std::optional<SessionState>
    Observe(SessionId session, bool reverse, std::uint8_t seen, Instant now);

    /** Whether it is watched, and has had packets since Watch(). */
    bool HasHadPackets(SessionId session) const;

    /** Watch it no longer; nothing happens if it is not watched. */
    void Forget(SessionId session);

    bool IsWatched(SessionId session) const
    {
        return Lookup(session) != FlowIndex::NOT_FOUND;
    }

    /** Sessions whose time is over; they are still watched. Call it at Next(). */
    void Expire(Instant now, std::vector<Watched>& out);

    /** When Expire() may have something to say next, or NEVER. */
    Instant Next() const
    {
        return m_wheel.Next();
    }

    std::size_t Size() const
    {
        return m_index.Size();
    }

    /** Memory held, in bytes. */
    std::size_t Bytes() const;

  private:
    struct Life
    {
        SessionId id = 0; ///< 0: the place is free
        Instant activeAt{};
        std::uint32_t slot = 0;
        std::uint32_t generation = 0; ///< of the timer that counts
        bool hadPackets = false;
        SessionLife life;
        IpProtocol protocol = IpProtocol::NONE;
    };

    std::uint32_t Lookup(SessionId session) const;
    Instant DeadlineOf(const Life& life) const;
    void SetTimer(std::uint32_t place);

    SessionTimers m_timers;
    TimerWheel m_wheel; ///< a timer is a place, and its generation in the upper half
    ChunkedVector<Life> m_lives;
    std::vector<std::uint32_t> m_free;
    FlowIndex m_index;                    ///< place by session
    std::vector<std::uint64_t> m_expired; ///< scratch
};

} // namespace flowchain

#endif
