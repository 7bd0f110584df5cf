// SPDX-License-Identifier: GPL-2.0-only
#include "fault-injector.h"

#include "controller-application.h"

#include <ns3/simulator.h>

namespace flowchain
{

namespace
{

void
ScheduleCrash(const FailureSection& failure, NodeApplication* target)
{
    ns3::Simulator::Schedule(ns3::TimeStep(failure.at.count()), &NodeApplication::Crash, target);
    if (failure.recoverAfter)
    {
        ns3::Simulator::Schedule(ns3::TimeStep((failure.at + *failure.recoverAfter).count()),
                                 [target]
                                 {
            if (target->IsDown())
            {
                target->Recover();
            }
        });
    }
}

void
ScheduleSlowdown(const FailureSection& failure, NodeApplication* target)
{
    constexpr std::uint32_t NORMAL = 1000;
    ns3::Simulator::Schedule(ns3::TimeStep(failure.at.count()),
                             &NodeApplication::SetSlowdown,
                             target,
                             failure.factorPermille);
    if (failure.recoverAfter)
    {
        ns3::Simulator::Schedule(ns3::TimeStep((failure.at + *failure.recoverAfter).count()),
                                 &NodeApplication::SetSlowdown,
                                 target,
                                 NORMAL);
    }
}

void
ScheduleRequest(const FailureSection& failure,
                OperatorRequest request,
                const std::vector<ns3::Ptr<NodeApplication>>& applications)
{
    const NodeId controller = applications.front()->Nodes().controller;
    auto* const desk =
        dynamic_cast<ControllerApplication*>(ns3::PeekPointer(applications[controller]));
    ns3::Simulator::Schedule(ns3::TimeStep(failure.at.count()),
                             &ControllerApplication::Request,
                             desk,
                             request,
                             failure.target);
}

void
ScheduleUpgrade(const FailureSection& failure,
                const std::vector<ns3::Ptr<NodeApplication>>& applications)
{
    ns3::Simulator::Schedule(ns3::TimeStep(failure.at.count()),
                             &NodeApplication::RestartAfterDrain,
                             ns3::PeekPointer(applications[failure.target]),
                             failure.recoverAfter.value_or(Duration{}));
    ScheduleRequest(failure, OperatorRequest::DRAIN, applications);
}

} // namespace

void
ScheduleFailures(const Scenario& scenario,
                 const std::vector<ns3::Ptr<NodeApplication>>& applications)
{
    for (const FailureSection& failure : scenario.failures)
    {
        if (failure.kind == "crash")
        {
            ScheduleCrash(failure, ns3::PeekPointer(applications[failure.target]));
        }
        else if (failure.kind == "slow")
        {
            ScheduleSlowdown(failure, ns3::PeekPointer(applications[failure.target]));
        }
        else if (failure.kind == "add")
        {
            ns3::Simulator::Schedule(ns3::TimeStep(failure.at.count()),
                                     &NodeApplication::Recover,
                                     ns3::PeekPointer(applications[failure.target]));
        }
        else if (failure.kind == "drain")
        {
            ScheduleRequest(failure, OperatorRequest::DRAIN, applications);
        }
        else if (failure.kind == "suspect")
        {
            ScheduleRequest(failure, OperatorRequest::SUSPECT, applications);
        }
        else if (failure.kind == "upgrade")
        {
            ScheduleUpgrade(failure, applications);
        }
    }
}

} // namespace flowchain
