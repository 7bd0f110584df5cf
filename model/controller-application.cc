// SPDX-License-Identifier: GPL-2.0-only
#include "controller-application.h"

#include "controller-machine.h"

#include <ns3/boolean.h>
#include <ns3/simulator.h>
#include <ns3/uinteger.h>

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
                          "Time without a heartbeat after which a node is taken to be down, as "
                          "long as no heartbeat is lost",
                          ns3::TimeValue(ns3::MilliSeconds(30)),
                          ns3::MakeTimeAccessor(&ControllerApplication::m_detectionTimeout),
                          ns3::MakeTimeChecker(ns3::PicoSeconds(1)))
            .AddAttribute("MistakeRecurrence",
                          "Mean number of heartbeats after which a living node may be taken to be "
                          "down: the detection time grows with the loss of heartbeats accordingly "
                          "(Chen, Toueg and Aguilera 2002: mistake recurrence time); 1: it does "
                          "not grow",
                          ns3::UintegerValue(1'000'000'000),
                          ns3::MakeUintegerAccessor(&ControllerApplication::m_mistakeRecurrence),
                          ns3::MakeUintegerChecker<std::uint64_t>(1, 1'000'000'000'000'000'000))
            .AddAttribute("MissedMax",
                          "Missed heartbeats after which a node is taken to be down however many "
                          "are lost, unless DetectionTimeout is longer",
                          ns3::UintegerValue(64),
                          ns3::MakeUintegerAccessor(&ControllerApplication::m_missedMax),
                          ns3::MakeUintegerChecker<std::uint16_t>(1, 10'000))
            .AddAttribute("LossWindow",
                          "Latest heartbeats, of all nodes, by which their loss is measured",
                          ns3::UintegerValue(1024),
                          ns3::MakeUintegerAccessor(&ControllerApplication::m_lossWindow),
                          ns3::MakeUintegerChecker<std::uint32_t>(1, 1'000'000))
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
    if (IsDeaf())
    {
        return;
    }
    if (IsStopped())
    {
        ns3::Simulator::Schedule(ns3::TimeStep(TimeUntilGoingOn().count()),
                                 [this, request, subject]
                                 {
            Request(request, subject);
        });
        return;
    }
    Step({Event::Kind::REQUEST, nullptr, request, subject});
}

std::unique_ptr<ProtocolMachine>
ControllerApplication::MakeMachine(const NodeConfig& config)
{
    ControllerConfig controller;
    controller.detector.timeout = Duration(m_detectionTimeout.GetTimeStep());
    controller.detector.interval = config.heartbeatInterval;
    controller.detector.mistakeRecurrence = m_mistakeRecurrence;
    controller.detector.missedMax = m_missedMax;
    controller.detector.lossWindow = m_lossWindow;
    controller.snapshotOnJoin = m_snapshotOnJoin;
    controller.publishDelay = Duration(m_publishDelay.GetTimeStep());
    controller.drainTime = Duration(m_drainTime.GetTimeStep());
    controller.restoreFromManagers = m_restoreFromManagers;
    NodeConfig silent = config;
    silent.heartbeatInterval = Duration{0}; // it waits for those of others, and sends none
    return std::make_unique<ControllerMachine>(silent, controller);
}

} // namespace flowchain
