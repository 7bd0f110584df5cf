// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_PACKET_BUILDER_H
#define FLOWCHAIN_PACKET_BUILDER_H

#include "flow-key.h"
#include "frame.h"

#include <array>
#include <cstdint>

namespace flowchain
{

/**
 * Fluent construction of a data packet, all checksums right:
 * `PacketBuilder().Tcp(key).Flags(tcp_flag::SYN).Sequence(1).PayloadLength(0).Build(frame)`.
 * Build() makes `frame` empty first and leaves MAC addresses zero unless Macs() gave them.
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
    PacketBuilder& Flags(std::uint8_t tcpFlags);
    PacketBuilder& Sequence(std::uint32_t sequence, std::uint32_t acknowledgement = 0);
    PacketBuilder& Ttl(std::uint8_t ttl);
    PacketBuilder& Identification(std::uint16_t identification);
    /** A virtual payload of zeros. */
    PacketBuilder& PayloadLength(std::uint32_t length);
    /** A real payload; sum is computed here. The bytes must outlive the frame. */
    PacketBuilder& PayloadBytes(std::span<const std::uint8_t> bytes);
    PacketBuilder& WithoutUdpChecksum();

    void Build(Frame& frame) const;

  private:
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
