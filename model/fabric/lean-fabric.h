// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_LEAN_FABRIC_H
#define FLOWCHAIN_LEAN_FABRIC_H

#include "fabric.h"
#include "leaf-spine.h"
#include "link-faults.h"
#include "waiting-ring.h"

#include <ns3/event-impl.h>
#include <ns3/simulator-impl.h>

namespace flowchain
{

class LeanFabric;

/** Where a frame is on its way; small, so that a hop touches one cache line. */
struct Flight
{
    /** What is particular about this hop; a set, mostly empty. */
    enum Treatment : std::uint8_t
    {
        LOST = 1,     ///< ends for `end` at the end of the link
        CORRUPT = 2,  ///< `corruptBit` flips on the link
        UNTOLD = 4,   ///< the host has not been told of the arrival yet
        HANDOVER = 8, ///< has arrived; the host gets it now
    };

    LeanFabric* fabric = nullptr; ///< null once the fabric is gone: the event does nothing
    std::int64_t arrival = 0;     ///< of the last bit at the end of the link, ps
    std::uint32_t links[LeafSpine::HOPS_MAX] = {};
    std::uint32_t length = 0; ///< bytes of the frame
    std::uint32_t corruptBit = 0;
    std::uint8_t hops = 0;
    std::uint8_t hop = 0;              ///< index of the link that the frame is on
    DropReason end = DropReason::NONE; ///< at the end of this link, unless NONE
    bool isScheduled = false;          ///< the fabric holds the frame, not a FramePtr
    TrafficClass traffic = TrafficClass::DATA;
    std::uint8_t treatment = 0; ///< of Treatment
    bool isDamaged = false;     ///< a bit of it has flipped on the way
};

/**
 * A frame and the event of its arrival at the end of a link, in one.
 *
 * The pool keeps one reference for ever, and each scheduling takes another one, which the simulator
 * drops after the event; so a frame is never freed while either needs it.
 */
class alignas(64) FlightEvent final : public ns3::EventImpl, public Flight, public PooledFrame
{
  private:
    void Notify() override;
};

/**
 * The default fabric: one pooled event a packet-hop, no ns3::Packet.
 *
 * A FIFO port that never stalls is one instant, when it will be free; a frame's arrival at the
 * other end is known as soon as the port accepts it. Runs on ns3::Simulator at picosecond
 * resolution.
 */
class LeanFabric final : public Fabric
{
  public:
    /** Throws std::invalid_argument for a configuration that makes no network. @param ledger may be
     * null. */
    LeanFabric(const FabricConfig& config, PacketLedger* ledger);
    ~LeanFabric() override;
    LeanFabric(const LeanFabric&) = delete;
    LeanFabric& operator=(const LeanFabric&) = delete;

    FramePtr Acquire() override;
    FramePtr Clone(const Frame& frame) override;
    void Discard(FramePtr frame, DropReason reason) override;

    void SetSink(FabricSink* sink) override;
    void SetTap(LinkTap* tap, std::vector<bool> links) override;
    void Send(NodeId host, FramePtr frame) override;
    void ReplaceFaults(const FabricConfig& config) override;

    void ChangeFaults(const FabricConfig& config) override
    {
        ReplaceFaults(config); // what a port has accepted has been judged
    }

    Instant JudgedUntil() const override;
    void Finish() override;
    std::vector<LinkCounters> Links() const override;
    std::uint64_t PacketHops() const override;

  private:
    friend class FlightEvent;

    /** Aligned, so that a hop touches three cache lines of it, and mostly two. */
    struct alignas(64) Port
    {
        explicit Port(const WireRate& wireRate, Duration propagation)
            : rate(wireRate)
            , delay(propagation.count())
        {
        }

        std::int64_t nextFree = 0; ///< ps; the port is idle from then on
        WireRate rate;
        std::int64_t delay;                   ///< ps
        const LinkSchedule* faults = nullptr; ///< null: none
        std::uint64_t frames = 0;             ///< accepted
        std::int64_t busyTime = 0;            ///< ps; of all accepted frames
        std::int64_t queueTime = 0;           ///< ps; of all accepted frames
        std::array<TrafficCounters, TRAFFIC_CLASS_COUNT> traffic;
        WaitingRing waiting;
        std::uint32_t queueFramesMax = 0;
        Instant inOrder{}; ///< for LinkSchedule::Judge()
    };

    using DropCounts = std::array<std::uint64_t, DROP_REASON_COUNT>;

    void Return(PooledFrame* frame) override;
    void Release(FlightEvent* flight, DropReason reason);
    void DropOn(std::uint32_t link, FlightEvent* flight, DropReason reason);
    FlightEvent* Allocate();

    void Arrive(FlightEvent* flight);
    void ArriveWithTreatment(FlightEvent* flight);
    void Forward(FlightEvent* flight);
    bool Reroute(FlightEvent* flight) const;
    void Enqueue(FlightEvent* flight, std::int64_t now, bool isCopy = false);
    void ApplyFaults(const LinkSchedule& faults, FlightEvent* flight, std::int64_t start);
    void EnqueueCopy(const FlightEvent* flight, std::int64_t now);
    void Schedule(FlightEvent* flight, std::int64_t delay);
    std::int64_t Announce(FlightEvent* flight);
    void Tap(std::uint32_t link, const FlightEvent* flight, std::int64_t now, std::int64_t start);
    void CountHop();

    LeafSpine m_network;
    LinkFaults m_faults;
    PacketLedger* m_ledger;
    FabricSink* m_sink = nullptr;
    ns3::SimulatorImpl* m_simulator;
    std::vector<Port> m_ports;       ///< index: link
    std::vector<DropCounts> m_drops; ///< index: link
    std::uint32_t m_queueFrames;
    bool m_tellsAtArrival;
    std::uint64_t m_packetHops = 0;
    std::uint64_t m_eventsMax;

    std::uint32_t m_framesMax;
    std::vector<FlightEvent*> m_frames; ///< all of them, in order of creation
    std::vector<FlightEvent*> m_free;

    LinkTap* m_tap = nullptr;
    std::vector<bool> m_tapped;
};

} // namespace flowchain

#endif
