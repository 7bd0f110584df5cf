// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_REPLAY_WORKLOAD_H
#define FLOWCHAIN_REPLAY_WORKLOAD_H

#include "replay-capture.h"
#include "workload-base.h"

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <vector>

namespace flowchain
{

/**
 * Replays the conversations of a capture.
 *
 * Inside packets are sent at their recorded times, scaled, whatever the network does (open loop):
 * if the modelled network is slower than the recorded one, an inside host may acknowledge what has
 * not reached it yet. The far side is closed-loop: an outside packet is sent when all inside
 * packets that were recorded before it in its conversation have arrived, as long after the last
 * arrival as it was recorded after the last of them, scaled; and never before an earlier one of its
 * conversation. It is the recorded packet, addressed to the translated endpoint. An inside packet
 * that is lost therefore silences the far side from there on.
 *
 * Frames point into the capture, so the workload outlives all of them.
 */
class ReplayWorkload : public WorkloadBase
{
  public:
    /**
     * @param start time of the capture's first packet
     * @param timeScalePermille of recorded time to simulated time, 1/1000; 2000 is half as fast
     * @param firstSession index of the first session in the run
     * @throws std::invalid_argument if nothing of the capture can be replayed, or it lasts too long
     */
    ReplayWorkload(ReplayCapture capture,
                   Instant start,
                   std::uint32_t timeScalePermille,
                   std::uint32_t firstSession);

    std::optional<Instant> NextWakeup() const override;
    void
    Wakeup(Instant now, FramePool& pool, PacketLedger& ledger, std::vector<Outgoing>& out) override;

    std::uint32_t Sessions() const override
    {
        return static_cast<std::uint32_t>(m_sessions.size());
    }

    std::optional<std::uint32_t> SessionOf(const FlowKey& original) const override;
    FlowKey KeyOf(std::uint32_t session) const override;
    std::optional<Instant> StartOf(std::uint32_t session) const override;
    bool HasTrafficLeft(std::uint32_t session) const override;

    const ReplayCapture& Capture() const
    {
        return m_capture;
    }

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
    struct Session
    {
        SessionAccount account;
        std::uint32_t next = 0;         ///< first packet that is neither arrived nor released
        std::uint64_t lastInsideNs = 0; ///< recorded time of the last inside packet before `next`
        Instant lastOutside{};          ///< due time of the last outside packet
    };

    /** An outside packet that will be sent. */
    struct Answer
    {
        Instant due;
        std::uint64_t order; ///< of becoming known; decides between equal times
        std::uint32_t packet;

        friend bool operator>(const Answer& a, const Answer& b)
        {
            return a.due != b.due ? a.due > b.due : a.order > b.order;
        }
    };

    Duration Scaled(std::uint64_t recordedNs) const;
    Instant InsideDue() const;
    void SendPacket(std::uint32_t packet,
                    Instant now,
                    FramePool& pool,
                    PacketLedger& ledger,
                    std::vector<Outgoing>& out);

    ReplayCapture m_capture;
    Instant m_start;
    std::uint32_t m_timeScalePermille;
    std::vector<Session> m_sessions;     ///< index: conversation
    std::vector<std::uint32_t> m_inside; ///< packets from the inside, by recorded time
    std::size_t m_nextInside = 0;        ///< index into m_inside
    std::vector<bool> m_arrived;         ///< index: packet
    std::priority_queue<Answer, std::vector<Answer>, std::greater<>> m_answers;
    std::uint64_t m_answerCount = 0;
    std::map<FlowKey, std::uint32_t> m_sessionOf; ///< the last one that has started
};

} // namespace flowchain

#endif
