// SPDX-License-Identifier: GPL-2.0-only
// Two ends of a transport over a link that loses, repeats and reorders frames.
#include "message-transport.h"

#include "directory-builder.h"
#include "flow-hash.h"
#include "heap-frame-pool.h"
#include "message-batch.h"
#include "protocol-machine.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <ostream>

namespace flowchain
{
namespace
{

/** What the link does to frames, and how much is sent over it. Percentages are of all frames. */
struct LinkPlan
{
    std::uint64_t seed = 0;
    std::uint32_t lossPercent = 10;
    std::uint32_t duplicatePercent = 10;
    std::int64_t delayMax = 1;               ///< ps; each frame's is drawn from 1..delayMax
    std::array<std::uint32_t, 2> messages{}; ///< each end sends
    std::int64_t sendGap = 1;                ///< ps between two steps of an end
    std::uint32_t together = 1;              ///< messages of one step
    std::uint32_t packetPercent = 0;         ///< of the messages have an inner frame
};

std::ostream&
operator<<(std::ostream& out, const LinkPlan& p)
{
    return out << "seed " << p.seed << ", loss " << p.lossPercent << "%, duplicates "
               << p.duplicatePercent << "%, delay 1.." << p.delayMax << ", messages "
               << p.messages[0] << " and " << p.messages[1] << ", gap " << p.sendGap
               << ", together " << p.together << ", packets " << p.packetPercent << "%";
}

/** Checks of one run are made as it goes; a broken one ends the test case. */
class TransportPair
{
  public:
    TransportPair(const LinkPlan& plan, const ChannelConfig& config)
        : m_plan(plan)
        , m_config(config)
        , m_directory(DirectoryBuilder().Group(2).Build())
    {
        for (NodeId node = 0; node < 2; ++node)
        {
            m_ends[node] = std::make_unique<End>(node, config, m_directory, m_pool);
        }
    }

    /** Run until nothing is left to do. */
    void Run()
    {
        for (NodeId end = 0; end < 2; ++end)
        {
            std::int64_t at = 0;
            for (std::uint32_t sent = 0; sent < m_plan.messages[end]; at += m_plan.sendGap)
            {
                const auto count = std::min(m_plan.together, m_plan.messages[end] - sent);
                m_sends.emplace(at, std::pair(end, count));
                sent += count;
            }
        }
        std::uint64_t steps = 0;
        while (Next() != NEVER)
        {
            RC_ASSERT(++steps < 1'000'000U);
            m_now = std::max(m_now, Next());
            StepOne();
        }
        RC_ASSERT(m_pool.Live() == 0U);
    }

    /** Fates of the messages of an end; the index is the token. */
    struct Fate
    {
        std::uint32_t handedOver = 0;
        std::uint32_t acknowledged = 0;
        std::uint32_t transmissions = 0;
        Instant sentAt{};
    };

    const std::vector<Fate>& FatesOf(NodeId end) const
    {
        return m_ends[end]->fates;
    }

    const MessageTransport& TransportOf(NodeId end) const
    {
        return m_ends[end]->transport;
    }

    std::uint32_t frames = 0;   ///< sent
    std::uint32_t loneAcks = 0; ///< sent
    std::uint32_t batches = 0;  ///< sent
    std::uint32_t largest = 0;  ///< most messages in one batch

  private:
    struct End
    {
        End(NodeId node, const ChannelConfig& channel, const Directory& directory, FramePool& pool)
            : config{.self = node, .directory = &directory, .pool = &pool, .channel = channel}
            , view(MembershipView::Initial(directory))
            , transport(config, view)
        {
        }

        NodeConfig config;
        MembershipView view;
        MessageTransport transport;
        std::vector<Fate> fates;
        std::map<std::uint32_t, Instant> owedSince; ///< sequence numbers not yet acknowledged
    };

    Instant Next() const
    {
        Instant next =
            std::min(m_ends[0]->transport.NextWakeup(), m_ends[1]->transport.NextWakeup());
        if (!m_sends.empty())
        {
            next = std::min(next, Instant(Duration(m_sends.begin()->first)));
        }
        return m_calendar.empty() ? next : std::min(next, m_calendar.begin()->first);
    }

