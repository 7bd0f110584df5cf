// SPDX-License-Identifier: GPL-2.0-only
#include "bench-fabric.h"
#include "leaf-spine.h"
#include "waiting-ring.h"

#include <algorithm>
#include <deque>
#include <queue>
#include <vector>

namespace flowchain::bench
{

namespace
{

struct PlainFrame
{
    LeafSpine::Path path{};
    std::uint32_t length = 0;
    std::uint8_t hop = 0;
    Frame frame;
};

struct PlainEvent
{
    std::int64_t at;
    std::uint64_t number;
    PlainFrame* frame; ///< null: a host sends
    NodeId host;

    bool operator>(const PlainEvent& other) const
    {
        return at != other.at ? at > other.at : number > other.number;
    }
};

struct PlainPort
{
    std::int64_t nextFree = 0;
    WireRate rate;
    std::int64_t delay;
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    WaitingRing waiting;
};

/** The lean fabric's events and port arithmetic, and nothing else. */
class PlainLoop
{
  public:
    explicit PlainLoop(const Load& load)
        : m_load(load)
        , m_network(load.config)
        , m_sent(HostsOf(load))
    {
        const FabricConfig& config = load.config;
        for (std::size_t link = 0; link < m_network.Links(); ++link)
        {
            const bool isHostLink = m_network.IsHostLink(link);
            m_ports.push_back(
                {.rate = WireRate(isHostLink ? config.hostRateBps : config.fabricRateBps,
                                  config.minimumFrameBytes,
                                  config.overheadBytes),
                 .delay = (isHostLink ? config.hostDelay : config.fabricDelay).count(),
                 .waiting = {}});
        }
    }

    std::uint64_t Run()
    {
        for (std::uint32_t host = 0; host < HostsOf(m_load); ++host)
        {
            Schedule(host * 37'919, nullptr, static_cast<NodeId>(host));
        }
        while (!m_events.empty())
        {
            const PlainEvent event = m_events.top();
            m_events.pop();
            if (event.frame == nullptr)
            {
                SendBurst(event.host, event.at);
            }
            else
            {
                Arrive(event.frame, event.at);
            }
        }
        return m_packetHops;
    }

  private:
    void Schedule(std::int64_t at, PlainFrame* frame, NodeId host)
    {
        m_events.push({at, m_number++, frame, host});
    }

    void SendBurst(NodeId host, std::int64_t now)
    {
        for (std::uint32_t i = 0; i < m_load.burst; ++i)
        {
            Send(host, now);
        }
        if (m_sent[host] < m_load.framesPerHost)
        {
            Schedule(now + m_load.gap, nullptr, host);
        }
    }

    void Send(NodeId host, std::int64_t now)
    {
        if (m_free.empty())
        {
            m_frames.emplace_back();
            m_free.push_back(&m_frames.back());
        }
        PlainFrame* sent = m_free.back();
        m_free.pop_back();
        sent->frame.Reset();
        WriteHeader(m_load, host, m_sent[host], sent->frame.Append(HEADER_LENGTH).data());
        sent->frame.payload.length = m_load.frameLength - HEADER_LENGTH;
        sent->length = sent->frame.Length();
        sent->path = m_network.Route(host, sent->frame.Header());
        sent->hop = 0;
        ++m_sent[host];
        Enqueue(sent, now);
    }

    void Enqueue(PlainFrame* frame, std::int64_t now)
    {
        PlainPort& port = m_ports[frame->path.links[frame->hop]];
        if (port.nextFree > now)
        {
            port.waiting.DropStarted(now);
            if (port.waiting.Size() >= m_load.config.queueFrames)
            {
                m_free.push_back(frame);
                return;
            }
            port.waiting.Push(port.nextFree);
        }
        port.nextFree =
            std::max(port.nextFree, now) + port.rate.SerialisationTime(frame->length).count();
        ++port.frames;
        port.bytes += frame->length;
        Schedule(port.nextFree + port.delay, frame, 0);
    }

    void Arrive(PlainFrame* frame, std::int64_t now)
    {
        ++m_packetHops;
        if (++frame->hop < frame->path.hops)
        {
            Enqueue(frame, now);
            return;
        }
        m_free.push_back(frame);
    }

    const Load& m_load;
    LeafSpine m_network;
    std::vector<PlainPort> m_ports;
    std::priority_queue<PlainEvent, std::vector<PlainEvent>, std::greater<>> m_events;
    std::uint64_t m_number = 0;
    std::uint64_t m_packetHops = 0;
    std::vector<std::uint32_t> m_sent; ///< index: host
    std::deque<PlainFrame> m_frames;
    std::vector<PlainFrame*> m_free;
};

} // namespace

Measurement
MeasurePlain(const Load& load)
{
    PlainLoop loop(load);
    const double before = CpuSeconds();
    Measurement measurement;
    measurement.packetHops = loop.Run();
    measurement.seconds = CpuSeconds() - before;
    return measurement;
}

} // namespace flowchain::bench
