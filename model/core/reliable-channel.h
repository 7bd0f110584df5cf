// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RELIABLE_CHANNEL_H
#define FLOWCHAIN_RELIABLE_CHANNEL_H

#include "frame-pool.h"
#include "instant.h"
#include "sync-message.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace flowchain
{

/** Attributes of every reliable channel. */
struct ChannelConfig
{
    Duration retransmitTimeout{500'000'000}; ///< first one; doubled each time
    Duration retransmitTimeoutMax{50'000'000'000};
    std::uint16_t retriesMax = 30;
    std::uint16_t window = 64;         ///< unacknowledged messages, 1..64
    std::uint32_t backlogMax = 65'536; ///< messages that wait for the window
    std::uint32_t backlogHigh = 0;     ///< from so many on the channel is congested; 0: never
    std::uint32_t backlogLow = 0;      ///< until only so many are left; below backlogHigh
    /** How long an acknowledgement may wait for a message to ride on. */
    Duration ackDelay{0};
    std::uint16_t batchCount = 1;    ///< messages in one frame, at most
    Duration batchDelay{0};          ///< that a message may wait for others to the same peer
    std::uint32_t batchBytes = 1400; ///< length of a frame with several messages, at most
};

/**
 * One direction each way between a node and one peer: sequence numbers, cumulative and selective
 * acknowledgement, retransmission with exponential back-off, bounded window and backlog. Messages
 * are handed over once each, as they arrive, in any order: every one of them may be applied in any
 * order.
 *
 * The window is the credit of flow control: a message is acknowledged when the receiver has
 * processed it, so a slow receiver opens the window slowly. What the sender cannot send yet waits
 * in the backlog; IsCongested() tells the role to make no more.
 */
class ReliableChannel
{
  public:
    /** What is kept of a message until it is acknowledged. */
    struct Outstanding
    {
        FramePtr copy;           ///< the encoded message; null: slot free
        std::uint64_t token = 0; ///< the sender's own name for it
        Instant deadline{};      ///< of the next retransmission
        std::uint32_t sequence = 0;
        std::uint16_t retries = 0;
        MessageKind kind = MessageKind::ACK;
    };

    enum class SendVerdict : std::uint8_t
    {
        TRANSMIT,     ///< send the frame now; a copy is kept
        QUEUED,       ///< the window is closed; the frame is kept
        BACKLOG_FULL, ///< refused; the caller still owns the frame
    };

    explicit ReliableChannel(const ChannelConfig& config);

    /** Sequence number that the next message must carry; it is then passed to Send(). */
    std::uint32_t NextSequence() const;

    /**
     * Register a message that was encoded with NextSequence().
     * @param frame moved from exactly when QUEUED; on TRANSMIT the channel clones it from `pool`
     */
    SendVerdict
    Send(FramePtr& frame, MessageKind kind, std::uint64_t token, Instant now, FramePool& pool);

    /** Process the acknowledgement fields of a header; of what was never sent: ignored. Tokens of
     * newly acknowledged messages are appended, with their kinds, to `acknowledged`; frames that
     * the window now lets out, for the first time, are appended to `out` (they are clones, not yet
     * restamped). */
    void Acknowledge(const MessageHeader& header,
                     Instant now,
                     FramePool& pool,
                     std::vector<std::pair<MessageKind, std::uint64_t>>& acknowledged,
                     std::vector<FramePtr>& out);

    /** Note an arriving sequence number. @returns true if it is new, false for a duplicate. An
     * acknowledgement becomes due in either case. A number beyond the window says that the sender
     * has abandoned the oldest missing ones (it keeps within 64 of the first unsettled one): they
     * count as arrived from then on. */
    bool Accept(std::uint32_t sequence);

    /** Whether Accept() would say that the number is new. */
    bool IsNew(std::uint32_t sequence) const;

    /** The peer refuses a message for good. @returns it, or one without `copy` if it is settled;
     * frames that the window then lets out are appended to `out` */
    Outstanding
    Refuse(std::uint32_t sequence, Instant now, FramePool& pool, std::vector<FramePtr>& out);

    bool AckDue() const;
    /** @returns whether so much has arrived since the last acknowledgement that the peer's window
     * may close: half of our own. */
    bool AckUrgent() const;
    /** Fill acknowledged and selective; clears AckDue(). */
    void FillAck(MessageHeader& header);
    /** Arrivals that no header has acknowledged yet. */
    std::uint32_t Owed() const
    {
        return m_owed;
    }

    /** The message for which FillAck() was called does not leave now. @param owed Owed() before */
    void OweAck(std::uint32_t owed)
    {
        m_owed += owed;
    }

    /** Earliest retransmission deadline, or NEVER. Amortised constant: may be early, never late. */
    Instant NextDeadline() const;

    /**
     * Copies to send again because their deadline has passed, appended to `out` (they are clones,
     * not yet restamped). Messages whose retries are exhausted are moved to `abandoned`; frames
     * that the window then lets out, for the first time, are appended behind them.
     * @returns how many retransmissions
     */
    std::uint32_t Expire(Instant now,
                         FramePool& pool,
                         std::vector<FramePtr>& out,
                         std::vector<Outstanding>& abandoned);

    /** The peer is gone or has restarted: hand back everything unacknowledged, the backlog
     * included, in sequence order, and start the sending direction again from sequence number 1.
     * The receiving direction is untouched. */
    std::vector<Outstanding> ResetSender();

    /** The peer has restarted: forget what it had sent; the sending direction is untouched. */
    void ResetReceiver();

    std::size_t OutstandingCount() const;
    std::size_t BacklogCount() const;

    /** From BacklogCount() >= backlogHigh until it is down to backlogLow. */
    bool IsCongested() const
    {
        return m_congested;
    }

    /** Most that OutstandingCount() has been. */
    std::uint32_t OutstandingMax() const
    {
        return m_outstandingMax;
    }

    /** Most that BacklogCount() has been. */
    std::uint32_t BacklogMax() const
    {
        return m_backlogMax;
    }

  private:
    friend class MachineDigest; ///< of tests

    Outstanding& SlotOf(std::uint32_t sequence);
    bool WindowOpen() const;
    Duration TimeoutAfter(std::uint16_t retries) const;
    void Keep(Outstanding&& message, Instant now);
    void Settle(std::uint32_t sequence,
                std::vector<std::pair<MessageKind, std::uint64_t>>& acknowledged);
    void SlideWindow();
    /** Take the number m_arrived + 1 as arrived, and those behind it that have. */
    void AdvanceArrived();
    void DrainBacklog(Instant now, FramePool& pool, std::vector<FramePtr>& out);

    ChannelConfig m_config;

    // Sending. Numbers below m_base are settled (acknowledged or abandoned), those below m_unsent
    // are settled or in the ring, those below m_next wait in the backlog.
    std::uint32_t m_base = 1;
    std::uint32_t m_unsent = 1;
    std::uint32_t m_next = 1;
    std::uint32_t m_outstanding = 0;  ///< occupied slots of the ring
    std::uint32_t m_acknowledged = 0; ///< fields of the last header that was processed
    std::uint64_t m_selective = 0;
    Instant m_nextDeadline = NEVER;     ///< no deadline is earlier
    std::vector<Outstanding> m_ring;    ///< index: sequence modulo size; empty until the first use
    std::vector<Outstanding> m_backlog; ///< from m_backlogBegin on, in sequence order
    std::size_t m_backlogBegin = 0;
    bool m_congested = false;
    std::uint32_t m_outstandingMax = 0;
    std::uint32_t m_backlogMax = 0;

    // Receiving.
    std::uint32_t m_arrived = 0;          ///< all numbers up to this one have arrived
    std::uint64_t m_arrivedSelective = 0; ///< bit i: m_arrived + 2 + i has arrived
    std::uint32_t m_owed = 0;             ///< arrivals that no header has acknowledged
};

} // namespace flowchain

#endif
