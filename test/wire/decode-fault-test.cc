// SPDX-License-Identifier: GPL-2.0-only
#include "byte-order.h"
#include "message-batch.h"
#include "sync-message.h"
#include "wire-samples.h"

#include <gtest/gtest.h>

#include <functional>

namespace flowchain
{
namespace
{

using enum DecodeVerdict;
using enum MessageKind;
using test::ALL_KINDS;
using test::EncodeSample;
using test::Fill;
using test::Flatten;

constexpr std::size_t GENEVE = 42;
constexpr std::size_t MESSAGE_OPTION = 50;
constexpr std::size_t MESSAGE = 54;
constexpr std::size_t SECOND_OPTION = 86;
constexpr std::size_t SECOND = 90;

Bytes
Encoded(MessageKind kind)
{
    Frame frame;
    EncodeSample(kind, frame, 0);
    return Flatten(frame);
}

/** Decode, and the body of a view or batch too. */
DecodeVerdict
DecodeAll(const Frame& frame)
{
    SyncMessage message;
    std::size_t outer = 0;
    const auto verdict = Decode(frame, message, outer);
    if (verdict == OK && message.header.kind == BATCH)
    {
        std::vector<SyncMessage> messages;
        return DecodeBatch(frame, messages);
    }
    ViewBody view;
    return verdict == OK && message.header.kind == VIEW ? DecodeView(frame, view) : verdict;
}

DecodeVerdict
DecodeAll(const Bytes& bytes)
{
    Frame frame;
    Fill(frame, bytes);
    return DecodeAll(frame);
}

TEST(DecodeFaults, RefusesEveryTruncation)
{
    for (const auto kind : ALL_KINDS)
    {
        const auto good = Encoded(kind);
        ASSERT_EQ(DecodeAll(good), OK);
        for (std::size_t size = 0; size < good.size(); ++size)
        {
            const Bytes cut(good.begin(), good.begin() + size);
            EXPECT_EQ(DecodeAll(cut), TRUNCATED) << ToString(kind) << ' ' << size;
        }
    }
}

// The outer lengths are made to fit, so that the lengths inside have to notice.
TEST(DecodeFaults, RefusesEveryTruncationThatTheOuterLengthsHide)
{
    for (const auto kind : ALL_KINDS)
    {
        const auto good = Encoded(kind);
        const auto inner =
            test::SampleMessage(kind).hasInnerFrame ? good.size() - 54 + 14 : good.size();
        for (std::size_t size = MESSAGE_OPTION; size < inner; ++size)
        {
            Bytes cut(good.begin(), good.begin() + size);
            test::RepairOuter(cut);
            EXPECT_NE(DecodeAll(cut), OK) << ToString(kind) << ' ' << size;
        }
    }
}

TEST(DecodeFaults, RefusesBytesThatNoLengthCovers)
{
    for (const auto kind : ALL_KINDS)
    {
        auto bytes = Encoded(kind);
        bytes.push_back(0);
        EXPECT_EQ(DecodeAll(bytes), TRUNCATED) << ToString(kind);
    }
}

TEST(DecodeFaults, RefusesAPayloadOfTheWrongLengthOrSum)
{
    for (const auto kind : {PACKET_IN, PROCESS, STATE, ENTRY})
    {
        Frame frame;
        EncodeSample(kind, frame, 100);
        ASSERT_EQ(DecodeAll(frame), OK);
        --frame.payload.length;
        EXPECT_EQ(DecodeAll(frame), TRUNCATED);
        frame.payload.length = 101;
        EXPECT_EQ(DecodeAll(frame), TRUNCATED);
        frame.payload = {nullptr, 100, 1};
        EXPECT_EQ(DecodeAll(frame), BAD_CHECKSUM);
    }
}

// The checksums cover everything behind the Ethernet header.
TEST(DecodeFaults, DetectsEverySingleBitErrorButInTheMacAddresses)
{
    for (const auto kind : ALL_KINDS)
    {
        const auto good = Encoded(kind);
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit)
        {
            auto bytes = good;
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
            EXPECT_EQ(DecodeAll(bytes) == OK, bit < 12 * 8) << ToString(kind) << " bit " << bit;
        }
    }
}

// Also where the other words add up to ffff, so that a sum over the zero field would seem right.
TEST(DecodeFaults, RefusesAnAbsentUdpChecksum)
{
    auto underlay = test::SampleUnderlay();
    underlay.sourcePort = 0;
    Frame frame;
    frame.Reset();
    Encapsulate(test::SampleMessage(CHAIN), underlay, frame);
    underlay.sourcePort = Load16(&frame.Header()[40]);
    frame.Reset();
    Encapsulate(test::SampleMessage(CHAIN), underlay, frame);
    ASSERT_EQ(Load16(&frame.Header()[40]), 0xffff);
    ASSERT_EQ(DecodeAll(frame), OK);
    Store16(&frame.Header()[40], 0);
    EXPECT_EQ(DecodeAll(frame), BAD_CHECKSUM);
}

TEST(DecodeFaults, RefusesLengthsThatDisagree)
{
    for (const std::size_t at : {17, 39}) // of IPv4 and UDP
    {
        for (const int by : {-1, 1})
        {
            auto bytes = Encoded(CHAIN);
            bytes[at] = static_cast<std::uint8_t>(bytes[at] + by);
            EXPECT_EQ(DecodeAll(bytes), TRUNCATED) << at;
        }
    }
}

// A body that the frame has as payload would escape the checks of header bytes.
TEST(DecodeFaults, RefusesAPayloadWithoutInnerFrame)
{
    for (const auto kind : {CHAIN, REVERSE_ENTRY, ACK, VIEW})
    {
        auto bytes = Encoded(kind);
        bytes.resize(bytes.size() + 4 + bytes.size() % 2, 0);
        test::RepairOuter(bytes);
        Frame frame;
        Fill(frame, bytes, bytes.size() - 4);
        EXPECT_EQ(DecodeAll(frame), BAD_BODY) << ToString(kind);
    }
}

struct Fault
{
    const char* name;
    MessageKind kind;
    DecodeVerdict verdict;
    std::function<void(Bytes&)> inject; ///< outer lengths and checksums are repaired afterwards
};

void
Expect(const std::vector<Fault>& faults)
{
    for (const auto& fault : faults)
    {
        auto bytes = Encoded(fault.kind);
        fault.inject(bytes);
        test::RepairOuter(bytes);
        EXPECT_EQ(DecodeAll(bytes), fault.verdict) << fault.name;
    }
}

std::function<void(Bytes&)>
Set8(std::size_t at, std::uint8_t to)
{
    return [=](Bytes& bytes)
    {
        bytes[at] = to;
        };
}

std::function<void(Bytes&)>
Set16(std::size_t at, std::uint16_t to)
{
    return [=](Bytes& bytes)
    {
        Store16(&bytes[at], to);
        };
}

/** Insert an option and count it in the Geneve header. */
std::function<void(Bytes&)>
Insert(std::size_t at, Bytes option)
{
    return [=](Bytes& bytes)
    {
        bytes.insert(bytes.begin() + at, option.begin(), option.end());
        bytes[GENEVE] = static_cast<std::uint8_t>(bytes[GENEVE] + option.size() / 4);
        };
}

std::function<void(Bytes&)>
Erase(std::size_t at, std::size_t size)
{
    return [=](Bytes& bytes)
    {
        bytes.erase(bytes.begin() + at, bytes.begin() + at + size);
        bytes[GENEVE] = static_cast<std::uint8_t>(bytes[GENEVE] - size / 4);
        };
}

/** Make a CHAIN a STATE with REFUSED, and set the protocols of its tuples. */
std::function<void(Bytes&)>
Refusal(std::uint8_t original, std::uint8_t translated)
{
    return [=](Bytes& bytes)
    {
        bytes[MESSAGE] = static_cast<std::uint8_t>(STATE);
        bytes[MESSAGE + 1] = message_flag::REFUSED;
        bytes[SECOND + 53] = original;
        bytes[SECOND + 54] = translated;
        };
}

Bytes
OptionOf(MessageKind kind, std::size_t at, std::size_t size)
{
    const auto bytes = Encoded(kind);
    return {bytes.begin() + at, bytes.begin() + at + size};
}

TEST(DecodeFaults, NamesFaultsOfTheGeneveHeader)
{
    Expect({
        {"version 1", ACK, BAD_VERSION, Set8(GENEVE, 0x49)},
        {"version 3", ACK, BAD_VERSION, Set8(GENEVE, 0xc9)},
        {"options longer than the packet", ACK, TRUNCATED, Set8(GENEVE, 10)},
        {"no options", ACK, BAD_OPTION, Set8(GENEVE, 0)},
        {"reserved bits", ACK, OK, Set8(GENEVE + 1, 0xbf)},
        {"reserved byte", ACK, OK, Set8(GENEVE + 7, 0xff)},
        {"control bit missing", ACK, BAD_BODY, Set8(GENEVE + 1, 0)},
        {"control bit with inner frame", PROCESS, BAD_BODY, Set8(GENEVE + 1, 0x80)},
        {"unknown protocol type", ACK, BAD_BODY, Set16(GENEVE + 2, 0x0800)},
        {"type says inner frame",
         ACK,
         BAD_BODY,
         [](Bytes& b)
         {
        b[GENEVE + 1] = 0;
        Store16(&b[GENEVE + 2], 0x6558);
         }},
    });
}

TEST(DecodeFaults, NamesFaultsOfOptions)
{
    const Bytes unknown = {0x01, 0x02, 0x03, 1, 9, 9, 9, 9};
    const Bytes critical = {0x01, 0x02, 0x83, 1, 9, 9, 9, 9};
    const auto message = OptionOf(ACK, MESSAGE_OPTION, 36);
    const auto record = OptionOf(CHAIN, SECOND_OPTION, 60);
    const auto entry = OptionOf(REVERSE_ENTRY, SECOND_OPTION, 48);
    Expect({
        {"unknown option last", ACK, OK, Insert(SECOND_OPTION, unknown)},
        {"unknown option first", CHAIN, OK, Insert(MESSAGE_OPTION, unknown)},
        {"empty unknown option", CHAIN, OK, Insert(MESSAGE_OPTION, {1, 2, 3, 0})},
        {"reserved bits of an option", ACK, OK, Set8(MESSAGE_OPTION + 3, 0xe8)},
        {"unknown type of our class", ACK, OK, Insert(SECOND_OPTION, {0xff, 0x0c, 0x04, 0})},
        {"critical option", ACK, BAD_OPTION, Insert(SECOND_OPTION, critical)},
        {"critical type of our class",
         ACK,
         BAD_OPTION,
         Insert(SECOND_OPTION, {0xff, 0x0c, 0x81, 0})},
        {"option runs past the options", ACK, BAD_OPTION, Insert(SECOND_OPTION, {1, 2, 3, 1})},
        {"message option repeated", ACK, BAD_OPTION, Insert(SECOND_OPTION, message)},
        {"record repeated", CHAIN, BAD_OPTION, Insert(SECOND_OPTION, record)},
        {"entry repeated", REVERSE_ENTRY, BAD_OPTION, Insert(SECOND_OPTION, entry)},
        {"message option of another class", ACK, BAD_OPTION, Set16(MESSAGE_OPTION, 0xff0d)},
        {"message option missing", CHAIN, BAD_OPTION, Erase(MESSAGE_OPTION, 36)},
        {"message option short",
         ACK,
         BAD_OPTION,
         [](Bytes& b)
         {
        Erase(SECOND_OPTION - 4, 4)(b);
        b[MESSAGE_OPTION + 3] = 7;
         }},
        {"record short",
         CHAIN,
         BAD_OPTION,
         [](Bytes& b)
         {
        Erase(SECOND, 4)(b);
        b[SECOND_OPTION + 3] = 13;
         }},
           {"entry long",
            REVERSE_ENTRY,
            BAD_OPTION,
            [](Bytes& b)
            {
        Insert(SECOND, {0, 0, 0, 0})(b);
        b[SECOND_OPTION + 3] = 12;
            }},
        {"record after entry", ENTRY, BAD_BODY, Insert(SECOND_OPTION, record)},
        });
}

TEST(DecodeFaults, NamesFaultsOfKindAndBody)
{
    const auto record = OptionOf(CHAIN, SECOND_OPTION, 60);
    Expect({
        {"kind 0", ACK, BAD_KIND, Set8(MESSAGE, 0)},
        {"kind behind the last",
         ACK,
         BAD_KIND,
         Set8(MESSAGE, static_cast<std::uint8_t>(LAST_MESSAGE_KIND) + 1)},
        {"kind 255", ACK, BAD_KIND, Set8(MESSAGE, 255)},
        {"flags unknown", ACK, OK, Set8(MESSAGE + 1, 0xff)},
        {"CHAIN without record", CHAIN, BAD_BODY, Erase(SECOND_OPTION, 60)},
        {"REVERSE_ENTRY without entry", REVERSE_ENTRY, BAD_BODY, Erase(SECOND_OPTION, 48)},
        {"ACK with record", ACK, BAD_BODY, Insert(SECOND_OPTION, record)},
        {"CHAIN becomes ACK", CHAIN, BAD_BODY, Set8(MESSAGE, 10)},
        {"CHAIN becomes STATE without packet", CHAIN, BAD_BODY, Set8(MESSAGE, 3)},
        {"STATE becomes CHAIN with packet", STATE, OK, Set8(MESSAGE, 4)},
        {"STATE becomes FAN_OUT with packet", STATE, BAD_BODY, Set8(MESSAGE, 6)},
        {"PACKET_IN with EXISTING and no entry", PACKET_IN, BAD_BODY, Set8(MESSAGE + 1, 0x01)},
        {"refused STATE with packet", STATE, BAD_BODY, Set8(MESSAGE + 1, 0x04)},
        {"released STATE with packet", STATE, BAD_BODY, Set8(MESSAGE + 1, 0x80)},
        {"PACKET_IN becomes ACK", PACKET_IN, BAD_BODY, Set8(MESSAGE, 10)},
        {"ACK becomes PACKET_IN", ACK, BAD_BODY, Set8(MESSAGE, 1)},
        {"ACK becomes VIEW", ACK, BAD_BODY, Set8(MESSAGE, 12)},
        {"VIEW becomes ACK", VIEW, BAD_BODY, Set8(MESSAGE, 10)},
        {"bytes behind a CHAIN",
         CHAIN,
         BAD_BODY,
         [](Bytes& b)
         {
        b.push_back(0);
         }},
        {"record state 5", CHAIN, BAD_BODY, Set8(SECOND + 52, 5)},
        {"record of protocol 0", CHAIN, BAD_BODY, Set16(SECOND + 53, 0)},
        {"record of SCTP", CHAIN, BAD_BODY, Set16(SECOND + 53, 0x8484)},
        {"record from TCP to UDP", CHAIN, BAD_BODY, Set8(SECOND + 54, 17)},
        {"record from TCP to UDP with REFUSED",
         CHAIN,
         BAD_BODY,
         [](Bytes& b)
         {
        b[MESSAGE + 1] = message_flag::REFUSED;
        b[SECOND + 54] = 17;
         }},
           {"refusal from TCP to nothing", CHAIN, OK, Refusal(6, 0)},
           {"refusal from nothing", CHAIN, BAD_BODY, Refusal(0, 6)},
           {"refusal from TCP to SCTP", CHAIN, BAD_BODY, Refusal(6, 132)},
           {"record of UDP", CHAIN, OK, Set16(SECOND + 53, 0x1111)},
           {"record's reserved byte", CHAIN, OK, Set8(SECOND + 55, 1)},
           {"entry of protocol 0", ENTRY, BAD_BODY, Set16(SECOND + 42, 0)},
           {"entry from TCP to UDP", ENTRY, BAD_BODY, Set8(SECOND + 43, 17)},
           {"entry of ICMP", ENTRY, OK, Set16(SECOND + 42, 0x0101)},
        });
}

TEST(DecodeFaults, NamesFaultsOfAView)
{
    Expect({
        {"count one less", VIEW, TRUNCATED, Set16(SECOND_OPTION + 4, 6)},
        {"count one more", VIEW, TRUNCATED, Set16(SECOND_OPTION + 4, 8)},
        {"count above MAX_NODES", VIEW, BAD_BODY, Set16(SECOND_OPTION + 4, MAX_NODES + 1)},
        {"no count",
         VIEW,
         TRUNCATED,
         [](Bytes& b)
         {
        b.resize(SECOND_OPTION + 5);
         }},
        {"status 3", VIEW, OK, Set8(SECOND_OPTION + 6 + 3, 0xc0)},
        {"status 2", VIEW, OK, Set8(SECOND_OPTION + 6 + 3, 0xbf)},
    });
}

// What is no plain IPv4 datagram to the Geneve port is for ParsePacket() to judge.
TEST(DecodeFaults, LeavesOtherPacketsToTheDataPath)
{
    const struct
    {
        const char* name;
        std::size_t at;
        std::uint8_t to;
    } cases[] = {
        {"ARP", 13, 0x06},
        {"IPv6", 12, 0x86},
        {"IPv4 options", 14, 0x46},
        {"more fragments", 20, 0x20},
        {"fragment offset", 21, 1},
        {"TCP", 23, 6},
        {"port 6080", 37, 0xc0},
    };
    for (const auto& c : cases)
    {
        auto bytes = Encoded(CHAIN);
        bytes[c.at] = c.to;
        EXPECT_EQ(DecodeAll(bytes), NOT_GENEVE) << c.name;
        Frame frame;
        Fill(frame, bytes);
        MessageKind kind;
        EXPECT_FALSE(PeekKind(frame, kind)) << c.name;
    }
}

} // namespace
} // namespace flowchain
