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
                ns3::MakeBooleanChecker())
            .AddAttribute(
                "RestoreFromManagers",
                "Where no service node is active, one that comes back receives snapshots from all "
                "active managers before it is selected. Only for schemes whose managers have "
                "copies, and with SnapshotOnJoin",
                ns3::BooleanValue(true),
                ns3::MakeBooleanAccessor(&ControllerApplication::m_restoreFromManagers),
                ns3::MakeBooleanChecker())
            .AddAttribute("PublishDelay",
                          "Time from a decision to the view that says so: a slow controller",
                          ns3::TimeValue(ns3::PicoSeconds(0)),
                          ns3::MakeTimeAccessor(&ControllerApplication::m_publishDelay),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(0)))
            .AddAttribute("DrainTime",
                          "Time that a draining node stays, at least, once all the others know: "
                          "what they sent to it before must arrive within it",
                          ns3::TimeValue(ns3::MilliSeconds(20)),
                          ns3::MakeTimeAccessor(&ControllerApplication::m_drainTime),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(0)));
    return tid;
}

void
ControllerApplication::Request(OperatorRequest request, NodeId subject)
{
    Step({Event::Kind::REQUEST, nullptr, request, subject});
}

std::unique_ptr<ProtocolMachine>
ControllerApplication::MakeMachine(const NodeConfig& config)
{
    ControllerConfig controller;
    controller.detectionTimeout = Duration(m_detectionTimeout.GetTimeStep());
    controller.snapshotOnJoin = m_snapshotOnJoin;
    controller.publishDelay = Duration(m_publishDelay.GetTimeStep());
    controller.drainTime = Duration(m_drainTime.GetTimeStep());
    controller.restoreFromManagers = m_restoreFromManagers;
    return std::make_unique<ControllerMachine>(config, controller);
}

} // namespace flowchain
