// SPDX-License-Identifier: GPL-2.0-only
#include "wire-samples.h"

#include "byte-order.h"
#include "message-batch.h"

#include <algorithm>
#include <cassert>
#include <fstream>
#include <iterator>

namespace flowchain::test
{

namespace
{

constexpr std::size_t PCAP_FILE_HEADER = 24;
constexpr std::size_t PCAP_RECORD_HEADER = 16;
constexpr std::uint32_t PCAP_MAGIC = 0xa1b2c3d4;

std::uint32_t
LoadLittle32(const std::uint8_t* from)
{
    return from[0] | from[1] << 8 | from[2] << 16 | static_cast<std::uint32_t>(from[3]) << 24;
}

void
PushLittle(Bytes& to, std::uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i)
    {
        to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
}

std::uint16_t
Complement(std::uint32_t sum)
{
    while (sum > 0xffff)
    {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return static_cast<std::uint16_t>(~sum);
}

/** Set the 16-bit field at `field` of `segment` to the checksum over it and the pseudo-header. */
void
RepairTransport(const std::uint8_t* ip, std::span<std::uint8_t> segment, std::size_t field)
{
    Store16(segment.data() + field, 0);
    std::uint32_t sum = PlainSum(segment);
    if (ip[9] != 1)
    {
        sum += PlainSum({ip + 12, 8}) + ip[9] + static_cast<std::uint32_t>(segment.size());
    }
    const auto checksum = Complement(sum);
    Store16(segment.data() + field, checksum == 0 && ip[9] == 17 ? 0xffff : checksum);
}

} // namespace

std::uint16_t
PlainSum(std::span<const std::uint8_t> bytes)
{
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
    {
        sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return static_cast<std::uint16_t>(sum);
}

void
RepairChecksums(Bytes& packet, std::size_t offset)
{
    auto* const ip = packet.data() + offset + 14;
    const std::size_t ipSize = (ip[0] & 15) * 4u;
    Store16(ip + 10, 0);
    Store16(ip + 10, Complement(PlainSum({ip, ipSize})));
    const std::span segment(ip + ipSize, Load16(ip + 2) - ipSize);
    switch (ip[9])
    {
    case 6:
        RepairTransport(ip, segment, 16);
        break;
    case 17:
        if (Load16(segment.data() + 6) != 0)
        {
            RepairTransport(ip, segment, 6);
        }
        break;
    case 1:
        RepairTransport(ip, segment, 2);
        break;
    default:
        assert(!"a transport that has a checksum");
    }
}

void
RepairOuter(Bytes& message)
{
    Store16(message.data() + 16, static_cast<std::uint16_t>(message.size() - 14));
    Store16(message.data() + 38, static_cast<std::uint16_t>(message.size() - 34));
    Store16(message.data() + 40, 0xffff);
    RepairChecksums(message);
}

Bytes
Flatten(const Frame& frame)
{
    const auto header = frame.Header();
    Bytes all(header.begin(), header.end());
    if (frame.payload.bytes != nullptr)
    {
        all.insert(all.end(), frame.payload.bytes, frame.payload.bytes + frame.payload.length);
    }
    else
    {
        all.resize(all.size() + frame.payload.length, 0);
    }
    return all;
}

void
Fill(Frame& frame, const Bytes& bytes, std::size_t headerSize)
{
    frame.Reset();
    const auto behind = std::min(headerSize, frame.TailroomLeft());
    frame.Append(behind);
    frame.Prepend(headerSize - behind);
    std::copy_n(bytes.begin(), headerSize, frame.Header().begin());
    const auto rest = std::span(bytes).subspan(headerSize);
    if (!rest.empty())
    {
        frame.payload = {rest.data(), static_cast<std::uint32_t>(rest.size()), PlainSum(rest)};
    }
}

void
Fill(Frame& frame, const Bytes& bytes)
{
    Fill(frame, bytes, bytes.size());
}

std::size_t
HeaderSize(const Bytes& packet)
{
    const std::size_t l4 = 14 + (packet.at(14) & 15) * 4u;
    return packet.at(23) == 6 ? l4 + (packet.at(l4 + 12) >> 4) * 4u : l4 + 8;
}

FlowKey
SampleKey(IpProtocol protocol)
{
    const std::uint16_t asked = protocol == IpProtocol::ICMP ? 0 : 443;
    return {{0x0a010203, 40001}, {0xc6336407, asked}, protocol};
}

SyncMessage
SampleMessage(MessageKind kind)
{
    const FlowKey translated{{0xcb007109, 1025}, {0x0a090807, 8443}, IpProtocol::TCP};
    SyncMessage message;
    message.header = {.kind = kind,
                      .flags = message_flag::EXISTING | message_flag::REVERSE,
                      .source = 0x0102,
                      .sourceIncarnation = 0x03,
                      .targetIncarnation = 0x04,
                      .position = 0x05,
                      .reason = 0x06,
                      .epoch = 0x0708090a,
                      .sequence = 0x0b0c0d0e,
                      .acknowledged = 0x0f101112,
                      .selective = 0x131415161718191a,
                      .first = 0x1b1c,
                      .attempt = 0x1d1e};
    switch (kind)
    {
    case MessageKind::PACKET_IN:
        message.header.flags = message_flag::REVERSE; // EXISTING would ask for an entry
        break;
    case MessageKind::STATE:
    case MessageKind::CHAIN:
    case MessageKind::CHAIN_DONE:
    case MessageKind::FAN_OUT:
    case MessageKind::FAN_OUT_DONE:
    case MessageKind::SNAPSHOT:
    case MessageKind::FETCH:
    case MessageKind::FETCHED:
    case MessageKind::REMOVE:
        message.record = {.id = MakeSessionId(0x2122, 0x232425262728),
                          .version = MakeSessionVersion(0x292a2b2c, 0x2d2e2f30),
                          .original = SampleKey(),
                          .translated = translated,
                          .createdNs = 0x3132333435363738,
                          .owner = 0x393a,
                          .service = 0x3b3c,
                          .state = SessionState::SYN_SENT};
        break;
    case MessageKind::REVERSE_ENTRY:
    case MessageKind::ENTRY:
    case MessageKind::OBSERVED:
    case MessageKind::REFRESH:
        message.entry = {.match = translated.Reversed(),
                         .rewrite = SampleKey().Reversed(),
                         .session = MakeSessionId(0x4142, 0x434445464748),
                         .version = MakeSessionVersion(0x494a4b4c, 0x4d4e4f50),
                         .owner = 0x5152};
        break;
    case MessageKind::BATCH:
        message.header.attempt = BATCHED_KINDS.size();
        break;
    default:
        break;
    }
    message.hasInnerFrame = kind == MessageKind::PACKET_IN || kind == MessageKind::PROCESS ||
                            kind == MessageKind::STATE || kind == MessageKind::ENTRY;
    return message;
}

ViewBody
SampleView(std::uint16_t count)
{
    ViewBody view;
    view.epoch = 0x61626364;
    view.count = count;
    for (std::size_t i = 0; i < count; ++i)
    {
        view.members[i] = {static_cast<MemberStatus>((i + 2) % 3),
                           static_cast<std::uint8_t>((i * 5 + 1) % 64)};
    }
    return view;
}

Underlay
SampleUnderlay()
{
    return {.sourceMac = {0x02, 0, 0, 0, 0, 1},
            .destinationMac = {0x02, 0, 0, 0, 0, 2},
            .sourceAddress = 0xc0000201,
            .destinationAddress = 0xc0000202,
            .sourcePort = 50123,
            .vni = 0xabcdef};
}

void
EncodeSample(MessageKind kind, Frame& frame, std::uint32_t innerPayload)
{
    frame.Reset();
    const auto message = SampleMessage(kind);
    if (kind == MessageKind::VIEW)
    {
        EncapsulateView(message.header, SampleView(7), SampleUnderlay(), frame);
        return;
    }
    if (kind == MessageKind::BATCH)
    {
        for (const auto part : BATCHED_KINDS)
        {
            Frame one;
            EncodeSample(part, one);
            AppendToBatch(frame, one, message.header);
        }
        EncapsulateBatch(message.header, SampleUnderlay(), frame);
        return;
    }
    if (message.hasInnerFrame)
    {
        PacketBuilder()
            .Tcp(SampleKey())
            .Flags(tcp_flag::SYN)
            .Sequence(77)
            .PayloadLength(innerPayload)
            .Build(frame);
    }
    Encapsulate(message, SampleUnderlay(), frame);
}

std::vector<Bytes>
ReadCapture(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    const Bytes all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::vector<Bytes> frames;
    if (all.size() < PCAP_FILE_HEADER || LoadLittle32(all.data()) != PCAP_MAGIC)
    {
        return frames;
    }
    for (auto at = PCAP_FILE_HEADER; at + PCAP_RECORD_HEADER <= all.size();)
    {
        const auto length = LoadLittle32(all.data() + at + 8);
        at += PCAP_RECORD_HEADER;
        frames.emplace_back(all.begin() + at, all.begin() + at + length);
        at += length;
    }
    return frames;
}

void
WriteCapture(const std::string& path, const std::vector<Bytes>& frames)
{
    Bytes all;
    PushLittle(all, PCAP_MAGIC, 4);
    PushLittle(all, 2, 2);
    PushLittle(all, 4, 2);
    PushLittle(all, 0, 4);
    PushLittle(all, 0, 4);
    PushLittle(all, 262144, 4);
    PushLittle(all, 1, 4);
    for (std::uint32_t i = 0; i < frames.size(); ++i)
    {
        const auto size = static_cast<std::uint32_t>(frames[i].size());
        PushLittle(all, i / 1000, 4);
        PushLittle(all, i % 1000 * 1000, 4);
        PushLittle(all, size, 4);
        PushLittle(all, size, 4);
        all.insert(all.end(), frames[i].begin(), frames[i].end());
    }
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size()));
}

std::string
CapturePath()
{
    return FLOWCHAIN_SOURCE_DIR "/scenarios/data/web-dns-udp-icmp.pcap";
}

} // namespace flowchain::test
