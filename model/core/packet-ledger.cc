// SPDX-License-Identifier: GPL-2.0-only
#include "packet-ledger.h"

#include <limits>
#include <numeric>
#include <stdexcept>

namespace flowchain
{

PacketLedger::PacketLedger()
    : m_states(1, DROPPED)
{
}

std::uint32_t
PacketLedger::Inject()
{
    if (m_states.size() > std::numeric_limits<std::uint32_t>::max())
    {
        throw std::length_error("packet ledger: more than 4294967295 packets in one run");
    }
    m_states.push_back(OPEN | 1);
    return static_cast<std::uint32_t>(m_states.size() - 1);
}

void
PacketLedger::AddCopy(std::uint32_t packetId)
{
    if ((m_states[packetId] & COPIES_MASK) == COPIES_MAX)
    {
        throw std::length_error("packet ledger: more than 255 live copies of one packet");
    }
    ++m_states[packetId];
}

std::uint16_t
PacketLedger::WithReason(std::uint16_t state, DropReason reason)
{
    const bool superfluous = reason == DropReason::DUPLICATE || reason == DropReason::STALE_EPOCH ||
                             reason == DropReason::FUTURE_EPOCH ||
                             reason == DropReason::STALE_INCARNATION;
    if (superfluous && ReasonOf(state) != DropReason::NONE)
    {
        return state;
    }
    return static_cast<std::uint16_t>((state & ~REASON_MASK) |
                                      (static_cast<std::uint16_t>(reason) << REASON_SHIFT));
}

void
PacketLedger::LastGone(std::uint32_t packetId, DropReason reason)
{
    const std::uint16_t state = m_states[packetId];
    if ((state & OUTCOME_MASK) == DROPPED || (state & COPIES_MASK) == 0)
    {
        Violate(packetId, "more frames ended than there were");
        return;
    }
    if ((state & OUTCOME_MASK) == DELIVERED || reason == DropReason::END_OF_RUN)
    {
        m_states[packetId] = static_cast<std::uint16_t>(state - 1);
        return;
    }
    const std::uint16_t last = reason == DropReason::NONE ? state : WithReason(state, reason);
    reason = ReasonOf(last);
    m_states[packetId] = static_cast<std::uint16_t>(DROPPED | (last & REASON_MASK));
    ++m_dropped[static_cast<std::size_t>(reason)];
    if (reason == DropReason::NONE)
    {
        Violate(packetId, "the last frame ended for no reason, without a delivery");
    }
    if (m_listener != nullptr)
    {
        m_listener->PacketDropped(packetId, reason);
    }
}

void
PacketLedger::Deliver(std::uint32_t packetId)
{
    if (packetId == 0)
    {
        return;
    }
    const std::uint16_t state = m_states[packetId];
    if ((state & OUTCOME_MASK) == DELIVERED)
    {
        Violate(packetId, "delivered twice");
    }
    else if ((state & OUTCOME_MASK) == DROPPED)
    {
        Violate(packetId, "delivered after it was dropped");
    }
    else if ((state & COPIES_MASK) == 0)
    {
        Violate(packetId, "delivered without a frame");
    }
    else
    {
        m_states[packetId] = static_cast<std::uint16_t>(state | DELIVERED);
        ++m_delivered;
    }
}

std::uint64_t
PacketLedger::Dropped() const
{
    return std::accumulate(m_dropped.begin(), m_dropped.end(), std::uint64_t{0});
}

PacketLedger::Tally
PacketLedger::Count() const
{
    Tally tally;
    for (std::size_t id = 1; id < m_states.size(); ++id)
    {
        const std::uint16_t state = m_states[id];
        switch (state & OUTCOME_MASK)
        {
        case OPEN:
            ++tally.inFlight;
            break;
        case DELIVERED:
            ++tally.delivered;
            break;
        default:
            ++tally.dropped[static_cast<std::size_t>(ReasonOf(state))];
            break;
        }
    }
    return tally;
}

bool
PacketLedger::Check() const
{
    const Tally tally = Count();
    return tally.delivered == m_delivered && tally.dropped == m_dropped &&
           Injected() == m_delivered + Dropped() + tally.inFlight;
}

void
PacketLedger::Violate(std::uint32_t packetId, const char* what)
{
    ++m_violationCount;
    if (m_violations.size() < VIOLATIONS_MAX)
    {
        m_violations.push_back({packetId, what});
    }
}

} // namespace flowchain
