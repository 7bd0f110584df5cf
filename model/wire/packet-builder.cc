// SPDX-License-Identifier: GPL-2.0-only
#include "packet-builder.h"

#include "byte-order.h"
#include "checksum.h"
#include "ethernet.h"
#include "icmp.h"
#include "ipv4.h"
#include "packet-view.h"
#include "tcp.h"
#include "udp.h"

namespace flowchain
{

namespace
{

constexpr std::uint16_t TCP_WINDOW = 0xffff;

std::size_t
TransportHeaderSize(IpProtocol protocol)
{
    switch (protocol)
    {
    case IpProtocol::TCP:
        return tcp::HEADER_SIZE;
    case IpProtocol::UDP:
        return udp::HEADER_SIZE;
    case IpProtocol::ICMP:
        return icmp::HEADER_SIZE;
    case IpProtocol::NONE:
        break;
    }
    assert(!"Tcp(), Udp() or IcmpEcho() comes before Build()");
    return 0;
}

} // namespace

PacketBuilder&
PacketBuilder::Tcp(const FlowKey& key)
{
    m_key = key;
    m_key.protocol = IpProtocol::TCP;
    return *this;
}

PacketBuilder&
PacketBuilder::Udp(const FlowKey& key)
{
    m_key = key;
    m_key.protocol = IpProtocol::UDP;
    return *this;
}

PacketBuilder&
PacketBuilder::IcmpEcho(const FlowKey& key, bool reply)
{
    m_key = key;
    m_key.protocol = IpProtocol::ICMP;
    m_reply = reply;
    return *this;
}

PacketBuilder&
PacketBuilder::Macs(const std::array<std::uint8_t, 6>& source,
                    const std::array<std::uint8_t, 6>& destination)
{
    m_sourceMac = source;
    m_destinationMac = destination;
    return *this;
}

PacketBuilder&
PacketBuilder::Flags(std::uint8_t tcpFlags)
{
    m_flags = tcpFlags;
    return *this;
}

PacketBuilder&
PacketBuilder::Sequence(std::uint32_t sequence, std::uint32_t acknowledgement)
{
    m_sequence = sequence;
    m_acknowledgement = acknowledgement;
    return *this;
}

PacketBuilder&
PacketBuilder::Ttl(std::uint8_t ttl)
{
    m_ttl = ttl;
    return *this;
}

PacketBuilder&
PacketBuilder::Identification(std::uint16_t identification)
{
    m_identification = identification;
    return *this;
}

PacketBuilder&
PacketBuilder::PayloadLength(std::uint32_t length)
{
    m_payload = {nullptr, length, 0};
    return *this;
}

PacketBuilder&
PacketBuilder::PayloadBytes(std::span<const std::uint8_t> bytes)
{
    m_payload = {bytes.data(), static_cast<std::uint32_t>(bytes.size()), OnesComplementSum(bytes)};
    return *this;
}

PacketBuilder&
PacketBuilder::WithoutUdpChecksum()
{
    m_udpChecksum = false;
    return *this;
}

void
PacketBuilder::WriteTcp(std::uint8_t* l4) const
{
    Store16(l4 + tcp::SOURCE_PORT, m_key.source.port);
    Store16(l4 + tcp::DESTINATION_PORT, m_key.destination.port);
    Store32(l4 + tcp::SEQUENCE, m_sequence);
    Store32(l4 + tcp::ACKNOWLEDGEMENT, m_acknowledgement);
    l4[tcp::DATA_OFFSET] = (tcp::HEADER_SIZE / 4) << 4;
    l4[tcp::FLAGS] = m_flags;
    Store16(l4 + tcp::WINDOW, TCP_WINDOW);
    Store16(l4 + tcp::CHECKSUM, 0);
    Store16(l4 + tcp::URGENT_POINTER, 0);
}

void
PacketBuilder::WriteUdp(std::uint8_t* l4, std::uint16_t length) const
{
    Store16(l4 + udp::SOURCE_PORT, m_key.source.port);
    Store16(l4 + udp::DESTINATION_PORT, m_key.destination.port);
    Store16(l4 + udp::LENGTH, length);
    Store16(l4 + udp::CHECKSUM, 0);
}

void
PacketBuilder::WriteIcmp(std::uint8_t* l4) const
{
    l4[icmp::TYPE] = m_reply ? icmp::TYPE_ECHO_REPLY : icmp::TYPE_ECHO;
    l4[icmp::CODE] = 0;
    Store16(l4 + icmp::CHECKSUM, 0);
    Store16(l4 + icmp::IDENTIFIER,
            m_key.source.port != 0 ? m_key.source.port : m_key.destination.port);
    Store16(l4 + icmp::SEQUENCE, static_cast<std::uint16_t>(m_sequence));
}

void
PacketBuilder::Build(Frame& frame) const
{
    frame.Reset();
    const auto l4Size = TransportHeaderSize(m_key.protocol);
    const auto segmentLength = l4Size + m_payload.length;
    assert(ipv4::HEADER_SIZE + segmentLength <= ipv4::MAX_TOTAL_LENGTH);
    const auto length16 = static_cast<std::uint16_t>(segmentLength);

    auto* const at = frame.Append(ethernet::HEADER_SIZE + ipv4::HEADER_SIZE + l4Size).data();
    frame.payload = m_payload;
    SetMacAddresses(frame, 0, m_sourceMac, m_destinationMac);
    Store16(at + ethernet::TYPE, ethernet::TYPE_IPV4);
    auto* const ip = at + ethernet::HEADER_SIZE;
    ipv4::Write(ip,
                {.source = m_key.source.address,
                 .destination = m_key.destination.address,
                 .protocol = m_key.protocol,
                 .ttl = m_ttl,
                 .identification = m_identification,
                 .totalLength = static_cast<std::uint16_t>(ipv4::HEADER_SIZE + segmentLength)});

    auto* const l4 = ip + ipv4::HEADER_SIZE;
    std::uint32_t pseudo = 0;
    std::size_t field = icmp::CHECKSUM;
    switch (m_key.protocol)
    {
    case IpProtocol::TCP:
        WriteTcp(l4);
        pseudo = ipv4::PseudoHeaderSum(ip, length16);
        field = tcp::CHECKSUM;
        break;
    case IpProtocol::UDP:
        WriteUdp(l4, length16);
        pseudo = ipv4::PseudoHeaderSum(ip, length16);
        field = udp::CHECKSUM;
        break;
    default:
        WriteIcmp(l4);
        break;
    }
    if (m_key.protocol == IpProtocol::UDP && !m_udpChecksum)
    {
        return;
    }
    const auto sum = FoldSum(OnesComplementSum({l4, l4Size}) + m_payload.sum + pseudo);
    const auto checksum = static_cast<std::uint16_t>(~sum);
    Store16(l4 + field, m_key.protocol == IpProtocol::UDP ? UdpChecksumToSend(checksum) : checksum);
}

} // namespace flowchain
