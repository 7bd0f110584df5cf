// SPDX-License-Identifier: GPL-2.0-only
#include "lean-fabric.h"

#include "frame-damage.h"
#include "packet-ledger.h"

#include <ns3/make-event.h>
#include <ns3/nstime.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <utility>

namespace flowchain
{

namespace
{

/** Packet-hops between two looks at the number of events: a power of two. */
constexpr std::uint64_t EVENT_CHECK_INTERVAL = 1U << 10;

} // namespace

void
FlightEvent::Notify()
{
    if (fabric != nullptr)
    {
        fabric->Arrive(this);
    }
}

LeanFabric::LeanFabric(const FabricConfig& config, PacketLedger* ledger)
    : m_network(config)
    , m_faults(config, m_network)
    , m_ledger(ledger)
    , m_simulator(ns3::PeekPointer(ns3::Simulator::GetImplementation()))
    , m_queueFrames(config.queueFrames)
    , m_tellsAtArrival(config.tellsAtArrival)
    , m_eventsMax(config.eventsMax)
    , m_framesMax(config.framesMax)
    , m_tapped(m_network.Links())
{
    if (ns3::Time::GetResolution() != ns3::Time::PS)
    {
        throw std::logic_error("fabric: the resolution of ns3::Time is not a picosecond");
    }
    m_ports.reserve(m_network.Links());
    m_drops.resize(m_network.Links());
    for (std::size_t link = 0; link < m_network.Links(); ++link)
    {
        const bool isHostLink = m_network.IsHostLink(link);
        m_ports.emplace_back(WireRate(isHostLink ? config.hostRateBps : config.fabricRateBps,
                                      config.minimumFrameBytes,
                                      config.overheadBytes),
                             isHostLink ? config.hostDelay : config.fabricDelay);
        m_ports.back().faults = m_faults.ScheduleOf(link);
    }
}

LeanFabric::~LeanFabric()
{
    for (FlightEvent* flight : m_frames)
    {
        // The simulator may still hold it: then the event frees itself there, and does nothing.
        flight->fabric = nullptr;
        flight->Unref();
    }
}

FlightEvent*
LeanFabric::Allocate()
{
    if (m_frames.size() == m_framesMax)
    {
        throw std::runtime_error("fabric: all frames of the pool are alive at once (frames_max = " +
                                 std::to_string(m_framesMax) + ")");
    }
    auto* flight = new FlightEvent; // with a reference count of 1: the pool's own
    flight->fabric = this;
    flight->pool = this;
    m_frames.push_back(flight);
    return flight;
}

FramePtr
LeanFabric::Acquire()
{
    FlightEvent* flight;
    if (m_free.empty())
    {
        flight = Allocate();
    }
    else
    {
        flight = m_free.back();
        m_free.pop_back();
        flight->Reset();
        flight->next = nullptr;
    }
    return FramePtr(flight);
}

FramePtr
LeanFabric::Clone(const Frame& frame)
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
LeanFabric::Discard(FramePtr frame, DropReason reason)
{
    assert(frame != nullptr && frame->pool == this);
    Release(static_cast<FlightEvent*>(frame.release()), reason);
}

void
LeanFabric::Return(PooledFrame* frame)
{
    Release(static_cast<FlightEvent*>(frame), m_returnReason);
}

void
LeanFabric::Release(FlightEvent* flight, DropReason reason)
{
    assert(!flight->isScheduled);
    m_free.push_back(flight);
    if (m_ledger != nullptr)
    {
        m_ledger->Gone(flight->packetId, reason);
    }
}

void
LeanFabric::DropOn(std::uint32_t link, FlightEvent* flight, DropReason reason)
{
    ++m_drops[link][static_cast<std::size_t>(reason)];
    Release(flight, reason);
}

void
LeanFabric::SetSink(FabricSink* sink)
{
    m_sink = sink;
}

void
LeanFabric::SetTap(LinkTap* tap, std::vector<bool> links)
{
    links.resize(m_network.Links());
    m_tap = tap;
    m_tapped = std::move(links);
}

void
LeanFabric::Send(NodeId host, FramePtr frame)
{
    assert(frame != nullptr && frame->pool == this);
    auto* flight = static_cast<FlightEvent*>(frame.release());
    const LeafSpine::Path path = m_network.Route(host, std::as_const(*flight).Header());
    for (std::size_t i = 0; i < LeafSpine::HOPS_MAX; ++i)
    {
        flight->links[i] = path.links[i];
    }
    flight->hops = path.hops;
    flight->hop = 0;
    flight->length = flight->Length();
    flight->traffic = ClassOf(*flight);
    flight->isDamaged = false;
    Enqueue(flight, m_simulator->Now().GetTimeStep());
}

void
LeanFabric::Enqueue(FlightEvent* flight, std::int64_t now, bool isCopy)
{
    const std::uint32_t link = flight->links[flight->hop];
    Port& port = m_ports[link];
    std::int64_t start = now;
    if (port.nextFree > now)
    {
        port.waiting.DropStarted(now);
        if (port.waiting.Size() >= m_queueFrames)
        {
            DropOn(link, flight, DropReason::QUEUE_FULL);
            return;
        }
        start = port.nextFree;
        port.queueTime += start - now;
        port.waiting.Push(start);
        port.queueFramesMax =
            std::max(port.queueFramesMax, static_cast<std::uint32_t>(port.waiting.Size()));
    }
    const std::int64_t sending = port.rate.SerialisationTime(flight->length).count();
    port.busyTime += sending;
    port.nextFree = start + sending;
    flight->arrival = port.nextFree + port.delay;
    flight->end = DropReason::NONE;
    const bool isLast = flight->hop + 1 == flight->hops;
    flight->treatment = isLast && m_tellsAtArrival ? Flight::UNTOLD : 0;
    if (port.faults != nullptr) [[unlikely]]
    {
        ApplyFaults(*port.faults, flight, start);
    }
    const std::uint64_t number = port.frames++;
    TrafficCounters& traffic = port.traffic[static_cast<std::size_t>(flight->traffic)];
    ++traffic.frames;
    traffic.bytes += flight->length;
    const bool isTold = isLast && flight->treatment == 0;
    Schedule(flight, (isTold ? Announce(flight) : flight->arrival) - now);
    if (m_tap != nullptr && m_tapped[link])
    {
        Tap(link, flight, now, start);
    }
    if (port.faults != nullptr && !isCopy &&
        port.faults->Duplicates(m_faults.Draws(), number, Instant(Duration(now))))
    {
        EnqueueCopy(flight, now);
    }
}

/** Decide what becomes of a frame that its port starts to send at `start`, and has not counted. */
void
LeanFabric::ApplyFaults(const LinkSchedule& faults, FlightEvent* flight, std::int64_t start)
{
    const std::uint32_t link = flight->links[flight->hop];
    const Instant instant{Duration(start)};
    const LinkFate fate = faults.Judge(m_faults.Draws(),
                                       m_ports[link].frames,
                                       instant,
                                       Instant(Duration(flight->arrival)),
                                       8 * flight->length,
                                       m_ports[link].inOrder);
    flight->end = fate.loss;
    if (fate.loss == DropReason::NONE && flight->hop == 0 &&
        m_faults.Separates(
            static_cast<NodeId>(link), DestinationHost(std::as_const(*flight).Header()), instant))
    {
        flight->end = DropReason::PARTITIONED;
    }
    if (flight->end != DropReason::NONE)
    {
        flight->treatment = Flight::LOST;
        return;
    }
    flight->arrival += fate.delay.count();
    if (fate.corruptBit != LinkFate::NO_BIT && !flight->isDamaged)
    {
        flight->treatment |= Flight::CORRUPT;
        flight->corruptBit = fate.corruptBit;
    }
    if (flight->hop + 1 == flight->hops && faults.MayDelayOrChange())
    {
        flight->treatment |= Flight::UNTOLD;
    }
}

/** Put a second frame behind one that is on its link. */
void
LeanFabric::EnqueueCopy(const FlightEvent* flight, std::int64_t now)
{
    auto* copy = static_cast<FlightEvent*>(Clone(*flight).release());
    std::copy(std::begin(flight->links), std::end(flight->links), copy->links);
    copy->hops = flight->hops;
    copy->hop = flight->hop;
    copy->length = flight->length;
    copy->traffic = flight->traffic;
    copy->isDamaged = flight->isDamaged;
    Enqueue(copy, now, true);
}

void
LeanFabric::Schedule(FlightEvent* flight, std::int64_t delay)
{
    flight->isScheduled = true;
    flight->Ref();
    m_simulator->ScheduleWithContext(0, ns3::TimeStep(delay), flight);
}

/** Tell the host of the frame's arrival. @returns when its event is due. */
std::int64_t
LeanFabric::Announce(FlightEvent* flight)
{
    assert(m_sink != nullptr);
    const NodeId host = m_network.HostOfDownlink(flight->links[flight->hop]);
    const Admission admission = m_sink->Admit(host, *flight, Instant(Duration(flight->arrival)));
    flight->end = admission.refusal;
    return admission.refusal == DropReason::NONE ? admission.handoverAt.time_since_epoch().count()
                                                 : flight->arrival;
}

void
LeanFabric::Tap(std::uint32_t link, const FlightEvent* flight, std::int64_t now, std::int64_t start)
{
    const Instant instant{Duration(start)};
    if (start == now)
    {
        m_tap->Transmit(link, *flight, instant);
        return;
    }
    // The frame is on this link until after `start`, unchanged, even if the tap is set anew.
    LinkTap* tap = m_tap;
    m_simulator->ScheduleWithContext(0,
                                     ns3::TimeStep(start - now),
                                     ns3::MakeEvent(
                                         [tap, link, flight, instant]
                                         {
        tap->Transmit(link, *flight, instant);
                                     }));
}

void
LeanFabric::Arrive(FlightEvent* flight)
{
    flight->isScheduled = false;
    if (flight->treatment != 0) [[unlikely]]
    {
        ArriveWithTreatment(flight);
        return;
    }
    Forward(flight);
}

void
LeanFabric::ArriveWithTreatment(FlightEvent* flight)
{
    const std::uint32_t link = flight->links[flight->hop];
    if ((flight->treatment & Flight::HANDOVER) != 0)
    {
        m_sink->Receive(m_network.HostOfDownlink(link), FramePtr(flight));
        return;
    }
    if ((flight->treatment & Flight::LOST) != 0)
    {
        DropOn(link, flight, flight->end);
        return;
    }
    if ((flight->treatment & Flight::CORRUPT) != 0)
    {
        FlipBit(*flight, flight->corruptBit);
        flight->isDamaged = true;
    }
    if ((flight->treatment & Flight::UNTOLD) != 0)
    {
        const std::int64_t due = Announce(flight);
        if (due > flight->arrival)
        {
            CountHop();
            flight->treatment = Flight::HANDOVER;
            Schedule(flight, due - flight->arrival);
            return;
        }
    }
    Forward(flight);
}

/** The frame has crossed a link: on with it. */
void
LeanFabric::Forward(FlightEvent* flight)
{
    CountHop();
    ++flight->hop;
    if (flight->hop < flight->hops)
    {
        if (m_faults.ChangesRoutes() && !Reroute(flight)) [[unlikely]]
        {
            DropOn(flight->links[flight->hop - 1], flight, DropReason::NO_ROUTE);
            return;
        }
        Enqueue(flight, flight->arrival);
        return;
    }
    if (flight->end != DropReason::NONE)
    {
        Release(flight, flight->end);
        return;
    }
    m_sink->Receive(m_network.HostOfDownlink(flight->links[flight->hop - 1]), FramePtr(flight));
}

/** Find the way from the switch that the frame has come to. @returns whether there is one. */
bool
LeanFabric::Reroute(FlightEvent* flight) const
{
    const auto header = std::as_const(*flight).Header();
    const NodeId destination = DestinationHost(header);
    const LeafSpine::Ends ends = m_network.EndsOf(flight->links[flight->hop - 1]);
    if (destination >= m_network.Hosts() || destination == ends.from)
    {
        return false;
    }
    const std::uint32_t leaf = m_network.LeafOf(destination);
    const auto leaf0 = static_cast<std::uint32_t>(m_network.Hosts());
    const std::uint32_t here = ends.to - leaf0;
    if (flight->hop == 1)
    {
        flight->hops = here == leaf ? 2 : 4;
    }
    flight->links[flight->hops - 1] = m_network.Downlink(destination);
    if (flight->hop == 1)
    {
        if (here != leaf)
        {
            const std::uint32_t spine =
                m_faults.PickSpine(EcmpHash(header), Instant(Duration(flight->arrival)));
            flight->links[1] = m_network.LeafToSpine(here, spine);
            flight->links[2] = m_network.SpineToLeaf(spine, leaf);
        }
        return true;
    }
    if (flight->hop == 2)
    {
        flight->links[2] = m_network.SpineToLeaf(here - m_network.Leaves(), leaf);
        return leaf0 + leaf != ends.from;
    }
    return leaf == here;
}

void
LeanFabric::CountHop()
{
    ++m_packetHops;
    if ((m_packetHops & (EVENT_CHECK_INTERVAL - 1)) == 0 &&
        m_simulator->GetEventCount() > m_eventsMax)
    {
        throw std::runtime_error("fabric: more than " + std::to_string(m_eventsMax) +
                                 " events in one run (events_max)");
    }
}

void
LeanFabric::ReplaceFaults(const FabricConfig& config)
{
    m_faults = LinkFaults(config, m_network);
    for (std::size_t link = 0; link < m_ports.size(); ++link)
    {
        m_ports[link].faults = m_faults.ScheduleOf(link);
    }
}

Instant
LeanFabric::JudgedUntil() const
{
    // When a port accepts a frame, it is judged for all the time until its arrival.
    std::int64_t latest = m_simulator->Now().GetTimeStep();
    for (const FlightEvent* flight : m_frames)
    {
        latest = flight->isScheduled ? std::max(latest, flight->arrival) : latest;
    }
    return Instant(Duration(latest));
}

void
LeanFabric::Finish()
{
    m_ledger = nullptr;
}

std::vector<LinkCounters>
LeanFabric::Links() const
{
    const std::int64_t now = m_simulator->Now().GetTimeStep();
    std::vector<LinkCounters> links;
    links.reserve(m_ports.size());
    for (std::size_t link = 0; link < m_ports.size(); ++link)
    {
        // Ports count what they accept at once; what lies ahead of `now` is taken off again.
        const Port& port = m_ports[link];
        LinkCounters& counters = links.emplace_back();
        counters.name = m_network.NameOf(link);
        counters.traffic = port.traffic;
        counters.drops = m_drops[link];
        counters.queueFramesMax = port.queueFramesMax;
        counters.busyTime =
            Duration(port.busyTime - std::max<std::int64_t>(0, port.nextFree - now));
        counters.queueTime = Duration(port.queueTime - port.waiting.TimeLeft(now));
    }
    return links;
}

std::uint64_t
LeanFabric::PacketHops() const
{
    return m_packetHops;
}

} // namespace flowchain
