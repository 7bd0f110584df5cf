// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_WORKLOAD_BASE_H
#define FLOWCHAIN_WORKLOAD_BASE_H

#include "workload-packet-table.h"
#include "workload.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace flowchain
{

/** What is done to a session's tuple between the hosts. */
struct Translation
{
    /** Endpoints of which one takes the place of the destination, as a load balancer has it; none:
     * any endpoint takes the place of the source, as a NAT has it. */
    std::vector<Endpoint> backends;

    bool OfDestination() const
    {
        return !backends.empty();
    }
};

/** The account of one session. */
struct SessionAccount
{
    Instant startedAt = NEVER;     ///< injection of the first packet
    std::uint32_t delivered = 0;   ///< packets
    std::uint32_t outstanding = 0; ///< packets that are in flight or whose sending is certain
    std::uint32_t farAddress = 0;  ///< the endpoint translated to, as the far side learnt it
    std::uint16_t farPort = 0;
    bool isFarKnown = false;
    bool isBroken = false;
};

/** A packet as it was sent; its endpoints and checksums are not looked at. */
struct ExpectedPacket
{
    std::span<const std::uint8_t> header; ///< from the Ethernet header on
    Payload payload;
    bool fromServer = false;
};

/**
 * @returns whether a packet that was checked and has this view arrived as it was sent, except for
 * what a translator changes: MAC addresses, addresses, ports or ICMP identifier, checksums, and a
 * TTL that is lower by one. An absent UDP checksum must stay absent.
 */
bool IsSamePacket(const ExpectedPacket& expected, const Frame& frame, const PacketView& view);

/** Set the destination of a packet and repair its checksums; unlike RewritePacket(), this is the
 * sender's own doing, so the TTL stays. */
void RedirectPacket(Frame& frame, const PacketView& view, const Endpoint& destination);

/** What the kinds of workload have in common: verification and accounts. */
class WorkloadBase : public Workload
{
  public:
    Arrival
    Receive(const Frame& frame, const PacketView& view, bool atServer, Instant now) override;
    void PacketDropped(std::uint32_t packetId, DropReason reason) override;

    std::uint32_t FirstSession() const override
    {
        return m_firstSession;
    }

    WorkloadCounters Counters() const override
    {
        return m_counters;
    }

    void SetListener(WorkloadListener* listener) override
    {
        m_listener = listener != nullptr ? listener : &m_nobody;
    }

  protected:
    explicit WorkloadBase(std::uint32_t firstSession, Translation translation = {});

    /** Give the packet an id and hand it out. @pre the account counts it as outstanding */
    void Inject(FramePtr frame,
                const PacketNote& note,
                bool fromServer,
                PacketLedger& ledger,
                std::vector<Outgoing>& out);

    /** The session's key as its packets have it when they reach the server. @pre account.isFarKnown
     */
    FlowKey ServerKeyOf(const FlowKey& local, const SessionAccount& account) const;

    /** @param session index within the workload, started */
    virtual SessionAccount& AccountOf(std::uint32_t session) = 0;
    virtual std::uint32_t PacketsOf(std::uint32_t session) const = 0;
    virtual FlowKey LocalKeyOf(std::uint32_t session) const = 0;
    /** @returns the packet; valid until the next call. */
    virtual ExpectedPacket ExpectedOf(const PacketNote& note) = 0;
    /** The packet was delivered: schedule what waits for it, counted as outstanding. */
    virtual void Delivered(const PacketNote& note, Instant now) = 0;

  private:
    Arrival
    Judge(const PacketNote& note, const Frame& frame, const PacketView& view, bool atServer);
    /** Whether a packet that has reached the server first may have been translated like this. */
    bool MayBeFar(const Endpoint& endpoint) const;
    void BookDelivery(const PacketNote& note, bool atServer, Instant now);
    void BookLoss(const PacketNote& note, DropReason reason);
    void Settle(std::uint32_t session);

    std::uint32_t m_firstSession;
    Translation m_translation;
    PacketTable m_inFlight;
    WorkloadCounters m_counters;
    WorkloadListener m_nobody;
    WorkloadListener* m_listener = &m_nobody;
};

} // namespace flowchain

#endif
