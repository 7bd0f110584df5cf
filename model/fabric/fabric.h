// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FABRIC_H
#define FLOWCHAIN_FABRIC_H

#include "fault-plan.h"
#include "frame-pool.h"
#include "instant.h"
#include "session-record.h"
#include "traffic-class.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

class PacketLedger;

/** A two-tier leaf-spine network; every leaf has one link to every spine. */
struct FabricConfig
{
    std::uint16_t leaves = 2;
    std::uint16_t spines = 2;
    std::vector<std::uint16_t> leafOfHost; ///< index: NodeId; value below `leaves`
    std::uint64_t hostRateBps = 25'000'000'000;
    std::uint64_t fabricRateBps = 100'000'000'000;
    Duration hostDelay{500'000};      ///< propagation between host and leaf
    Duration fabricDelay{500'000};    ///< propagation between leaf and spine
    std::uint32_t queueFrames = 1000; ///< frames that wait in a port, besides the one being sent
    std::uint32_t overheadBytes = 24; ///< preamble 8, FCS 4 and gap 12 (IEEE 802.3) for each frame
    std::uint32_t minimumFrameBytes = 60; ///< shorter frames are padded on the wire
    /** Hosts are told of a frame when it arrives, never before: what they then do may depend on all
     * that happened until then. Costs an event for each frame. */
    bool tellsAtArrival = false;
    FaultPlan faults;
    std::uint64_t seed = 1;              ///< of what faults leave to chance
    std::uint32_t framesMax = 4'000'000; ///< of the pool
    /** Events of a run, whoever scheduled them; more of them end it, as soon as 1024 more frames
     * have been put on links. */
    std::uint64_t eventsMax = 4'200'000'000;
};

/** Frames and bytes of one traffic class. */
struct TrafficCounters
{
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0; ///< without padding and overheadBytes

    friend bool operator==(const TrafficCounters&, const TrafficCounters&) = default;
};

/** What has happened on a directed link, and in the port in front of it. */
struct LinkCounters
{
    std::string name; ///< "host3->leaf1", "leaf0->spine1"
    /** Accepted by the port: being sent, waiting, or already across. Index: TrafficClass. */
    std::array<TrafficCounters, TRAFFIC_CLASS_COUNT> traffic;
    /** Frames that ended here: refused for QUEUE_FULL, all other reasons after they were accepted.
     * Index: DropReason. */
    std::array<std::uint64_t, DROP_REASON_COUNT> drops{};
    std::uint32_t queueFramesMax = 0; ///< most frames that waited at once
    Duration busyTime{};              ///< during which the port was sending
    Duration queueTime{};             ///< that frames have waited, summed over all of them

    std::uint64_t Frames() const;
    std::uint64_t Bytes() const;
    /** @returns frames that ended here, for whatever reason. */
    std::uint64_t Drops() const;

    std::uint64_t Drops(DropReason reason) const
    {
        return drops[static_cast<std::size_t>(reason)];
    }

    /** @returns frames that were waiting in the time-weighted mean over `span` from the start of
     * the run, in thousandths, rounded down. @pre span > 0 */
    std::uint64_t QueueFramesMeanMilli(Duration span) const;

    friend bool operator==(const LinkCounters&, const LinkCounters&) = default;
};

/** What a host does with a frame that comes to it. */
struct Admission
{
    Instant
        handoverAt; ///< when the host wants it: its arrival, or later, when it has been processed
    DropReason refusal =
        DropReason::NONE; ///< other than NONE: dropped at its arrival, for this reason
};

/** Who gets frames at the hosts' ends of the fabric. */
class FabricSink
{
  public:
    virtual ~FabricSink() = default;

    /**
     * The last bit of `frame` reaches `host` at `arrival`: now, or later, because a FIFO link tells
     * in advance. The frames of one host are announced in the order of their arrival, lost ones not
     * at all. So a host's processing time costs no event of its own.
     */
    virtual Admission Admit(NodeId /* host */, PooledFrame& /* frame */, Instant arrival)
    {
        return {arrival};
    }

    /** The instant Admission::handoverAt has come. */
    virtual void Receive(NodeId host, FramePtr frame) = 0;
};

/** Sees every frame on chosen links at the instant its first bit leaves, lost ones too; for pcap
 * files. */
class LinkTap
{
  public:
    virtual ~LinkTap() = default;
    virtual void Transmit(std::size_t link, const Frame& frame, Instant start) = 0;
};

/**
 * Carries frames between hosts by the Ethernet destination address: address 02:fc:00:00:hi:lo is
 * host hi * 256 + lo. A leaf picks the spine by a hash of the frame's outermost five-tuple (ECMP).
 * Every port is a drop-tail FIFO with store-and-forward at each switch.
 *
 * Frames that arrive somewhere at the same instant are handled in the order in which they were put
 * on their links. A frame that is put on a link at the instant a port becomes free finds it free.
 *
 * A switch drops (DropReason::NO_ROUTE) what has a damaged destination: an address of no host, one
 * behind the port that the frame came from, or, at a leaf, one behind a spine if it came from a
 * spine.
 *
 * Bound to the simulator implementation that exists when it is made. To be destroyed after
 * everybody who holds frames, before or after ns3::Simulator::Destroy().
 */
class Fabric : public FramePool
{
  public:
    virtual void SetSink(FabricSink* sink) = 0;
    /** @param tap sees frames on the links whose index is set in `links`; null: none. */
    virtual void SetTap(LinkTap* tap, std::vector<bool> links) = 0;
    /** Put a frame on the host's uplink now. A frame to the host itself, or to an address that is
     * no host's, is a contract violation. */
    virtual void Send(NodeId host, FramePtr frame) = 0;
    /** From now on the faults are those of `config`, which is otherwise the one that the fabric was
     * made with. @pre what differs begins after JudgedUntil() */
    virtual void ReplaceFaults(const FabricConfig& config) = 0;
    /** From now on ports judge frames that they accept by the faults of `config`, otherwise as
     * ReplaceFaults(); those that they have accepted, by the faults of then. So a failure that
     * nobody knew of strikes alike in every fabric. */
    virtual void ChangeFaults(const FabricConfig& config) = 0;
    /** @returns the latest instant of which the faults have had their say, now or later: frames are
     * judged before they arrive. */
    virtual Instant JudgedUntil() const = 0;
    /** The run is over: the ledger is not told any more of frames that end, so that what is still
     * alive stays in flight. */
    virtual void Finish() = 0;
    /** Counters of every directed link up to now, in a fixed order: host uplinks, host downlinks,
     * leaf-to-spine, spine-to-leaf. */
    virtual std::vector<LinkCounters> Links() const = 0;
    /** @returns link traversals that were completed so far. */
    virtual std::uint64_t PacketHops() const = 0;
};

/**
 * @param kind "lean" or "point-to-point"; anything else throws std::invalid_argument.
 * @param ledger is told of every clone and end of a frame; outlives the fabric; null: nobody.
 */
std::unique_ptr<Fabric>
MakeFabric(std::string_view kind, const FabricConfig& config, PacketLedger* ledger);

} // namespace flowchain

#endif
