// SPDX-License-Identifier: GPL-2.0-only
#include "flow-manager-application.h"

#include "flow-manager-machine.h"
#include "nat-config.h"

#include <ns3/fatal-error.h>
#include <ns3/string.h>
#include <ns3/uinteger.h>

namespace flowchain
{

NS_OBJECT_ENSURE_REGISTERED(FlowManagerApplication);

ns3::TypeId
FlowManagerApplication::GetTypeId()
{
    static ns3::TypeId tid =
        ns3::TypeId("flowchain::FlowManagerApplication")
            .SetParent<NodeApplication>()
            .SetGroupName("flowchain")
            .AddConstructor<FlowManagerApplication>()
            .AddAttribute("Scheme",
                          "Synchronisation scheme, one of SyncSchemes()",
                          ns3::StringValue("chain"),
                          ns3::MakeStringAccessor(&FlowManagerApplication::m_scheme),
                          ns3::MakeStringChecker())
            .AddAttribute("Release",
                          "When waiting packets are released: immediate, chain, all",
                          ns3::StringValue("all"),
                          ns3::MakeStringAccessor(&FlowManagerApplication::m_release),
                          ns3::MakeStringChecker())
            .AddAttribute("ChainLength",
                          "Managers in a chain, the first one included",
                          ns3::UintegerValue(3),
                          ns3::MakeUintegerAccessor(&FlowManagerApplication::m_length),
                          ns3::MakeUintegerChecker<std::uint16_t>(1, 8))
            .AddAttribute(
                "Position",
                "Position of the second manager in the chain, from 1; at most ChainLength",
                ns3::UintegerValue(3),
                ns3::MakeUintegerAccessor(&FlowManagerApplication::m_position),
                ns3::MakeUintegerChecker<std::uint16_t>(1, 8))
            .AddAttribute("SessionsMax",
                          "Copies of sessions held, at most",
                          ns3::UintegerValue(4000000),
                          ns3::MakeUintegerAccessor(&FlowManagerApplication::m_sessionsMax),
                          ns3::MakeUintegerChecker<std::uint32_t>(1))
            .AddAttribute("PendingMax",
                          "Sessions that wait for state or acknowledgements, at most",
                          ns3::UintegerValue(65536),
                          ns3::MakeUintegerAccessor(&FlowManagerApplication::m_pendingMax),
                          ns3::MakeUintegerChecker<std::uint32_t>(1))
            .AddAttribute(
                "PendingTimeout",
                "Time after which a session that still waits is given up, and its packets "
                "are dropped",
                ns3::TimeValue(ns3::Seconds(2)),
                ns3::MakeTimeAccessor(&FlowManagerApplication::m_pendingTimeout),
                ns3::MakeTimeChecker(ns3::PicoSeconds(1)))
            .AddAttribute("HeldPerSessionMax",
                          "Packets that wait for the release of one session, at most",
                          ns3::UintegerValue(256),
                          ns3::MakeUintegerAccessor(&FlowManagerApplication::m_heldPerSessionMax),
                          ns3::MakeUintegerChecker<std::uint32_t>(1))
            .AddAttribute("PortFirst",
                          "First external port of the service group",
                          ns3::UintegerValue(1024),
                          ns3::MakeUintegerAccessor(&FlowManagerApplication::m_portFirst),
                          ns3::MakeUintegerChecker<std::uint16_t>(1))
            .AddAttribute("PortLast",
                          "Last external port of the service group",
                          ns3::UintegerValue(65535),
                          ns3::MakeUintegerAccessor(&FlowManagerApplication::m_portLast),
                          ns3::MakeUintegerChecker<std::uint16_t>(1));
    return tid;
}

std::unique_ptr<ProtocolMachine>
FlowManagerApplication::MakeMachine(const NodeConfig& config)
{
    const SyncScheme* scheme = SyncSchemeByName(m_scheme);
    const auto release = ReleaseRuleByName(m_release);
    if (scheme == nullptr || !release)
    {
        NS_FATAL_ERROR("FlowManagerApplication: no scheme '" << m_scheme << "' or release rule '"
                                                             << m_release << "'");
    }
    FlowManagerConfig manager;
    manager.scheme = *scheme;
    manager.release = *release;
    manager.length = m_length;
    manager.position = m_position;
    manager.sessionsMax = m_sessionsMax;
    manager.pendingMax = m_pendingMax;
    manager.pendingTimeout = Duration(m_pendingTimeout.GetTimeStep());
    manager.heldPerSessionMax = m_heldPerSessionMax;
    manager.nat = MakeNat44Config(Nodes(), m_portFirst, m_portLast);
    return std::make_unique<FlowManagerMachine>(config, manager);
}

} // namespace flowchain
