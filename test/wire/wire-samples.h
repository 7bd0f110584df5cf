// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_WIRE_SAMPLES_H
#define FLOWCHAIN_WIRE_SAMPLES_H

#include "packet-builder.h"
#include "packet-view.h"
#include "sync-message.h"

#include <array>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace flowchain
{

using Bytes = std::vector<std::uint8_t>;

inline void
PrintTo(PacketVerdict verdict, std::ostream* out)
{
    *out << ToString(verdict);
}

inline void
PrintTo(DecodeVerdict verdict, std::ostream* out)
{
    *out << ToString(verdict);
}

namespace test
{

inline constexpr std::array ALL_KINDS = {MessageKind::PACKET_IN,
                                         MessageKind::PROCESS,
                                         MessageKind::STATE,
                                         MessageKind::CHAIN,
                                         MessageKind::CHAIN_DONE,
                                         MessageKind::FAN_OUT,
                                         MessageKind::FAN_OUT_DONE,
                                         MessageKind::REVERSE_ENTRY,
                                         MessageKind::ENTRY,
                                         MessageKind::ACK,
                                         MessageKind::HEARTBEAT,
                                         MessageKind::VIEW,
                                         MessageKind::SNAPSHOT,
                                         MessageKind::SNAPSHOT_END,
                                         MessageKind::REFUSAL,
                                         MessageKind::FETCH,
                                         MessageKind::FETCHED,
                                         MessageKind::BATCH,
                                         MessageKind::OBSERVED,
                                         MessageKind::REFRESH,
                                         MessageKind::REMOVE};

/** The sum of RFC 1071, section 4.1, word by word as the text has it: the oracle of these tests. */
std::uint16_t PlainSum(std::span<const std::uint8_t> bytes);

/**
 * Recompute the IPv4 header checksum and the TCP, UDP or ICMP checksum of a whole packet that
 * starts with Ethernet at `offset`, with nothing but PlainSum(). A UDP checksum of 0 stays.
 */
void RepairChecksums(Bytes& packet, std::size_t offset = 0);

/** Give the outer IPv4 and UDP header of a message the lengths and checksums that fit its bytes. */
void RepairOuter(Bytes& message);

/** @returns all bytes on the wire, a virtual payload as zeros. */
Bytes Flatten(const Frame& frame);

/** Make `frame` of the bytes; those from `headerSize` on become its payload, which refers to them.
 */
void Fill(Frame& frame, const Bytes& bytes, std::size_t headerSize);

/** Make `frame` of header bytes alone. @pre there is room for them */
void Fill(Frame& frame, const Bytes& bytes);

/** @returns the size of the Ethernet, IPv4 and transport headers of an unfragmented packet. */
std::size_t HeaderSize(const Bytes& packet);

/** @returns a TCP tuple, 10.1.2.3:40001 to 198.51.100.7:443. */
FlowKey SampleKey(IpProtocol protocol = IpProtocol::TCP);

/** @returns a message of the kind with every field of header and body different from its default.
 */
SyncMessage SampleMessage(MessageKind kind);
ViewBody SampleView(std::uint16_t count);
Underlay SampleUnderlay();

/** What the sample of kind BATCH has in it. */
inline constexpr std::array BATCHED_KINDS = {
    MessageKind::CHAIN, MessageKind::REVERSE_ENTRY, MessageKind::SNAPSHOT_END};

/** Encapsulate the sample message of the kind, with an inner TCP packet if it has one, or a view,
 * or a batch. */
void EncodeSample(MessageKind kind, Frame& frame, std::uint32_t innerPayload = 100);

/** @returns the Ethernet frames of a classic little-endian pcap file. */
std::vector<Bytes> ReadCapture(const std::string& path);

/** Write Ethernet frames as a classic pcap file, one millisecond apart. */
void WriteCapture(const std::string& path, const std::vector<Bytes>& frames);

/** @returns the path of the capture that the scenarios replay. */
std::string CapturePath();

} // namespace test
} // namespace flowchain

#endif
