// SPDX-License-Identifier: GPL-2.0-only
#include "reliable-channel.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>
#include <utility>

namespace flowchain
{

namespace
{

constexpr std::uint32_t SELECTIVE_BITS = 64;

/** The highest sequence number that the selective field can name. */
constexpr std::uint32_t
SelectiveEnd(std::uint32_t cumulative)
{
    return cumulative + 1 + SELECTIVE_BITS;
}

} // namespace

ReliableChannel::ReliableChannel(const ChannelConfig& config)
    : m_config(config)
{
    assert(config.window >= 1 && config.window <= SELECTIVE_BITS);
    assert(config.retransmitTimeout > Duration::zero());
    assert(config.retransmitTimeoutMax >= config.retransmitTimeout);
    assert(config.backlogHigh == 0 || config.backlogLow < config.backlogHigh);
}

std::uint32_t
ReliableChannel::NextSequence() const
{
    return m_next;
}

ReliableChannel::SendVerdict
ReliableChannel::Send(
    FramePtr& frame, MessageKind kind, std::uint64_t token, Instant now, FramePool& pool)
{
    assert(frame != nullptr);
    // The arithmetic on sequence numbers leaves room for one window; a run does not get there.
    assert(m_next < std::numeric_limits<std::uint32_t>::max() - 2 * SELECTIVE_BITS);
    Outstanding message;
    message.token = token;
    message.sequence = m_next;
    message.kind = kind;
    if (WindowOpen())
    {
        assert(BacklogCount() == 0); // else this message would overtake
        message.copy = pool.Clone(*frame);
        Keep(std::move(message), now);
        ++m_next;
        return SendVerdict::TRANSMIT;
    }
    if (BacklogCount() >= m_config.backlogMax)
    {
        return SendVerdict::BACKLOG_FULL;
    }
    message.copy = std::move(frame);
    m_backlog.push_back(std::move(message));
    const auto waiting = static_cast<std::uint32_t>(BacklogCount());
    m_backlogMax = std::max(m_backlogMax, waiting);
    m_congested = m_congested || (m_config.backlogHigh != 0 && waiting >= m_config.backlogHigh);
    ++m_next;
    return SendVerdict::QUEUED;
}

void
ReliableChannel::Acknowledge(const MessageHeader& header,
                             Instant now,
                             FramePool& pool,
                             std::vector<std::pair<MessageKind, std::uint64_t>>& acknowledged,
                             std::vector<FramePtr>& out)
{
    if (header.acknowledged == m_acknowledged && header.selective == m_selective)
    {
        return;
    }
    if (m_outstanding == 0 || header.acknowledged >= m_unsent)
    {
        return;
    }
    m_acknowledged = header.acknowledged;
    m_selective = header.selective;
    for (std::uint32_t sequence = m_base; sequence <= header.acknowledged; ++sequence)
    {
        Settle(sequence, acknowledged);
    }
    for (std::uint64_t bits = header.selective; bits != 0; bits &= bits - 1)
    {
        const auto bit = static_cast<std::uint32_t>(std::countr_zero(bits));
        Settle(header.acknowledged + 2 + bit, acknowledged);
    }
    SlideWindow();
    DrainBacklog(now, pool, out);
}

bool
ReliableChannel::Accept(std::uint32_t sequence)
{
    assert(sequence != 0);
    ++m_owed;
    while (sequence > SelectiveEnd(m_arrived))
    {
        AdvanceArrived();
    }
    if (sequence <= m_arrived)
    {
        return false;
    }
    if (sequence == m_arrived + 1)
    {
        AdvanceArrived();
        return true;
    }
    const std::uint64_t bit = std::uint64_t{1} << (sequence - m_arrived - 2);
    const bool isNew = (m_arrivedSelective & bit) == 0;
    m_arrivedSelective |= bit;
    return isNew;
}

bool
ReliableChannel::IsNew(std::uint32_t sequence) const
{
    if (sequence > SelectiveEnd(m_arrived))
    {
        return true;
    }
    return sequence == m_arrived + 1 ||
           (sequence > m_arrived && (m_arrivedSelective >> (sequence - m_arrived - 2) & 1) == 0);
}

ReliableChannel::Outstanding
ReliableChannel::Refuse(std::uint32_t sequence,
                        Instant now,
                        FramePool& pool,
                        std::vector<FramePtr>& out)
{
    Outstanding message;
    if (sequence >= m_base && sequence < m_unsent && SlotOf(sequence).copy != nullptr)
    {
        message = std::move(SlotOf(sequence));
        --m_outstanding;
        SlideWindow();
        DrainBacklog(now, pool, out);
    }
    return message;
}

bool
ReliableChannel::AckDue() const
{
    return m_owed != 0;
}

bool
ReliableChannel::AckUrgent() const
{
    return 2 * m_owed >= m_config.window;
}

void
ReliableChannel::FillAck(MessageHeader& header)
{
    header.acknowledged = m_arrived;
    header.selective = m_arrivedSelective;
    m_owed = 0;
}

Instant
ReliableChannel::NextDeadline() const
{
    return m_nextDeadline;
}

std::uint32_t
ReliableChannel::Expire(Instant now,
                        FramePool& pool,
                        std::vector<FramePtr>& out,
                        std::vector<Outstanding>& abandoned)
{
    if (now < m_nextDeadline)
    {
        return 0;
    }
    m_nextDeadline = NEVER;
    std::uint32_t retransmissions = 0;
    for (std::uint32_t sequence = m_base; sequence != m_unsent; ++sequence)
    {
        Outstanding& message = SlotOf(sequence);
        if (message.copy == nullptr)
        {
            continue;
        }
        if (message.deadline <= now && message.retries == m_config.retriesMax)
        {
            abandoned.push_back(std::move(message));
            --m_outstanding;
            continue;
        }
        if (message.deadline <= now)
        {
            ++message.retries;
            message.deadline = now + TimeoutAfter(message.retries);
            out.push_back(pool.Clone(*message.copy));
            ++retransmissions;
        }
        m_nextDeadline = std::min(m_nextDeadline, message.deadline);
    }
    SlideWindow();
    DrainBacklog(now, pool, out);
    return retransmissions;
}

std::vector<ReliableChannel::Outstanding>
ReliableChannel::ResetSender()
{
    std::vector<Outstanding> unacknowledged;
    for (std::uint32_t sequence = m_base; sequence != m_unsent; ++sequence)
    {
        if (SlotOf(sequence).copy != nullptr)
        {
            unacknowledged.push_back(std::move(SlotOf(sequence)));
        }
    }
    for (std::size_t i = m_backlogBegin; i < m_backlog.size(); ++i)
    {
        unacknowledged.push_back(std::move(m_backlog[i]));
    }
    m_backlog.clear();
    m_backlogBegin = 0;
    m_congested = false;
    m_base = m_unsent = m_next = 1;
    m_outstanding = 0;
    m_acknowledged = 0;
    m_selective = 0;
    m_nextDeadline = NEVER;
    return unacknowledged;
}

void
ReliableChannel::ResetReceiver()
{
    m_arrived = 0;
    m_arrivedSelective = 0;
    m_owed = 0;
}

std::size_t
ReliableChannel::OutstandingCount() const
{
    return m_outstanding;
}

std::size_t
ReliableChannel::BacklogCount() const
{
    return m_backlog.size() - m_backlogBegin;
}

ReliableChannel::Outstanding&
ReliableChannel::SlotOf(std::uint32_t sequence)
{
    return m_ring[sequence & (m_ring.size() - 1)];
}

bool
ReliableChannel::WindowOpen() const
{
    return m_unsent - m_base < m_config.window;
}

Duration
ReliableChannel::TimeoutAfter(std::uint16_t retries) const
{
    Duration timeout = m_config.retransmitTimeout;
    for (std::uint16_t i = 0; i < retries && timeout < m_config.retransmitTimeoutMax; ++i)
    {
        const bool fits = timeout <= m_config.retransmitTimeoutMax / 2;
        timeout = fits ? timeout * 2 : m_config.retransmitTimeoutMax;
    }
    return timeout;
}

void
ReliableChannel::Keep(Outstanding&& message, Instant now)
{
    assert(message.sequence == m_unsent && WindowOpen());
    if (m_ring.empty())
    {
        m_ring.resize(std::bit_ceil(std::size_t{m_config.window}));
    }
    message.deadline = now + TimeoutAfter(0);
    m_nextDeadline = std::min(m_nextDeadline, message.deadline);
    Outstanding& slot = SlotOf(m_unsent);
    assert(slot.copy == nullptr);
    slot = std::move(message);
    ++m_unsent;
    ++m_outstanding;
    m_outstandingMax = std::max(m_outstandingMax, m_outstanding);
}

void
ReliableChannel::Settle(std::uint32_t sequence,
                        std::vector<std::pair<MessageKind, std::uint64_t>>& acknowledged)
{
    if (sequence < m_base || sequence >= m_unsent || SlotOf(sequence).copy == nullptr)
    {
        return;
    }
    Outstanding& message = SlotOf(sequence);
    acknowledged.emplace_back(message.kind, message.token);
    message.copy.reset();
    --m_outstanding;
}

void
ReliableChannel::SlideWindow()
{
    while (m_base != m_unsent && SlotOf(m_base).copy == nullptr)
    {
        ++m_base;
    }
    if (m_outstanding == 0)
    {
        m_nextDeadline = NEVER;
    }
}

void
ReliableChannel::DrainBacklog(Instant now, FramePool& pool, std::vector<FramePtr>& out)
{
    while (BacklogCount() > 0 && WindowOpen())
    {
        Outstanding& message = m_backlog[m_backlogBegin++];
        out.push_back(pool.Clone(*message.copy));
        Keep(std::move(message), now);
    }
    m_congested = m_congested && BacklogCount() > m_config.backlogLow;
    // Cut the emptied front once it is half of the vector: constant time a message.
    if (m_backlogBegin * 2 >= m_backlog.size())
    {
        m_backlog.erase(m_backlog.begin(),
                        m_backlog.begin() + static_cast<std::ptrdiff_t>(m_backlogBegin));
        m_backlogBegin = 0;
    }
}

void
ReliableChannel::AdvanceArrived()
{
    bool next = false;
    do
    {
        ++m_arrived;
        next = (m_arrivedSelective & 1) != 0; // the number m_arrived + 1, as from now
        m_arrivedSelective >>= 1;
    } while (next);
}

} // namespace flowchain
