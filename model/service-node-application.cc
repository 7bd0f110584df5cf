// SPDX-License-Identifier: GPL-2.0-only
#include "service-node-application.h"

#include "service-node-machine.h"

#include <ns3/boolean.h>
#include <ns3/uinteger.h>

namespace flowchain
{

NS_OBJECT_ENSURE_REGISTERED(ServiceNodeApplication);

ns3::TypeId
ServiceNodeApplication::GetTypeId()
{
    static ns3::TypeId tid =
        ns3::TypeId("flowchain::ServiceNodeApplication")
            .SetParent<ReplicaApplication>()
            .SetGroupName("flowchain")
            .AddConstructor<ServiceNodeApplication>()
            .AddAttribute("TcpEstablishedTimeout",
                          "After which an open TCP connection without packets "
                          "is deleted (RFC 5382)",
                          ns3::TimeValue(ns3::Seconds(7440)),
                          ns3::MakeTimeAccessor(&ServiceNodeApplication::m_tcpEstablishedTimeout),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(1)))
            .AddAttribute("TcpTransitoryTimeout",
                          "The same for a TCP connection that is being opened "
                          "(RFC 5382)",
                          ns3::TimeValue(ns3::Seconds(240)),
                          ns3::MakeTimeAccessor(&ServiceNodeApplication::m_tcpTransitoryTimeout),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(1)))
            .AddAttribute("UdpTimeout",
                          "The same for UDP (RFC 4787)",
                          ns3::TimeValue(ns3::Seconds(300)),
                          ns3::MakeTimeAccessor(&ServiceNodeApplication::m_udpTimeout),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(1)))
            .AddAttribute("IcmpTimeout",
                          "The same for ICMP queries (RFC 5508)",
                          ns3::TimeValue(ns3::Seconds(60)),
                          ns3::MakeTimeAccessor(&ServiceNodeApplication::m_icmpTimeout),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(1)))
            .AddAttribute("CloseLinger",
                          "The same for a TCP connection that was closed or "
                          "reset (RFC 5382)",
                          ns3::TimeValue(ns3::Seconds(240)),
                          ns3::MakeTimeAccessor(&ServiceNodeApplication::m_closeLinger),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(1)))
            .AddAttribute("RefreshInterval",
                          "How late packets may be reported; a session lives "
                          "on for that long beyond its time",
                          ns3::TimeValue(ns3::Seconds(30)),
                          ns3::MakeTimeAccessor(&ServiceNodeApplication::m_refreshInterval),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(1)))
            .AddAttribute("TcpUpdates",
                          "Replicate the state of a TCP connection whenever it changes",
                          ns3::BooleanValue(true),
                          ns3::MakeBooleanAccessor(&ServiceNodeApplication::m_tcpUpdates),
                          ns3::MakeBooleanChecker())
            .AddAttribute("RemovalsMax",
                          "Deletions that are not confirmed yet, at most; further ones wait",
                          ns3::UintegerValue(RemovalLog::REMOVALS_MAX),
                          ns3::MakeUintegerAccessor(&ServiceNodeApplication::m_removalsMax),
                          ns3::MakeUintegerChecker<std::uint16_t>(1, RemovalLog::REMOVALS_MAX));
    return tid;
}

std::unique_ptr<ProtocolMachine>
ServiceNodeApplication::MakeMachine(const NodeConfig& config)
{
    ServiceNodeConfig service;
    static_cast<ReplicaConfig&>(service) = MakeReplicaConfig();
    const auto duration = [](const ns3::Time& time)
    {
        return Duration(time.GetTimeStep());
    };
    service.timers = {.tcpEstablished = duration(m_tcpEstablishedTimeout),
                      .tcpTransitory = duration(m_tcpTransitoryTimeout),
                      .udp = duration(m_udpTimeout),
                      .icmp = duration(m_icmpTimeout),
                      .closeLinger = duration(m_closeLinger),
                      .refreshInterval = duration(m_refreshInterval)};
    service.updates = m_tcpUpdates;
    service.removalsMax = m_removalsMax;
    return std::make_unique<ServiceNodeMachine>(
        config,
        service,
        MakeFunction(Nodes().function, {config.self, config.incarnation, config.defects}));
}

} // namespace flowchain
