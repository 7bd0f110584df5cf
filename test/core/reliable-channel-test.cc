// SPDX-License-Identifier: GPL-2.0-only
#include "reliable-channel.h"

#include "heap-frame-pool.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

using Verdict = ReliableChannel::SendVerdict;
using Tokens = std::vector<std::uint64_t>;
using Sequences = std::vector<std::uint32_t>;

Instant
At(std::int64_t ps)
{
    return Instant(Duration(ps));
}

ChannelConfig
Config(std::uint16_t window)
{
    ChannelConfig config;
    config.retransmitTimeout = Duration(100);
    config.retransmitTimeoutMax = Duration(1000);
    config.retriesMax = 4;
    config.window = window;
    config.backlogMax = 5;
    return config;
}

MessageHeader
Ack(std::uint32_t cumulative, std::uint64_t selective = 0)
{
    MessageHeader header;
    header.acknowledged = cumulative;
    header.selective = selective;
    return header;
}

/** The sending side of a channel; a frame's packetId is its sequence number, its token 1000 more.
 */
struct Sender
{
    explicit Sender(const ChannelConfig& config)
        : channel(config)
    {
    }

    Verdict Send(std::int64_t now)
    {
        FramePtr frame = pool.Acquire();
        frame->packetId = channel.NextSequence();
        const std::uint64_t token = 1000 + channel.NextSequence();
        const Verdict verdict = channel.Send(frame, MessageKind::CHAIN, token, At(now), pool);
        EXPECT_EQ(frame == nullptr, verdict == Verdict::QUEUED);
        return verdict;
    }

    Verdict SendMany(int count, std::int64_t now)
    {
        Verdict last = Verdict::TRANSMIT;
        for (int i = 0; i < count; ++i)
        {
            last = Send(now);
        }
        return last;
    }

    /** @returns tokens of newly acknowledged messages; frames let out go to `released`. */
    Tokens Acknowledge(const MessageHeader& header, std::int64_t now = 0)
    {
        std::vector<std::pair<MessageKind, std::uint64_t>> acknowledged;
        std::vector<FramePtr> out;
        channel.Acknowledge(header, At(now), pool, acknowledged, out);
        released = NumbersOf(out);
        Tokens tokens;
        for (const auto& [kind, token] : acknowledged)
        {
            EXPECT_EQ(kind, MessageKind::CHAIN);
            tokens.push_back(token);
        }
        return tokens;
    }

    /** @returns sequence numbers of frames to send; `gone` gets those that were abandoned. */
    Sequences Expire(std::int64_t now)
    {
        std::vector<FramePtr> out;
        std::vector<ReliableChannel::Outstanding> abandoned;
        retransmissions = channel.Expire(At(now), pool, out, abandoned);
        gone.clear();
        for (const auto& message : abandoned)
        {
            EXPECT_EQ(message.copy->packetId, message.sequence);
            EXPECT_EQ(message.token, 1000 + message.sequence);
            gone.push_back(message.sequence);
        }
        return NumbersOf(out);
    }

    static Sequences NumbersOf(const std::vector<FramePtr>& frames)
    {
        Sequences numbers;
        for (const FramePtr& frame : frames)
        {
            numbers.push_back(frame->packetId);
        }
        return numbers;
    }

    HeapFramePool pool;
    ReliableChannel channel;
    Sequences released;
    Sequences gone;
    std::uint32_t retransmissions = 0;
};

