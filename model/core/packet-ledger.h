// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PACKET_LEDGER_H
#define FLOWCHAIN_PACKET_LEDGER_H

#include "drop-reason.h"

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowchain
{

/** Is told of each packet that is finally dropped. */
class PacketDropListener
{
  public:
    virtual ~PacketDropListener() = default;
    virtual void PacketDropped(std::uint32_t packetId, DropReason reason) = 0;
};

/**
 * The double-entry book of all injected data packets: each one is delivered, or dropped under
 * exactly one reason, or in flight.
 *
 * A packet lives in frames: the one that it was injected in, and its clones. Born() and Gone()
 * count them, and the packet is dropped when its last frame ends without a delivery, for the reason
 * of that frame. Where the last one to end is a copy that was kept for a retransmission and ends
 * for no reason, the reason is that of the last frame that had one. What breaks the rule (a last
 * frame that ends for no reason, a second delivery,
 * ...) is recorded as a violation, never repaired. Packet id 0 means "no packet" and is ignored
 * everywhere.
 *
 * Memory: 2 bytes a packet.
 */
class PacketLedger
{
  public:
    static constexpr std::size_t VIOLATIONS_MAX = 32; ///< that are kept with their text
    static constexpr std::uint16_t COPIES_MAX = 0xff; ///< live frames of one packet

    struct Violation
    {
        std::uint32_t packetId;
        const char* what;
    };

    /** Where every injected packet is, found by looking at each one. */
    struct Tally
    {
        std::uint64_t delivered = 0;
        std::uint64_t inFlight = 0;
        std::array<std::uint64_t, DROP_REASON_COUNT> dropped{};
    };

    PacketLedger();

    /** @returns the id of a new packet, counting from 1. It has one live frame: the acquired frame
     * that the caller writes the id into. */
    std::uint32_t Inject();

    /** A frame of the packet was cloned. */
    void Born(std::uint32_t packetId)
    {
        if (packetId != 0)
        {
            assert(packetId < m_states.size());
            const std::uint16_t state = m_states[packetId];
            if ((state & COPIES_MASK) == 0 || (state & OUTCOME_MASK) == DROPPED)
            {
                Violate(packetId, "a copy of a packet that has no frame");
                return;
            }
            AddCopy(packetId);
        }
    }

    /** A frame of the packet has ended; DropReason::END_OF_RUN leaves the packet in flight. */
    void Gone(std::uint32_t packetId, DropReason reason)
    {
        if (packetId != 0)
        {
            assert(packetId < m_states.size());
            const std::uint16_t state = m_states[packetId];
            if ((state & COPIES_MASK) > 1 && (state & OUTCOME_MASK) != DROPPED)
            {
                const std::uint16_t kept =
                    reason == DropReason::NONE ? state : WithReason(state, reason);
                m_states[packetId] = static_cast<std::uint16_t>(kept - 1);
                return;
            }
            LastGone(packetId, reason);
        }
    }

    /** The packet has reached its destination. To be called while the frame that arrived is alive.
     */
    void Deliver(std::uint32_t packetId);

    /** @param listener null: nobody. */
    void SetDropListener(PacketDropListener* listener)
    {
        m_listener = listener;
    }

    std::uint64_t Injected() const
    {
        return m_states.size() - 1;
    }

    std::uint64_t Delivered() const
    {
        return m_delivered;
    }

    std::uint64_t Dropped(DropReason reason) const
    {
        return m_dropped[static_cast<std::size_t>(reason)];
    }

    /** @returns packets that were dropped, for all reasons together. */
    std::uint64_t Dropped() const;

    /** @returns packets without an outcome; looks at each packet. */
    std::uint64_t InFlight() const
    {
        return Count().inFlight;
    }

    /** Look at each packet. */
    Tally Count() const;

    /** @returns whether the counters agree with Count() and add up: injected == delivered + dropped
     * + in flight. Independent of Violations(). */
    bool Check() const;

    /** The first VIOLATIONS_MAX violations. */
    const std::vector<Violation>& Violations() const
    {
        return m_violations;
    }

    /** @returns how many violations there were, kept or not. */
    std::uint64_t ViolationCount() const
    {
        return m_violationCount;
    }

  private:
    // A state is an outcome (2 bits), a reason (6 bits: of a frame that has ended, or, once
    // dropped, of the packet) and the number of live frames.
    static constexpr std::uint16_t OUTCOME_MASK = 0xc000;
    static constexpr std::uint16_t REASON_MASK = 0x3f00;
    static constexpr unsigned REASON_SHIFT = 8;
    static constexpr std::uint16_t COPIES_MASK = 0x00ff;
    static_assert(DROP_REASON_COUNT <= (REASON_MASK >> REASON_SHIFT) + 1);
    static constexpr std::uint16_t OPEN = 0x0000;
    static constexpr std::uint16_t DELIVERED = 0x4000;
    static constexpr std::uint16_t DROPPED = 0x8000;

    static DropReason ReasonOf(std::uint16_t state)
    {
        return static_cast<DropReason>((state & REASON_MASK) >> REASON_SHIFT);
    }

    /** @returns the state with the reason, unless the reason says only that the frame was
     * superfluous and there is a better one. */
    static std::uint16_t WithReason(std::uint16_t state, DropReason reason);

    void AddCopy(std::uint32_t packetId);
    void LastGone(std::uint32_t packetId, DropReason reason);
    void Violate(std::uint32_t packetId, const char* what);

    std::vector<std::uint16_t> m_states; ///< index: packet id; element 0 is unused
    std::uint64_t m_delivered = 0;
    std::array<std::uint64_t, DROP_REASON_COUNT> m_dropped{};
    std::vector<Violation> m_violations;
    std::uint64_t m_violationCount = 0;
    PacketDropListener* m_listener = nullptr;
};

} // namespace flowchain

#endif
