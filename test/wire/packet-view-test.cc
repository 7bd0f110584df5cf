// SPDX-License-Identifier: GPL-2.0-only
#include "packet-view.h"

#include "byte-order.h"
#include "wire-samples.h"

#include <gtest/gtest.h>

#include <functional>

namespace flowchain
{
namespace
{

using test::Fill;
using test::Flatten;
using test::RepairChecksums;
using test::SampleKey;

constexpr std::size_t IP = 14;
constexpr std::size_t L4 = 34;

Bytes
Packet(IpProtocol protocol, std::span<const std::uint8_t> payload = {})
{
    Frame frame;
    PacketBuilder builder;
    switch (protocol)
    {
    case IpProtocol::TCP:
        builder.Tcp(SampleKey(protocol)).Flags(tcp_flag::SYN | tcp_flag::ACK).Sequence(1000, 2000);
        break;
    case IpProtocol::UDP:
        builder.Udp(SampleKey(protocol));
        break;
    default:
        builder.IcmpEcho(SampleKey(protocol), false).Sequence(3);
        break;
    }
    builder.PayloadBytes(payload).Build(frame);
    return Flatten(frame);
}

PacketVerdict
Parse(const Bytes& bytes)
{
    Frame frame;
    Fill(frame, bytes);
    PacketView view;
    return ParsePacket(frame, 0, view);
}

// A SYN written down from RFC 791 and RFC 9293, the checksums added up by hand:
// IPv4: 4500+0028+0000+4000+4006+0a01+0203+c633+6407 = 1fb6c, folded fb6d, complement 0492.
// TCP: 0a01+0203+c633+6407+0006+0014 (pseudo-header) + 9c41+01bb+0102+0304+5002+ffff = 3285b,
// folded 285e, complement d7a1.
TEST(PacketBuilder, WritesTheBytesOfTheStandards)
{
    Frame frame;
    PacketBuilder()
        .Tcp(SampleKey())
        .Macs({2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2})
        .Flags(tcp_flag::SYN)
        .Sequence(0x01020304)
        .Build(frame);
    const Bytes expected = {2,    0,    0,    0,    0,    2,    2,    0,    0,    0,    0,
                            1,    0x08, 0x00, 0x45, 0x00, 0x00, 0x28, 0x00, 0x00, 0x40, 0x00,
                            0x40, 0x06, 0x04, 0x92, 0x0a, 0x01, 0x02, 0x03, 0xc6, 0x33, 0x64,
                            0x07, 0x9c, 0x41, 0x01, 0xbb, 0x01, 0x02, 0x03, 0x04, 0x00, 0x00,
                            0x00, 0x00, 0x50, 0x02, 0xff, 0xff, 0xd7, 0xa1, 0x00, 0x00};
    EXPECT_EQ(Flatten(frame), expected);
}

TEST(ParsePacket, DescribesEachProtocol)
{
    for (const auto protocol : {IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP})
    {
        Frame frame;
        const auto bytes = Packet(protocol);
        Fill(frame, bytes);
        PacketView view;
        ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
        EXPECT_EQ(view.key, SampleKey(protocol));
        EXPECT_EQ(view.ttl, 64);
        EXPECT_EQ(view.ipOffset, IP);
        EXPECT_EQ(view.l4Offset, L4);
        EXPECT_EQ(view.tcpFlags, protocol == IpProtocol::TCP ? 0x12 : 0);
        EXPECT_FALSE(view.udpChecksumAbsent);
    }
}

// flow-key.h: Reversed() of an echo request's key is the reply's key.
TEST(ParsePacket, GivesAnEchoReplyTheReversedKey)
{
    Frame frame;
    PacketBuilder().IcmpEcho(SampleKey(IpProtocol::ICMP).Reversed(), true).Build(frame);
    PacketView view;
    ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    EXPECT_EQ(view.key, SampleKey(IpProtocol::ICMP).Reversed());
    EXPECT_EQ(frame.Header()[L4], 0);
    EXPECT_EQ(Load16(frame.Header().data() + L4 + 4), 40001);
}

/** A TCP packet with 8 bytes of IPv4 options, 4 of TCP options and 4 of payload. */
Bytes
PacketWithOptions()
{
    auto bytes = Packet(IpProtocol::TCP, Bytes{1, 2, 3, 4});
    bytes.insert(bytes.begin() + L4 + 20, {1, 1, 1, 0});
    bytes[L4 + 12] = 0x60;
    bytes.insert(bytes.begin() + L4, {7, 7, 4, 0, 0, 0, 0, 0});
    bytes[IP] = 0x47;
    Store16(&bytes[IP + 2], 56);
    RepairChecksums(bytes);
    return bytes;
}

TEST(ParsePacket, SkipsIpAndTcpOptions)
{
    Frame frame;
    const auto bytes = PacketWithOptions();
    Fill(frame, bytes);
    PacketView view;
    ASSERT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
    EXPECT_EQ(view.l4Offset, L4 + 8);
    EXPECT_EQ(view.key, SampleKey());
}

// frame.h: the header bytes hold all headers, their options included.
TEST(ParsePacket, RefusesOptionsThatLieInThePayload)
{
    const auto bytes = PacketWithOptions();
    for (std::size_t size = 0; size <= bytes.size(); size += 2)
    {
        Frame frame;
        Fill(frame, bytes, size);
        PacketView view;
        EXPECT_EQ(ParsePacket(frame, 0, view),
                  size < L4 + 8 + 24 ? PacketVerdict::TRUNCATED : PacketVerdict::OK)
            << size;
        EXPECT_EQ(ParsePacketTrusted(frame, 0, view),
                  size < L4 + 8 + 24 ? PacketVerdict::TRUNCATED : PacketVerdict::OK)
            << size;
    }
}

TEST(ParsePacket, ParsesAtAnOffset)
{
    auto bytes = Packet(IpProtocol::UDP);
    bytes.insert(bytes.begin(), 50, 0xee);
    Frame frame;
    Fill(frame, bytes);
    PacketView view;
    ASSERT_EQ(ParsePacket(frame, 50, view), PacketVerdict::OK);
    EXPECT_EQ(view.ipOffset, 64);
    EXPECT_EQ(view.l4Offset, 84);
    EXPECT_EQ(ParsePacket(frame, bytes.size() + 1, view), PacketVerdict::TRUNCATED);
}

struct Fault
{
    const char* name;
    IpProtocol protocol;
    PacketVerdict verdict;
    std::function<void(Bytes&)> inject; ///< checksums are repaired afterwards
};

TEST(ParsePacket, NamesEachFault)
{
    using enum PacketVerdict;
    const auto set8 = [](std::size_t at, std::uint8_t to)
    {
        return [=](Bytes& b)
        {
            b[at] = to;
            };
    };
    const auto set16 = [](std::size_t at, std::uint16_t to)
    {
        return [=](Bytes& b)
        {
            Store16(&b[at], to);
            };
    };
    const Fault faults[] = {
        {"ARP", IpProtocol::TCP, NOT_IPV4, set16(12, 0x0806)},
        {"IPv6 EtherType", IpProtocol::TCP, NOT_IPV4, set16(12, 0x86dd)},
        {"IP version 6", IpProtocol::TCP, NOT_IPV4, set8(IP, 0x65)},
        {"IHL 4", IpProtocol::TCP, BAD_HEADER, set8(IP, 0x44)},
        {"total length below IHL", IpProtocol::TCP, BAD_HEADER, set16(IP + 2, 19)},
        {"total length without TCP", IpProtocol::TCP, BAD_HEADER, set16(IP + 2, 39)},
        {"total length without UDP", IpProtocol::UDP, BAD_HEADER, set16(IP + 2, 27)},
        {"total length without ICMP", IpProtocol::ICMP, BAD_HEADER, set16(IP + 2, 27)},
        {"total length too large", IpProtocol::TCP, TRUNCATED, set16(IP + 2, 45)},
        {"MF flag", IpProtocol::TCP, FRAGMENT, set16(IP + 6, 0x2000)},
        {"fragment offset", IpProtocol::UDP, FRAGMENT, set16(IP + 6, 0x0001)},
        {"last offset", IpProtocol::UDP, FRAGMENT, set16(IP + 6, 0x1fff)},
        {"reserved flag", IpProtocol::TCP, OK, set16(IP + 6, 0x8000)},
        {"SCTP", IpProtocol::TCP, UNSUPPORTED_PROTOCOL, set8(IP + 9, 132)},
        {"protocol 0", IpProtocol::TCP, UNSUPPORTED_PROTOCOL, set8(IP + 9, 0)},
        {"TCP data offset 4", IpProtocol::TCP, BAD_HEADER, set8(L4 + 12, 0x40)},
        {"TCP data offset 7", IpProtocol::TCP, BAD_HEADER, set8(L4 + 12, 0x70)},
        {"TCP data offset 6", IpProtocol::TCP, OK, set8(L4 + 12, 0x60)},
        {"UDP length 7", IpProtocol::UDP, BAD_HEADER, set16(L4 + 4, 7)},
        {"UDP length short", IpProtocol::UDP, BAD_HEADER, set16(L4 + 4, 11)},
        {"UDP length long", IpProtocol::UDP, BAD_HEADER, set16(L4 + 4, 13)},
        {"destination unreachable", IpProtocol::ICMP, UNSUPPORTED_ICMP, set8(L4, 3)},
        {"timestamp", IpProtocol::ICMP, UNSUPPORTED_ICMP, set8(L4, 13)},
        {"echo with a code", IpProtocol::ICMP, UNSUPPORTED_ICMP, set8(L4 + 1, 1)},
    };
    const Bytes payload = {1, 2, 3, 4};
    for (const auto& fault : faults)
    {
        auto bytes = Packet(fault.protocol, payload);
        ASSERT_EQ(Parse(bytes), OK);
        fault.inject(bytes);
        const bool repairable =
            fault.verdict == OK || fault.verdict == FRAGMENT || fault.verdict == UNSUPPORTED_ICMP;
        if (repairable)
        {
            RepairChecksums(bytes);
        }
        else
        {
            // Only the header's checksum: the transport lengths need not make sense.
            Store16(&bytes[IP + 10], 0);
            const auto sum = test::PlainSum(std::span(bytes).subspan(IP, 20));
            Store16(&bytes[IP + 10], static_cast<std::uint16_t>(~sum));
        }
        EXPECT_EQ(Parse(bytes), fault.verdict) << fault.name;
    }
}

TEST(ParsePacket, DetectsEverySingleBitErrorThatAChecksumCovers)
{
    const Bytes payload = {0x10, 0x20, 0x30};
    for (const auto protocol : {IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP})
    {
        const auto good = Packet(protocol, payload);
        for (std::size_t bit = 12 * 8; bit < good.size() * 8; ++bit)
        {
            auto bytes = good;
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
            EXPECT_NE(Parse(bytes), PacketVerdict::OK) << "bit " << bit;
        }
    }
}

TEST(ParsePacket, TrustedDiffersOnlyInChecksums)
{
    for (const auto protocol : {IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP})
    {
        for (const std::size_t at : {IP + 10,
                                     L4 + (protocol == IpProtocol::TCP   ? 16u
                                           : protocol == IpProtocol::UDP ? 6u
                                                                         : 2u)})
        {
            auto bytes = Packet(protocol);
            bytes[at] ^= 0x55;
            Frame frame;
            Fill(frame, bytes);
            PacketView view;
            EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::BAD_CHECKSUM);
            EXPECT_EQ(ParsePacketTrusted(frame, 0, view), PacketVerdict::OK);
            EXPECT_EQ(view.key, SampleKey(protocol));
        }
    }
}

TEST(ParsePacket, RefusesEveryTruncation)
{
    const Bytes payload = {1, 2, 3, 4, 5};
    for (const auto protocol : {IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP})
    {
        const auto good = Packet(protocol, payload);
        for (std::size_t size = 0; size < good.size(); ++size)
        {
            EXPECT_NE(Parse({good.begin(), good.begin() + size}), PacketVerdict::OK) << size;
        }
    }
}

TEST(ParsePacket, TakesPayloadFromHeaderBytesAndPayload)
{
    const Bytes payload = {1, 2, 3, 4, 5, 6, 7};
    for (const auto protocol : {IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP})
    {
        const auto bytes = Packet(protocol, payload);
        const auto least = test::HeaderSize(bytes);
        for (auto size = least; size <= bytes.size(); size += 2)
        {
            Frame frame;
            Fill(frame, bytes, size);
            PacketView view;
            EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK) << size;
            frame.payload.sum ^= 0x0100;
            EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::BAD_CHECKSUM) << size;
        }
        // Headers that lie in the payload cannot be rewritten.
        Frame frame;
        Fill(frame, bytes, least - 2);
        PacketView view;
        EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::TRUNCATED);
    }
}

TEST(ParsePacket, IgnoresAnEthernetTrailerBehindHeaderBytesOnly)
{
    for (const auto protocol : {IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP})
    {
        auto bytes = Packet(protocol);
        bytes.insert(bytes.end(), {0xde, 0xad, 0xbe});
        EXPECT_EQ(Parse(bytes), PacketVerdict::OK);
        Frame frame;
        Fill(frame, bytes, test::HeaderSize(bytes));
        PacketView view;
        EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::BAD_HEADER);
    }
}

TEST(SetMacAddresses, WritesBothAddressesAtTheOffset)
{
    auto bytes = Packet(IpProtocol::UDP);
    bytes.insert(bytes.begin(), 8, 0xee);
    Frame frame;
    Fill(frame, bytes);
    SetMacAddresses(frame, 8, {1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12});
    const Bytes macs = {7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6};
    std::copy(macs.begin(), macs.end(), bytes.begin() + 8);
    EXPECT_EQ(Flatten(frame), bytes);
}

} // namespace
} // namespace flowchain