TEST(ReliableChannel, TheWindowThenTheBacklogThenRefusal)
{
    Sender sender(Config(2));
    EXPECT_EQ(sender.channel.NextSequence(), 1U);
    EXPECT_EQ(sender.SendMany(2, 0), Verdict::TRANSMIT);
    EXPECT_EQ(sender.channel.OutstandingCount(), 2U);
    EXPECT_EQ(sender.SendMany(5, 0), Verdict::QUEUED);
    EXPECT_EQ(sender.channel.BacklogCount(), 5U);
    EXPECT_EQ(sender.channel.NextSequence(), 8U);
    EXPECT_EQ(sender.Send(0), Verdict::BACKLOG_FULL);
    EXPECT_EQ(sender.channel.NextSequence(), 8U) << "a refused message has used no number";
    EXPECT_EQ(sender.pool.Live(), 7U) << "one copy of each message that was taken";

    EXPECT_EQ(sender.Acknowledge(Ack(1)), Tokens{1001});
    EXPECT_EQ(sender.released, Sequences{3});
    EXPECT_EQ(sender.Send(0), Verdict::QUEUED) << "it must not overtake the backlog";
    EXPECT_EQ(sender.Acknowledge(Ack(3)), (Tokens{1002, 1003}));
    EXPECT_EQ(sender.released, (Sequences{4, 5}));
    EXPECT_EQ(sender.Acknowledge(Ack(5)), (Tokens{1004, 1005}));
    EXPECT_EQ(sender.Acknowledge(Ack(7)), (Tokens{1006, 1007}));
    EXPECT_EQ(sender.released, Sequences{8});
    EXPECT_EQ(sender.Send(0), Verdict::TRANSMIT);
    EXPECT_EQ(sender.Acknowledge(Ack(9)), (Tokens{1008, 1009}));
    EXPECT_EQ(sender.pool.Live(), 0U);
}

TEST(ReliableChannel, AcknowledgementsTakeMessagesOutOnce)
{
    struct Row
    {
        MessageHeader header;
        Tokens tokens;
        std::size_t outstanding;
    };
    const Row rows[] = {
        {Ack(0), {}, 8},
        {Ack(0, 0b1), {1002}, 7},         // bit 0 is the number 2
        {Ack(0, 0b1), {}, 7},             // repeated
        {Ack(0, 0b1001), {1005}, 6},      // bit 3 is the number 5
        {Ack(0, 0b1), {}, 6},             // an old one, reordered
        {Ack(2, 0b10), {1001}, 5},        // bit 1 is 2 + 2 + 1
        {Ack(5), {1003, 1004}, 3},        //
        {Ack(1), {}, 3},                  // an old one
        {Ack(9), {}, 3},                  // never sent: ignored
        {Ack(5, ~0ULL), {1007, 1008}, 1}, // bits of what was never sent: ignored
        {Ack(8), {1006}, 0},              //
        {Ack(8), {}, 0},                  //
    };
    Sender sender(Config(8));
    sender.SendMany(8, 0);
    for (const Row& row : rows)
    {
        EXPECT_EQ(sender.Acknowledge(row.header), row.tokens)
            << row.header.acknowledged << ", " << row.header.selective;
        EXPECT_EQ(sender.channel.OutstandingCount(), row.outstanding);
        EXPECT_EQ(sender.pool.Live(), row.outstanding);
    }
    EXPECT_EQ(sender.channel.NextDeadline(), NEVER);
}

TEST(ReliableChannel, AnUnsettledMessageHoldsTheWindow)
{
    // The receiver can name 64 numbers beyond the first missing one, so the sender must not go on.
    Sender sender(Config(64));
    sender.SendMany(65, 0);
    EXPECT_EQ(sender.channel.OutstandingCount(), 64U);
    EXPECT_EQ(sender.Acknowledge(Ack(0, ~0ULL)).size(), 63U);
    EXPECT_EQ(sender.released, Sequences{});
    EXPECT_EQ(sender.channel.OutstandingCount(), 1U);
    EXPECT_EQ(sender.channel.BacklogCount(), 1U);
    EXPECT_EQ(sender.Acknowledge(Ack(64)), Tokens{1001});
    EXPECT_EQ(sender.released, Sequences{65});
}

