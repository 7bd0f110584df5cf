// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_WORKLOAD_H
#define FLOWCHAIN_WORKLOAD_H

#include "flow-key.h"
#include "frame-pool.h"
#include "instant.h"
#include "packet-ledger.h"
#include "packet-view.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace flowchain
{

/** A data packet that a host sends now. */
struct Outgoing
{
    FramePtr frame;          ///< packetId is set; MAC addresses are the host's business
    std::uint32_t ip = 0;    ///< address of the sending host, that is the packet's source address
    bool fromServer = false; ///< sent by a far-side host (a server), not by an inside one
};

/** What a data packet that has reached a host turned out to be. */
enum class Arrival : std::uint8_t
{
    DELIVERED,          ///< expected, and every byte is as it must be
    UNKNOWN_CONNECTION, ///< addressed or translated such that the real host would not know it
    CORRUPT,            ///< bytes differ from what must arrive
    DUPLICATE,          ///< the same packet has arrived, or was dropped, before
};

/** Is told what happens to the sessions; `session` counts from 0 over all workloads of a run. */
class WorkloadListener
{
  public:
    virtual ~WorkloadListener() = default;

    /** The session's first packet is being injected. */
    virtual void OnSessionStart(std::uint32_t /* session */, Instant /* now */)
    {
    }

    /** Any packet is being injected, the first one included. */
    virtual void OnInjection(std::uint32_t /* session */, bool /* toServer */, Instant /* now */)
    {
    }

    /** The session's first packet has reached the far side: first-packet latency. */
    virtual void
    OnFirstDelivery(std::uint32_t /* session */, Instant /* injectedAt */, Instant /* now */)
    {
    }

    /** Any packet was delivered, the first one included: one-way latency. */
    virtual void OnDelivery(std::uint32_t /* session */,
                            bool /* atServer */,
                            Instant /* injectedAt */,
                            Instant /* now */)
    {
    }

    /** A packet has reached the host that it was sent to, known to it (then OnDelivery() comes,
     * too) or not; nobody but a translator has changed it.
     * @param key of the session as the server knows it: the one of a packet that has reached the
     * server, the one that a packet was sent from there with */
    virtual void OnArrival(std::uint32_t /* session */,
                           const FlowKey& /* key */,
                           Instant /* injectedAt */,
                           Instant /* now */)
    {
    }

    /** A packet was dropped, or refused by the host that it reached (UNKNOWN_CONNECTION; MALFORMED
     * for one that is corrupt). */
    virtual void OnPacketLost(std::uint32_t /* session */, DropReason /* reason */)
    {
    }

    /** Nothing more will be sent and nothing is in flight; `completed`: every packet arrived. */
    virtual void OnSessionEnd(std::uint32_t /* session */, bool /* completed */)
    {
    }
};

/** Sessions by the furthest point that they reached, and packets by outcome. */
struct WorkloadCounters
{
    std::uint64_t sessionsStarted = 0;     ///< first packet injected
    std::uint64_t sessionsEstablished = 0; ///< first packet delivered at the far side
    std::uint64_t sessionsCompleted = 0;   ///< every packet of both directions delivered
    std::uint64_t sessionsBroken = 0;      ///< a packet was dropped, unknown or corrupt
    std::uint64_t packetsInjected = 0;
    std::uint64_t packetsDelivered = 0;
    std::uint64_t packetsDropped = 0; ///< before they reached a host
    std::uint64_t packetsUnknown = 0; ///< Arrival::UNKNOWN_CONNECTION
    std::uint64_t packetsCorrupt = 0; ///< Arrival::CORRUPT

    WorkloadCounters& operator+=(const WorkloadCounters& other);
    friend bool operator==(const WorkloadCounters&, const WorkloadCounters&) = default;
};

/**
 * What the hosts of a run say: inside hosts open sessions, far-side hosts answer.
 *
 * Between them sits a source translator that decrements the TTL once. A far-side host learns the
 * translated endpoint of a session from the first packet that reaches it, and answers to it; a
 * packet of the same session from another endpoint is UNKNOWN_CONNECTION, as it would be to a real
 * host.
 *
 * Pure logic: time is an argument. The caller keeps one wakeup for NextWakeup(), which it asks
 * again after each Wakeup() and Receive() (answers are due at once), and hangs the workload into
 * the ledger as the listener for drops. Hosts never retransmit: a session that loses a packet is
 * broken, and whatever waits for that packet is never sent.
 */
class Workload : public PacketDropListener
{
  public:
    /** @returns the next time at which some host sends; never before the last Wakeup(). */
    virtual std::optional<Instant> NextWakeup() const = 0;

    /** Append everything that is due at `now` or before to `out`, in a fixed order. */
    virtual void
    Wakeup(Instant now, FramePool& pool, PacketLedger& ledger, std::vector<Outgoing>& out) = 0;

    /**
     * A native data packet has reached a host, to which its destination address belongs. Books what
     * it returns: the caller delivers the packet in the ledger or discards the frame, no more.
     * @pre frame.packetId is of a packet that this workload has injected
     * @param view of the frame, from ParsePacket(): its checksums are right
     * @param atServer the host is a far-side host
     */
    virtual Arrival
    Receive(const Frame& frame, const PacketView& view, bool atServer, Instant now) = 0;

    /** Number of sessions that the workload will start in all; indices are
     * FirstSession() .. FirstSession() + Sessions() - 1. */
    virtual std::uint32_t Sessions() const = 0;
    virtual std::uint32_t FirstSession() const = 0;

    /** @returns the session whose inside hosts send packets with this key; if the key is used
     * again, the one that started last. Nothing if none has started. */
    virtual std::optional<std::uint32_t> SessionOf(const FlowKey& original) const = 0;

    /** The key of the session's first packet, before translation. */
    virtual FlowKey KeyOf(std::uint32_t session) const = 0;

    /** When the session's first packet was injected, if it was. */
    virtual std::optional<Instant> StartOf(std::uint32_t session) const = 0;

    /** Whether a packet of the session is in flight or will be sent; true before the start. */
    virtual bool HasTrafficLeft(std::uint32_t session) const = 0;

    virtual WorkloadCounters Counters() const = 0;

    /** @param listener null: nobody. */
    virtual void SetListener(WorkloadListener* listener) = 0;
};

} // namespace flowchain

#endif
