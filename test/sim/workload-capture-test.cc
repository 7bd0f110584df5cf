// SPDX-License-Identifier: GPL-2.0-only
#include "byte-order.h"
#include "packet-builder.h"
#include "replay-workload.h"
#include "workload-capture-builder.h"
#include "workload-harness.h"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace flowchain
{
namespace
{

using namespace flowchain::testing;

PacketBuilder
Tcp(const FlowKey& key, std::uint8_t flags, std::uint32_t sequence = 1)
{
    return PacketBuilder().Tcp(key).Flags(flags).Sequence(sequence);
}

std::uint64_t
SkippedAs(const ReplayCapture& capture, ReplaySkip reason)
{
    return capture.Skipped()[static_cast<std::size_t>(reason)];
}

// Numbers from `capinfos` and `tshark -q -z conv,tcp -z conv,udp` on the file; one ping.
TEST(ReplayCapture, RealCaptureIsReplayedCompletely)
{
    const ReplayCapture capture(PcapFile::Load(CAPTURE), INSIDE);
    EXPECT_EQ(capture.Packets().size(), 2527U);
    EXPECT_EQ(capture.Skipped(), ReplaySkips{});
    EXPECT_EQ(capture.LengthNs(), 4'946'002'000U);
    std::map<IpProtocol, int> conversations;
    for (const auto& conversation : capture.Conversations())
    {
        ++conversations[conversation.key.protocol];
    }
    EXPECT_EQ(conversations[IpProtocol::TCP], 99);
    EXPECT_EQ(conversations[IpProtocol::UDP], 25);
    EXPECT_EQ(conversations[IpProtocol::ICMP], 1);
}

TEST(ReplayCapture, EverySkippedPacketIsCountedByItsReason)
{
    const auto bytesOf = [](const PacketBuilder& builder)
    {
        Frame frame;
        builder.Build(frame);
        return std::vector<std::uint8_t>(frame.Header().begin(), frame.Header().end());
    };
    const auto good = bytesOf(PacketBuilder().Udp(DNS));
    auto arp = good;
    Store16(arp.data() + 12, 0x0806);
    auto badLength = good;
    badLength[14 + 3] = 200; // total length beyond the frame
    Store16(badLength.data() + 14 + 10,
            static_cast<std::uint16_t>(Load16(badLength.data() + 14 + 10) - (200 - 28)));
    auto badSum = good;
    badSum[14 + 20 + 7] ^= 1;
    auto fragment = good;
    fragment[14 + 6] = 0x20; // MF instead of DF
    Store16(fragment.data() + 14 + 10,
            static_cast<std::uint16_t>(Load16(fragment.data() + 14 + 10) + 0x2000));
    auto esp = good;
    esp[14 + 9] = 50;
    Store16(esp.data() + 14 + 10, static_cast<std::uint16_t>(Load16(esp.data() + 14 + 10) - 33));
    const FlowKey insideOnly{DNS.source, {0x0a020202, 53}, IpProtocol::UDP};
    const FlowKey other{{0x0a010009, 9}, WEB.destination, IpProtocol::TCP};

    const auto capture = CaptureBuilder()
                             .Add(0, good)
                             .Add(1, good, 4)
                             .Add(2, arp)
                             .Add(3, std::vector<std::uint8_t>(good.begin(), good.begin() + 30))
                             .Add(4, badLength)
                             .Add(5, fragment)
                             .Add(6, esp)
                             .Add(7, badSum)
                             .Add(8, PacketBuilder().Udp(insideOnly))
                             .Add(9, Tcp(WEB.Reversed(), tcp_flag::SYN))
                             .Add(10, Tcp(WEB, tcp_flag::SYN | tcp_flag::ACK))
                             .Add(11, Tcp(other, tcp_flag::ACK))
                             .Add(12, Tcp(other.Reversed(), tcp_flag::ACK))
                             .Add(13, PacketBuilder().IcmpEcho(PING.Reversed(), true))
                             .Parse();
    EXPECT_EQ(capture.Conversations().size(), 1U);
    EXPECT_EQ(capture.Packets().size(), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::CUT_SHORT), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::NOT_IPV4), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::MALFORMED), 2U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::FRAGMENT), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::UNSUPPORTED), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::BAD_CHECKSUM), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::NOT_CROSSING), 1U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::STARTS_OUTSIDE), 3U);
    EXPECT_EQ(SkippedAs(capture, ReplaySkip::MID_STREAM), 2U);
}

TEST(ReplayCapture, EthernetPaddingIsCut)
{
    Frame frame;
    PacketBuilder().Udp(DNS).PayloadLength(3).Build(frame);
    std::vector<std::uint8_t> padded(frame.Header().begin(), frame.Header().end());
    padded.resize(60, 0xee);
    std::fill_n(padded.begin() + 42, 3, 0);
    const auto capture = CaptureBuilder().Add(0, padded).Parse();
    ASSERT_EQ(capture.Packets().size(), 1U);
    EXPECT_EQ(capture.Packets()[0].header.size(), 42U);
    EXPECT_EQ(capture.Packets()[0].payload.length, 3U);
}

TEST(ReplayCapture, NewSynOnAUsedTupleIsANewConversation)
{
    auto capture = CaptureBuilder()
                       .Add(0, Tcp(WEB, tcp_flag::SYN, 100))
                       .Add(1, Tcp(WEB, tcp_flag::SYN, 100)) // retransmitted
                       .Add(2, Tcp(WEB.Reversed(), tcp_flag::RST | tcp_flag::ACK))
                       .Add(3, Tcp(WEB, tcp_flag::SYN, 777))
                       .Add(4, Tcp(WEB.Reversed(), tcp_flag::SYN | tcp_flag::ACK))
                       .Parse();
    ASSERT_EQ(capture.Conversations().size(), 2U);
    EXPECT_EQ(capture.Conversations()[0].packetCount, 3U);
    EXPECT_EQ(capture.Conversations()[1].packetCount, 2U);

    ReplayWorkload replay(std::move(capture), Instant{}, 1000, 40);
    EXPECT_EQ(replay.SessionOf(WEB), std::nullopt);
    Network network(replay);
    network.delay = Duration{100};
    network.Run(Instant{Duration{1'500}});
    EXPECT_EQ(replay.SessionOf(WEB), 40U);
    EXPECT_EQ(replay.StartOf(41), std::nullopt);
    EXPECT_TRUE(replay.HasTrafficLeft(41));
}

TEST(ReplayCapture, PacketsAreOrderedByTime)
{
    const auto capture = CaptureBuilder()
                             .Add(50, PacketBuilder().Udp(DNS.Reversed()))
                             .Add(20, PacketBuilder().Udp(DNS))
                             .Parse();
    ASSERT_EQ(capture.Packets().size(), 2U);
    EXPECT_FALSE(capture.Packets()[0].fromServer);
    EXPECT_EQ(capture.Packets()[1].timeNs, 30U);
}

} // namespace
} // namespace flowchain
