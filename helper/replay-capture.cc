// SPDX-License-Identifier: GPL-2.0-only
#include "replay-capture.h"

#include "byte-order.h"
#include "checksum.h"
#include "ethernet.h"
#include "icmp.h"
#include "ipv4.h"
#include "tcp.h"
#include "udp.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace flowchain
{

namespace
{

ReplaySkip
SkipFor(PacketVerdict verdict)
{
    switch (verdict)
    {
    case PacketVerdict::NOT_IPV4:
        return ReplaySkip::NOT_IPV4;
    case PacketVerdict::FRAGMENT:
        return ReplaySkip::FRAGMENT;
    case PacketVerdict::UNSUPPORTED_PROTOCOL:
    case PacketVerdict::UNSUPPORTED_ICMP:
        return ReplaySkip::UNSUPPORTED;
    case PacketVerdict::BAD_CHECKSUM:
        return ReplaySkip::BAD_CHECKSUM;
    case PacketVerdict::OK:
    case PacketVerdict::TRUNCATED:
    case PacketVerdict::BAD_HEADER:
        break;
    }
    return ReplaySkip::MALFORMED;
}

/** Where the headers and the IPv4 datagram end, as far as the bytes say; nothing is trusted. */
struct Extent
{
    std::size_t headers;
    std::size_t datagram;
};

Extent
ExtentOf(std::span<const std::uint8_t> bytes)
{
    const std::size_t size = bytes.size();
    const std::size_t ip = ethernet::HEADER_SIZE;
    const Extent unknown{std::min(size, ip + ipv4::HEADER_SIZE), size};
    if (size < ip + ipv4::HEADER_SIZE ||
        Load16(bytes.data() + ethernet::TYPE) != ethernet::TYPE_IPV4)
    {
        return unknown;
    }
    const std::size_t ipSize = (bytes[ip + ipv4::VERSION_IHL] & 0x0f) * 4u;
    const std::size_t l4 = ip + ipSize;
    const std::size_t end = std::min(size, ip + Load16(bytes.data() + ip + ipv4::TOTAL_LENGTH));
    if (ipSize < ipv4::HEADER_SIZE || l4 > end)
    {
        return unknown;
    }
    std::size_t l4Size = 0;
    switch (static_cast<IpProtocol>(bytes[ip + ipv4::PROTOCOL]))
    {
    case IpProtocol::TCP:
        l4Size = l4 + tcp::HEADER_SIZE <= end ? (bytes[l4 + tcp::DATA_OFFSET] >> 4) * 4u : 0;
        break;
    case IpProtocol::UDP:
        l4Size = udp::HEADER_SIZE;
        break;
    case IpProtocol::ICMP:
        l4Size = icmp::HEADER_SIZE;
        break;
    case IpProtocol::NONE:
        break;
    }
    return {std::min(end, l4 + l4Size), end};
}

/** Split the captured bytes into header and payload and check them as a frame. */
PacketVerdict
ParseRecord(std::span<const std::uint8_t> bytes, ReplayPacket& packet)
{
    const Extent extent = ExtentOf(bytes);
    packet.header = bytes.first(extent.headers);
    const auto rest = bytes.subspan(extent.headers, extent.datagram - extent.headers);
    if (!rest.empty())
    {
        packet.payload = {
            rest.data(), static_cast<std::uint32_t>(rest.size()), OnesComplementSum(rest)};
    }
    Frame frame;
    const auto to = frame.Append(packet.header.size());
    std::copy(packet.header.begin(), packet.header.end(), to.begin());
    frame.payload = packet.payload;
    return ParsePacket(frame, 0, packet.view);
}

bool
IsOpeningSyn(const ReplayPacket& packet)
{
    return packet.view.key.protocol == IpProtocol::TCP && !packet.fromServer &&
           (packet.view.tcpFlags & (tcp_flag::SYN | tcp_flag::ACK)) == tcp_flag::SYN;
}

std::uint32_t
SequenceOf(const ReplayPacket& packet)
{
    return Load32(packet.header.data() + packet.view.l4Offset + tcp::SEQUENCE);
}

/** @returns why a conversation that starts with the packet cannot be replayed. */
std::optional<ReplaySkip>
RefusalOf(const ReplayPacket& first)
{
    if (first.fromServer)
    {
        return ReplaySkip::STARTS_OUTSIDE;
    }
    const IpProtocol protocol = first.view.key.protocol;
    const bool isReply = protocol == IpProtocol::ICMP &&
                         first.header[first.view.l4Offset + icmp::TYPE] == icmp::TYPE_ECHO_REPLY;
    if (isReply || (protocol == IpProtocol::TCP && !IsOpeningSyn(first)))
    {
        return ReplaySkip::MID_STREAM;
    }
    return std::nullopt;
}

} // namespace

const char*
ToString(ReplaySkip reason)
{
    static constexpr std::array<const char*, REPLAY_SKIP_COUNT> NAMES = {
        "cut-short",
        "not-ipv4",
        "malformed",
        "fragment",
        "unsupported",
        "bad-checksum",
        "not-crossing",
        "starts-outside",
        "mid-stream",
    };
    return NAMES[static_cast<std::size_t>(reason)];
}

ReplayCapture::ReplayCapture(PcapFile file, const Prefix& inside)
    : m_file(std::move(file))
{
    const auto& records = m_file.Records();
    if (records.empty())
    {
        return;
    }
    std::vector<std::uint32_t> order(records.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(),
                     order.end(),
                     [&records](std::uint32_t a, std::uint32_t b)
                     {
        return records[a].timestampNs < records[b].timestampNs;
    });
    const std::uint64_t firstNs = records[order.front()].timestampNs;
    m_lengthNs = records[order.back()].timestampNs - firstNs;
    for (const std::uint32_t index : order)
    {
        Collect(records[index], firstNs, inside);
    }
    Arrange();
}

void
ReplayCapture::Collect(const PcapRecord& record, std::uint64_t firstNs, const Prefix& inside)
{
    if (record.bytes.size() < record.originalLength)
    {
        return Skip(ReplaySkip::CUT_SHORT);
    }
    ReplayPacket packet;
    packet.timeNs = record.timestampNs - firstNs;
    const PacketVerdict verdict = ParseRecord(record.bytes, packet);
    if (verdict != PacketVerdict::OK)
    {
        return Skip(SkipFor(verdict));
    }
    const FlowKey& key = packet.view.key;
    packet.fromServer = !inside.Contains(key.source.address);
    if (inside.Contains(key.destination.address) != packet.fromServer)
    {
        return Skip(ReplaySkip::NOT_CROSSING);
    }
    Thread& thread = ThreadOf(packet, packet.fromServer ? key.Reversed() : key);
    if (thread.refused)
    {
        return Skip(*thread.refused);
    }
    thread.packets.push_back(packet);
}

ReplayCapture::Thread&
ReplayCapture::ThreadOf(const ReplayPacket& packet, const FlowKey& insideKey)
{
    const auto [found, isNew] = m_threadOf.try_emplace(insideKey, m_threads.size());
    const bool isSyn = IsOpeningSyn(packet);
    if (!isNew)
    {
        Thread& thread = m_threads[found->second];
        if (!isSyn || (!thread.refused && thread.initialSequence == SequenceOf(packet)))
        {
            return thread;
        }
        found->second = m_threads.size();
    }
    Thread& thread = m_threads.emplace_back();
    thread.refused = RefusalOf(packet);
    thread.initialSequence = isSyn ? SequenceOf(packet) : 0;
    return thread;
}

void
ReplayCapture::Skip(ReplaySkip reason)
{
    ++m_skipped[static_cast<std::size_t>(reason)];
}

void
ReplayCapture::Arrange()
{
    for (const Thread& thread : m_threads)
    {
        if (thread.refused)
        {
            continue;
        }
        const auto conversation = static_cast<std::uint32_t>(m_conversations.size());
        ReplayConversation& made = m_conversations.emplace_back();
        made.key = thread.packets.front().view.key;
        made.firstPacket = static_cast<std::uint32_t>(m_packets.size());
        made.packetCount = static_cast<std::uint32_t>(thread.packets.size());
        for (const ReplayPacket& packet : thread.packets)
        {
            made.insidePackets += packet.fromServer ? 0 : 1;
            m_packets.push_back(packet);
            m_packets.back().conversation = conversation;
        }
    }
    m_threads.clear();
    m_threadOf.clear();
}

} // namespace flowchain
