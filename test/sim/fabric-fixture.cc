// SPDX-License-Identifier: GPL-2.0-only
#include "fabric-fixture.h"

#include "flow-hash.h"
#include "membership-view.h"
#include "packet-builder.h"

#include <ns3/nstime.h>
#include <ns3/object-factory.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <utility>

namespace flowchain::fabric_test
{

namespace
{

/** Payloads that are not zero; outlive every simulation. */
const std::array<std::uint8_t, 2048>&
RealPayload()
{
    static const auto bytes = []
    {
        std::array<std::uint8_t, 2048> all;
        for (std::size_t i = 0; i < all.size(); ++i)
        {
            all[i] = static_cast<std::uint8_t>(Mix64(i));
        }
        return all;
    }();
    return bytes;
}

std::string
BytesOf(const Frame& frame)
{
    const auto header = frame.Header();
    std::string bytes(header.begin(), header.end());
    if (frame.payload.bytes != nullptr)
    {
        bytes.append(frame.payload.bytes, frame.payload.bytes + frame.payload.length);
    }
    else
    {
        bytes.append(frame.payload.length, '\0');
    }
    return bytes;
}

std::int64_t
NowPicoseconds()
{
    return ns3::Simulator::Now().GetTimeStep();
}

class Recorder : public FabricSink, public LinkTap
{
  public:
    Recorder(Outcome& outcome, Fabric& fabric, std::int64_t echoAfter)
        : m_outcome(outcome)
        , m_fabric(fabric)
        , m_echoAfter(echoAfter)
    {
    }

    Admission Admit(NodeId, PooledFrame& frame, Instant arrival) override
    {
        frame.mark = m_echoAfter >= 0 && m_echoed.insert(frame.packetId).second ? 1 : 0;
        return {arrival + Duration(frame.mark == 1 ? m_echoAfter : 0)};
    }

    void Receive(NodeId host, FramePtr frame) override
    {
        if (frame->mark == 1)
        {
            const auto header = frame->Header();
            std::swap_ranges(header.begin(), header.begin() + 6, header.begin() + 6);
            m_fabric.Send(host, std::move(frame));
            return;
        }
        if (m_delivered.insert(frame->packetId).second)
        {
            m_outcome.ledger.Deliver(frame->packetId);
        }
        m_outcome.deliveries.push_back({NowPicoseconds(),
                                        host,
                                        BytesOf(*frame),
                                        frame->packetId,
                                        frame->HeadroomLeft(),
                                        frame->payload.sum});
    }

    void Transmit(std::size_t link, const Frame& frame, Instant start) override
    {
        const std::int64_t at = start.time_since_epoch().count();
        if (at == NowPicoseconds())
        {
            m_outcome.sightings.push_back({at, link, BytesOf(frame)});
        }
    }

  private:
    Outcome& m_outcome;
    Fabric& m_fabric;
    std::int64_t m_echoAfter;
    std::set<std::uint32_t> m_echoed; ///< packet ids
    std::set<std::uint32_t> m_delivered;
};

} // namespace

std::vector<Delivery>
Outcome::SortedDeliveries() const
{
    auto sorted = deliveries;
    std::ranges::sort(sorted);
    return sorted;
}

std::uint64_t
Outcome::Digest() const
{
    std::uint64_t digest = 0;
    for (const Delivery& delivery : deliveries)
    {
        digest = Mix64(digest ^ static_cast<std::uint64_t>(delivery.at));
        digest = Mix64(digest ^ delivery.host);
        for (const char byte : delivery.bytes)
        {
            digest = Mix64(digest ^ static_cast<std::uint8_t>(byte));
        }
    }
    return digest;
}

void
BuildFrame(const Sending& sending, Frame& frame)
{
    const FlowKey key{{0x0a000000U + sending.from, sending.sourcePort},
                      {0xc6336400U + sending.to, 53},
                      IpProtocol::UDP};
    PacketBuilder builder;
    builder.Udp(key).Macs(MacOf(sending.from), MacOf(sending.to));
    if (sending.isPayloadReal)
    {
        builder.PayloadBytes(std::span(RealPayload()).first(sending.payloadLength));
    }
    else
    {
        builder.PayloadLength(sending.payloadLength);
    }
    builder.Build(frame);
}

void
UsePicoseconds()
{
    if (ns3::Time::GetResolution() != ns3::Time::PS)
    {
        ns3::Time::SetResolution(ns3::Time::PS);
    }
}

void
RunFabric(const FabricConfig& config,
          const std::vector<Sending>& sendings,
          const RunOptions& options,
          Outcome& outcome)
{
    UsePicoseconds();
    ns3::Simulator::SetScheduler(ns3::ObjectFactory(options.scheduler));
    {
        auto fabric = MakeFabric(options.kind, config, &outcome.ledger);
        Recorder recorder(outcome, *fabric, options.echoAfter);
        fabric->SetSink(&recorder);
        if (options.isTapped)
        {
            std::vector<bool> links(fabric->Links().size());
            for (std::size_t link = 0; link < links.size(); link += 2)
            {
                links[link] = true;
            }
            fabric->SetTap(&recorder, links);
        }
        for (const Sending& sending : sendings)
        {
            ns3::Simulator::Schedule(ns3::TimeStep(sending.at),
                                     [&fabric, &outcome, &sending]
                                     {
                auto frame = fabric->Acquire();
                BuildFrame(sending, *frame);
                frame->packetId = outcome.ledger.Inject();
                fabric->Send(sending.from, std::move(frame));
            });
        }
        if (options.stop >= 0)
        {
            ns3::Simulator::Stop(ns3::TimeStep(options.stop));
        }
        ns3::Simulator::Run();
        fabric->Finish();
        outcome.links = fabric->Links();
        outcome.packetHops = fabric->PacketHops();
    }
    ns3::Simulator::Destroy();
}

std::vector<Sending>
MakeTraffic(const FabricConfig& config, const RandomTraffic& traffic)
{
    std::mt19937_64 random(traffic.seed);
    const auto hosts = config.leafOfHost.size();
    std::vector<Sending> sendings;
    std::int64_t at = 0;
    for (std::uint32_t i = 0; i < traffic.frames; ++i)
    {
        at += traffic.leastGap + static_cast<std::int64_t>(
                                     random() % (2 * static_cast<std::uint64_t>(traffic.meanGap)));
        Sending sending;
        sending.at = at - at % traffic.grid;
        sending.to = static_cast<NodeId>(traffic.isIncast ? 0 : random() % hosts);
        sending.from = static_cast<NodeId>((sending.to + 1 + random() % (hosts - 1)) % hosts);
        sending.sourcePort = static_cast<std::uint16_t>(1024 + random() % 64);
        sending.payloadLength =
            traffic.payloadMax == 0 ? 0 : static_cast<std::uint32_t>(random() % traffic.payloadMax);
        sending.isPayloadReal = random() % 4 == 0;
        sendings.push_back(sending);
    }
    return sendings;
}

FabricConfig
MakeConfig(std::uint16_t hosts, std::uint16_t leaves, std::uint16_t spines)
{
    FabricConfig config;
    config.leaves = leaves;
    config.spines = spines;
    for (std::uint16_t host = 0; host < hosts; ++host)
    {
        config.leafOfHost.push_back(static_cast<std::uint16_t>(host % leaves));
    }
    return config;
}

} // namespace flowchain::fabric_test
