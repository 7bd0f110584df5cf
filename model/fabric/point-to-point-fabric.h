// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_POINT_TO_POINT_FABRIC_H
#define FLOWCHAIN_POINT_TO_POINT_FABRIC_H

#include "fabric.h"
#include "frame-tag.h"
#include "leaf-spine.h"
#include "link-faults.h"

#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/point-to-point-net-device.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace flowchain
{

/**
 * The oracle of LeanFabric: every link is a pair of ns3::PointToPointNetDevice with drop-tail
 * queues, and frames cross it as ns3::Packet with real bytes. Some ten times slower; same
 * deliveries and drops to the picosecond, where ns-3's floating-point transmission time is exact
 * (it is for 1, 10, 25, 40 and 100 Gbit/s).
 *
 * What arrives at one instant is collected and handled by one more event at that instant, after the
 * devices' own events, in the order that Fabric states. The order of a frame and another
 * component's timer at the same instant may therefore differ from LeanFabric's.
 */
class PointToPointFabric final : public Fabric
{
  public:
    /** Throws std::invalid_argument for a configuration that makes no network. @param ledger may be
     * null. */
    PointToPointFabric(const FabricConfig& config, PacketLedger* ledger);
    ~PointToPointFabric() override;
    PointToPointFabric(const PointToPointFabric&) = delete;
    PointToPointFabric& operator=(const PointToPointFabric&) = delete;

    FramePtr Acquire() override;
    FramePtr Clone(const Frame& frame) override;
    void Discard(FramePtr frame, DropReason reason) override;

    void SetSink(FabricSink* sink) override;
    void SetTap(LinkTap* tap, std::vector<bool> links) override;
    void Send(NodeId host, FramePtr frame) override;

    void ReplaceFaults(const FabricConfig& config) override
    {
        *m_faults = LinkFaults(config, m_network);
    }

    void ChangeFaults(const FabricConfig& config) override
    {
        m_faults = std::make_shared<LinkFaults>(config, m_network);
    }

    Instant JudgedUntil() const override;
    void Finish() override;
    std::vector<LinkCounters> Links() const override;
    std::uint64_t PacketHops() const override;

  private:
    /** A directed link: the device that sends, and its far end. */
    struct Port
    {
        ns3::Ptr<ns3::PointToPointNetDevice> device;
        LinkCounters counters;
        std::uint64_t accepted = 0; ///< frames
        std::uint64_t arrivals = 0; ///< frames that got to the far end, lost ones too
        /** Those of the frames that are on their way, in order. */
        std::deque<std::shared_ptr<const LinkFaults>> faults;
        Instant inOrder{};              ///< for LinkSchedule::Judge()
        std::int64_t sendingSince = -1; ///< ps; -1: idle
        std::uint32_t waiting = 0;      ///< frames
        std::int64_t waitingSince = 0;  ///< ps; when there became so many
    };

    enum class Duty : std::uint8_t
    {
        TRANSMIT,  ///< put the packet on the link
        ARRIVE,    ///< the packet has come by the link
        CROSS,     ///< the same, after a delay that is no link's propagation
        HAND_OVER, ///< give the frame to the host
    };

    /** What is to be done for a frame at the present instant. */
    struct Waiting
    {
        Duty duty;
        std::uint64_t sequence; ///< the order within the instant
        std::uint32_t place;    ///< link, or host for Duty::HAND_OVER
        FrameTag tag;           ///< with packet
        ns3::Ptr<ns3::Packet> packet;
        PooledFrame* frame;                       ///< for Duty::HAND_OVER
        std::uint32_t corruptBit;                 ///< or LinkFate::NO_BIT: has flipped on the link
        std::shared_ptr<const LinkFaults> faults; ///< for Duty::TRANSMIT: since then
    };

    void Return(PooledFrame* frame) override;
    void Release(PooledFrame* frame, DropReason reason);
    PooledFrame* Allocate();
    void Gone(std::uint32_t packetId, DropReason reason);

    void Connect(const FabricConfig& config);
    void Listen(std::size_t link, const ns3::Ptr<ns3::PointToPointNetDevice>& receiver);
    void Measure(std::size_t link);
    void Arrive(std::uint32_t link, const ns3::Packet& packet);
    void Wait(Waiting&& waiting);
    void HandleWaiting();
    void Handle(Waiting& waiting);
    void HandleArrival(Waiting& waiting);
    DropReason ApplyFaults(const LinkFaults& faults, Waiting& waiting, Duration& delay);
    void HandleCrossing(Waiting& waiting);
    void HandOver(NodeId host, FramePtr frame, std::uint64_t sequence);
    /** @returns nothing if there is no way. */
    std::optional<std::uint32_t> NextLink(std::uint32_t link, const Frame& frame) const;
    void Transmit(std::uint32_t link,
                  const ns3::Ptr<ns3::Packet>& packet,
                  const FrameTag& tag,
                  const std::shared_ptr<const LinkFaults>& faults,
                  bool isCopy = false);
    void Drop(std::uint32_t link, const FrameTag& tag, DropReason reason);
    void TakePlace();
    std::uint64_t TakeSequence();
    void Tap(std::uint32_t link, const ns3::Ptr<const ns3::Packet>& packet);

    LeafSpine m_network;
    std::shared_ptr<LinkFaults> m_faults; ///< never null; of frames that are accepted now
    WireRate m_hostRate;
    WireRate m_fabricRate;
    Duration m_hostDelay;
    Duration m_fabricDelay;
    PacketLedger* m_ledger;
    FabricSink* m_sink = nullptr;
    std::vector<ns3::Ptr<ns3::Node>> m_nodes; ///< hosts, leaves, spines
    std::vector<Port> m_ports;                ///< index: link
    std::vector<Waiting> m_waiting;
    bool m_isHandling = false;
    std::uint64_t m_sequence = 0;
    std::uint64_t m_packetHops = 0;
    std::uint64_t m_eventsMax;

    std::uint32_t m_framesMax;
    std::uint32_t m_framesAlive = 0; ///< held by anybody, or on their way
    std::vector<std::unique_ptr<PooledFrame>> m_frames;
    std::vector<PooledFrame*> m_free;
    Frame m_scratch;

    LinkTap* m_tap = nullptr;
    std::vector<bool> m_tapped;
    bool m_isTapConnected = false;
};

} // namespace flowchain

#endif