    void StepOne()
    {
        if (!m_calendar.empty() && m_calendar.begin()->first <= m_now)
        {
            auto [to, frame] = std::move(m_calendar.extract(m_calendar.begin()).mapped());
            Arrive(to, *frame);
            EndStep(to);
            return;
        }
        if (!m_sends.empty() && Instant(Duration(m_sends.begin()->first)) <= m_now)
        {
            const auto [from, count] = m_sends.extract(m_sends.begin()).mapped();
            for (std::uint32_t i = 0; i < count; ++i)
            {
                Send(from);
            }
            EndStep(from);
            return;
        }
        for (NodeId end = 0; end < 2; ++end)
        {
            MessageTransport& transport = m_ends[end]->transport;
            if (transport.RetransmitDeadline() <= m_now)
            {
                std::vector<ReliableChannel::Outstanding> abandoned;
                transport.Expire(1 - end, m_now, abandoned, m_actions);
                transport.EndExpiry();
                RC_ASSERT(abandoned.empty());
            }
            EndStep(end);
        }
    }

    void Send(NodeId from)
    {
        End& end = *m_ends[from];
        SyncMessage message;
        FramePtr frame = m_pool.Acquire();
        if (Draw(100) < m_plan.packetPercent)
        {
            message.header.kind = MessageKind::PROCESS;
            message.hasInnerFrame = true;
            std::ranges::fill(frame->Append(60), std::uint8_t{0});
        }
        else
        {
            message.header.kind = MessageKind::CHAIN;
            message.record.original.protocol = IpProtocol::UDP;
            message.record.translated.protocol = IpProtocol::UDP;
        }
        end.fates.push_back({.sentAt = m_now});
        RC_ASSERT(end.transport.SendReliable(
            1 - from, message, std::move(frame), end.fates.size() - 1, m_now, m_actions));
    }

    /** Put what the step has sent on the link. */
    void EndStep(NodeId from)
    {
        m_ends[from]->transport.EndStep(m_now, m_actions);
        for (FramePtr& frame : m_actions.sends)
        {
            Check(from, *frame);
            const bool lost = Draw(100) < m_plan.lossPercent;
            FramePtr second = Draw(100) < m_plan.duplicatePercent ? m_pool.Clone(*frame) : nullptr;
            if (!lost)
            {
                Enqueue(1 - from, std::move(frame));
            }
            if (second != nullptr)
            {
                Enqueue(1 - from, std::move(second));
            }
        }
        m_actions.Clear();
    }

    void Enqueue(NodeId to, FramePtr frame)
    {
        const auto delay = 1 + Draw(static_cast<std::uint64_t>(m_plan.delayMax));
        m_calendar.emplace(m_now + Duration(static_cast<std::int64_t>(delay)),
                           std::pair(to, std::move(frame)));
    }

    std::vector<SyncMessage> MessagesOf(const Frame& frame)
    {
        SyncMessage message;
        std::size_t outer = 0;
        RC_ASSERT(Decode(frame, message, outer) == DecodeVerdict::OK);
        std::vector<SyncMessage> messages;
        if (message.header.kind != MessageKind::BATCH)
        {
            return {message};
        }
        RC_ASSERT(DecodeBatch(frame, messages) == DecodeVerdict::OK);
        return messages;
    }

    /** The promises about what is sent, and when. */
    void Check(NodeId from, const Frame& frame)
    {
        End& end = *m_ends[from];
        const auto messages = MessagesOf(frame);
        ++frames;
        batches += messages.size() > 1 ? 1 : 0;
        loneAcks += messages[0].header.kind == MessageKind::ACK ? 1 : 0;
        largest = std::max(largest, static_cast<std::uint32_t>(messages.size()));
        RC_ASSERT(messages.size() <= m_config.batchCount);
        RC_ASSERT(messages.size() == 1 || frame.Length() <= m_config.batchBytes);
        for (const SyncMessage& message : messages)
        {
            const MessageHeader& header = message.header;
            if (header.sequence != 0)
            {
                Fate& fate = end.fates[header.sequence - 1];
                RC_ASSERT((fate.transmissions != 0) ==
                          ((header.flags & message_flag::RESEND) != 0));
                ++fate.transmissions;
            }
            std::erase_if(end.owedSince,
                          [&](const auto& owed)
                          {
                const auto [sequence, since] = owed;
                const bool named =
                    sequence <= header.acknowledged ||
                    (sequence >= header.acknowledged + 2 &&
                     (header.selective >> (sequence - header.acknowledged - 2) & 1) != 0);
                // It has waited for a message, and then with that message for others.
                RC_ASSERT(!named || m_now - since <= m_config.ackDelay + m_config.batchDelay);
                return named;
            });
        }
    }

    void Arrive(NodeId to, const Frame& frame)
    {
        End& end = *m_ends[to];
        for (const SyncMessage& message : MessagesOf(frame))
        {
            const MessageHeader& header = message.header;
            std::vector<std::pair<MessageKind, std::uint64_t>> acknowledged;
            end.transport.Acknowledge(header, acknowledged, m_now, m_actions);
            for (const auto& [kind, token] : acknowledged)
            {
                ++end.fates[token].acknowledged;
            }
            if (header.sequence != 0)
            {
                const bool fresh = end.transport.Accept(header.source, header.sequence, m_now);
                m_ends[1 - to]->fates[header.sequence - 1].handedOver += fresh ? 1 : 0;
                end.owedSince.emplace(header.sequence, m_now);
            }
        }
    }