TEST(ReliableChannel, BackOffDoublesUpToTheMaximumAndThenAbandons)
{
    ChannelConfig config = Config(4);
    config.retriesMax = 6;
    Sender sender(config);
    sender.Send(50);
    // Timeouts 100, 200, 400, 800, then 1000 each.
    for (const std::int64_t due : {150, 350, 750, 1550, 2550, 3550})
    {
        EXPECT_LE(sender.channel.NextDeadline(), At(due));
        EXPECT_EQ(sender.Expire(due - 1), Sequences{}) << due;
        EXPECT_EQ(sender.Expire(due), Sequences{1}) << due;
        EXPECT_EQ(sender.retransmissions, 1U);
        EXPECT_EQ(sender.gone, Sequences{});
    }
    EXPECT_EQ(sender.Expire(4549), Sequences{});
    EXPECT_EQ(sender.gone, Sequences{});
    EXPECT_EQ(sender.Expire(4550), Sequences{});
    EXPECT_EQ(sender.gone, Sequences{1});
    EXPECT_EQ(sender.channel.OutstandingCount(), 0U);
    EXPECT_EQ(sender.channel.NextDeadline(), NEVER);
    EXPECT_EQ(sender.pool.Live(), 0U);
}

TEST(ReliableChannel, AnAcknowledgedMessageIsNotSentAgain)
{
    Sender sender(Config(4));
    sender.Send(0);
    sender.Send(30);
    sender.Send(60);
    EXPECT_EQ(sender.Acknowledge(Ack(0, 0b1), 70), Tokens{1002});
    EXPECT_EQ(sender.Expire(100), Sequences{1});
    EXPECT_EQ(sender.Expire(159), Sequences{});
    EXPECT_EQ(sender.Expire(160), Sequences{3});
    EXPECT_EQ(sender.channel.NextDeadline(), At(300));
}

TEST(ReliableChannel, WithoutRetriesTheFirstTimeoutAbandons)
{
    ChannelConfig config = Config(1);
    config.retriesMax = 0;
    Sender sender(config);
    sender.SendMany(3, 0);
    EXPECT_EQ(sender.Expire(100), Sequences{2}) << "abandoning opens the window";
    EXPECT_EQ(sender.retransmissions, 0U);
    EXPECT_EQ(sender.gone, Sequences{1});
    EXPECT_EQ(sender.channel.NextDeadline(), At(200));
    EXPECT_EQ(sender.Expire(200), Sequences{3});
    EXPECT_EQ(sender.Expire(300), Sequences{});
    EXPECT_EQ(sender.gone, Sequences{3});
    EXPECT_EQ(sender.channel.NextDeadline(), NEVER);
}

TEST(ReliableChannel, ResetHandsBackWhatIsUnacknowledgedInOrder)
{
    Sender sender(Config(3));
    sender.SendMany(5, 0);
    sender.Acknowledge(Ack(0, 0b1));
    ASSERT_TRUE(sender.channel.Accept(1));
    Sequences numbers;
    for (const auto& message : sender.channel.ResetSender())
    {
        EXPECT_EQ(message.copy->packetId, message.sequence);
        numbers.push_back(message.sequence);
    }
    EXPECT_EQ(numbers, (Sequences{1, 3, 4, 5}));
    EXPECT_EQ(sender.pool.Live(), 0U);
    EXPECT_EQ(sender.channel.OutstandingCount(), 0U);
    EXPECT_EQ(sender.channel.BacklogCount(), 0U);
    EXPECT_EQ(sender.channel.NextSequence(), 1U);
    EXPECT_EQ(sender.channel.NextDeadline(), NEVER);
    EXPECT_TRUE(sender.channel.AckDue()) << "what the peer had sent is still known";
    EXPECT_FALSE(sender.channel.Accept(1));

    EXPECT_EQ(sender.Send(10), Verdict::TRANSMIT);
    EXPECT_EQ(sender.Acknowledge(Ack(1)), Tokens{1001});
}

