// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_WORKLOAD_CAPTURE_BUILDER_H
#define FLOWCHAIN_WORKLOAD_CAPTURE_BUILDER_H

#include "packet-builder.h"
#include "replay-capture.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flowchain::testing
{

inline constexpr Prefix INSIDE{0x0a000000, 8};
inline constexpr FlowKey WEB{{0x0a010001, 40'000}, {0xc6336401, 80}, IpProtocol::TCP};
inline constexpr FlowKey DNS{{0x0a010001, 5'000}, {0xc6336402, 53}, IpProtocol::UDP};
inline constexpr FlowKey PING{{0x0a010001, 77}, {0xc6336401, 0}, IpProtocol::ICMP};

inline const std::string CAPTURE = FLOWCHAIN_SOURCE_DIR "/scenarios/data/web-dns-udp-icmp.pcap";

/** Makes a capture file in memory, nanosecond, little-endian. */
class CaptureBuilder
{
  public:
    CaptureBuilder()
    {
        for (const std::uint32_t word : {0xa1b23c4du, 0x00040002u, 0u, 0u, 262'144u, 1u})
        {
            Append(word);
        }
    }

    CaptureBuilder& Add(std::uint32_t timeNs, const PacketBuilder& packet)
    {
        Frame frame;
        packet.Build(frame);
        std::vector<std::uint8_t> bytes(frame.Header().begin(), frame.Header().end());
        bytes.resize(frame.Length());
        std::copy_n(frame.payload.bytes,
                    frame.payload.bytes != nullptr ? frame.payload.length : 0,
                    bytes.begin() + static_cast<std::ptrdiff_t>(frame.Header().size()));
        return Add(timeNs, bytes);
    }

    CaptureBuilder&
    Add(std::uint32_t timeNs, const std::vector<std::uint8_t>& bytes, std::uint32_t missing = 0)
    {
        const auto size = static_cast<std::uint32_t>(bytes.size());
        for (const std::uint32_t word : {0u, timeNs, size, size + missing})
        {
            Append(word);
        }
        m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
        return *this;
    }

    ReplayCapture Parse() const
    {
        return ReplayCapture(PcapFile::Parse("test.pcap", m_bytes), INSIDE);
    }

  private:
    void Append(std::uint32_t word)
    {
        for (int shift = 0; shift < 32; shift += 8)
        {
            m_bytes.push_back(static_cast<std::uint8_t>(word >> shift));
        }
    }

    std::vector<std::uint8_t> m_bytes;
};

} // namespace flowchain::testing

#endif
