// SPDX-License-Identifier: GPL-2.0-only
#include "point-to-point-fabric.h"

#include "frame-damage.h"
#include "packet-ledger.h"

#include <ns3/data-rate.h>
#include <ns3/drop-tail-queue.h>
#include <ns3/mac48-address.h>
#include <ns3/nstime.h>
#include <ns3/point-to-point-channel.h>
#include <ns3/ppp-header.h>
#include <ns3/queue-size.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <utility>

namespace flowchain
{

namespace
{

constexpr std::uint16_t ETHERTYPE_IPV4 = 0x0800; ///< PPP of ns-3 knows few protocols
constexpr std::uint64_t EVENT_CHECK_INTERVAL = 1U << 10;

std::int64_t
NowPicoseconds()
{
    return ns3::Simulator::Now().GetTimeStep();
}

ns3::Ptr<ns3::PointToPointNetDevice>
MakeDevice(std::uint64_t rateBps, std::uint32_t queueFrames)
{
    auto device = ns3::CreateObject<ns3::PointToPointNetDevice>();
    device->SetAddress(ns3::Mac48Address::Allocate());
    device->SetDataRate(ns3::DataRate(rateBps));
    auto queue = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();
    queue->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::PACKETS, queueFrames));
    device->SetQueue(queue);
    return device;
}

} // namespace

PointToPointFabric::PointToPointFabric(const FabricConfig& config, PacketLedger* ledger)
    : m_network(config)
    , m_faults(std::make_shared<LinkFaults>(config, m_network))
    , m_hostRate(config.hostRateBps, config.minimumFrameBytes, config.overheadBytes)
    , m_fabricRate(config.fabricRateBps, config.minimumFrameBytes, config.overheadBytes)
    , m_hostDelay(config.hostDelay)
    , m_fabricDelay(config.fabricDelay)
    , m_ledger(ledger)
    , m_eventsMax(config.eventsMax)
    , m_framesMax(config.framesMax)
    , m_tapped(m_network.Links())
{
    if (ns3::Time::GetResolution() != ns3::Time::PS)
    {
        throw std::logic_error("fabric: the resolution of ns3::Time is not a picosecond");
    }
    for (std::size_t i = 0; i < m_network.Hosts() + m_network.Switches(); ++i)
    {
        m_nodes.push_back(ns3::CreateObject<ns3::Node>());
    }
    Connect(config);
}

PointToPointFabric::~PointToPointFabric() = default;

void
PointToPointFabric::Connect(const FabricConfig& config)
{
    m_ports.resize(m_network.Links());
    for (std::size_t link = 0; link < m_ports.size(); ++link)
    {
        m_ports[link].counters.name = m_network.NameOf(link);
        if (m_ports[link].device != nullptr)
        {
            continue;
        }
        const std::size_t back = m_network.ReverseOf(link);
        const bool isHostLink = m_network.IsHostLink(link);
        auto channel = ns3::CreateObject<ns3::PointToPointChannel>();
        const Duration delay = isHostLink ? config.hostDelay : config.fabricDelay;
        channel->SetAttribute("Delay", ns3::TimeValue(ns3::TimeStep(delay.count())));
        for (const std::size_t direction : {link, back})
        {
            m_ports[direction].device = MakeDevice(
                isHostLink ? config.hostRateBps : config.fabricRateBps, config.queueFrames);
            m_nodes[m_network.EndsOf(direction).from]->AddDevice(m_ports[direction].device);
            m_ports[direction].device->Attach(channel);
            Measure(direction);
        }
        Listen(link, m_ports[back].device);
        Listen(back, m_ports[link].device);
    }
}

