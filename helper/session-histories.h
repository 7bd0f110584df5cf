// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_HISTORIES_H
#define FLOWCHAIN_SESSION_HISTORIES_H

#include "flow-key.h"
#include "linearizability.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace flowchain
{

/**
 * What hosts and owners of sessions saw, as operations. A session of the workload that has one
 * translation for life, as nearly all have, takes 64 bytes: of the packets under it the first one
 * received and the last one sent say as much as all of them, since the translation is bound once.
 */
class SessionHistories
{
  public:
    static constexpr std::size_t OPERATIONS_MAX =
        10'000;                                       ///< kept of a session; with more: UNDECIDED
    static constexpr std::size_t STEPS_MAX = 100'000; ///< of the search, for one session

    /** @param atServer the session's tuple behind the service group */
    void Created(std::uint32_t session, const FlowKey& atServer, Instant now);
    /** A packet under this translation has reached its host, known to it or not. */
    void Used(std::uint32_t session, const FlowKey& atServer, Instant sentAt, Instant now);
    /** The first time that somebody begins to delete it: it has been made. */
    void Deleting(std::uint32_t session, const FlowKey& atServer, Instant now);
    /** Everybody has confirmed that. */
    void Deleted(std::uint32_t session, const FlowKey& atServer, Instant now);
    /** Nobody has a copy any more. */
    void Forgotten(std::uint32_t session, const FlowKey& atServer, Instant now);

    /** Sessions of the workload, from 0; those of which nothing is known included. */
    std::size_t Sessions() const
    {
        return m_brief.size();
    }

    /** Operations that were seen of all sessions. */
    std::uint64_t Operations() const
    {
        return m_operations;
    }

    /** Operations of one session that are kept. */
    std::vector<HistoryOperation> HistoryOf(std::uint32_t session) const;
    HistoryJudgement Judge(std::uint32_t session) const;

  private:
    /** The session has one translation so far, made once and deleted once at most. */
    struct Brief
    {
        std::uint64_t binding = 0;
        Instant createdAt = NEVER;
        Instant firstSent = NEVER; ///< of the packet that was received first
        Instant firstReceived = NEVER;
        Instant lastSent = NEVER; ///< of the packet that was sent last
        Instant lastReceived = NEVER;
        Instant deletingAt = NEVER;
        Instant deletedAt = NEVER;
    };

    struct Full
    {
        std::vector<HistoryOperation> operations;
        bool isCut = false;
    };

    static std::vector<HistoryOperation> Unfold(const Brief& brief);
    Brief& BriefOf(std::uint32_t session);
    /** @returns null as long as the session is brief */
    Full* FindFull(std::uint32_t session);
    Full& FullOf(std::uint32_t session);
    static void Append(Full& full, const HistoryOperation& operation);

    std::vector<Brief> m_brief;           ///< index: session
    std::map<std::uint32_t, Full> m_full; ///< sessions that are not brief
    std::uint64_t m_operations = 0;
};

} // namespace flowchain

#endif
