// SPDX-License-Identifier: GPL-2.0-only
#include "controller-application.h"

#include "controller-machine.h"

#include <ns3/boolean.h>

namespace flowchain
{

NS_OBJECT_ENSURE_REGISTERED(ControllerApplication);

ns3::TypeId
ControllerApplication::GetTypeId()
{
    static ns3::TypeId tid =
        ns3::TypeId("flowchain::ControllerApplication")
            .SetParent<NodeApplication>()
            .SetGroupName("flowchain")
            .AddConstructor<ControllerApplication>()
            .AddAttribute("DetectionTimeout",
                          "Time without a heartbeat after which a node is taken to be down",
                          ns3::TimeValue(ns3::MilliSeconds(30)),
                          ns3::MakeTimeAccessor(&ControllerApplication::m_detectionTimeout),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(1)))
            .AddAttribute(
                "SnapshotOnJoin",
                "A service node that comes back receives a snapshot before it is selected",
                ns3::BooleanValue(true),
                ns3::MakeBooleanAccessor(&ControllerApplication::m_snapshotOnJoin),
                ns3::MakeBooleanChecker());
    return tid;
}

std::unique_ptr<ProtocolMachine>
ControllerApplication::MakeMachine(const NodeConfig& config)
{
    ControllerConfig controller;
    controller.detectionTimeout = Duration(m_detectionTimeout.GetTimeStep());
    controller.snapshotOnJoin = m_snapshotOnJoin;
    return std::make_unique<ControllerMachine>(config, controller);
}

} // namespace flowchain
