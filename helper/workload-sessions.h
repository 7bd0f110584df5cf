// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_WORKLOAD_SESSIONS_H
#define FLOWCHAIN_WORKLOAD_SESSIONS_H

#include "scenario.h"
#include "session-generator.h"
#include "workload-base.h"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace flowchain
{

/** A load balancer as the hosts know it, of one protocol; a NAT has neither. */
struct BalancedService
{
    std::vector<Endpoint> vips;     ///< what clients send to
    std::vector<Endpoint> backends; ///< what servers are reached at
};

/**
 * Generated sessions, all alike, at a fixed or a Poisson rate.
 *
 * "tcp": SYN, SYN/ACK, ACK; then `packets` data packets of the client, `gap` apart, the first of
 * them with the ACK; the server answers each one at once; when all answers have arrived FIN,
 * FIN/ACK, ACK. 2 * packets + 6 packets in all. "udp": `packets` requests, `gap` apart, each one
 * answered at once; 2 * packets in all. Payloads are virtual zeros.
 *
 * The hosts are no TCP: no window, no retransmission. Sequence numbers are those of a real
 * connection whose data arrive in order: an acknowledgement counts the packets that have arrived. A
 * session that loses its SYN stands still; one that loses data sends its other data, and no FIN.
 *
 * Memory: 32 bytes for each session that has started, 25 for each packet in flight.
 */
class SessionsWorkload : public WorkloadBase
{
  public:
    /**
     * @param firstSession index of the first session in the run
     * @param generator number of this workload among those of its kind
     * @param start of the arrivals
     * @param balanced where the sessions go to; empty: to as many servers as there are
     * @throws std::invalid_argument if no traffic can be made of the parameters
     */
    SessionsWorkload(const SessionsSection& section,
                     const Prefix& inside,
                     Instant start,
                     std::uint64_t seed,
                     std::uint32_t generator,
                     std::uint32_t firstSession,
                     const BalancedService& balanced = {});

    std::optional<Instant> NextWakeup() const override;
    void
    Wakeup(Instant now, FramePool& pool, PacketLedger& ledger, std::vector<Outgoing>& out) override;

    std::uint32_t Sessions() const override
    {
        return m_sessionCount;
    }

    std::optional<std::uint32_t> SessionOf(const FlowKey& original) const override;
    FlowKey KeyOf(std::uint32_t session) const override;
    std::optional<Instant> StartOf(std::uint32_t session) const override;
    bool HasTrafficLeft(std::uint32_t session) const override;

  protected:
    SessionAccount& AccountOf(std::uint32_t session) override
    {
        return m_sessions[session].account;
    }

    std::uint32_t PacketsOf(std::uint32_t session) const override;
    FlowKey LocalKeyOf(std::uint32_t session) const override;
    ExpectedPacket ExpectedOf(const PacketNote& note) override;
    void Delivered(const PacketNote& note, Instant now) override;

  private:
    /** The kinds of packets; each has a template. */
    enum class Step : std::uint8_t
    {
        SYN,
        SYN_ACK,
        ACK,
        DATA,  ///< of the client; UDP: a request
        REPLY, ///< of the server to data or a request
        FIN,
        FIN_ACK,
        LAST_ACK,
    };
    static constexpr std::size_t STEP_COUNT = 8;
    static constexpr std::size_t HEADER_BYTES_MAX = 54;

    /** A packet with endpoints and sequence numbers 0, and what its checksums add up to then. */
    struct Template
    {
        std::array<std::uint8_t, HEADER_BYTES_MAX> header{};
        std::uint16_t headerSize = 0;
        std::uint32_t payloadLength = 0;
        std::uint16_t ipChecksum = 0;
        std::uint16_t l4Checksum = 0;
    };

    struct Session
    {
        SessionAccount account;
        std::uint32_t dataArrived = 0;    ///< at the server
        std::uint32_t repliesArrived = 0; ///< at the client
    };

    /** A packet to be sent. */
    struct Send
    {
        Instant due;
        std::uint32_t session;
        std::uint32_t packet;
    };

    /** TCP sequence and acknowledgement number. */
    struct Numbers
    {
        std::uint32_t sequence;
        std::uint32_t acknowledgement;
    };

    bool IsTcp() const
    {
        return m_protocol == IpProtocol::TCP;
    }

    std::uint32_t PacketOf(Step step, std::uint32_t k = 0) const;
    Step StepOf(std::uint32_t packet) const;
    /** @returns the number of a data packet or of the reply to it. */
    std::uint32_t DataIndexOf(std::uint32_t packet) const;
    static bool IsFromServer(Step step);
    void MakeTemplate(Step step);
    Numbers NumbersOf(std::uint32_t session, std::uint32_t packet, std::uint32_t detail) const;
    /** @returns what the packet, sent now, acknowledges: PacketNote::detail. */
    std::uint32_t DetailOf(const Session& session, Step step) const;
    void BuildFrame(const PacketNote& note, Frame& frame) const;
    void
    StartSession(Instant now, FramePool& pool, PacketLedger& ledger, std::vector<Outgoing>& out);
    void SendPacket(const Send& send,
                    Instant now,
                    FramePool& pool,
                    PacketLedger& ledger,
                    std::vector<Outgoing>& out);
    /** Send the packet at `due`, which is never before the due time of the queue's last one. */
    void
    Schedule(std::deque<Send>& queue, Instant due, std::uint32_t session, std::uint32_t packet);
    void DeliveredTcp(const PacketNote& note, Step step, Session& session, Instant now);

    IpProtocol m_protocol;
    std::uint32_t m_sessionCount;
    std::uint32_t m_packets; ///< data packets of a session and direction
    Duration m_gap;
    std::uint32_t m_payloadBytes;
    std::uint32_t m_replyBytes;
    std::uint64_t m_seed;
    SessionTuples m_tuples;
    ArrivalProcess m_arrivals;
    Instant m_nextArrival;
    std::vector<Session> m_sessions; ///< those that have started
    // All pauses of a kind are equal, so two queues do what a priority queue would do.
    std::deque<Send> m_answers; ///< due when they were queued
    std::deque<Send> m_paced;   ///< due one gap after they were queued
    std::array<Template, STEP_COUNT> m_templates;
    std::array<std::uint8_t, HEADER_BYTES_MAX> m_expected{}; ///< what ExpectedOf() returns
};

} // namespace flowchain

#endif
