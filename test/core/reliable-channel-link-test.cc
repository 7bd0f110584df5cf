// SPDX-License-Identifier: GPL-2.0-only
#include "flow-hash.h"
#include "heap-frame-pool.h"
#include "reliable-channel.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <map>
#include <ostream>

namespace flowchain
{
namespace
{

/** What a link does to frames, and how much is sent over it. Percentages are of all frames. */
struct LinkPlan
{
    std::uint64_t seed = 0;
    std::uint32_t lossPercent = 0;
    std::uint32_t duplicatePercent = 0;
    std::int64_t delayMax = 1; ///< ps; each frame's is drawn from 1..delayMax
    std::int64_t downFrom = 0; ///< ps; every frame sent in [downFrom, downTo) is lost
    std::int64_t downTo = 0;
    std::array<std::uint32_t, 2> messages{}; ///< each end sends
    std::int64_t sendGap = 1;                ///< ps between two messages of an end
};

std::ostream&
operator<<(std::ostream& out, const LinkPlan& p)
{
    return out << "seed " << p.seed << ", loss " << p.lossPercent << "%, duplicates "
               << p.duplicatePercent << "%, delay 1.." << p.delayMax << ", down [" << p.downFrom
               << ", " << p.downTo << "), messages " << p.messages[0] << " and " << p.messages[1]
               << ", gap " << p.sendGap;
}

/**
 * Two ends of a channel and the frames between them, in simulated time. An end acknowledges every
 * arrival at once, with a message of its own where it has one to send.
 */
class LinkSimulation
{
  public:
    LinkSimulation(const LinkPlan& plan, const ChannelConfig& config)
        : m_plan(plan)
        , m_config(config)
        , m_ends{End(config), End(config)}
    {
    }

    void Run()
    {
        for (int end = 0; end < 2; ++end)
        {
            for (std::uint32_t i = 0; i < m_plan.messages[end]; ++i)
            {
                m_calendar.emplace(i * m_plan.sendGap, Happening{end, Happening::SEND, {}});
            }
        }
        std::uint64_t steps = 0;
        for (std::int64_t now = NextInstant(); now != NONE; now = NextInstant())
        {
            RC_ASSERT(++steps < 1'000'000U);
            m_now = now;
            while (!m_calendar.empty() && m_calendar.begin()->first == now)
            {
                const Happening happening = m_calendar.extract(m_calendar.begin()).mapped();
                Happen(happening);
            }
            for (int end = 0; end < 2; ++end)
            {
                // Only when the channel asks for it: a late NextDeadline() would lose messages.
                if (m_ends[end].channel.NextDeadline() <= Instant(Duration(now)))
                {
                    Expire(end);
                }
            }
            RC_ASSERT(m_pool.Live() == m_ends[0].Kept() + m_ends[1].Kept());
        }
        RC_ASSERT(m_pool.Live() == 0U);
    }

    /** Fates of the messages of an end; the index is the token. */
    struct Fate
    {
        std::uint32_t handedOver = 0;
        std::uint32_t acknowledged = 0;
        std::uint32_t abandoned = 0;
        std::int64_t sentAt = 0;
    };

    const std::vector<Fate>& FatesOf(int end) const
    {
        return m_ends[end].fates;
    }

  private:
    static constexpr std::int64_t NONE = -1;

    struct End
    {
        explicit End(const ChannelConfig& config)
            : channel(config)
        {
        }

        std::size_t Kept() const
        {
            return channel.OutstandingCount() + channel.BacklogCount();
        }

        ReliableChannel channel;
        std::vector<Fate> fates;
        std::vector<std::uint64_t> tokenOf{0}; ///< index: sequence number
    };

    struct Happening
    {
        int end;
        enum
        {
            SEND,
            ARRIVE
        } kind;
        MessageHeader header;
    };

    std::int64_t NextInstant() const
    {
        Instant next = std::min(m_ends[0].channel.NextDeadline(), m_ends[1].channel.NextDeadline());
        if (!m_calendar.empty())
        {
            next = std::min(next, Instant(Duration(m_calendar.begin()->first)));
        }
        return next == NEVER ? NONE : std::max(m_now, next.time_since_epoch().count());
    }

    std::uint64_t Draw(std::uint64_t below)
    {
        return Mix64(m_plan.seed + 0x9e3779b97f4a7c15 * ++m_draws) % below;
    }

    void Happen(const Happening& happening)
    {
        if (happening.kind == Happening::SEND)
        {
            Send(happening.end);
        }
        else
        {
            Arrive(happening.end, happening.header);
        }
    }

    void Send(int from)
    {
        End& end = m_ends[from];
        const std::uint64_t token = end.fates.size();
        const std::uint32_t sequence = end.channel.NextSequence();
        FramePtr frame = m_pool.Acquire();
        frame->packetId = sequence;
        end.fates.push_back({.sentAt = m_now});
        end.tokenOf.push_back(token);
        const auto verdict =
            end.channel.Send(frame, MessageKind::CHAIN, token, Instant(Duration(m_now)), m_pool);
        RC_ASSERT(verdict != ReliableChannel::SendVerdict::BACKLOG_FULL);
        if (verdict == ReliableChannel::SendVerdict::TRANSMIT)
        {
            Transmit(from, sequence);
        }
        RC_ASSERT(end.channel.OutstandingCount() <= m_config.window);
    }

