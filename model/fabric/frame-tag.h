// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FRAME_TAG_H
#define FLOWCHAIN_FRAME_TAG_H

#include "frame.h"
#include "traffic-class.h"

#include <ns3/packet.h>
#include <ns3/tag.h>

#include <cstdint>

namespace flowchain
{

/** What of a Frame is not among the bytes of its ns3::Packet. */
class FrameTag final : public ns3::Tag
{
  public:
    static ns3::TypeId GetTypeId();
    ns3::TypeId GetInstanceTypeId() const override;
    std::uint32_t GetSerializedSize() const override;
    void Serialize(ns3::TagBuffer buffer) const override;
    void Deserialize(ns3::TagBuffer buffer) override;
    void Print(std::ostream& os) const override;

    std::uint64_t sequence = 0; ///< order in which frames were put on links, over all links
    Payload payload;
    std::uint32_t packetId = 0;
    std::uint16_t headerBegin = 0; ///< headroom in front of the headers
    std::uint16_t headerLength = 0;
    std::uint16_t etherType = 0;
    TrafficClass traffic = TrafficClass::DATA; ///< when the frame was sent
    bool isDamaged = false;                    ///< a bit of it has flipped on the way
};

/**
 * @returns a packet with the frame's bytes less the two of the EtherType, which the protocol field
 * of PPP stands for on the wire, then zeros up to `wireBytes` - 2. `tag` is filled and added to it.
 */
ns3::Ptr<ns3::Packet> PacketOfFrame(const Frame& frame, std::uint64_t wireBytes, FrameTag& tag);

/** Rebuild the frame from the packet's bytes. Aborts if the payload's bytes are not those that the
 * tag points to. */
void FrameOfPacket(const ns3::Packet& packet, const FrameTag& tag, Frame& frame);

} // namespace flowchain

#endif
