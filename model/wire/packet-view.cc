// SPDX-License-Identifier: GPL-2.0-only
#include "packet-view.h"

#include "byte-order.h"
#include "checksum.h"
#include "ethernet.h"
#include "icmp.h"
#include "ipv4.h"
#include "tcp.h"
#include "udp.h"

#include <algorithm>

namespace flowchain
{

namespace
{

/** A transport segment whose IPv4 header has been checked. */
struct Segment
{
    const std::uint8_t* ip;
    const std::uint8_t* l4;
    std::size_t length;      ///< of the segment, by the IPv4 total length
    std::size_t headerBytes; ///< of the segment, without those in the frame's payload
};

/** @returns the folded sum of the segment's bytes, without pseudo-header. */
std::uint16_t
SegmentSum(const Segment& segment, const Payload& payload)
{
    // Only a sum that starts at an even offset can be added.
    assert(payload.length == 0 || segment.headerBytes % 2 == 0);
    return FoldSum(OnesComplementSum({segment.l4, segment.headerBytes}) + payload.sum);
}

bool
IsTransportSumRight(const Segment& segment, const Payload& payload)
{
    const auto length = static_cast<std::uint16_t>(segment.length);
    return FoldSum(SegmentSum(segment, payload) + ipv4::PseudoHeaderSum(segment.ip, length)) ==
           0xffff;
}

template <bool CHECK>
PacketVerdict
ParseTcp(const Segment& segment, const Payload& payload, PacketView& view)
{
    const auto* const l4 = segment.l4;
    if (segment.length < tcp::HEADER_SIZE)
    {
        return PacketVerdict::BAD_HEADER;
    }
    if (segment.headerBytes < tcp::HEADER_SIZE)
    {
        return PacketVerdict::TRUNCATED;
    }
    const std::size_t size = (l4[tcp::DATA_OFFSET] >> 4) * 4u;
    if (size < tcp::HEADER_SIZE || size > segment.length)
    {
        return PacketVerdict::BAD_HEADER;
    }
    if (size > segment.headerBytes)
    {
        return PacketVerdict::TRUNCATED;
    }
    if (CHECK && !IsTransportSumRight(segment, payload))
    {
        return PacketVerdict::BAD_CHECKSUM;
    }
    view.key.protocol = IpProtocol::TCP;
    view.key.source.port = Load16(l4 + tcp::SOURCE_PORT);
    view.key.destination.port = Load16(l4 + tcp::DESTINATION_PORT);
    view.tcpFlags = l4[tcp::FLAGS];
    return PacketVerdict::OK;
}

template <bool CHECK>
PacketVerdict
ParseUdp(const Segment& segment, const Payload& payload, PacketView& view)
{
    const auto* const l4 = segment.l4;
    if (segment.length < udp::HEADER_SIZE)
    {
        return PacketVerdict::BAD_HEADER;
    }
    if (segment.headerBytes < udp::HEADER_SIZE)
    {
        return PacketVerdict::TRUNCATED;
    }
    if (Load16(l4 + udp::LENGTH) != segment.length)
    {
        return PacketVerdict::BAD_HEADER;
    }
    view.udpChecksumAbsent = Load16(l4 + udp::CHECKSUM) == 0;
    if (CHECK && !view.udpChecksumAbsent && !IsTransportSumRight(segment, payload))
    {
        return PacketVerdict::BAD_CHECKSUM;
    }
    view.key.protocol = IpProtocol::UDP;
    view.key.source.port = Load16(l4 + udp::SOURCE_PORT);
    view.key.destination.port = Load16(l4 + udp::DESTINATION_PORT);
    return PacketVerdict::OK;
}

template <bool CHECK>
PacketVerdict
ParseIcmp(const Segment& segment, const Payload& payload, PacketView& view)
{
    const auto* const l4 = segment.l4;
    if (segment.length < icmp::HEADER_SIZE)
    {
        return PacketVerdict::BAD_HEADER;
    }
    if (segment.headerBytes < icmp::HEADER_SIZE)
    {
        return PacketVerdict::TRUNCATED;
    }
    if (CHECK && SegmentSum(segment, payload) != 0xffff)
    {
        return PacketVerdict::BAD_CHECKSUM;
    }
    const auto type = l4[icmp::TYPE];
    if ((type != icmp::TYPE_ECHO && type != icmp::TYPE_ECHO_REPLY) || l4[icmp::CODE] != 0)
    {
        return PacketVerdict::UNSUPPORTED_ICMP;
    }
    view.key.protocol = IpProtocol::ICMP;
    auto& asking = type == icmp::TYPE_ECHO ? view.key.source : view.key.destination;
    asking.port = Load16(l4 + icmp::IDENTIFIER);
    return PacketVerdict::OK;
}

template <bool CHECK>
PacketVerdict
Parse(const Frame& frame, std::size_t offset, PacketView& view)
{
    const auto header = frame.Header();
    const auto ipOffset = offset + ethernet::HEADER_SIZE;
    if (header.size() < ipOffset)
    {
        return PacketVerdict::TRUNCATED;
    }
    if (Load16(header.data() + offset + ethernet::TYPE) != ethernet::TYPE_IPV4)
    {
        return PacketVerdict::NOT_IPV4;
    }
    if (header.size() < ipOffset + ipv4::HEADER_SIZE)
    {
        return PacketVerdict::TRUNCATED;
    }
    const auto* const ip = header.data() + ipOffset;
    if (ip[ipv4::VERSION_IHL] >> 4 != ipv4::VERSION)
    {
        return PacketVerdict::NOT_IPV4;
    }
    const std::size_t ipSize = (ip[ipv4::VERSION_IHL] & 0x0f) * 4u;
    const std::size_t total = Load16(ip + ipv4::TOTAL_LENGTH);
    if (ipSize < ipv4::HEADER_SIZE || total < ipSize)
    {
        return PacketVerdict::BAD_HEADER;
    }
    const auto available = frame.Length() - ipOffset;
    if (total > available || header.size() < ipOffset + ipSize)
    {
        return PacketVerdict::TRUNCATED;
    }
    if (total < available && frame.payload.length > 0)
    {
        return PacketVerdict::BAD_HEADER;
    }
    if (CHECK && OnesComplementSum({ip, ipSize}) != 0xffff)
    {
        return PacketVerdict::BAD_CHECKSUM;
    }
    if ((Load16(ip + ipv4::FRAGMENT) & ipv4::FRAGMENT_MASK) != 0)
    {
        return PacketVerdict::FRAGMENT;
    }
    view = {};
    view.key.source.address = Load32(ip + ipv4::SOURCE);
    view.key.destination.address = Load32(ip + ipv4::DESTINATION);
    view.ttl = ip[ipv4::TTL];
    view.ipOffset = static_cast<std::uint16_t>(ipOffset);
    view.l4Offset = static_cast<std::uint16_t>(ipOffset + ipSize);
    const auto inHeader = std::min(header.size() - ipOffset, total) - ipSize;
    const Segment segment{ip, ip + ipSize, total - ipSize, inHeader};
    switch (static_cast<IpProtocol>(ip[ipv4::PROTOCOL]))
    {
    case IpProtocol::TCP:
        return ParseTcp<CHECK>(segment, frame.payload, view);
    case IpProtocol::UDP:
        return ParseUdp<CHECK>(segment, frame.payload, view);
    case IpProtocol::ICMP:
        return ParseIcmp<CHECK>(segment, frame.payload, view);
    default:
        return PacketVerdict::UNSUPPORTED_PROTOCOL;
    }
}

/** Rewrite the ports at `l4`. @returns the TCP or UDP checksum after `from` became `to` */
std::uint16_t
RewriteTransport(std::uint8_t* l4, ChecksumUpdate update, const FlowKey& from, const FlowKey& to)
{
    // TCP and UDP have their ports at the same place.
    Store16(l4 + tcp::SOURCE_PORT, to.source.port);
    Store16(l4 + tcp::DESTINATION_PORT, to.destination.port);
    return update.Replace32(from.source.address, to.source.address)
        .Replace32(from.destination.address, to.destination.address)
        .Replace16(from.source.port, to.source.port)
        .Replace16(from.destination.port, to.destination.port)
        .Checksum();
}

void
RewriteIcmp(const Frame& frame, std::uint8_t* ip, std::uint8_t* l4, const FlowKey& to)
{
    const auto from = Load16(l4 + icmp::IDENTIFIER);
    const auto identifier =
        l4[icmp::TYPE] == icmp::TYPE_ECHO ? to.source.port : to.destination.port;
    auto checksum =
        ChecksumUpdate(Load16(l4 + icmp::CHECKSUM)).Replace16(from, identifier).Checksum();
    Store16(l4 + icmp::IDENTIFIER, identifier);
    if (checksum == 0)
    {
        // Without a pseudo-header the words may all be zero, and then, and only then, 0xffff is
        // right; eqn. 3 cannot tell.
        Store16(l4 + icmp::CHECKSUM, 0);
        const auto* const end = ip + Load16(ip + ipv4::TOTAL_LENGTH) - frame.payload.length;
        const auto sum = OnesComplementSum({l4, static_cast<std::size_t>(end - l4)});
        checksum = static_cast<std::uint16_t>(~FoldSum(sum + std::uint32_t{frame.payload.sum}));
    }
    Store16(l4 + icmp::CHECKSUM, checksum);
}

} // namespace

const char*
ToString(PacketVerdict verdict)
{
    switch (verdict)
    {
    case PacketVerdict::OK:
        return "ok";
    case PacketVerdict::TRUNCATED:
        return "truncated";
    case PacketVerdict::NOT_IPV4:
        return "not-ipv4";
    case PacketVerdict::BAD_HEADER:
        return "bad-header";
    case PacketVerdict::FRAGMENT:
        return "fragment";
    case PacketVerdict::UNSUPPORTED_PROTOCOL:
        return "unsupported-protocol";
    case PacketVerdict::UNSUPPORTED_ICMP:
        return "unsupported-icmp";
    case PacketVerdict::BAD_CHECKSUM:
        return "bad-checksum";
    }
    return "invalid";
}

PacketVerdict
ParsePacket(const Frame& frame, std::size_t offset, PacketView& view)
{
    return Parse<true>(frame, offset, view);
}

PacketVerdict
ParsePacketTrusted(const Frame& frame, std::size_t offset, PacketView& view)
{
    return Parse<false>(frame, offset, view);
}

void
RewritePacket(Frame& frame, PacketView& view, const FlowKey& to)
{
    assert(view.ttl > 1 && to.protocol == view.key.protocol);
    auto* const ip = frame.Header().data() + view.ipOffset;
    auto* const l4 = frame.Header().data() + view.l4Offset;
    const auto& from = view.key;

    const auto oldTtlWord = Load16(ip + ipv4::TTL);
    const auto newTtlWord = static_cast<std::uint16_t>(oldTtlWord - 0x0100);
    Store16(ip + ipv4::TTL, newTtlWord);
    Store32(ip + ipv4::SOURCE, to.source.address);
    Store32(ip + ipv4::DESTINATION, to.destination.address);
    Store16(ip + ipv4::CHECKSUM,
            ChecksumUpdate(Load16(ip + ipv4::CHECKSUM))
                .Replace16(oldTtlWord, newTtlWord)
                .Replace32(from.source.address, to.source.address)
                .Replace32(from.destination.address, to.destination.address)
                .Checksum());

    if (to.protocol == IpProtocol::ICMP)
    {
        RewriteIcmp(frame, ip, l4, to);
    }
    else
    {
        const bool udp = to.protocol == IpProtocol::UDP;
        auto* const field = l4 + (udp ? udp::CHECKSUM : tcp::CHECKSUM);
        const auto checksum = RewriteTransport(l4, ChecksumUpdate(Load16(field)), from, to);
        if (!view.udpChecksumAbsent)
        {
            Store16(field, udp ? UdpChecksumToSend(checksum) : checksum);
        }
    }
    view.key = to;
    --view.ttl;
}

void
SetMacAddresses(Frame& frame,
                std::size_t offset,
                const std::array<std::uint8_t, 6>& source,
                const std::array<std::uint8_t, 6>& destination)
{
    assert(frame.Header().size() >= offset + ethernet::HEADER_SIZE);
    auto* const at = frame.Header().data() + offset;
    std::memcpy(at + ethernet::DESTINATION, destination.data(), destination.size());
    std::memcpy(at + ethernet::SOURCE, source.data(), source.size());
}

} // namespace flowchain
