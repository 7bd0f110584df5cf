// SPDX-License-Identifier: GPL-2.0-only
#include "service-node-application.h"

#include "nat-config.h"
#include "service-node-machine.h"

#include <ns3/boolean.h>
#include <ns3/uinteger.h>

#include <algorithm>

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
            .AddAttribute("PortFirst",
                          "First external port of the service group",
                          ns3::UintegerValue(1024),
                          ns3::MakeUintegerAccessor(&ServiceNodeApplication::m_portFirst),
                          ns3::MakeUintegerChecker<std::uint16_t>(1))
            .AddAttribute("PortLast",
                          "Last external port of the service group",
                          ns3::UintegerValue(65535),
                          ns3::MakeUintegerAccessor(&ServiceNodeApplication::m_portLast),
                          ns3::MakeUintegerChecker<std::uint16_t>(1))
            .AddAttribute(
                "TcpStrict",
                "Refuse a TCP session that does not begin with a SYN (RFC 5382, section 4)",
                ns3::BooleanValue(true),
                ns3::MakeBooleanAccessor(&ServiceNodeApplication::m_tcpStrict),
                ns3::MakeBooleanChecker());
    return tid;
}

std::unique_ptr<ProtocolMachine>
ServiceNodeApplication::MakeMachine(const NodeConfig& config)
{
    Nat44Config nat = MakeNat44Config(Nodes(), m_portFirst, m_portLast);
    const auto& nodes = Nodes().serviceNodes;
    nat.block = static_cast<std::uint16_t>(std::find(nodes.begin(), nodes.end(), config.self) -
                                           nodes.begin());
    nat.tcpStrict = m_tcpStrict;
    nat.generation = config.incarnation;
    ServiceNodeConfig service;
    static_cast<ReplicaConfig&>(service) = MakeReplicaConfig();
    return std::make_unique<ServiceNodeMachine>(
        config, service, std::make_unique<NatFunction>(nat));
}

} // namespace flowchain
