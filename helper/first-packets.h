// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FIRST_PACKETS_H
#define FLOWCHAIN_FIRST_PACKETS_H

#include "flow-table.h"
#include "instant.h"
#include "session-record.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

/** First packet of a session between injection and release. */
struct FirstPacket
{
    std::uint32_t packetId = 0; ///< 0: the slot is free
    std::uint32_t workloadSession = 0;
    std::uint16_t service = 0; ///< service group that it goes through
    Instant injectedAt = NEVER;
    Instant missedAt = NEVER;
    Instant askedAt = NEVER;
    NodeId asked = NO_NODE;
    NodeId askedBy = NO_NODE;  ///< manager, the last time
    Instant touchedAt = NEVER; ///< crash of the node that it waits for
};

/** The first packets under way, found by packet id. */
class FirstPackets
{
  public:
    /** @pre packetId is not 0 and not under way */
    void Start(std::uint32_t packetId,
               std::uint32_t workloadSession,
               std::uint16_t service,
               Instant now);
    /** @returns null if it is not under way */
    FirstPacket* Find(std::uint32_t packetId);
    /** @returns null if the first packet of this session is not under way */
    const FirstPacket* OfSession(std::uint32_t workloadSession) const;
    /** Does nothing if it is not under way. */
    void Forget(std::uint32_t packetId);
    /** A service node has crashed: packets that it was asked for wait for it. */
    void TouchAsked(NodeId node, Instant now);
    /** A manager has crashed: every packet of its service group may wait for it. */
    void TouchAll(std::uint16_t service, Instant now);

  private:
    FlowIndex m_index;
    std::vector<FirstPacket> m_slots;
    std::vector<std::uint32_t> m_free;
};

} // namespace flowchain

#endif
