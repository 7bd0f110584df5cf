// SPDX-License-Identifier: GPL-2.0-only
#include "fault-injector.h"

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
    }
}

} // namespace flowchain
