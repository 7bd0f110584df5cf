// SPDX-License-Identifier: GPL-2.0-only
#include "fault-injector.h"

#include "controller-application.h"
#include "failure-plan.h"
#include "message-batch.h"

#include <ns3/simulator.h>

#include <algorithm>

namespace flowchain
{

namespace
{

Instant
Now()
{
    return Instant(Duration(ns3::Simulator::Now().GetTimeStep()));
}

/** Whether the node has crashed, and keeps its state or not. */
bool
IsAway(const NodeApplication& node)
{
    return node.IsDown() || node.IsDeaf();
}

} // namespace

void
FaultInjector::Attach(const std::vector<ns3::Ptr<NodeApplication>>& applications,
                      RoleResolver resolve,
                      StrikeListener onStrike)
{
    m_applications = &applications;
    m_resolve = std::move(resolve);
    m_onStrike = std::move(onStrike);
}

std::vector<ns3::EventId>
FaultInjector::Schedule(const Scenario& scenario, Instant from)
{
    m_from = from.time_since_epoch();
    m_stop = scenario.sim.stop;
    for (const FailureSection& failure : PlannedFailures(scenario))
    {
        Add(failure);
    }
    for (const FailureSection& failure : UnplannedFailures(scenario))
    {
        if (const auto event = ParseFailureEvent(failure.on))
        {
            m_triggers.push_back({*event, failure, event->number});
            continue;
        }
        At(failure.at,
           [this, failure]
           {
            StrikeNow(failure);
        });
    }
    m_from = Duration{};
    return std::move(m_events);
}

NodeApplication*
FaultInjector::TargetOf(const FailureSection& failure) const
{
    return ns3::PeekPointer((*m_applications)[failure.target]);
}

void
FaultInjector::Add(const FailureSection& failure)
{
    if (failure.kind == "crash")
    {
        AddCrash(failure, TargetOf(failure));
    }
    else if (failure.kind == "slow")
    {
        AddRate(failure, TargetOf(failure), &NodeApplication::SetSlowdown);
    }
    else if (failure.kind == "clock")
    {
        AddRate(failure, TargetOf(failure), &NodeApplication::SetClockRate);
    }
    else if (failure.kind == "pause")
    {
        AddStop(failure, TargetOf(failure), &NodeApplication::Pause);
    }
    else if (failure.kind == "add")
    {
        At(failure.at,
           [this, target = TargetOf(failure)]
           {
            if (Strikes(target->IsDown()))
            {
                target->Recover();
            }
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

void
FaultInjector::At(Duration fromNow, const std::function<void()>& effect)
{
    if (fromNow >= m_from)
    {
        m_events.push_back(ns3::Simulator::Schedule(ns3::TimeStep(fromNow.count()), effect));
    }
}

bool
FaultInjector::Strikes(bool isPossible)
{
    ++(isPossible ? m_struck : m_missed);
    return isPossible;
}

FaultInjector::State
FaultInjector::StateOf(const FailureSection& failure)
{
    return {failure.kind, failure.target, Now() + failure.at};
}

void
FaultInjector::AddCrash(const FailureSection& failure, NodeApplication* target)
{
    if (failure.state == "kept")
    {
        AddStop(failure, target, &NodeApplication::CrashKeepingState);
        return;
    }
    const State state = StateOf(failure);
    At(failure.at,
       [this, target, state]
       {
        if (Strikes(!IsAway(*target)))
        {
            m_begun.insert(state);
            target->Crash();
        }
    });
    if (failure.recoverAfter)
    {
        At(failure.at + *failure.recoverAfter,
           [this, target, state]
           {
            if (m_begun.erase(state) != 0 && target->IsDown()) // or another failure's would return
            {
                target->Recover();
            }
        });
    }
}

void
FaultInjector::AddStop(const FailureSection& failure,
                       NodeApplication* target,
                       void (NodeApplication::*stop)(Instant until))
{
    At(failure.at,
       [this, target, stop, length = failure.recoverAfter]
       {
        if (Strikes(!target->IsDown() && !target->IsStopped()))
        {
            // For good is to the end of the run, and a little more.
            const Instant until = length ? Now() + *length : Instant(m_stop + Duration{1});
            (target->*stop)(until);
        }
    });
}

void
FaultInjector::AddRate(const FailureSection& failure,
                       NodeApplication* target,
                       void (NodeApplication::*set)(std::uint32_t permille))
{
    constexpr std::uint32_t NORMAL = 1000;
    const State state = StateOf(failure);
    const std::pair rate{failure.kind, target->Id()};
    At(failure.at,
       [this, target, set, state, rate, permille = failure.factorPermille]
       {
        if (Strikes(m_wrongRates.insert(rate).second))
        {
            m_begun.insert(state);
            (target->*set)(permille);
        }
    });
    if (failure.recoverAfter)
    {
        At(failure.at + *failure.recoverAfter,
           [this, target, set, state, rate]
           {
            if (m_begun.erase(state) != 0)
            {
                m_wrongRates.erase(rate);
                (target->*set)(NORMAL);
            }
        });
    }
}

void
FaultInjector::AddRequest(const FailureSection& failure, OperatorRequest request)
{
    const NodeId controller = m_applications->front()->Nodes().controller;
    auto* const desk =
        dynamic_cast<ControllerApplication*>(ns3::PeekPointer((*m_applications)[controller]));
    At(failure.at,
       [this, desk, request, node = failure.target]
       {
        ++m_struck;
        desk->Request(request, node);
    });
}

void
FaultInjector::AddUpgrade(const FailureSection& failure, NodeApplication* target)
{
    At(failure.at,
       [target, after = failure.recoverAfter.value_or(Duration{})]
       {
        target->RestartAfterDrain(after);
    });
    AddRequest(failure, OperatorRequest::DRAIN);
}

void
FaultInjector::Miss(const std::string& why)
{
    ++m_missed;
    m_withoutTarget.push_back({Now(), "no-target", "", why});
}

std::vector<NodeId>
FaultInjector::Resolve(std::vector<NodeId> nodes,
                       const std::vector<SessionRole>& roles,
                       const FailureSection& failure)
{
    for (const SessionRole& role : roles)
    {
        const NodeId node = m_resolve(role);
        if (node == NO_NODE)
        {
            Miss(failure.kind + " finds no " + ToString(role));
        }
        else if (std::ranges::find(nodes, node) == nodes.end())
        {
            nodes.push_back(node); // a node with two roles fails once
        }
    }
    return nodes;
}

bool
FaultInjector::FindSides(FailureSection& failure)
{
    for (std::size_t side = 0; side < failure.sides.size(); ++side)
    {
        failure.sides[side] = Resolve(failure.sides[side], failure.sideRoles[side], failure);
        if (failure.sides[side].empty())
        {
            return false;
        }
    }
    SeparateSides(failure.sides);
    if (failure.sides[1].empty())
    {
        Miss(failure.kind + " finds the same node on both sides");
    }
    return !failure.sides[1].empty();
}

void
FaultInjector::StrikeOne(const FailureSection& failure, NodeId target)
{
    FailureSection strike = failure;
    strike.target = target;
    strike.at = Now().time_since_epoch();
    m_unplanned.push_back(strike);
    m_onStrike(strike);
    strike.at = Duration{};
    Add(strike);
}

void
FaultInjector::StrikeNow(const FailureSection& failure)
{
    if (!failure.node.empty())
    {
        for (const NodeId node : Resolve(failure.targets, failure.roles, failure))
        {
            StrikeOne(failure, node);
        }
    }
    else if (FailureSection found = failure; found.between.empty() || FindSides(found))
    {
        StrikeOne(found, NO_NODE);
    }
    m_events.clear(); // nobody takes these
}

void
FaultInjector::Count(Trigger& trigger, Instant now)
{
    if (trigger.left == 0 || now < Instant(trigger.failure.at) || --trigger.left > 0)
    {
        return;
    }
    ns3::Simulator::Schedule(ns3::TimeStep(trigger.failure.delay.count()),
                             [this, failure = trigger.failure]
                             {
        StrikeNow(failure);
    });
}

void
FaultInjector::CountMessages(FailureEvent::Kind kind, const Frame& frame, Instant now)
{
    PeekedMessages messages(frame);
    for (PeekedMessage message; messages.Next(message);)
    {
        for (Trigger& trigger : m_triggers)
        {
            if (trigger.event.kind == kind && trigger.event.message == message.kind)
            {
                Count(trigger, now);
            }
        }
    }
}

void
FaultInjector::OnNote(NodeId node, const Note& note, Instant now)
{
    m_next.OnNote(node, note, now);
    for (Trigger& trigger : m_triggers)
    {
        const FailureEvent& event = trigger.event;
        if (event.kind == FailureEvent::Kind::NOTE && event.note == note.kind &&
            (!event.ofController || node == m_applications->front()->Nodes().controller))
        {
            Count(trigger, now);
        }
    }
}

void
FaultInjector::OnReceive(NodeId node, const Frame& frame, Instant now)
{
    m_next.OnReceive(node, frame, now);
    CountMessages(FailureEvent::Kind::RECEIVE, frame, now);
}

void
FaultInjector::OnSend(NodeId node, const Frame& frame, Instant now)
{
    m_next.OnSend(node, frame, now);
    CountMessages(FailureEvent::Kind::SEND, frame, now);
}

void
FaultInjector::OnNodeDown(NodeId node, Instant now)
{
    m_next.OnNodeDown(node, now);
}

void
FaultInjector::OnNodeUp(NodeId node, Instant now)
{
    m_next.OnNodeUp(node, now);
}

} // namespace flowchain
