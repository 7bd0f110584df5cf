// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PACKET_BUILDER_H
#define FLOWCHAIN_PACKET_BUILDER_H

#include "flow-key.h"
#include "frame.h"

#include <array>
#include <cstdint>
#include <span>

namespace flowchain
{

/**
 * Fluent construction of a data packet, all checksums right:
 * `PacketBuilder().Tcp(key).Flags(tcp_flag::SYN).Sequence(1).PayloadLength(0).Build(frame)`.
 * Build() makes `frame` empty first and leaves MAC addresses zero unless Macs() gave them. The IPv4
 * header has DF set and no options; TCP has no options and the largest window.
 */
class PacketBuilder
{
  public:
    PacketBuilder& Tcp(const FlowKey& key);
    PacketBuilder& Udp(const FlowKey& key);
    /** ICMP echo request (or reply) whose identifier is the key's non-zero port. */
    PacketBuilder& IcmpEcho(const FlowKey& key, bool reply);
    PacketBuilder& Macs(const std::array<std::uint8_t, 6>& source,
                        const std::array<std::uint8_t, 6>& destination);
    /** TCP flags, of tcp_flag. */
    PacketBuilder& Flags(std::uint8_t tcpFlags);
    /** TCP sequence numbers; of an echo, the lower 16 bits of `sequence`. */
    PacketBuilder& Sequence(std::uint32_t sequence, std::uint32_t acknowledgement = 0);
    PacketBuilder& Ttl(std::uint8_t ttl);
    PacketBuilder& Identification(std::uint16_t identification);
    /** A virtual payload of zeros. */
    PacketBuilder& PayloadLength(std::uint32_t length);
    /** A real payload; sum is computed here. The bytes must outlive the frame. */
    PacketBuilder& PayloadBytes(std::span<const std::uint8_t> bytes);
    PacketBuilder& WithoutUdpChecksum();

    /** @pre Tcp(), Udp() or IcmpEcho() was called and the total length is at most 65535 bytes */
    void Build(Frame& frame) const;

  private:
    void WriteTcp(std::uint8_t* l4) const;
    void WriteUdp(std::uint8_t* l4, std::uint16_t length) const;
    void WriteIcmp(std::uint8_t* l4) const;

    FlowKey m_key;
    std::array<std::uint8_t, 6> m_sourceMac{};
    std::array<std::uint8_t, 6> m_destinationMac{};
    Payload m_payload;
    std::uint32_t m_sequence = 0;
    std::uint32_t m_acknowledgement = 0;
    std::uint16_t m_identification = 0;
    std::uint8_t m_flags = 0;
    std::uint8_t m_ttl = 64;
    bool m_reply = false;
    bool m_udpChecksum = true;
};

} // namespace flowchain

#endif
