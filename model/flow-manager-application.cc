// SPDX-License-Identifier: GPL-2.0-only
#include "flow-manager-application.h"

#include "flow-manager-machine.h"

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
            .SetParent<ReplicaApplication>()
            .SetGroupName("flowchain")
            .AddConstructor<FlowManagerApplication>()
            .AddAttribute("PendingMax",
                          "Sessions that wait for state or acknowledgements, at most",
                          ns3::UintegerValue(65536),
                          ns3::MakeUintegerAccessor(&FlowManagerApplication::m_pendingMax),
                          ns3::MakeUintegerChecker<std::uint32_t>(1))
            .AddAttribute("HeldPerSessionMax",
                          "Packets that wait for the release of one session, at most",
                          ns3::UintegerValue(256),
                          ns3::MakeUintegerAccessor(&FlowManagerApplication::m_heldPerSessionMax),
                          ns3::MakeUintegerChecker<std::uint32_t>(1));
    return tid;
}

std::unique_ptr<ProtocolMachine>
FlowManagerApplication::MakeMachine(const NodeConfig& config)
{
    FlowManagerConfig manager;
    static_cast<ReplicaConfig&>(manager) = MakeReplicaConfig();
    manager.pendingMax = m_pendingMax;
    manager.heldPerSessionMax = m_heldPerSessionMax;
    return std::make_unique<FlowManagerMachine>(config, manager);
}

} // namespace flowchain
