// SPDX-License-Identifier: GPL-2.0-only
#include "bench-fabric.h"
#include "byte-order.h"

#include <ns3/nstime.h>
#include <ns3/object-factory.h>
#include <ns3/simulator-impl.h>
#include <ns3/simulator.h>

#include <cstring>
#include <sys/resource.h>
#include <utility>

namespace flowchain::bench
{

Load
MakeLoad(std::uint32_t framesPerHost, Duration delay)
{
    Load load;
    load.framesPerHost = framesPerHost;
    load.config.leaves = 4;
    load.config.spines = 2;
    load.config.hostDelay = delay;
    load.config.fabricDelay = delay;
    for (std::uint32_t host = 0; host < HostsOf(load); ++host)
    {
        load.config.leafOfHost.push_back(static_cast<std::uint16_t>(host / load.hostsPerLeaf));
    }
    return load;
}

std::uint32_t
HostsOf(const Load& load)
{
    return load.hostsPerLeaf * load.config.leaves;
}

NodeId
DestinationOf(const Load& load, NodeId host, std::uint32_t frame)
{
    const std::uint32_t leaf = host / load.hostsPerLeaf;
    const std::uint32_t toLeaf =
        (leaf + 1 + frame % (load.config.leaves - 1U)) % load.config.leaves;
    return static_cast<NodeId>(toLeaf * load.hostsPerLeaf + (host + frame) % load.hostsPerLeaf);
}

void
WriteHeader(const Load& load, NodeId host, std::uint32_t frame, std::uint8_t* header)
{
    static constexpr std::array<std::uint8_t, HEADER_LENGTH> TEMPLATE = {
        2, 0xfc, 0, 0, 0, 0, 2, 0xfc, 0, 0, 0, 0, 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17};
    std::memcpy(header, TEMPLATE.data(), TEMPLATE.size());
    const NodeId to = DestinationOf(load, host, frame);
    Store16(header + 4, to);
    Store16(header + 10, host);
    Store32(header + 26, 0x0a000000U + host);
    Store32(header + 30, 0x0a000000U + to);
    Store16(header + 34, static_cast<std::uint16_t>(frame));
}

double
CpuSeconds()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

Generator::Generator(const Load& load, NodeId host, Send send)
    : m_send(std::move(send))
    , m_gap(load.gap)
    , m_burst(load.burst)
    , m_frames(load.framesPerHost)
    , m_host(host)
{
}

void
Generator::Start()
{
    // Hosts start one after the other within a gap.
    Ref();
    ns3::Simulator::ScheduleWithContext(0, ns3::TimeStep(m_host * 37'919), this);
}

void
Generator::Notify()
{
    for (std::uint32_t i = 0; i < m_burst; ++i)
    {
        m_send(m_host, m_frame);
        ++m_frame;
    }
    if (m_frame < m_frames)
    {
        Ref();
        ns3::Simulator::ScheduleWithContext(0, ns3::TimeStep(m_gap), this);
    }
}

double
RunGenerators(const Load& load, const Generator::Send& send)
{
    std::vector<ns3::Ptr<Generator>> generators;
    for (std::uint32_t host = 0; host < HostsOf(load); ++host)
    {
        generators.push_back(
            ns3::Ptr<Generator>(new Generator(load, static_cast<NodeId>(host), send), false));
        generators.back()->Start();
    }
    const double before = CpuSeconds();
    ns3::Simulator::Run();
    return CpuSeconds() - before;
}

} // namespace flowchain::bench