    std::uint64_t Draw(std::uint64_t below)
    {
        return Mix64(m_plan.seed + 0x9e3779b97f4a7c15 * ++m_draws) % below;
    }

    LinkPlan m_plan;
    ChannelConfig m_config;
    Directory m_directory;
    HeapFramePool m_pool;
    std::array<std::unique_ptr<End>, 2> m_ends;
    std::multimap<Instant, std::pair<NodeId, FramePtr>> m_calendar;
    std::multimap<std::int64_t, std::pair<NodeId, std::uint32_t>> m_sends;
    Actions m_actions;
    Instant m_now{};
    std::uint64_t m_draws = 0;
};

void
CheckAllOnce(const TransportPair& pair, const LinkPlan& plan)
{
    for (const NodeId end : {0, 1})
    {
        RC_ASSERT(pair.FatesOf(end).size() == plan.messages[end]);
        for (const auto& fate : pair.FatesOf(end))
        {
            RC_ASSERT(fate.handedOver == 1U);
            RC_ASSERT(fate.acknowledged == 1U);
        }
    }
}

RC_GTEST_PROP(MessageTransport, EveryMessageIsHandedOverOnceAndAcknowledgedOnce, ())
{
    LinkPlan plan;
    plan.seed = *rc::gen::arbitrary<std::uint64_t>();
    plan.delayMax = *rc::gen::inRange<std::int64_t>(1, 500);
    plan.messages = {*rc::gen::inRange(0U, 300U), *rc::gen::inRange(0U, 300U)};
    plan.sendGap = *rc::gen::inRange<std::int64_t>(1, 60);
    plan.together = *rc::gen::inRange(1U, 40U);
    plan.packetPercent = *rc::gen::inRange(0U, 50U);
    ChannelConfig config;
    config.retransmitTimeout = Duration(*rc::gen::inRange(200, 800));
    config.retransmitTimeoutMax = Duration(4000);
    config.retriesMax = 1000;
    config.window = *rc::gen::inRange<std::uint16_t>(1, 65);
    config.ackDelay = Duration(*rc::gen::inRange(0, 50));
    config.batchCount = *rc::gen::inRange<std::uint16_t>(1, BATCH_MESSAGES_MAX + 1);
    config.batchDelay = Duration(*rc::gen::inRange(0, 50));
    config.batchBytes = *rc::gen::inRange<std::uint32_t>(BATCH_BYTES_MIN, BATCH_BYTES_MAX + 1);
    RC_LOG() << plan << "; window " << config.window << ", timeout "
             << config.retransmitTimeout.count() << ", ack delay " << config.ackDelay.count()
             << ", batch " << config.batchCount << " within " << config.batchDelay.count() << ", "
             << config.batchBytes << " bytes";
    TransportPair pair(plan, config);
    pair.Run();
    CheckAllOnce(pair, plan);
    RC_ASSERT(pair.TransportOf(0).OutstandingMax() <= config.window);
    RC_CLASSIFY(pair.batches > 0);
}

/** 100 messages one way over a link without faults. */
LinkPlan
CleanPlan(std::uint32_t together)
{
    LinkPlan plan;
    plan.lossPercent = 0;
    plan.duplicatePercent = 0;
    plan.messages = {100, 0};
    plan.sendGap = 1000;
    plan.together = together;
    return plan;
}

ChannelConfig
CleanConfig()
{
    ChannelConfig config;
    config.retransmitTimeout = Duration(100'000);
    config.retransmitTimeoutMax = Duration(100'000);
    return config;
}

TEST(MessageTransport, WithoutBatchesEveryMessageIsAFrameAndIsAcknowledgedAtOnce)
{
    TransportPair pair(CleanPlan(4), CleanConfig());
    pair.Run();
    EXPECT_EQ(pair.frames, 200U);
    EXPECT_EQ(pair.loneAcks, 100U);
    EXPECT_EQ(pair.batches, 0U);
}

TEST(MessageTransport, WithoutDelayTheMessagesOfOneStepShareAFrame)
{
    ChannelConfig config = CleanConfig();
    config.batchCount = 8;
    TransportPair pair(CleanPlan(4), config);
    pair.Run();
    EXPECT_EQ(pair.frames, 50U);
    EXPECT_EQ(pair.batches, 25U);
    EXPECT_EQ(pair.loneAcks, 25U) << "one for each frame";
    EXPECT_EQ(pair.largest, 4U);
}

TEST(MessageTransport, CountDelayAndBytesEachEndABatch)
{
    struct Row
    {
        std::uint16_t count;
        std::int64_t delay;
        std::uint32_t bytes;
        std::uint32_t batches;
        std::uint32_t largest;
    };
    // One message every 1000 ps, 100 in all; each makes a batch 98 bytes longer than 86.
    const Row rows[] = {
        {10, 50'000, 1400, 10, 10}, // count
        {32, 50'000, 1400, 8, 13},  // 86 + 13 * 98 = 1360; the last batch has 9
        {32, 4'000, 1400, 20, 5},   // those of 0, 1000 ... 4000
        {32, 50'000, 256, 0, 1},    // 86 + 98 = 184, 282 would be too long
        {32, 50'000, 282, 50, 2},
    };
    for (const Row& row : rows)
    {
        ChannelConfig config = CleanConfig();
        config.batchCount = row.count;
        config.batchDelay = Duration(row.delay);
        config.batchBytes = row.bytes;
        TransportPair pair(CleanPlan(1), config);
        pair.Run();
        EXPECT_EQ(pair.batches, row.batches) << row.count << ' ' << row.delay << ' ' << row.bytes;
        EXPECT_EQ(pair.largest, row.largest) << row.count << ' ' << row.delay << ' ' << row.bytes;
    }
}

TEST(MessageTransport, ADelayedAcknowledgementRidesOrCoversSeveralMessages)
{
    ChannelConfig config = CleanConfig();
    config.ackDelay = Duration(4'500);
    {
        TransportPair pair(CleanPlan(1), config);
        pair.Run();
        EXPECT_EQ(pair.loneAcks, 20U) << "each covers five messages, 1000 apart";
    }
    LinkPlan both = CleanPlan(1);
    both.messages = {100, 100};
    TransportPair pair(both, config);
    pair.Run();
    EXPECT_EQ(pair.loneAcks, 2U) << "all others ride; the last message of each end is owed one";
}

TEST(MessageTransport, HalfAWindowIsAcknowledgedAtOnce)
{
    ChannelConfig config = CleanConfig();
    config.window = 8;
    config.ackDelay = Duration(20'000);
    TransportPair pair(CleanPlan(1), config);
    pair.Run();
    EXPECT_EQ(pair.loneAcks, 25U) << "one for every four messages";
    EXPECT_EQ(pair.TransportOf(0).BacklogMax(), 0U) << "the window has never closed";
}

TEST(MessageTransport, CongestionBeginsAtTheHighMarkAndEndsAtTheLowOne)
{
    const Directory directory = DirectoryBuilder().Group(3).Build();
    HeapFramePool pool;
    NodeConfig config{.self = 0, .directory = &directory, .pool = &pool};
    config.channel.window = 2;
    config.channel.backlogHigh = 3;
    config.channel.backlogLow = 1;
    const MembershipView view = MembershipView::Initial(directory);
    MessageTransport transport(config, view);
    Actions actions;
    const auto send = [&](NodeId peer)
    {
        SyncMessage message;
        message.header.kind = MessageKind::SNAPSHOT_END;
        transport.SendReliable(peer, message, pool.Acquire(), 0, Instant{}, actions);
    };
    const auto acknowledge = [&](std::uint32_t upTo)
    {
        MessageHeader header;
        header.source = 1;
        header.acknowledged = upTo;
        std::vector<std::pair<MessageKind, std::uint64_t>> acknowledged;
        transport.Acknowledge(header, acknowledged, Instant{}, actions);
    };
    using Peers = std::vector<NodeId>;
    for (int i = 0; i < 4; ++i)
    {
        send(1);
    }
    EXPECT_EQ(transport.Congested(), Peers{}) << "two in the window, two behind it";
    send(1);
    EXPECT_EQ(transport.Congested(), Peers{1});
    send(2);
    acknowledge(1);
    EXPECT_EQ(transport.Congested(), Peers{1}) << "two are left, more than the low mark";
    acknowledge(2);
    EXPECT_EQ(transport.Congested(), Peers{});
    send(1);
    EXPECT_EQ(transport.Congested(), Peers{});
    send(1);
    EXPECT_EQ(transport.Congested(), Peers{1});
    EXPECT_EQ(transport.BacklogMax(), 3U);
    EXPECT_EQ(transport.ResetSender(1).size(), 5U);
    EXPECT_EQ(transport.Congested(), Peers{}) << "nothing waits for a node that is gone";
    transport.ResetSender(2);
}

} // namespace
} // namespace flowchain