void
PointToPointFabric::Measure(std::size_t link)
{
    const auto& device = m_ports[link].device;
    device->TraceConnectWithoutContext("PhyTxBegin",
                                       ns3::Callback<void, ns3::Ptr<const ns3::Packet>>(
                                           [this, link](ns3::Ptr<const ns3::Packet>)
                                           {
        m_ports[link].sendingSince = NowPicoseconds();
                                       }));
    device->TraceConnectWithoutContext("PhyTxEnd",
                                       ns3::Callback<void, ns3::Ptr<const ns3::Packet>>(
                                           [this, link](ns3::Ptr<const ns3::Packet>)
                                           {
        Port& port = m_ports[link];
        port.counters.busyTime += Duration(NowPicoseconds() - port.sendingSince);
        port.sendingSince = -1;
                                       }));
    device->GetQueue()->TraceConnectWithoutContext(
        "PacketsInQueue",
        ns3::Callback<void, std::uint32_t, std::uint32_t>(
            [this, link](std::uint32_t, std::uint32_t now)
            {
        Port& port = m_ports[link];
        port.counters.queueTime += Duration(port.waiting * (NowPicoseconds() - port.waitingSince));
        port.waiting = now;
        port.waitingSince = NowPicoseconds();
        }));
}

void
PointToPointFabric::Listen(std::size_t link, const ns3::Ptr<ns3::PointToPointNetDevice>& receiver)
{
    const auto index = static_cast<std::uint32_t>(link);
    receiver->SetReceiveCallback(ns3::NetDevice::ReceiveCallback(
        [this, index](ns3::Ptr<ns3::NetDevice>,
                      ns3::Ptr<const ns3::Packet> packet,
                      std::uint16_t,
                      const ns3::Address&)
        {
        Arrive(index, *packet);
        return true;
    }));
}

PooledFrame*
PointToPointFabric::Allocate()
{
    if (m_free.empty())
    {
        m_frames.push_back(std::make_unique<PooledFrame>());
        m_frames.back()->pool = this;
        return m_frames.back().get();
    }
    PooledFrame* frame = m_free.back();
    m_free.pop_back();
    return frame;
}

/** Bound the frames that are alive. */
void
PointToPointFabric::TakePlace()
{
    if (m_framesAlive == m_framesMax)
    {
        throw std::runtime_error("fabric: all frames of the pool are alive at once (frames_max = " +
                                 std::to_string(m_framesMax) + ")");
    }
    ++m_framesAlive;
}

FramePtr
PointToPointFabric::Acquire()
{
    TakePlace();
    PooledFrame* frame = Allocate();
    frame->Reset();
    frame->next = nullptr;
    return FramePtr(frame);
}

FramePtr
PointToPointFabric::Clone(const Frame& frame)
{
    FramePtr copy = Acquire();
    if (m_ledger != nullptr)
    {
        m_ledger->Born(frame.packetId);
    }
    copy->CopyFrom(frame);
    return copy;
}

void
PointToPointFabric::Discard(FramePtr frame, DropReason reason)
{
    assert(frame != nullptr && frame->pool == this);
    Release(frame.release(), reason);
}

void
PointToPointFabric::Return(PooledFrame* frame)
{
    Release(frame, m_returnReason);
}

void
PointToPointFabric::Release(PooledFrame* frame, DropReason reason)
{
    m_free.push_back(frame);
    Gone(frame->packetId, reason);
}

void
PointToPointFabric::Gone(std::uint32_t packetId, DropReason reason)
{
    --m_framesAlive;
    if (m_ledger != nullptr)
    {
        m_ledger->Gone(packetId, reason);
    }
}

void
PointToPointFabric::SetSink(FabricSink* sink)
{
    m_sink = sink;
}

void
PointToPointFabric::SetTap(LinkTap* tap, std::vector<bool> links)
{
    links.resize(m_network.Links());
    m_tap = tap;
    m_tapped = std::move(links);
    if (!m_isTapConnected)
    {
        m_isTapConnected = true;
        for (std::size_t link = 0; link < m_ports.size(); ++link)
        {
            const auto index = static_cast<std::uint32_t>(link);
            m_ports[link].device->TraceConnectWithoutContext(
                "PhyTxBegin",
                ns3::Callback<void, ns3::Ptr<const ns3::Packet>>(
                    [this, index](ns3::Ptr<const ns3::Packet> packet)
                    {
                Tap(index, packet);
                }));
        }
    }
}

