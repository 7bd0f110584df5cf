// SPDX-License-Identifier: GPL-2.0-only
#include "service-node-application.h"

#include "service-node-machine.h"

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
            .AddConstructor<ServiceNodeApplication>();
    return tid;
}

std::unique_ptr<ProtocolMachine>
ServiceNodeApplication::MakeMachine(const NodeConfig& config)
{
    ServiceNodeConfig service;
    static_cast<ReplicaConfig&>(service) = MakeReplicaConfig();
    return std::make_unique<ServiceNodeMachine>(
        config, service, MakeFunction(Nodes().function, {config.self, config.incarnation}));
}

} // namespace flowchain
