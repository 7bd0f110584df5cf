// SPDX-License-Identifier: GPL-2.0-only
// libtins as the oracle: it parses what we write, and computes lengths and checksums anew when it
// writes it again.
#include "wire-samples.h"

#include <gtest/gtest.h>
#include <tins/ethernetII.h>
#include <tins/icmp.h>
#include <tins/ip.h>
#include <tins/rawpdu.h>
#include <tins/tcp.h>
#include <tins/udp.h>

#include <algorithm>

namespace flowchain
{
namespace
{

using test::Flatten;
using test::SampleKey;

/** Expect that libtins, which pads a frame to the minimum that Ethernet has, writes the bytes. */
void
ExpectSameThroughTins(Bytes bytes)
{
    constexpr std::size_t ETHERNET_MINIMUM = 60;
    Tins::EthernetII packet(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    const auto written = packet.serialize();
    bytes.resize(std::max(bytes.size(), ETHERNET_MINIMUM), 0);
    EXPECT_EQ(written, bytes);
}

TEST(TinsOracle, WritesBuiltPacketsTheSame)
{
    const Bytes payload = {'f', 'l', 'o', 'w', 's'};
    for (const auto size : {0, 1, 4, 5})
    {
        const auto part = std::span(payload).first(static_cast<std::size_t>(size));
        Frame frame;
        PacketBuilder()
            .Tcp(SampleKey())
            .Flags(tcp_flag::SYN)
            .Sequence(9, 8)
            .Ttl(3)
            .Identification(77)
            .PayloadBytes(part)
            .Build(frame);
        ExpectSameThroughTins(Flatten(frame));
        PacketBuilder().Udp(SampleKey(IpProtocol::UDP)).PayloadBytes(part).Build(frame);
        ExpectSameThroughTins(Flatten(frame));
        PacketBuilder()
            .IcmpEcho(SampleKey(IpProtocol::ICMP), false)
            .Sequence(4)
            .PayloadBytes(part)
            .Build(frame);
        ExpectSameThroughTins(Flatten(frame));
    }
}

TEST(TinsOracle, ReadsTheFieldsOfABuiltPacket)
{
    Frame frame;
    PacketBuilder()
        .Tcp(SampleKey())
        .Flags(tcp_flag::SYN)
        .Sequence(9, 8)
        .Ttl(3)
        .Identification(77)
        .PayloadLength(12)
        .Build(frame);
    const auto bytes = Flatten(frame);
    const Tins::EthernetII packet(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    const auto& ip = packet.rfind_pdu<Tins::IP>();
    EXPECT_EQ(ip.src_addr(), Tins::IPv4Address("10.1.2.3"));
    EXPECT_EQ(ip.dst_addr(), Tins::IPv4Address("198.51.100.7"));
    EXPECT_EQ(ip.ttl(), 3);
    EXPECT_EQ(ip.id(), 77);
    EXPECT_EQ(ip.flags(), Tins::IP::DONT_FRAGMENT);
    const auto& tcp = packet.rfind_pdu<Tins::TCP>();
    EXPECT_EQ(tcp.sport(), 40001);
    EXPECT_EQ(tcp.dport(), 443);
    EXPECT_EQ(tcp.seq(), 9u);
    EXPECT_EQ(tcp.ack_seq(), 8u);
    EXPECT_EQ(tcp.flags(), Tins::TCP::SYN);
    EXPECT_EQ(packet.rfind_pdu<Tins::RawPDU>().payload_size(), 12u);
}

TEST(TinsOracle, WritesMessagesTheSame)
{
    for (const auto kind : test::ALL_KINDS)
    {
        for (const std::uint32_t payload : {0, 101})
        {
            Frame frame;
            test::EncodeSample(kind, frame, payload);
            const auto bytes = Flatten(frame);
            SCOPED_TRACE(ToString(kind));
            ExpectSameThroughTins(bytes);
            const Tins::EthernetII packet(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
            EXPECT_EQ(packet.rfind_pdu<Tins::UDP>().dport(), 6081);
        }
    }
}

TEST(TinsOracle, WritesRewrittenPacketsOfTheCaptureTheSame)
{
    for (const auto& bytes : test::ReadCapture(test::CapturePath()))
    {
        Frame frame;
        test::Fill(frame, bytes, test::HeaderSize(bytes));
        PacketView view;
        ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
        auto to = view.key;
        to.destination.address ^= 0x00ff00ff;
        RewritePacket(frame, view, to);
        ExpectSameThroughTins(Flatten(frame));
    }
}

} // namespace
} // namespace flowchain