TEST(ReliableChannel, ArrivalsInAnyOrderAreAcknowledged)
{
    struct Row
    {
        std::uint32_t sequence;
        bool isNew;
        std::uint32_t acknowledged;
        std::uint64_t selective;
    };
    const Row rows[] = {
        {1, true, 1, 0},
        {1, false, 1, 0},
        {3, true, 1, 0b1},
        {5, true, 1, 0b101},
        {3, false, 1, 0b101},
        {2, true, 3, 0b1},
        {4, true, 5, 0},
        {70, true, 5, 1ULL << 63}, // the last number that can be named: 5 + 1 + 64
        {70, false, 5, 1ULL << 63},
        {6, true, 6, 1ULL << 62},
        {5, false, 6, 1ULL << 62},
    };
    ReliableChannel channel{Config(64)};
    EXPECT_FALSE(channel.AckDue());
    for (const Row& row : rows)
    {
        EXPECT_EQ(channel.Accept(row.sequence), row.isNew) << row.sequence;
        EXPECT_TRUE(channel.AckDue());
        MessageHeader header;
        channel.FillAck(header);
        EXPECT_FALSE(channel.AckDue());
        EXPECT_EQ(header.acknowledged, row.acknowledged) << row.sequence;
        EXPECT_EQ(header.selective, row.selective) << row.sequence;
    }
}

TEST(ReliableChannel, SixtyFourSelectiveBitsAreAbsorbedAtOnce)
{
    ReliableChannel channel{Config(64)};
    for (std::uint32_t sequence = 65; sequence >= 2; --sequence)
    {
        ASSERT_TRUE(channel.Accept(sequence));
    }
    MessageHeader header;
    channel.FillAck(header);
    EXPECT_EQ(header.acknowledged, 0U);
    EXPECT_EQ(header.selective, ~0ULL);
    ASSERT_TRUE(channel.Accept(1));
    channel.FillAck(header);
    EXPECT_EQ(header.acknowledged, 65U);
    EXPECT_EQ(header.selective, 0U);
}

TEST(ReliableChannel, ANumberBeyondTheWindowSettlesTheOldestMissingOnes)
{
    ReliableChannel channel{Config(64)};
    MessageHeader header;
    ASSERT_TRUE(channel.Accept(3));
    // 67 can be named only from 2 on, so 1 and 2 are given up, and 3 is there.
    ASSERT_TRUE(channel.Accept(67));
    channel.FillAck(header);
    EXPECT_EQ(header.acknowledged, 3U);
    EXPECT_EQ(header.selective, 1ULL << (67 - 3 - 2));
    EXPECT_FALSE(channel.Accept(1));

    ASSERT_TRUE(channel.Accept(1000));
    channel.FillAck(header);
    EXPECT_EQ(header.acknowledged, 935U);
    EXPECT_EQ(header.selective, 1ULL << 63);
    EXPECT_FALSE(channel.Accept(935));
    EXPECT_TRUE(channel.Accept(936));
}

TEST(ReliableChannel, ARestartedPeerStartsFromOne)
{
    ReliableChannel channel{Config(64)};
    channel.Accept(1);
    channel.Accept(3);
    channel.ResetReceiver();
    EXPECT_FALSE(channel.AckDue());
    EXPECT_TRUE(channel.Accept(1));
    EXPECT_TRUE(channel.Accept(3));
}

TEST(ReliableChannel, AnAcknowledgementThatStaysBehindIsDueAgain)
{
    ReliableChannel channel{Config(64)};
    MessageHeader header;
    channel.Accept(1);
    channel.FillAck(header);
    EXPECT_FALSE(channel.AckDue());
    channel.OweAck(1);
    EXPECT_TRUE(channel.AckDue());
}

TEST(ReliableChannelDeathTest, BrokenInvariantsStopTheRun)
{
    ReliableChannel channel{Config(64)};
    EXPECT_DEATH(channel.Accept(0), "");
    EXPECT_DEATH(ReliableChannel{Config(0)}, "");
    EXPECT_DEATH(ReliableChannel{Config(65)}, "");
}

} // namespace
} // namespace flowchain
