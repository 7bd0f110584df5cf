// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SESSION_FINDER_H
#define FLOWCHAIN_SESSION_FINDER_H

#include "run-probe.h"

#include <cstdint>
#include <vector>

namespace flowchain
{

/** A message in a frame, and which of the workload's sessions it is about. */
struct FoundMessage
{
    SyncMessage message;
    std::uint32_t session = SessionInfo::NO_SESSION;
};

/** Tells of messages and notes which session they are about, counted from 0 over the workloads. */
class SessionFinder
{
  public:
    /** @param context outlives this object */
    explicit SessionFinder(const RunContext& context)
        : m_context(context)
    {
    }

    /** The messages in a frame, those of a batch one by one; none if it is damaged or has none. */
    std::vector<FoundMessage> MessagesOf(const Frame& frame) const;
    /** @returns SessionInfo::NO_SESSION if the note is about none */
    std::uint32_t SessionOf(const Note& note) const;
    /** @returns the session whose packets, of either direction and on either side of the service
     * group, have this tuple */
    std::uint32_t SessionOf(const FlowKey& key) const;

    /** The node to which the frame goes. */
    static NodeId TargetOf(const Frame& frame);

  private:
    std::uint32_t SessionOf(const SessionRecord& record) const;
    std::uint32_t
    SessionOf(const SyncMessage& message, const Frame& frame, std::size_t outer) const;

    const RunContext& m_context;
};

} // namespace flowchain

#endif
