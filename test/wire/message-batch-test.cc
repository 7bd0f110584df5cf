// SPDX-License-Identifier: GPL-2.0-only
#include "message-batch.h"

#include "byte-order.h"
#include "wire-samples.h"

#include <gtest/gtest.h>

#include <functional>

namespace flowchain
{
namespace
{

using enum DecodeVerdict;
using enum MessageKind;
using test::EncodeSample;
using test::Flatten;

// Offsets of the sample batch: outer headers and container 86, then CHAIN (2 + 36 + 60),
// REVERSE_ENTRY (2 + 36 + 48) and SNAPSHOT_END (2 + 36).
constexpr std::size_t CONTAINER = 54;
constexpr std::size_t FIRST = 86;
constexpr std::size_t SECOND = FIRST + 98;
constexpr std::size_t THIRD = SECOND + 86;
constexpr std::size_t END = THIRD + 38;
constexpr std::size_t DATA = 6; ///< of a message, behind its length and the option's header

/** The header that the container of a sample has. */
MessageHeader
Container(std::uint16_t count)
{
    MessageHeader header = test::SampleMessage(BATCH).header;
    header.epoch = 0xe0e1e2e3;
    header.acknowledged = 0xa0a1a2a3;
    header.selective = 0xb0b1b2b3b4b5b6b7;
    header.targetIncarnation = 0x3e;
    header.attempt = count;
    return header;
}

void
Encode(const std::vector<MessageKind>& kinds, Frame& batch)
{
    const auto header = Container(static_cast<std::uint16_t>(kinds.size()));
    batch.Reset();
    for (const auto kind : kinds)
    {
        Frame one;
        EncodeSample(kind, one);
        ASSERT_TRUE(MayBeInBatch(one)) << ToString(kind);
        const auto before = batch.Length();
        AppendToBatch(batch, one, header);
        EXPECT_EQ(batch.Length() - before, SizeInBatch(one));
    }
    EncapsulateBatch(header, test::SampleUnderlay(), batch);
}

DecodeVerdict
DecodeAll(const Bytes& bytes)
{
    Frame frame;
    test::Fill(frame, bytes);
    SyncMessage container;
    std::size_t outer = 0;
    const auto verdict = Decode(frame, container, outer);
    std::vector<SyncMessage> messages;
    return verdict == OK ? DecodeBatch(frame, messages) : verdict;
}

TEST(MessageBatch, IsLaidOutAsDocumented)
{
    Frame frame;
    EncodeSample(BATCH, frame);
    const auto bytes = Flatten(frame);
    ASSERT_EQ(bytes.size(), END);
    EXPECT_EQ(bytes[42], 9); // words of options in front of the body
    EXPECT_EQ(bytes[43], 0x80);
    EXPECT_EQ(Load16(&bytes[44]), 0x88b5);
    EXPECT_EQ(bytes[CONTAINER], 18);
    EXPECT_EQ(Load16(&bytes[CONTAINER + 30]), 3);
    EXPECT_EQ(Load16(&bytes[FIRST]), 96);
    EXPECT_EQ(bytes[FIRST + DATA], 4); // CHAIN
    EXPECT_EQ(Load16(&bytes[SECOND]), 84);
    EXPECT_EQ(bytes[SECOND + DATA], 8); // REVERSE_ENTRY
    EXPECT_EQ(Load16(&bytes[THIRD]), 36);
    EXPECT_EQ(bytes[THIRD + DATA], 14); // SNAPSHOT_END
}

TEST(MessageBatch, KeepsEachMessageButStampsItAnew)
{
    const std::vector kinds{CHAIN,
                            CHAIN_DONE,
                            FAN_OUT,
                            FAN_OUT_DONE,
                            ACK,
                            REVERSE_ENTRY,
                            SNAPSHOT,
                            HEARTBEAT,
                            SNAPSHOT_END,
                            REFUSAL};
    Frame frame;
    ASSERT_NO_FATAL_FAILURE(Encode(kinds, frame));
    auto repaired = Flatten(frame);
    test::RepairOuter(repaired);
    EXPECT_EQ(Flatten(frame), repaired) << "lengths and checksums";

    SyncMessage container;
    std::size_t outer = 0;
    ASSERT_EQ(Decode(frame, container, outer), OK);
    EXPECT_EQ(outer, BATCH_OVERHEAD);
    const auto stamp = Container(static_cast<std::uint16_t>(kinds.size()));
    EXPECT_EQ(container.header, stamp);
    std::vector<SyncMessage> messages;
    ASSERT_EQ(DecodeBatch(frame, messages), OK);
    ASSERT_EQ(messages.size(), kinds.size());
    PeekedMessages peeked(frame);
    for (std::size_t i = 0; i < kinds.size(); ++i)
    {
        SyncMessage expected = test::SampleMessage(kinds[i]);
        expected.header.epoch = stamp.epoch;
        expected.header.acknowledged = stamp.acknowledged;
        expected.header.selective = stamp.selective;
        expected.header.targetIncarnation = stamp.targetIncarnation;
        EXPECT_EQ(messages[i].header, expected.header) << ToString(kinds[i]);
        EXPECT_EQ(messages[i].record, expected.record);
        EXPECT_EQ(messages[i].entry, expected.entry);
        EXPECT_FALSE(messages[i].hasInnerFrame);
        PeekedMessage seen;
        ASSERT_TRUE(peeked.Next(seen));
        EXPECT_EQ(seen.kind, kinds[i]);
        EXPECT_FALSE(seen.isResend);
    }
    PeekedMessage seen;
    EXPECT_FALSE(peeked.Next(seen));
}

TEST(MessageBatch, FillsAFrameUpToItsLongest)
{
    // 14 messages with a record, 86 + 14 * 98 = 1458, and one without, 38: 1496.
    std::vector kinds(14, CHAIN);
    kinds.push_back(ACK);
    Frame frame;
    ASSERT_NO_FATAL_FAILURE(Encode(kinds, frame));
    EXPECT_EQ(frame.Length(), 1496U);
    EXPECT_LE(frame.Length(), BATCH_BYTES_MAX);
    EXPECT_EQ(DecodeAll(Flatten(frame)), OK);
}

TEST(MessageBatch, TakesNoInnerFrameAndNoBody)
{
    for (const auto kind : {PACKET_IN, PROCESS, STATE, ENTRY, VIEW, BATCH})
    {
        Frame frame;
        EncodeSample(kind, frame);
        EXPECT_FALSE(MayBeInBatch(frame)) << ToString(kind);
    }
}

TEST(MessageBatch, PeekingSeesOneMessageInEveryOtherFrameAndNoneInAPacket)
{
    for (const auto kind : test::ALL_KINDS)
    {
        if (kind != BATCH)
        {
            Frame frame;
            EncodeSample(kind, frame);
            PeekedMessages messages(frame);
            PeekedMessage seen;
            ASSERT_TRUE(messages.Next(seen));
            EXPECT_EQ(seen.kind, kind);
            EXPECT_FALSE(seen.isResend);
            EXPECT_EQ(seen.bytes, frame.Length());
            EXPECT_FALSE(messages.Next(seen));
        }
    }
    Frame packet;
    PacketBuilder().Tcp(test::SampleKey()).PayloadLength(100).Build(packet);
    PeekedMessage seen;
    EXPECT_FALSE(PeekedMessages(packet).Next(seen));
}

TEST(MessageBatch, PeekingTellsWhichMessagesAreSentAgain)
{
    const auto header = Container(2);
    Frame batch;
    batch.Reset();
    for (const auto kind : {CHAIN, REVERSE_ENTRY})
    {
        Frame one;
        EncodeSample(kind, one);
        Restamp(one, header, kind == REVERSE_ENTRY);
        PeekedMessage alone;
        ASSERT_TRUE(PeekedMessages(one).Next(alone));
        EXPECT_EQ(alone.isResend, kind == REVERSE_ENTRY);
        AppendToBatch(batch, one, header);
    }
    EncapsulateBatch(header, test::SampleUnderlay(), batch);
    PeekedMessages messages(batch);
    PeekedMessage seen;
    ASSERT_TRUE(messages.Next(seen));
    EXPECT_EQ(seen.kind, CHAIN);
    EXPECT_FALSE(seen.isResend);
    EXPECT_EQ(seen.bytes, 98U); // 2 + 36 + 60
    ASSERT_TRUE(messages.Next(seen));
    EXPECT_EQ(seen.kind, REVERSE_ENTRY);
    EXPECT_TRUE(seen.isResend);
    EXPECT_EQ(seen.bytes, 86U); // 2 + 36 + 48
    EXPECT_FALSE(messages.Next(seen));
}

TEST(MessageBatch, BadBytesHaveANamedVerdict)
{
    struct Fault
    {
        const char* what;
        DecodeVerdict verdict;
        std::function<void(Bytes&)> damage;
    };
    const auto set8 = [](std::size_t at, unsigned value)
    {
        return [=](Bytes& bytes)
        {
            bytes[at] = static_cast<std::uint8_t>(value);
            };
    };
    const auto set16 = [](std::size_t at, unsigned value)
    {
        return [=](Bytes& bytes)
        {
            Store16(&bytes[at], static_cast<std::uint16_t>(value));
            };
    };
    const auto cut = [](std::size_t size)
    {
        return [=](Bytes& bytes)
        {
            bytes.resize(size);
            };
    };
    const Fault faults[] = {
        {"nothing", OK, [](Bytes&) {}},
        {"no message", BAD_BODY, cut(FIRST)},
        {"half a length", TRUNCATED, cut(FIRST + 1)},
        {"a length alone", TRUNCATED, cut(FIRST + 2)},
        {"last message missing", TRUNCATED, cut(THIRD)},
        {"last message cut", TRUNCATED, cut(END - 2)},
        {"count too small", TRUNCATED, set16(CONTAINER + 30, 2)},
        {"count too large", TRUNCATED, set16(CONTAINER + 30, 4)},
        {"length 0", TRUNCATED, set16(FIRST, 0)},
        {"length below a message option", TRUNCATED, set16(FIRST, 32)},
        {"length in half words", TRUNCATED, set16(FIRST, 98)},
        {"length beyond the end", TRUNCATED, set16(THIRD, 40)},
        {"length ffff", TRUNCATED, set16(THIRD, 0xffff)},
        {"length without the record", BAD_BODY, set16(FIRST, 36)},
        {"length into the next message", BAD_OPTION, set16(FIRST, 100)},
        {"another class", BAD_OPTION, set16(FIRST + 2, 0xff0d)},
        {"option length wrong", BAD_OPTION, set8(FIRST + 5, 7)},
        {"kind 0", BAD_KIND, set8(SECOND + DATA, 0)},
        {"kind too large", BAD_KIND, set8(SECOND + DATA, 200)},
        {"a batch in a batch", BAD_BODY, set8(THIRD + DATA, 18)},
        {"a view in a batch", BAD_BODY, set8(THIRD + DATA, 12)},
        {"a packet-in in a batch", BAD_BODY, set8(THIRD + DATA, 1)},
        {"another source", BAD_BODY, set8(SECOND + DATA + 3, 0x77)},
        {"another incarnation", BAD_BODY, set8(SECOND + DATA + 4, 0x07)},
        {"state out of range", BAD_BODY, set8(FIRST + DATA + 36 + 52, 99)},
    };
    for (const Fault& fault : faults)
    {
        Frame frame;
        EncodeSample(BATCH, frame);
        auto bytes = Flatten(frame);
        fault.damage(bytes);
        test::RepairOuter(bytes);
        EXPECT_EQ(DecodeAll(bytes), fault.verdict) << fault.what;
    }
}

} // namespace
} // namespace flowchain