    /** Put a frame on the wire, with fresh acknowledgement fields; sequence 0: nothing else. */
    void Transmit(int from, std::uint32_t sequence)
    {
        MessageHeader header;
        header.sequence = sequence;
        m_ends[from].channel.FillAck(header);
        const bool down = m_now >= m_plan.downFrom && m_now < m_plan.downTo;
        const bool lost = Draw(100) < m_plan.lossPercent || down;
        const int copies = (lost ? 0 : 1) + (!down && Draw(100) < m_plan.duplicatePercent ? 1 : 0);
        for (int i = 0; i < copies; ++i)
        {
            const auto delay =
                static_cast<std::int64_t>(1 + Draw(static_cast<std::uint64_t>(m_plan.delayMax)));
            m_calendar.emplace(m_now + delay, Happening{1 - from, Happening::ARRIVE, header});
        }
    }

    void Arrive(int to, const MessageHeader& header)
    {
        End& end = m_ends[to];
        std::vector<std::pair<MessageKind, std::uint64_t>> acknowledged;
        std::vector<FramePtr> out;
        end.channel.Acknowledge(header, Instant(Duration(m_now)), m_pool, acknowledged, out);
        for (const auto& [kind, token] : acknowledged)
        {
            ++end.fates[token].acknowledged;
        }
        if (header.sequence != 0 && end.channel.Accept(header.sequence))
        {
            End& origin = m_ends[1 - to];
            ++origin.fates[origin.tokenOf[header.sequence]].handedOver;
        }
        for (const FramePtr& frame : out)
        {
            Transmit(to, frame->packetId);
        }
        if (end.channel.AckDue())
        {
            Transmit(to, 0);
        }
    }

    void Expire(int from)
    {
        End& end = m_ends[from];
        std::vector<FramePtr> out;
        std::vector<ReliableChannel::Outstanding> abandoned;
        end.channel.Expire(Instant(Duration(m_now)), m_pool, out, abandoned);
        for (const auto& message : abandoned)
        {
            ++end.fates[message.token].abandoned;
        }
        for (const FramePtr& frame : out)
        {
            Transmit(from, frame->packetId);
        }
    }

    LinkPlan m_plan;
    ChannelConfig m_config;
    HeapFramePool m_pool;
    std::array<End, 2> m_ends;
    std::multimap<std::int64_t, Happening> m_calendar;
    std::int64_t m_now = 0;
    std::uint64_t m_draws = 0;
};

LinkPlan
AnyPlan()
{
    LinkPlan plan;
    plan.seed = *rc::gen::arbitrary<std::uint64_t>();
    plan.lossPercent = *rc::gen::inRange(0U, 50U);
    plan.duplicatePercent = *rc::gen::inRange(0U, 50U);
    plan.delayMax = *rc::gen::inRange<std::int64_t>(1, 500);
    plan.messages = {*rc::gen::inRange(0U, 300U), *rc::gen::inRange(0U, 300U)};
    plan.sendGap = *rc::gen::inRange<std::int64_t>(0, 60);
    return plan;
}

ChannelConfig
AnyConfig()
{
    ChannelConfig config;
    config.retransmitTimeout = Duration(*rc::gen::inRange(50, 400));
    config.retransmitTimeoutMax = Duration(2000);
    config.retriesMax = 1000;
    config.window = *rc::gen::inRange<std::uint16_t>(1, 65);
    return config;
}

RC_GTEST_PROP(ReliableChannelLink, EveryMessageIsHandedOverOnceAndAcknowledgedOnce, ())
{
    const LinkPlan plan = AnyPlan();
    LinkSimulation link(plan, AnyConfig());
    RC_LOG() << plan;
    link.Run();
    for (const int end : {0, 1})
    {
        RC_ASSERT(link.FatesOf(end).size() == plan.messages[end]);
        for (const auto& fate : link.FatesOf(end))
        {
            RC_ASSERT(fate.handedOver == 1U);
            RC_ASSERT(fate.acknowledged == 1U);
            RC_ASSERT(fate.abandoned == 0U);
        }
    }
}

RC_GTEST_PROP(ReliableChannelLink, AChannelOutlivesAnOutageThatAbandonsMessages, ())
{
    LinkPlan plan = AnyPlan();
    plan.lossPercent = 0;
    plan.sendGap = *rc::gen::inRange<std::int64_t>(10, 200);
    plan.downFrom = *rc::gen::inRange<std::int64_t>(0, 20'000);
    plan.downTo = plan.downFrom + *rc::gen::inRange<std::int64_t>(0, 20'000);
    ChannelConfig config = AnyConfig();
    config.retriesMax = *rc::gen::inRange<std::uint16_t>(0, 6);
    // An acknowledgement takes up to two delays; without an outage nothing may be abandoned.
    config.retransmitTimeout = Duration(2 * plan.delayMax + 1);
    LinkSimulation link(plan, config);
    RC_LOG() << plan << ", retries " << config.retriesMax << ", window " << config.window;
    link.Run();
    std::uint32_t abandoned = 0;
    for (const int end : {0, 1})
    {
        for (const auto& fate : link.FatesOf(end))
        {
            RC_ASSERT(fate.acknowledged + fate.abandoned == 1U);
            RC_ASSERT(fate.handedOver <= 1U);
            RC_ASSERT(fate.handedOver >= fate.acknowledged);
            RC_ASSERT(fate.sentAt < plan.downTo || fate.acknowledged == 1U);
            abandoned += fate.abandoned;
        }
    }
    RC_CLASSIFY(abandoned > 64);
}

TEST(ReliableChannelLink, ADeadLinkReturnsEveryTokenOnce)
{
    LinkPlan plan;
    plan.lossPercent = 100;
    plan.messages = {500, 0};
    ChannelConfig config;
    config.retriesMax = 5;
    LinkSimulation link(plan, config);
    link.Run();
    for (const auto& fate : link.FatesOf(0))
    {
        EXPECT_EQ(fate.handedOver, 0U);
        EXPECT_EQ(fate.acknowledged, 0U);
        EXPECT_EQ(fate.abandoned, 1U);
    }
}

} // namespace
} // namespace flowchain
