// SPDX-License-Identifier: GPL-2.0-only
#include "frame-tag.h"

#include "byte-order.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <vector>

namespace flowchain
{

namespace
{

constexpr std::size_t ADDRESSES_LENGTH = 12; ///< both Ethernet addresses
constexpr std::size_t ETHERTYPE_LENGTH = 2;
constexpr std::size_t ETHERNET_LENGTH = ADDRESSES_LENGTH + ETHERTYPE_LENGTH;

} // namespace

ns3::TypeId
FrameTag::GetTypeId()
{
    static const ns3::TypeId tid =
        ns3::TypeId("flowchain::FrameTag").SetParent<ns3::Tag>().AddConstructor<FrameTag>();
    return tid;
}

ns3::TypeId
FrameTag::GetInstanceTypeId() const
{
    return GetTypeId();
}

std::uint32_t
FrameTag::GetSerializedSize() const
{
    return 8 + 8 + 4 + 2 + 4 + 2 + 2 + 2 + 1 + 1;
}

void
FrameTag::Serialize(ns3::TagBuffer buffer) const
{
    buffer.WriteU64(sequence);
    buffer.WriteU64(reinterpret_cast<std::uintptr_t>(payload.bytes));
    buffer.WriteU32(payload.length);
    buffer.WriteU16(payload.sum);
    buffer.WriteU32(packetId);
    buffer.WriteU16(headerBegin);
    buffer.WriteU16(headerLength);
    buffer.WriteU16(etherType);
    buffer.WriteU8(static_cast<std::uint8_t>(traffic));
    buffer.WriteU8(isDamaged ? 1 : 0);
}

void
FrameTag::Deserialize(ns3::TagBuffer buffer)
{
    sequence = buffer.ReadU64();
    payload.bytes = reinterpret_cast<const std::uint8_t*>(buffer.ReadU64());
    payload.length = buffer.ReadU32();
    payload.sum = buffer.ReadU16();
    packetId = buffer.ReadU32();
    headerBegin = buffer.ReadU16();
    headerLength = buffer.ReadU16();
    etherType = buffer.ReadU16();
    traffic = static_cast<TrafficClass>(buffer.ReadU8());
    isDamaged = buffer.ReadU8() != 0;
}

void
FrameTag::Print(std::ostream& os) const
{
    os << "frame " << sequence << " packet " << packetId;
}

ns3::Ptr<ns3::Packet>
PacketOfFrame(const Frame& frame, std::uint64_t wireBytes, FrameTag& tag)
{
    const auto header = frame.Header();
    assert(header.size() >= ETHERNET_LENGTH && wireBytes >= frame.Length());
    tag.payload = frame.payload;
    tag.packetId = frame.packetId;
    tag.headerBegin = static_cast<std::uint16_t>(frame.HeadroomLeft());
    tag.headerLength = static_cast<std::uint16_t>(header.size());
    tag.etherType = Load16(header.data() + ADDRESSES_LENGTH);

    std::array<std::uint8_t, Frame::CAPACITY> bytes;
    std::memcpy(bytes.data(), header.data(), ADDRESSES_LENGTH);
    std::memcpy(bytes.data() + ADDRESSES_LENGTH,
                header.data() + ETHERNET_LENGTH,
                header.size() - ETHERNET_LENGTH);
    const auto size = static_cast<std::uint32_t>(header.size() - ETHERTYPE_LENGTH);
    auto packet = ns3::Create<ns3::Packet>(bytes.data(), size);
    if (frame.payload.length > 0)
    {
        packet->AddAtEnd(frame.payload.bytes == nullptr
                             ? ns3::Create<ns3::Packet>(frame.payload.length)
                             : ns3::Create<ns3::Packet>(frame.payload.bytes, frame.payload.length));
    }
    packet->AddPaddingAtEnd(static_cast<std::uint32_t>(wireBytes - frame.Length()));
    packet->AddPacketTag(tag);
    return packet;
}

void
FrameOfPacket(const ns3::Packet& packet, const FrameTag& tag, Frame& frame)
{
    const bool isPayloadReal = tag.payload.bytes != nullptr;
    const std::size_t onPacket = tag.headerLength - ETHERTYPE_LENGTH;
    std::vector<std::uint8_t> bytes(onPacket + (isPayloadReal ? tag.payload.length : 0));
    if (packet.CopyData(bytes.data(), static_cast<std::uint32_t>(bytes.size())) != bytes.size() ||
        (isPayloadReal && !std::equal(bytes.begin() + static_cast<std::ptrdiff_t>(onPacket),
                                      bytes.end(),
                                      tag.payload.bytes)))
    {
        std::abort();
    }
    frame.Reset();
    const std::size_t front =
        Frame::HEADROOM - std::min<std::size_t>(tag.headerBegin, Frame::HEADROOM);
    frame.Prepend(front);
    // Headers that began behind the usual headroom begin there again.
    const std::size_t skipped = tag.headerBegin + front - Frame::HEADROOM;
    frame.Append(skipped + tag.headerLength - front);
    frame.TrimFront(skipped);

    std::uint8_t* header = frame.Header().data();
    std::memcpy(header, bytes.data(), ADDRESSES_LENGTH);
    Store16(header + ADDRESSES_LENGTH, tag.etherType);
    std::memcpy(header + ETHERNET_LENGTH,
                bytes.data() + ADDRESSES_LENGTH,
                tag.headerLength - ETHERNET_LENGTH);
    frame.payload = tag.payload;
    frame.packetId = tag.packetId;
}

} // namespace flowchain