void
PointToPointFabric::Tap(std::uint32_t link, const ns3::Ptr<const ns3::Packet>& packet)
{
    if (m_tap == nullptr || !m_tapped[link])
    {
        return;
    }
    auto copy = packet->Copy();
    ns3::PppHeader ppp;
    copy->RemoveHeader(ppp);
    FrameTag tag;
    copy->PeekPacketTag(tag);
    FrameOfPacket(*copy, tag, m_scratch);
    m_tap->Transmit(link, m_scratch, Instant{Duration(ns3::Simulator::Now().GetTimeStep())});
}

/** @returns the number of a frame; the one behind it is its copy's. */
std::uint64_t
PointToPointFabric::TakeSequence()
{
    m_sequence += 2;
    return m_sequence;
}

void
PointToPointFabric::Send(NodeId host, FramePtr frame)
{
    assert(frame != nullptr && frame->pool == this);
    m_network.Route(host, std::as_const(*frame).Header()); // aborts if there is no way
    const std::uint32_t uplink = m_network.Uplink(host);
    Waiting waiting{
        Duty::TRANSMIT, TakeSequence(), uplink, {}, nullptr, nullptr, LinkFate::NO_BIT, m_faults};
    waiting.tag.sequence = waiting.sequence;
    waiting.tag.traffic = ClassOf(*frame);
    waiting.packet = PacketOfFrame(*frame, m_hostRate.WireBytes(frame->Length()), waiting.tag);
    m_free.push_back(frame.release()); // alive in the packet
    Wait(std::move(waiting));
}

void
PointToPointFabric::HandOver(NodeId host, FramePtr frame, std::uint64_t sequence)
{
    assert(m_sink != nullptr);
    const Instant now(Duration(ns3::Simulator::Now().GetTimeStep()));
    const Admission admission = m_sink->Admit(host, *frame, now);
    if (admission.refusal != DropReason::NONE)
    {
        Discard(std::move(frame), admission.refusal);
        return;
    }
    if (admission.handoverAt == now)
    {
        m_sink->Receive(host, std::move(frame));
        return;
    }
    ns3::Simulator::Schedule(ns3::TimeStep((admission.handoverAt - now).count()),
                             [this, host, sequence, held = frame.release()]
                             {
        Wait({Duty::HAND_OVER, sequence, host, {}, nullptr, held, LinkFate::NO_BIT, nullptr});
    });
}

void
PointToPointFabric::Arrive(std::uint32_t link, const ns3::Packet& packet)
{
    Waiting waiting{Duty::ARRIVE, 0, link, {}, packet.Copy(), nullptr, LinkFate::NO_BIT, nullptr};
    waiting.packet->RemovePacketTag(waiting.tag);
    waiting.sequence = waiting.tag.sequence;
    Wait(std::move(waiting));
}

void
PointToPointFabric::Wait(Waiting&& waiting)
{
    if (m_waiting.empty() && !m_isHandling)
    {
        ns3::Simulator::ScheduleNow(&PointToPointFabric::HandleWaiting, this);
    }
    m_waiting.push_back(std::move(waiting));
}

void
PointToPointFabric::HandleWaiting()
{
    m_isHandling = true;
    while (!m_waiting.empty())
    {
        // Handling may add frames that hosts send: they come after all of these.
        std::vector<Waiting> batch;
        batch.swap(m_waiting);
        std::ranges::sort(batch, {}, &Waiting::sequence);
        for (Waiting& waiting : batch)
        {
            Handle(waiting);
        }
    }
    m_isHandling = false;
}

void
PointToPointFabric::Handle(Waiting& waiting)
{
    switch (waiting.duty)
    {
    case Duty::TRANSMIT:
        Transmit(waiting.place, waiting.packet, waiting.tag, waiting.faults);
        break;
    case Duty::ARRIVE:
        HandleArrival(waiting);
        break;
    case Duty::CROSS:
        HandleCrossing(waiting);
        break;
    case Duty::HAND_OVER:
        m_sink->Receive(static_cast<NodeId>(waiting.place), FramePtr(waiting.frame));
        break;
    }
}

