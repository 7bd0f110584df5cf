// SPDX-License-Identifier: GPL-2.0-only
// What failures cost users, and what messages cost the network, by stories with known sums.
#include "delivery-times.h"
#include "disruption-tracker.h"
#include "message-account.h"
#include "message-batch.h"
#include "packet-gaps.h"

#include <gtest/gtest.h>

namespace flowchain
{
namespace
{

Instant
At(std::int64_t us)
{
    return Instant(Duration(us * 1'000'000));
}

TEST(DisruptionTracker, ASessionIsDisruptedByTwiceTheSlowestFirstPacket)
{
    DisruptionTracker tracker(At(1000));
    tracker.FirstDelivered(At(100), At(120));
    tracker.FirstDelivered(At(200), At(230));  // the yardstick: 30 us
    tracker.Delivered(1, At(300), At(900));    // before the failure: whatever it was, not this one
    tracker.FirstDelivered(At(950), At(1100)); // after it: no yardstick
    tracker.Delivered(2, At(950), At(1100));
    tracker.Delivered(2, At(1200), At(1500)); // its longest: 300 us
    tracker.Delivered(2, At(1600), At(1700));
    tracker.Delivered(3, At(2000), At(2060)); // 60 us are just twice
    tracker.Delivered(4, At(2000), At(2061));
    MetricSet metrics;
    tracker.Report(metrics);
    EXPECT_EQ(metrics.ValueOr0("disruption.sessions"), 2);
    EXPECT_EQ(metrics.Find("disruption.max")->value, 300'000'000);
    EXPECT_GE(metrics.Find("disruption.p50")->value, 61'000'000);
    EXPECT_LE(metrics.Find("disruption.p50")->value, 61'300'000) << "0.4 % of the histogram";
}

TEST(DisruptionTracker, WithoutFailureOrYardstickNothingIsMeasured)
{
    MetricSet metrics;
    DisruptionTracker none(NEVER);
    none.FirstDelivered(At(1), At(2));
    none.Delivered(1, At(3), At(3000));
    none.Report(metrics);
    DisruptionTracker early(At(0));
    early.FirstDelivered(At(1), At(2));
    early.Delivered(1, At(3), At(3000));
    early.Report(metrics);
    EXPECT_TRUE(metrics.All().empty());
}

TEST(DisruptionTracker, AFailureThatDisruptsNobodyIsMeasuredAsThat)
{
    MetricSet metrics;
    DisruptionTracker tracker(At(10));
    tracker.FirstDelivered(At(1), At(2));
    tracker.Report(metrics);
    ASSERT_NE(metrics.Find("disruption.sessions"), nullptr);
    EXPECT_EQ(metrics.ValueOr0("disruption.sessions"), 0);
    EXPECT_EQ(metrics.Find("disruption.max"), nullptr);
}

TEST(DeliveryTimes, WorstGapOfEachSessionAndLatencyOfEachPacket)
{
    DeliveryTimes times(At(100));
    times.Started(0, At(99)); // before the warm-up's end: left out, but not its later packets
    times.Delivered(0, At(99), At(101));
    times.Delivered(0, At(110), At(115));
    times.Started(2, At(100));
    times.Delivered(2, At(100), At(130)); // gaps 20, 50, 0
    times.Delivered(2, At(145), At(150));
    times.Delivered(2, At(190), At(200));
    times.Delivered(2, At(195), At(200));
    times.Started(1, At(120)); // one delivery has no gap
    times.Delivered(1, At(120), At(900));
    MetricSet metrics;
    times.Report(metrics);
    const auto histograms = metrics.TakeHistograms();
    ASSERT_EQ(histograms.size(), 2);
    EXPECT_EQ(histograms[0].name, "packet.latency");
    EXPECT_EQ(histograms[0].count, 6);
    EXPECT_EQ(histograms[0].min, 5'000'000);
    EXPECT_EQ(histograms[0].max, 780'000'000);
    EXPECT_EQ(histograms[0].mean, (5 + 30 + 5 + 10 + 5 + 780) * 1'000'000 / 6);
    EXPECT_EQ(histograms[1].name, "sessions.worst_gap");
    EXPECT_EQ(histograms[1].count, 1);
    EXPECT_EQ(histograms[1].max, 50'000'000);
}

TEST(PacketGaps, FromSendingToTheNextDeliveryOfTheDirection)
{
    constexpr bool TO_SERVER = true;
    PacketGaps gaps(At(5));
    gaps.Sent(0, TO_SERVER, At(10)); // before the session is open: no gap
    gaps.Delivered(0, TO_SERVER, At(500));
    gaps.Sent(0, !TO_SERVER, At(500));
    gaps.Delivered(0, !TO_SERVER, At(510)); // 10
    gaps.Sent(0, TO_SERVER, At(1000));      // a pause of the workload, and lost
    gaps.Sent(0, TO_SERVER, At(1020));      // lost
    gaps.Sent(0, !TO_SERVER, At(1020));     // the other direction goes on meanwhile
    gaps.Delivered(0, !TO_SERVER, At(1022));
    gaps.Sent(0, TO_SERVER, At(1040));
    gaps.Delivered(0, TO_SERVER, At(1045)); // 45
    gaps.Sent(0, TO_SERVER, At(2000));      // never followed by a delivery: no gap
    gaps.Sent(2, TO_SERVER, At(4));
    gaps.Delivered(2, TO_SERVER, At(6));
    gaps.Sent(2, TO_SERVER, At(20));
    gaps.Sent(2, TO_SERVER, At(21));
    gaps.Delivered(2, TO_SERVER, At(30)); // 10: either is followed by this delivery
    gaps.Delivered(2, TO_SERVER, At(90));
    MetricSet metrics;
    gaps.Report(metrics);
    EXPECT_EQ(metrics.Find("sessions.packet_gap")->value, 45'000'000);
    const auto histograms = metrics.TakeHistograms();
    ASSERT_EQ(histograms.size(), 1);
    EXPECT_EQ(histograms[0].count, 2);
    EXPECT_EQ(histograms[0].min, 10'000'000);
}

/** Make `frame` a message without inner packet. */
void
Encode(MessageKind kind, Frame& frame)
{
    SyncMessage message;
    message.header.kind = kind;
    message.header.source = 1;
    message.record.original.protocol = IpProtocol::TCP;
    message.record.translated.protocol = IpProtocol::TCP;
    message.entry.match.protocol = IpProtocol::TCP;
    message.entry.rewrite.protocol = IpProtocol::TCP;
    frame.Reset();
    Encapsulate(message, {}, frame);
}

TEST(MessageAccount, BytesByKindAndPerSession)
{
    // Ethernet 14, IPv4 20, UDP 8, Geneve 8, message option 4 + 32; a record 4 + 56; an entry 4 +
    // 44
    constexpr std::int64_t ACK = 86;
    constexpr std::int64_t CHAIN = ACK + 60;
    constexpr std::int64_t REVERSE = ACK + 48;
    MessageAccount account;
    Frame frame;
    for (const MessageKind kind :
         {MessageKind::ACK, MessageKind::CHAIN, MessageKind::CHAIN, MessageKind::HEARTBEAT})
    {
        Encode(kind, frame);
        account.Sent(frame);
    }
    Encode(MessageKind::REVERSE_ENTRY, frame);
    Restamp(frame, {}, true);
    account.Sent(frame);
    frame.Reset();
    account.Sent(frame); // not a message
    MetricSet metrics;
    account.Report(3, metrics);
    EXPECT_EQ(metrics.ValueOr0("sync.messages.chain"), 2);
    EXPECT_EQ(metrics.ValueOr0("sync.bytes.chain"), 2 * CHAIN);
    EXPECT_EQ(metrics.ValueOr0("sync.bytes.heartbeat"), ACK);
    EXPECT_EQ(metrics.ValueOr0("sync.bytes"), 2 * ACK + 2 * CHAIN + REVERSE);
    EXPECT_EQ(metrics.ValueOr0("sync.retransmissions"), 1);
    EXPECT_EQ(metrics.ValueOr0("sync.retransmission_bytes"), REVERSE);
    EXPECT_EQ(metrics.ValueOr0("sync.messages_per_session"), 4 * 1000 / 3);
    EXPECT_EQ(metrics.ValueOr0("sync.bytes_per_session"), (ACK + 2 * CHAIN + REVERSE) * 1000 / 3);
}

TEST(MessageAccount, MessagesOfABatchCountOneByOneAndItsBytesOnce)
{
    // In a batch a message is its options behind 2 bytes of length.
    constexpr std::int64_t CONTAINER = 86;
    constexpr std::int64_t CHAIN = 2 + 36 + 60;
    constexpr std::int64_t REVERSE = 2 + 36 + 48;
    MessageHeader header;
    header.kind = MessageKind::BATCH;
    header.attempt = 3;
    Frame batch;
    batch.Reset();
    for (const MessageKind kind :
         {MessageKind::CHAIN, MessageKind::REVERSE_ENTRY, MessageKind::CHAIN})
    {
        Frame one;
        Encode(kind, one);
        Restamp(one, header, kind == MessageKind::REVERSE_ENTRY);
        AppendToBatch(batch, one, header);
    }
    EncapsulateBatch(header, {}, batch);
    MessageAccount account;
    account.Sent(batch);
    MetricSet metrics;
    account.Report(1, metrics);
    EXPECT_EQ(metrics.ValueOr0("sync.messages.batch"), 1);
    EXPECT_EQ(metrics.ValueOr0("sync.messages.chain"), 2);
    EXPECT_EQ(metrics.ValueOr0("sync.messages.reverse-entry"), 1);
    EXPECT_EQ(metrics.ValueOr0("sync.bytes.batch"), CONTAINER + 2 * CHAIN + REVERSE);
    EXPECT_EQ(metrics.ValueOr0("sync.bytes"), CONTAINER + 2 * CHAIN + REVERSE);
    EXPECT_EQ(metrics.ValueOr0("sync.retransmissions"), 1);
    EXPECT_EQ(metrics.ValueOr0("sync.retransmission_bytes"), REVERSE);
    EXPECT_EQ(metrics.ValueOr0("sync.messages_per_session"), 3 * 1000);
}

TEST(MessageAccount, WithoutSessionsThereIsNoShare)
{
    MetricSet metrics;
    MessageAccount{}.Report(0, metrics);
    EXPECT_EQ(metrics.Find("sync.bytes_per_session"), nullptr);
    EXPECT_NE(metrics.Find("sync.bytes"), nullptr);
}

} // namespace
} // namespace flowchain
