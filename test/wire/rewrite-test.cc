// SPDX-License-Identifier: GPL-2.0-only
#include "byte-order.h"
#include "packet-view.h"
#include "wire-samples.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace flowchain
{
namespace
{

using test::Flatten;
using test::RepairChecksums;
using test::SampleKey;

constexpr std::size_t UDP_CHECKSUM = 34 + 6;

Endpoint
AnyEndpoint()
{
    return {*rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::uint16_t>()};
}

/** A key that an echo request, an echo reply, TCP or UDP can have. */
FlowKey
AnyKey(IpProtocol protocol, bool reply)
{
    FlowKey key{AnyEndpoint(), AnyEndpoint(), protocol};
    if (protocol == IpProtocol::ICMP)
    {
        (reply ? key.source : key.destination).port = 0;
    }
    return key;
}

PacketBuilder
Builder(const FlowKey& key, bool reply)
{
    PacketBuilder builder;
    switch (key.protocol)
    {
    case IpProtocol::TCP:
        return builder.Tcp(key).Flags(tcp_flag::ACK | tcp_flag::PSH).Sequence(5, 6);
    case IpProtocol::UDP:
        return builder.Udp(key);
    default:
        return builder.IcmpEcho(key, reply);
    }
}

// RFC 1624: rewriting step by step gives the packet that is built from scratch.
RC_GTEST_PROP(RewriteProperty, IsThePacketBuiltAnew, (Bytes payload, bool reply, bool isVirtual))
{
    const auto protocol = *rc::gen::element(IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP);
    const auto ttl = *rc::gen::inRange<std::uint8_t>(2, 255);
    const auto from = AnyKey(protocol, reply);
    const auto to = AnyKey(protocol, reply);
    auto builder = Builder(from, reply).Ttl(ttl);
    auto anew = Builder(to, reply).Ttl(static_cast<std::uint8_t>(ttl - 1));
    if (isVirtual)
    {
        builder.PayloadLength(static_cast<std::uint32_t>(payload.size()));
        anew.PayloadLength(static_cast<std::uint32_t>(payload.size()));
    }
    else
    {
        builder.PayloadBytes(payload);
        anew.PayloadBytes(payload);
    }
    Frame frame;
    builder.Build(frame);
    PacketView view;
    RC_ASSERT(ParsePacket(frame, 0, view) == PacketVerdict::OK);
    RC_ASSERT(view.key == from);
    RewritePacket(frame, view, to);
    RC_ASSERT(view.key == to);
    RC_ASSERT(view.ttl == ttl - 1);

    Frame expected;
    anew.Build(expected);
    RC_ASSERT(Flatten(frame) == Flatten(expected));
    auto repaired = Flatten(frame);
    RepairChecksums(repaired);
    RC_ASSERT(Flatten(frame) == repaired);
    PacketView again;
    RC_ASSERT(ParsePacket(frame, 0, again) == PacketVerdict::OK);
    RC_ASSERT(again.key == to);
}

/** @returns the sample key with the source port for which the UDP checksum adds up to 0. */
FlowKey
KeyOfZeroChecksum()
{
    auto key = SampleKey(IpProtocol::UDP);
    key.source.port = 0;
    Frame frame;
    PacketBuilder().Udp(key).PayloadLength(3).Build(frame);
    // The sum without the port is the complement of the checksum; the port has to make it ffff.
    key.source.port = Load16(frame.Header().data() + UDP_CHECKSUM);
    return key;
}

// RFC 768: a checksum that is computed as zero is transmitted as all ones.
TEST(RewritePacket, SendsAUdpChecksumOfZeroAsAllOnes)
{
    const auto zero = KeyOfZeroChecksum();
    Frame frame;
    PacketBuilder().Udp(zero).PayloadLength(3).Build(frame);
    EXPECT_EQ(Load16(frame.Header().data() + UDP_CHECKSUM), 0xffff);
    PacketView view;
    EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    EXPECT_FALSE(view.udpChecksumAbsent);

    PacketBuilder().Udp(SampleKey(IpProtocol::UDP)).PayloadLength(3).Build(frame);
    ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    RewritePacket(frame, view, zero);
    EXPECT_EQ(Load16(frame.Header().data() + UDP_CHECKSUM), 0xffff);
    RewritePacket(frame, view, SampleKey(IpProtocol::UDP));
    EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
}

// RFC 3022, section 4.1: a UDP checksum of zero is left alone.
TEST(RewritePacket, LeavesAnAbsentUdpChecksumAbsent)
{
    Frame frame;
    PacketBuilder()
        .Udp(SampleKey(IpProtocol::UDP))
        .WithoutUdpChecksum()
        .PayloadLength(9)
        .Build(frame);
    PacketView view;
    ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    EXPECT_TRUE(view.udpChecksumAbsent);
    const auto to = SampleKey(IpProtocol::UDP).Reversed();
    RewritePacket(frame, view, to);
    EXPECT_EQ(Load16(frame.Header().data() + UDP_CHECKSUM), 0);
    ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    EXPECT_TRUE(view.udpChecksumAbsent);
    EXPECT_EQ(view.key, to);
}

// All words of this reply but the identifier are zero, where eqn. 3 of RFC 1624 alone gives 0000
// for the checksum ffff.
TEST(RewritePacket, GivesAnAllZeroEchoReplyItsChecksum)
{
    for (const std::size_t trailer : {0, 5})
    {
        Frame frame;
        auto key = SampleKey(IpProtocol::ICMP).Reversed();
        PacketBuilder().IcmpEcho(key, true).Build(frame);
        for (auto& byte : frame.Append(trailer))
        {
            byte = 0x99;
        }
        PacketView view;
        ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
        key.destination.port = 0;
        RewritePacket(frame, view, key);
        EXPECT_EQ(Load16(frame.Header().data() + 36), 0xffff);
        EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    }
}

TEST(RewritePacketDeathTest, RefusesToForwardAtTtlOneOrToChangeTheProtocol)
{
    Frame frame;
    PacketView view;
    PacketBuilder().Tcp(SampleKey()).Ttl(1).Build(frame);
    ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    EXPECT_DEATH(RewritePacket(frame, view, SampleKey()), "ttl > 1");
    PacketBuilder().Tcp(SampleKey()).Build(frame);
    ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    EXPECT_DEATH(RewritePacket(frame, view, SampleKey(IpProtocol::UDP)), "protocol");
}

// Every packet of a real capture: parses, and rewriting agrees with a full computation.
TEST(Capture, EveryPacketParsesAndIsRewrittenRight)
{
    const auto packets = test::ReadCapture(test::CapturePath());
    ASSERT_EQ(packets.size(), 2527u);
    std::array<int, 18> seen{};
    for (std::size_t i = 0; i < packets.size(); ++i)
    {
        Frame frame;
        test::Fill(frame, packets[i], test::HeaderSize(packets[i]));
        PacketView view;
        ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK) << "packet " << i + 1;
        ++seen[static_cast<std::size_t>(view.key.protocol)];

        auto to = view.key;
        to.source = {0xcb007100 + static_cast<std::uint32_t>(i % 251),
                     static_cast<std::uint16_t>(to.source.port == 0 ? 0 : 1024 + i)};
        RewritePacket(frame, view, to);
        auto expected = Flatten(frame);
        RepairChecksums(expected);
        ASSERT_EQ(Flatten(frame), expected) << "packet " << i + 1;
        ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
        ASSERT_EQ(view.key, to);
    }
    // Counted with `tshark -q -z io,phs`.
    EXPECT_EQ(seen[1], 10);
    EXPECT_EQ(seen[6], 1842);
    EXPECT_EQ(seen[17], 675);
}

} // namespace
} // namespace flowchain
