// SPDX-License-Identifier: GPL-2.0-only
#include "sync-message.h"

#include "wire-samples.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace flowchain
{
namespace
{

using test::ALL_KINDS;
using test::EncodeSample;
using test::Flatten;
using test::SampleKey;
using test::SampleMessage;
using test::SampleUnderlay;
using test::SampleView;

constexpr std::size_t OPTIONS = 50;

const Bytes MESSAGE_OPTION_REST = {0x03, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
                                   0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
                                   0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e};

Bytes
Slice(const Bytes& bytes, std::size_t from, std::size_t size)
{
    return {bytes.begin() + from, bytes.begin() + from + size};
}

// The table at the top of sync-message.h, byte by byte.
TEST(Encapsulate, LaysOutARecordAsDocumented)
{
    Frame frame;
    EncodeSample(MessageKind::CHAIN, frame);
    const auto bytes = Flatten(frame);
    ASSERT_EQ(bytes.size(), OPTIONS + 36 + 60);
    // Ethernet, IPv4 (total length 132), UDP (6081 = 17c1, length 112).
    EXPECT_EQ(Slice(bytes, 0, 24), (Bytes{2, 0, 0,    0, 0, 2,   2, 0, 0,    0, 0,  1,
                                          8, 0, 0x45, 0, 0, 132, 0, 0, 0x40, 0, 64, 17}));
    EXPECT_EQ(Slice(bytes, 26, 14),
              (Bytes{0xc0, 0, 2, 1, 0xc0, 0, 2, 2, 0xc3, 0xcb, 0x17, 0xc1, 0, 112}));
    // Geneve: version 0, 96 / 4 = 24 words of options, O bit, 88b5, VNI abcdef.
    EXPECT_EQ(Slice(bytes, 42, 8), (Bytes{24, 0x80, 0x88, 0xb5, 0xab, 0xcd, 0xef, 0}));
    EXPECT_EQ(Slice(bytes, 50, 5), (Bytes{0xff, 0x0c, 0x01, 8, 4}));
    EXPECT_EQ(Slice(bytes, 55, 31), MESSAGE_OPTION_REST);
    EXPECT_EQ(Slice(bytes, 86, 60),
              (Bytes{0xff, 0x0c, 0x02, 14,   0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,
                     0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 10,   1,    2,    3,
                     198,  51,   100,  7,    0x9c, 0x41, 0x01, 0xbb, 203,  0,    113,  9,
                     10,   9,    8,    7,    0x04, 0x01, 0x20, 0xfb, 0x31, 0x32, 0x33, 0x34,
                     0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 1,    6,    6,    0}));
}

TEST(Encapsulate, LaysOutAnEntryWithInnerFrameAsDocumented)
{
    Frame frame;
    EncodeSample(MessageKind::ENTRY, frame, 100);
    const auto bytes = Flatten(frame);
    ASSERT_EQ(bytes.size(), OPTIONS + 36 + 48 + 54 + 100);
    EXPECT_EQ(Slice(bytes, 16, 2), (Bytes{0x01, 0x12})); // 274 = 288 - 14
    EXPECT_EQ(Slice(bytes, 38, 2), (Bytes{0x00, 0xfe})); // 254 = 274 - 20
    EXPECT_EQ(Slice(bytes, 42, 8), (Bytes{21, 0, 0x65, 0x58, 0xab, 0xcd, 0xef, 0}));
    EXPECT_EQ(bytes[54], 9);
    EXPECT_EQ(Slice(bytes, 86, 48),
              (Bytes{0xff, 0x0c, 0x03, 11,   0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
                     0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, 10,   9,    8,    7,
                     203,  0,    113,  9,    0x20, 0xfb, 0x04, 0x01, 198,  51,   100,  7,
                     10,   1,    2,    3,    0x01, 0xbb, 0x9c, 0x41, 0x51, 0x52, 6,    6}));
    Frame inner;
    PacketBuilder()
        .Tcp(SampleKey())
        .Flags(tcp_flag::SYN)
        .Sequence(77)
        .PayloadLength(100)
        .Build(inner);
    EXPECT_EQ(Slice(bytes, 134, 154), Flatten(inner));
}

TEST(Encapsulate, LaysOutAViewAsDocumented)
{
    Frame frame;
    EncodeSample(MessageKind::VIEW, frame);
    const auto bytes = Flatten(frame);
    ASSERT_EQ(bytes.size(), OPTIONS + 36 + 6 + 7);
    EXPECT_EQ(Slice(bytes, 42, 8), (Bytes{9, 0x80, 0x88, 0xb5, 0xab, 0xcd, 0xef, 0}));
    // Status 2, 0, 1, ... in the upper two bits; incarnation 1, 6, 11, ... below.
    EXPECT_EQ(Slice(bytes, 86, 13),
              (Bytes{0x61, 0x62, 0x63, 0x64, 0, 7, 0x81, 0x06, 0x4b, 0x90, 0x15, 0x5a, 0x9f}));
}

TEST(Encapsulate, GivesEveryKindTheRightChecksums)
{
    for (const auto kind : ALL_KINDS)
    {
        for (const std::uint32_t payload : {0, 1, 1446})
        {
            Frame frame;
            EncodeSample(kind, frame, payload);
            auto repaired = Flatten(frame);
            test::RepairOuter(repaired);
            EXPECT_EQ(Flatten(frame), repaired) << ToString(kind);
        }
    }
}

// Frame promises room for a message in front of the largest headers: 14 + 60 + 60 bytes.
TEST(Encapsulate, FitsInFrontOfTheLargestHeaders)
{
    Frame frame;
    frame.Reset();
    for (auto& byte : frame.Append(134))
    {
        byte = 0x5a;
    }
    frame.payload = {nullptr, 1400, 0};
    Encapsulate(SampleMessage(MessageKind::STATE), SampleUnderlay(), frame);
    SyncMessage message;
    std::size_t outer = 0;
    ASSERT_EQ(Decode(frame, message, outer), DecodeVerdict::OK);
    EXPECT_EQ(outer, OPTIONS + 96);
    EXPECT_EQ(frame.Length(), outer + 134 + 1400);
}

TEST(Decode, ReturnsEveryField)
{
    for (const auto kind : ALL_KINDS)
    {
        Frame frame;
        EncodeSample(kind, frame);
        SyncMessage decoded = SampleMessage(MessageKind::ENTRY);
        decoded.record = SampleMessage(MessageKind::CHAIN).record;
        std::size_t outer = 0;
        ASSERT_EQ(Decode(frame, decoded, outer), DecodeVerdict::OK) << ToString(kind);
        const auto message = SampleMessage(kind);
        EXPECT_EQ(decoded.header, message.header);
        EXPECT_EQ(decoded.record, message.record) << ToString(kind);
        EXPECT_EQ(decoded.entry, message.entry) << ToString(kind);
        EXPECT_EQ(decoded.hasInnerFrame, message.hasInnerFrame);
    }
}

TEST(Decode, LeavesTheInnerFrameToTrimTo)
{
    for (const auto kind : {MessageKind::PACKET_IN, MessageKind::STATE, MessageKind::ENTRY})
    {
        Frame frame;
        EncodeSample(kind, frame, 33);
        frame.packetId = 5;
        SyncMessage message;
        std::size_t outer = 0;
        ASSERT_EQ(Decode(frame, message, outer), DecodeVerdict::OK);
        PacketView view;
        EXPECT_EQ(ParsePacket(frame, outer, view), PacketVerdict::OK);
        frame.TrimFront(outer);
        EXPECT_EQ(ParsePacket(frame, 0, view), PacketVerdict::OK);
        EXPECT_EQ(view.key, SampleKey());
        EXPECT_EQ(frame.Length(), 54u + 33);
        EXPECT_EQ(frame.packetId, 5u);
    }
}

// sync-message.h: of a REFUSED state only record.original counts, and it has no inner frame.
TEST(Decode, AcceptsARefusalWithoutTranslation)
{
    auto message = SampleMessage(MessageKind::STATE);
    message.header.flags = message_flag::REFUSED;
    message.record = {};
    message.record.original = SampleKey();
    message.hasInnerFrame = false;
    Frame frame;
    Encapsulate(message, SampleUnderlay(), frame);
    SyncMessage decoded;
    std::size_t outer = 0;
    ASSERT_EQ(Decode(frame, decoded, outer), DecodeVerdict::OK);
    EXPECT_EQ(decoded.record, message.record);
    EXPECT_FALSE(decoded.hasInnerFrame);
}

TEST(Decode, CallsADataPacketNotGeneve)
{
    SyncMessage message;
    std::size_t outer = 0;
    Frame frame;
    PacketBuilder().Tcp(SampleKey()).PayloadLength(10).Build(frame);
    EXPECT_EQ(Decode(frame, message, outer), DecodeVerdict::NOT_GENEVE);
    PacketBuilder().Udp(SampleKey(IpProtocol::UDP)).Build(frame);
    EXPECT_EQ(Decode(frame, message, outer), DecodeVerdict::NOT_GENEVE);
    PacketBuilder().IcmpEcho(SampleKey(IpProtocol::ICMP), false).Build(frame);
    EXPECT_EQ(Decode(frame, message, outer), DecodeVerdict::NOT_GENEVE);
}

TEST(DecodeView, ReturnsViewsOfEverySize)
{
    const MessageHeader header = SampleMessage(MessageKind::VIEW).header;
    for (std::uint16_t count = 0; count <= MAX_NODES; ++count)
    {
        Frame frame;
        frame.Reset();
        EncapsulateView(header, SampleView(count), SampleUnderlay(), frame);
        SyncMessage message;
        std::size_t outer = 0;
        ASSERT_EQ(Decode(frame, message, outer), DecodeVerdict::OK);
        EXPECT_EQ(message.header, header);
        ViewBody view;
        ASSERT_EQ(DecodeView(frame, view), DecodeVerdict::OK);
        EXPECT_EQ(view, SampleView(count));
    }
}

// sync-message.h: an incarnation is modulo 64, and must not spill into the status.
TEST(EncapsulateView, CutsTheIncarnationToSixBits)
{
    auto view = SampleView(2);
    view.members[1] = {MemberStatus::JOINING, 64 + 64 + 5};
    Frame frame;
    frame.Reset();
    EncapsulateView(SampleMessage(MessageKind::VIEW).header, view, SampleUnderlay(), frame);
    ViewBody decoded;
    ASSERT_EQ(DecodeView(frame, decoded), DecodeVerdict::OK);
    EXPECT_EQ(decoded.members[1], (ViewBody::Member{MemberStatus::JOINING, 5}));
}

TEST(PeekKind, SeesTheKindOfEveryMessageAndOfNoDataPacket)
{
    Frame frame;
    MessageKind peeked;
    for (const auto kind : ALL_KINDS)
    {
        EncodeSample(kind, frame);
        ASSERT_TRUE(PeekKind(frame, peeked));
        EXPECT_EQ(peeked, kind);
    }
    for (const std::uint32_t payload : {0, 200})
    {
        PacketBuilder().Tcp(SampleKey()).PayloadLength(payload).Build(frame);
        EXPECT_FALSE(PeekKind(frame, peeked));
    }
    frame.Reset();
    EXPECT_FALSE(PeekKind(frame, peeked));
}

TEST(Names, AreDifferentForEveryKindAndVerdict)
{
    std::vector<std::string> names;
    for (const auto kind : ALL_KINDS)
    {
        names.emplace_back(ToString(kind));
    }
    EXPECT_EQ(names.front(), "packet-in");
    EXPECT_EQ(names.back(), "remove");
    for (int i = 0; i <= static_cast<int>(DecodeVerdict::BAD_BODY); ++i)
    {
        names.emplace_back(ToString(static_cast<DecodeVerdict>(i)));
    }
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
    EXPECT_EQ(std::find(names.begin(), names.end(), "invalid"), names.end());
}

MessageHeader
AnyHeader(MessageKind kind)
{
    using rc::gen::arbitrary;
    return {.kind = kind,
            .flags = *arbitrary<std::uint8_t>(),
            .source = *arbitrary<std::uint16_t>(),
            .sourceIncarnation = *arbitrary<std::uint8_t>(),
            .targetIncarnation = *arbitrary<std::uint8_t>(),
            .position = *arbitrary<std::uint8_t>(),
            .reason = *arbitrary<std::uint8_t>(),
            .epoch = *arbitrary<std::uint32_t>(),
            .sequence = *arbitrary<std::uint32_t>(),
            .acknowledged = *arbitrary<std::uint32_t>(),
            .selective = *arbitrary<std::uint64_t>(),
            .first = *arbitrary<std::uint16_t>(),
            .attempt = *arbitrary<std::uint16_t>()};
}

FlowKey
AnyKey(IpProtocol protocol)
{
    using rc::gen::arbitrary;
    return {{*arbitrary<std::uint32_t>(), *arbitrary<std::uint16_t>()},
            {*arbitrary<std::uint32_t>(), *arbitrary<std::uint16_t>()},
            protocol};
}

/** A message of any kind but VIEW and BATCH whose body has any values. */
SyncMessage
AnyMessage()
{
    using rc::gen::arbitrary;
    const auto kind =
        *rc::gen::suchThat(rc::gen::elementOf(std::vector(ALL_KINDS.begin(), ALL_KINDS.end())),
                           [](MessageKind k)
                           {
        return k != MessageKind::VIEW && k != MessageKind::BATCH;
        });
    const auto protocol = *rc::gen::element(IpProtocol::TCP, IpProtocol::UDP, IpProtocol::ICMP);
    auto message = SampleMessage(kind);
    message.header = AnyHeader(kind);
    if (message.record != SessionRecord{})
    {
        message.record = {*arbitrary<std::uint64_t>(),
                          *arbitrary<std::uint64_t>(),
                          AnyKey(protocol),
                          AnyKey(protocol),
                          *arbitrary<std::uint64_t>(),
                          *arbitrary<std::uint16_t>(),
                          *arbitrary<std::uint16_t>(),
                          *rc::gen::element(SessionState::NEW,
                                            SessionState::SYN_SENT,
                                            SessionState::ESTABLISHED,
                                            SessionState::CLOSING,
                                            SessionState::DELETED)};
    }
    const bool hasHint =
        kind == MessageKind::PACKET_IN && (message.header.flags & message_flag::EXISTING) != 0;
    if (message.entry != FlowEntry{} || hasHint)
    {
        message.entry = {AnyKey(protocol),
                         AnyKey(protocol),
                         *arbitrary<std::uint64_t>(),
                         *arbitrary<std::uint64_t>(),
                         *arbitrary<std::uint16_t>()};
    }
    if (kind == MessageKind::STATE)
    {
        message.hasInnerFrame =
            (message.header.flags & (message_flag::REFUSED | message_flag::RELEASED)) == 0;
    }
    if (kind == MessageKind::ENTRY || kind == MessageKind::CHAIN || kind == MessageKind::CHAIN_DONE)
    {
        message.hasInnerFrame = *arbitrary<bool>();
    }
    return message;
}

RC_GTEST_PROP(SyncMessageProperty, DecodeInvertsEncapsulate, (Bytes payload, std::uint32_t vni))
{
    const auto message = AnyMessage();
    auto underlay = SampleUnderlay();
    underlay.vni = vni & 0xffffff;
    underlay.sourcePort = *rc::gen::arbitrary<std::uint16_t>();
    Frame frame;
    if (message.hasInnerFrame)
    {
        PacketBuilder().Udp(SampleKey(IpProtocol::UDP)).PayloadBytes(payload).Build(frame);
    }
    const auto inner = Flatten(frame);
    Encapsulate(message, underlay, frame);
    auto repaired = Flatten(frame);
    test::RepairOuter(repaired);
    RC_ASSERT(Flatten(frame) == repaired);

    SyncMessage decoded;
    std::size_t outer = 0;
    RC_ASSERT(Decode(frame, decoded, outer) == DecodeVerdict::OK);
    RC_ASSERT(decoded.header == message.header);
    RC_ASSERT(decoded.record == message.record);
    RC_ASSERT(decoded.entry == message.entry);
    RC_ASSERT(decoded.hasInnerFrame == message.hasInnerFrame);
    frame.TrimFront(outer);
    RC_ASSERT(Flatten(frame) == inner);
}

RC_GTEST_PROP(SyncMessageProperty, RestampIsTheMessageEncodedAnew, (Bytes payload))
{
    auto message = AnyMessage();
    const auto encode = [&payload](const SyncMessage& m, Frame& frame)
    {
        frame.Reset();
        if (m.hasInnerFrame)
        {
            PacketBuilder().Udp(SampleKey(IpProtocol::UDP)).PayloadBytes(payload).Build(frame);
        }
        Encapsulate(m, SampleUnderlay(), frame);
    };
    Frame frame;
    encode(message, frame);
    const auto other = AnyHeader(MessageKind::ACK);
    Restamp(frame, other, true);

    message.header.epoch = other.epoch;
    message.header.acknowledged = other.acknowledged;
    message.header.selective = other.selective;
    message.header.targetIncarnation = other.targetIncarnation;
    message.header.flags |= message_flag::RESEND;
    Frame expected;
    encode(message, expected);
    RC_ASSERT(Flatten(frame) == Flatten(expected));
}

// RFC 768: a checksum that is computed as zero is transmitted as all ones.
TEST(Restamp, SendsAChecksumOfZeroAsAllOnes)
{
    Frame frame;
    EncodeSample(MessageKind::ACK, frame);
    auto header = SampleMessage(MessageKind::ACK).header;
    header.epoch = 0;
    Restamp(frame, header, true);
    // The lower half of the epoch is what the other words lack to ffff.
    header.epoch = static_cast<std::uint32_t>(frame.Header()[40] << 8 | frame.Header()[41]);
    Restamp(frame, header, true);
    EXPECT_EQ(frame.Header()[40], 0xff);
    EXPECT_EQ(frame.Header()[41], 0xff);
    SyncMessage message;
    std::size_t outer = 0;
    EXPECT_EQ(Decode(frame, message, outer), DecodeVerdict::OK);
}

TEST(Restamp, RepairsAViewToo)
{
    Frame frame;
    EncodeSample(MessageKind::VIEW, frame);
    auto header = SampleMessage(MessageKind::VIEW).header;
    header.epoch = 0;
    header.selective = 0;
    Restamp(frame, header, true);
    SyncMessage message;
    std::size_t outer = 0;
    ASSERT_EQ(Decode(frame, message, outer), DecodeVerdict::OK);
    header.flags |= message_flag::RESEND;
    EXPECT_EQ(message.header, header);
}

} // namespace
} // namespace flowchain
