// SPDX-License-Identifier: GPL-2.0-only
#include "bench-fabric.h"
#include "leaf-spine.h"

#include <ns3/data-rate.h>
#include <ns3/drop-tail-queue.h>
#include <ns3/mac48-address.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/nstime.h>
#include <ns3/packet.h>
#include <ns3/point-to-point-channel.h>
#include <ns3/point-to-point-net-device.h>
#include <ns3/queue-size.h>

#include <vector>

namespace flowchain::bench
{

namespace
{

constexpr std::uint16_t ETHERTYPE_IPV4 = 0x0800;
constexpr std::uint32_t PPP_LENGTH = 2;

/** The leaf-spine network of bare devices; packets carry the same header bytes. */
class DeviceNetwork
{
  public:
    explicit DeviceNetwork(const Load& load)
        : m_load(load)
        , m_network(load.config)
        , m_devices(m_network.Links())
    {
        for (std::size_t i = 0; i < m_network.Hosts() + m_network.Switches(); ++i)
        {
            m_nodes.push_back(ns3::CreateObject<ns3::Node>());
        }
        for (std::size_t link = 0; link < m_devices.size(); ++link)
        {
            const std::size_t back = m_network.ReverseOf(link);
            if (link < back)
            {
                Join(link, back);
            }
        }
    }

    void Send(NodeId host, std::uint32_t frame)
    {
        std::array<std::uint8_t, HEADER_LENGTH> header;
        WriteHeader(m_load, host, frame, header.data());
        auto packet = ns3::Create<ns3::Packet>(header.data(), HEADER_LENGTH);
        packet->AddPaddingAtEnd(m_load.frameLength + m_load.config.overheadBytes - HEADER_LENGTH -
                                PPP_LENGTH);
        Transmit(m_network.Uplink(host), packet);
    }

    std::uint64_t PacketHops() const
    {
        return m_packetHops;
    }

  private:
    void Join(std::size_t link, std::size_t back)
    {
        const FabricConfig& config = m_load.config;
        const bool isHostLink = m_network.IsHostLink(link);
        auto channel = ns3::CreateObject<ns3::PointToPointChannel>();
        const Duration delay = isHostLink ? config.hostDelay : config.fabricDelay;
        channel->SetAttribute("Delay", ns3::TimeValue(ns3::TimeStep(delay.count())));
        for (const std::size_t direction : {link, back})
        {
            auto device = ns3::CreateObject<ns3::PointToPointNetDevice>();
            device->SetAddress(ns3::Mac48Address::Allocate());
            device->SetDataRate(
                ns3::DataRate(isHostLink ? config.hostRateBps : config.fabricRateBps));
            auto queue = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();
            queue->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::PACKETS, config.queueFrames));
            device->SetQueue(queue);
            m_nodes[m_network.EndsOf(direction).from]->AddDevice(device);
            device->Attach(channel);
            m_devices[direction] = device;
        }
        Listen(static_cast<std::uint32_t>(link), back);
        Listen(static_cast<std::uint32_t>(back), link);
    }

    void Listen(std::uint32_t link, std::size_t receiver)
    {
        m_devices[receiver]->SetReceiveCallback(ns3::NetDevice::ReceiveCallback(
            [this, link](ns3::Ptr<ns3::NetDevice>,
                         ns3::Ptr<const ns3::Packet> packet,
                         std::uint16_t,
                         const ns3::Address&)
            {
            Arrive(link, *packet);
            return true;
        }));
    }

    void Arrive(std::uint32_t link, const ns3::Packet& packet)
    {
        ++m_packetHops;
        const std::uint32_t here = m_network.EndsOf(link).to;
        if (here < m_network.Hosts())
        {
            return;
        }
        std::array<std::uint8_t, HEADER_LENGTH> header;
        packet.CopyData(header.data(), HEADER_LENGTH);
        const NodeId to = DestinationHost(header);
        const std::uint16_t leaf = m_network.LeafOf(to);
        const auto index = here - static_cast<std::uint32_t>(m_network.Hosts());
        std::uint32_t next = 0;
        if (index >= m_network.Leaves())
        {
            next = m_network.SpineToLeaf(index - m_network.Leaves(), leaf);
        }
        else if (index == leaf)
        {
            next = m_network.Downlink(to);
        }
        else
        {
            next = m_network.LeafToSpine(index, PickSpine(EcmpHash(header), m_network.Spines()));
        }
        Transmit(next, packet.Copy());
    }

    void Transmit(std::uint32_t link, const ns3::Ptr<ns3::Packet>& packet)
    {
        m_devices[link]->Send(packet, m_broadcast, ETHERTYPE_IPV4);
    }

    const Load& m_load;
    LeafSpine m_network;
    std::vector<ns3::Ptr<ns3::Node>> m_nodes;
    std::vector<ns3::Ptr<ns3::PointToPointNetDevice>> m_devices; ///< index: link
    ns3::Address m_broadcast = ns3::Mac48Address::GetBroadcast();
    std::uint64_t m_packetHops = 0;
};

} // namespace

Measurement
MeasureDevices(const Load& load)
{
    DeviceNetwork network(load);
    Measurement measurement;
    measurement.seconds = RunGenerators(load,
                                        [&network](NodeId host, std::uint32_t frame)
                                        {
        network.Send(host, frame);
    });
    measurement.packetHops = network.PacketHops();
    return measurement;
}

} // namespace flowchain::bench
