// SPDX-License-Identifier: GPL-2.0-only
// The network alone: two hosts on two leaves, ten packets there and ten back on ns-3's simulator.

#include "fabric.h"
#include "membership-view.h"
#include "packet-builder.h"
#include "packet-ledger.h"

#include <fmt/format.h>
#include <ns3/nstime.h>
#include <ns3/simulator.h>

namespace
{

using namespace flowchain;

const FlowKey KEY{{0x0a000001, 5000}, {0x0a000002, 7}, IpProtocol::UDP};

/** Host 1 sends every packet back; host 0 is content. */
class Echo : public FabricSink
{
  public:
    Echo(Fabric& fabric, PacketLedger& ledger)
        : m_fabric(fabric)
        , m_ledger(ledger)
    {
    }

    void Send(NodeId from, NodeId to, const FlowKey& key)
    {
        FramePtr frame = m_fabric.Acquire();
        PacketBuilder().Udp(key).Macs(MacOf(from), MacOf(to)).PayloadLength(1000).Build(*frame);
        frame->packetId = m_ledger.Inject();
        m_fabric.Send(from, std::move(frame));
    }

    void Receive(NodeId host, FramePtr frame) override
    {
        fmt::print("{:>9} ps  host {} gets packet {}\n",
                   ns3::Simulator::Now().GetPicoSeconds(),
                   host,
                   frame->packetId);
        m_ledger.Deliver(frame->packetId);
        m_fabric.Discard(std::move(frame), DropReason::NONE);
        if (host == 1)
        {
            Send(1, 0, KEY.Reversed());
        }
    }

  private:
    Fabric& m_fabric;
    PacketLedger& m_ledger;
};

} // namespace

int
main()
{
    ns3::Time::SetResolution(ns3::Time::PS); // before anything else of ns-3
    FabricConfig config;
    config.leafOfHost = {0, 1};
    PacketLedger ledger;
    const auto fabric = MakeFabric("lean", config, &ledger); // or "point-to-point"
    Echo echo(*fabric, ledger);
    fabric->SetSink(&echo);
    for (int i = 0; i < 10; ++i)
    {
        ns3::Simulator::Schedule(ns3::NanoSeconds(100 * i),
                                 [&]
                                 {
            echo.Send(0, 1, KEY);
        });
    }
    ns3::Simulator::Run();
    ns3::Simulator::Destroy();
    fmt::print("{} sent, {} delivered, {} hops\n",
               ledger.Injected(),
               ledger.Delivered(),
               fabric->PacketHops());
    return ledger.Check() && ledger.Delivered() == 20 ? 0 : 1;
}