void
PointToPointFabric::HandleArrival(Waiting& waiting)
{
    const std::uint32_t link = waiting.place;
    const std::shared_ptr<const LinkFaults> faults = std::move(m_ports[link].faults.front());
    m_ports[link].faults.pop_front();
    ++m_ports[link].arrivals;
    if (faults->ScheduleOf(link) != nullptr)
    {
        Duration delay{};
        const DropReason loss = ApplyFaults(*faults, waiting, delay);
        if (loss != DropReason::NONE)
        {
            Drop(link, waiting.tag, loss);
            return;
        }
        if (delay > Duration::zero())
        {
            waiting.duty = Duty::CROSS;
            ns3::Simulator::Schedule(ns3::TimeStep(delay.count()),
                                     [this, late = waiting]
                                     {
                Wait(Waiting(late));
            });
            return;
        }
    }
    HandleCrossing(waiting);
}

/** Decide what has become of a frame at the end of its link. @returns why it is lost, or NONE
 * @param[out] delay before it really is at the end */
DropReason
PointToPointFabric::ApplyFaults(const LinkFaults& faults, Waiting& waiting, Duration& delay)
{
    const std::uint32_t link = waiting.place;
    const bool isHostLink = m_network.IsHostLink(link);
    const std::uint32_t length = waiting.tag.headerLength + waiting.tag.payload.length;
    const Instant now{Duration(NowPicoseconds())};
    const Instant start = now - (isHostLink ? m_hostDelay : m_fabricDelay) -
                          (isHostLink ? m_hostRate : m_fabricRate).SerialisationTime(length);
    Port& port = m_ports[link];
    const LinkFate fate = faults.ScheduleOf(link)->Judge(
        faults.Draws(), port.arrivals - 1, start, now, 8 * length, port.inOrder);
    if (fate.loss != DropReason::NONE)
    {
        return fate.loss;
    }
    FrameOfPacket(*waiting.packet, waiting.tag, m_scratch);
    if (m_network.EndsOf(link).from < m_network.Hosts() &&
        faults.Separates(
            static_cast<NodeId>(link), DestinationHost(std::as_const(m_scratch).Header()), start))
    {
        return DropReason::PARTITIONED;
    }
    waiting.corruptBit = waiting.tag.isDamaged ? LinkFate::NO_BIT : fate.corruptBit;
    delay = fate.delay;
    return DropReason::NONE;
}

/** A frame is at the end of its link. */
void
PointToPointFabric::HandleCrossing(Waiting& waiting)
{
    const std::uint32_t link = waiting.place;
    ++m_packetHops;
    if (m_packetHops % EVENT_CHECK_INTERVAL == 0 && ns3::Simulator::GetEventCount() > m_eventsMax)
    {
        throw std::runtime_error("fabric: more than " + std::to_string(m_eventsMax) +
                                 " events in one run (events_max)");
    }
    const LeafSpine::Ends ends = m_network.EndsOf(link);
    FramePtr frame(Allocate());
    FrameOfPacket(*waiting.packet, waiting.tag, *frame);
    const bool isHit = waiting.corruptBit != LinkFate::NO_BIT;
    if (isHit)
    {
        FlipBit(*frame, waiting.corruptBit);
        waiting.tag.isDamaged = true;
    }
    if (ends.to < m_network.Hosts())
    {
        HandOver(static_cast<NodeId>(ends.to), std::move(frame), waiting.sequence);
        return;
    }
    const auto next = NextLink(link, *frame);
    waiting.tag.sequence = TakeSequence();
    if (isHit)
    {
        waiting.packet = PacketOfFrame(*frame, m_hostRate.WireBytes(frame->Length()), waiting.tag);
    }
    else
    {
        waiting.packet->AddPacketTag(waiting.tag);
    }
    m_free.push_back(frame.release()); // alive in the packet
    if (!next)
    {
        Drop(link, waiting.tag, DropReason::NO_ROUTE);
        return;
    }
    Transmit(*next, waiting.packet, waiting.tag, m_faults);
}

