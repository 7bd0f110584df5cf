// SPDX-License-Identifier: GPL-2.0-only
#include "fault-injector.h"

#include "controller-application.h"

#include <ns3/simulator.h>

#include <functional>

namespace flowchain
{

namespace
{

/** Schedules what failures do, unless it is due before a given instant. */
class FailureScheduler
{
  public:
    FailureScheduler(const std::vector<ns3::Ptr<NodeApplication>>& applications, Instant from)
        : m_applications(applications)
        , m_from(from)
    {
    }

    void Add(const FailureSection& failure)
    {
        if (failure.kind == "crash")
        {
            AddCrash(failure, TargetOf(failure));
        }
        else if (failure.kind == "slow")
        {
            AddSlowdown(failure, TargetOf(failure));
        }
        else if (failure.kind == "add")
        {
            At(failure.at,
               [target = TargetOf(failure)]
               {
                target->Recover();
            });
        }
        else if (failure.kind == "drain")
        {
            AddRequest(failure, OperatorRequest::DRAIN);
        }
        else if (failure.kind == "suspect")
        {
            AddRequest(failure, OperatorRequest::SUSPECT);
        }
        else if (failure.kind == "upgrade")
        {
            AddUpgrade(failure, TargetOf(failure));
        }
    }

    std::vector<ns3::EventId> TakeEvents()
    {
        return std::move(m_events);
    }

  private:
    NodeApplication* TargetOf(const FailureSection& failure) const
    {
        return ns3::PeekPointer(m_applications[failure.target]);
    }

    void At(Duration sinceStart, const std::function<void()>& effect)
    {
        if (Instant(sinceStart) >= m_from)
        {
            m_events.push_back(ns3::Simulator::Schedule(ns3::TimeStep(sinceStart.count()), effect));
        }
    }

    void AddCrash(const FailureSection& failure, NodeApplication* target)
    {
        At(failure.at,
           [target]
           {
            target->Crash();
        });
        if (failure.recoverAfter)
        {
            At(failure.at + *failure.recoverAfter,
               [target]
               {
                if (target->IsDown())
                {
                    target->Recover();
                }
            });
        }
    }

    void AddSlowdown(const FailureSection& failure, NodeApplication* target)
    {
        constexpr std::uint32_t NORMAL = 1000;
        At(failure.at,
           [target, permille = failure.factorPermille]
           {
            target->SetSlowdown(permille);
        });
        if (failure.recoverAfter)
        {
            At(failure.at + *failure.recoverAfter,
               [target]
               {
                target->SetSlowdown(NORMAL);
            });
        }
    }

    void AddRequest(const FailureSection& failure, OperatorRequest request)
    {
        const NodeId controller = m_applications.front()->Nodes().controller;
        auto* const desk =
            dynamic_cast<ControllerApplication*>(ns3::PeekPointer(m_applications[controller]));
        At(failure.at,
           [desk, request, node = failure.target]
           {
            desk->Request(request, node);
        });
    }

    void AddUpgrade(const FailureSection& failure, NodeApplication* target)
    {
        At(failure.at,
           [target, after = failure.recoverAfter.value_or(Duration{})]
           {
            target->RestartAfterDrain(after);
        });
        AddRequest(failure, OperatorRequest::DRAIN);
    }

    const std::vector<ns3::Ptr<NodeApplication>>& m_applications;
    Instant m_from;
    std::vector<ns3::EventId> m_events;
};

} // namespace

std::vector<ns3::EventId>
ScheduleFailures(const Scenario& scenario,
                 const std::vector<ns3::Ptr<NodeApplication>>& applications,
                 Instant from)
{
    FailureScheduler scheduler(applications, from);
    for (const FailureSection& failure : scenario.failures)
    {
        scheduler.Add(failure);
    }
    return scheduler.TakeEvents();
}

} // namespace flowchain
