// SPDX-License-Identifier: GPL-2.0-only
#include "bench-fabric.h"

#include <ns3/data-rate.h>
#include <ns3/inet-socket-address.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4-address-helper.h>
#include <ns3/ipv4-global-routing-helper.h>
#include <ns3/ipv4-interface-container.h>
#include <ns3/node-container.h>
#include <ns3/nstime.h>
#include <ns3/packet.h>
#include <ns3/point-to-point-helper.h>
#include <ns3/socket.h>
#include <ns3/string.h>
#include <ns3/udp-socket-factory.h>

#include <string>
#include <vector>

namespace flowchain::bench
{

namespace
{

constexpr std::uint16_t PORT = 9;
/** Bytes that ns-3's UDP/IP over PPP adds: PPP 2, IPv4 20, UDP 8. */
constexpr std::uint32_t STACK_LENGTH = 30;

/** The leaf-spine network as a user of ns-3 would write it. */
class InternetNetwork
{
  public:
    explicit InternetNetwork(const Load& load)
        : m_load(load)
    {
        const FabricConfig& config = load.config;
        m_hosts.Create(HostsOf(load));
        m_leaves.Create(config.leaves);
        m_spines.Create(config.spines);
        ns3::InternetStackHelper stack;
        stack.Install(ns3::NodeContainer(m_hosts, m_leaves, m_spines));

        auto hostLinks = LinkHelper(config.hostRateBps, config.hostDelay, config.queueFrames);
        auto fabricLinks = LinkHelper(config.fabricRateBps, config.fabricDelay, config.queueFrames);
        ns3::Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.252");
        for (std::uint32_t host = 0; host < HostsOf(load); ++host)
        {
            const auto devices =
                hostLinks.Install(m_hosts.Get(host), m_leaves.Get(config.leafOfHost[host]));
            m_addresses.push_back(addresses.Assign(devices).GetAddress(0));
            addresses.NewNetwork();
        }
        for (std::uint32_t leaf = 0; leaf < config.leaves; ++leaf)
        {
            for (std::uint32_t spine = 0; spine < config.spines; ++spine)
            {
                addresses.Assign(fabricLinks.Install(m_leaves.Get(leaf), m_spines.Get(spine)));
                addresses.NewNetwork();
            }
        }
        ns3::Ipv4GlobalRoutingHelper::PopulateRoutingTables();
        for (std::uint32_t host = 0; host < HostsOf(load); ++host)
        {
            OpenSocket(host);
        }
    }

    void Send(NodeId host, std::uint32_t frame)
    {
        const std::uint32_t length =
            m_load.frameLength + m_load.config.overheadBytes - STACK_LENGTH;
        m_sockets[host]->SendTo(
            ns3::Create<ns3::Packet>(length),
            0,
            ns3::InetSocketAddress(m_addresses[DestinationOf(m_load, host, frame)], PORT));
    }

    std::uint64_t Received() const
    {
        return m_received;
    }

  private:
    static ns3::PointToPointHelper
    LinkHelper(std::uint64_t rateBps, Duration delay, std::uint32_t queueFrames)
    {
        ns3::PointToPointHelper helper;
        helper.SetDeviceAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(rateBps)));
        helper.SetChannelAttribute("Delay", ns3::TimeValue(ns3::TimeStep(delay.count())));
        helper.SetQueue(
            "ns3::DropTailQueue", "MaxSize", ns3::StringValue(std::to_string(queueFrames) + "p"));
        return helper;
    }

    void OpenSocket(std::uint32_t host)
    {
        auto socket =
            ns3::Socket::CreateSocket(m_hosts.Get(host), ns3::UdpSocketFactory::GetTypeId());
        socket->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), PORT));
        socket->SetRecvCallback(ns3::MakeCallback(&InternetNetwork::Receive, this));
        m_sockets.push_back(socket);
    }

    void Receive(ns3::Ptr<ns3::Socket> socket)
    {
        while (socket->Recv() != nullptr)
        {
            ++m_received;
        }
    }

    const Load& m_load;
    ns3::NodeContainer m_hosts;
    ns3::NodeContainer m_leaves;
    ns3::NodeContainer m_spines;
    std::vector<ns3::Ipv4Address> m_addresses;    ///< index: host
    std::vector<ns3::Ptr<ns3::Socket>> m_sockets; ///< index: host
    std::uint64_t m_received = 0;
};

} // namespace

Measurement
MeasureInternet(const Load& load)
{
    InternetNetwork network(load);
    Measurement measurement;
    measurement.seconds = RunGenerators(load,
                                        [&network](NodeId host, std::uint32_t frame)
                                        {
        network.Send(host, frame);
    });
    measurement.packetHops = 4 * network.Received();
    return measurement;
}

} // namespace flowchain::bench