std::optional<std::uint32_t>
PointToPointFabric::NextLink(std::uint32_t link, const Frame& frame) const
{
    const auto hosts = static_cast<std::uint32_t>(m_network.Hosts());
    const LeafSpine::Ends ends = m_network.EndsOf(link);
    const std::uint32_t here = ends.to - hosts;
    const NodeId destination = DestinationHost(frame.Header());
    if (destination >= hosts)
    {
        return std::nullopt;
    }
    const std::uint16_t leaf = m_network.LeafOf(destination);
    std::uint32_t next;
    if (here >= m_network.Leaves())
    {
        next = m_network.SpineToLeaf(here - m_network.Leaves(), leaf);
    }
    else if (here == leaf)
    {
        next = m_network.Downlink(destination);
    }
    else if (ends.from >= hosts)
    {
        return std::nullopt; // down from a spine, and up again
    }
    else
    {
        const Instant now{Duration(NowPicoseconds())};
        next = m_network.LeafToSpine(here, m_faults->PickSpine(EcmpHash(frame.Header()), now));
    }
    return next == m_network.ReverseOf(link) ? std::nullopt : std::optional(next);
}

void
PointToPointFabric::Transmit(std::uint32_t link,
                             const ns3::Ptr<ns3::Packet>& packet,
                             const FrameTag& tag,
                             const std::shared_ptr<const LinkFaults>& faults,
                             bool isCopy)
{
    Port& port = m_ports[link];
    const LinkSchedule* schedule = faults->ScheduleOf(link);
    const Instant now{Duration(NowPicoseconds())};
    ns3::Ptr<ns3::Packet> copy;
    if (schedule != nullptr && !isCopy && schedule->Duplicates(faults->Draws(), port.accepted, now))
    {
        copy = packet->Copy(); // now: the device changes what it is given
    }
    if (!port.device->Send(packet, port.device->GetBroadcast(), ETHERTYPE_IPV4))
    {
        Drop(link, tag, DropReason::QUEUE_FULL);
        return;
    }
    ++port.accepted;
    port.faults.push_back(faults);
    TrafficCounters& traffic = port.counters.traffic[static_cast<std::size_t>(tag.traffic)];
    ++traffic.frames;
    traffic.bytes += tag.headerLength + std::uint64_t{tag.payload.length};
    port.counters.queueFramesMax =
        std::max(port.counters.queueFramesMax, port.device->GetQueue()->GetNPackets());
    if (copy != nullptr)
    {
        TakePlace();
        if (m_ledger != nullptr)
        {
            m_ledger->Born(tag.packetId);
        }
        FrameTag second = tag;
        ++second.sequence;
        copy->ReplacePacketTag(second);
        Transmit(link, copy, second, faults, true);
    }
}

void
PointToPointFabric::Drop(std::uint32_t link, const FrameTag& tag, DropReason reason)
{
    ++m_ports[link].counters.drops[static_cast<std::size_t>(reason)];
    Gone(tag.packetId, reason);
}

Instant
PointToPointFabric::JudgedUntil() const
{
    // A frame is judged at the end of its link, for all the time that it may still be late.
    return Instant(Duration(NowPicoseconds())) + m_faults->LongestDelay();
}

void
PointToPointFabric::Finish()
{
    m_ledger = nullptr;
}

std::vector<LinkCounters>
PointToPointFabric::Links() const
{
    std::vector<LinkCounters> links;
    links.reserve(m_ports.size());
    for (const Port& port : m_ports)
    {
        LinkCounters& counters = links.emplace_back(port.counters);
        const std::int64_t now = NowPicoseconds();
        counters.queueTime += Duration(port.waiting * (now - port.waitingSince));
        if (port.sendingSince >= 0)
        {
            counters.busyTime += Duration(now - port.sendingSince);
        }
    }
    return links;
}

std::uint64_t
PointToPointFabric::PacketHops() const
{
    return m_packetHops;
}

} // namespace flowchain
