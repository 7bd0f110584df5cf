// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_REPLAY_CAPTURE_H
#define FLOWCHAIN_REPLAY_CAPTURE_H

#include "flow-key.h"
#include "frame.h"
#include "membership-view.h"
#include "packet-view.h"
#include "pcap-reader.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace flowchain
{

/** Why a captured packet is not replayed. */
enum class ReplaySkip : std::uint8_t
{
    CUT_SHORT,      ///< the capture has not all of its bytes
    NOT_IPV4,       ///< PacketVerdict::NOT_IPV4
    MALFORMED,      ///< PacketVerdict::TRUNCATED, BAD_HEADER
    FRAGMENT,       ///< PacketVerdict::FRAGMENT
    UNSUPPORTED,    ///< PacketVerdict::UNSUPPORTED_PROTOCOL, UNSUPPORTED_ICMP
    BAD_CHECKSUM,   ///< PacketVerdict::BAD_CHECKSUM; often an unfinished one (checksum offload)
    NOT_CROSSING,   ///< not between an inside and an outside address
    STARTS_OUTSIDE, ///< of a conversation whose first packet comes from outside
    MID_STREAM,     ///< of a conversation whose first packet is not its beginning
};
constexpr std::size_t REPLAY_SKIP_COUNT = static_cast<std::size_t>(ReplaySkip::MID_STREAM) + 1;

/** @returns a lower-case name such as "cut-short", the one used in every output. */
const char* ToString(ReplaySkip reason);

/** Captured packets that are not replayed; index: ReplaySkip. */
using ReplaySkips = std::array<std::uint64_t, REPLAY_SKIP_COUNT>;

/** One packet of a conversation; its bytes lie in the capture. */
struct ReplayPacket
{
    std::span<const std::uint8_t> header; ///< Ethernet, IPv4 and transport header with options
    Payload payload;                      ///< up to the IPv4 total length: no Ethernet padding
    PacketView view;
    std::uint64_t timeNs = 0; ///< recorded, since the capture's first packet
    std::uint32_t conversation = 0;
    bool fromServer = false;
};

/** The packets of one five-tuple, or of one use of it. */
struct ReplayConversation
{
    FlowKey key;                   ///< of the packets from the inside
    std::uint32_t firstPacket = 0; ///< index into ReplayCapture::Packets()
    std::uint32_t packetCount = 0; ///< both directions
    std::uint32_t insidePackets = 0;
};

/**
 * A capture sorted into conversations that can be replayed.
 *
 * A packet comes from the inside if its source lies in the inside prefix. A conversation is a
 * five-tuple, for ICMP echo addresses and identifier. It starts with a packet from the inside: a
 * SYN for TCP, a request for ICMP. A SYN from the inside with another sequence number starts a new
 * conversation of the same five-tuple. Everything else is counted by its reason.
 */
class ReplayCapture
{
  public:
    /** @param file is kept; packets point into it */
    ReplayCapture(PcapFile file, const Prefix& inside);

    /** Packets, conversation by conversation, by recorded time within each one. */
    const std::vector<ReplayPacket>& Packets() const
    {
        return m_packets;
    }

    /** Conversations in the order of their first packets. */
    const std::vector<ReplayConversation>& Conversations() const
    {
        return m_conversations;
    }

    const ReplaySkips& Skipped() const
    {
        return m_skipped;
    }

    /** @returns recorded time between the first and the last packet of the file, ns. */
    std::uint64_t LengthNs() const
    {
        return m_lengthNs;
    }

  private:
    /** A conversation while it is collected. */
    struct Thread
    {
        std::optional<ReplaySkip> refused; ///< why all of its packets are skipped
        std::uint32_t initialSequence = 0; ///< TCP
        std::vector<ReplayPacket> packets;
    };

    void Collect(const PcapRecord& record, std::uint64_t firstNs, const Prefix& inside);
    /** @returns the thread that the packet belongs to, perhaps a new one. */
    Thread& ThreadOf(const ReplayPacket& packet, const FlowKey& insideKey);
    void Skip(ReplaySkip reason);
    void Arrange();

    PcapFile m_file;
    std::vector<Thread> m_threads;             ///< empty once they have been arranged
    std::map<FlowKey, std::size_t> m_threadOf; ///< the last one with this key from the inside
    std::vector<ReplayPacket> m_packets;
    std::vector<ReplayConversation> m_conversations;
    ReplaySkips m_skipped{};
    std::uint64_t m_lengthNs = 0;
};

} // namespace flowchain

#endif
