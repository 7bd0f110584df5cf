// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_FAULT_INJECTOR_H
#define FLOWCHAIN_FAULT_INJECTOR_H

#include "failure-event.h"
#include "node-application.h"
#include "run-data.h"
#include "scenario.h"

#include <ns3/event-id.h>
#include <ns3/ptr.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace flowchain
{

/**
 * Does to nodes what every `[[failure]]` of a scenario says; what it does to links is in
 * MakeFaultPlan(), and its listener hears of those that were not known before. It counts the events
 * that failures wait for as a listener in front of another one. A failure strikes by an event of
 * its own, never within the step of a machine.
 */
class FaultInjector : public NodeListener
{
  public:
    /** @returns NO_NODE if nobody has this role now. */
    using RoleResolver = std::function<NodeId(const SessionRole&)>;
    /** A failure strikes whose time or node was not known before; it is in Unplanned() by now. */
    using StrikeListener = std::function<void(const FailureSection&)>;

    /** @param next is told everything first */
    explicit FaultInjector(NodeListener& next)
        : m_next(next)
    {
    }

    /** @param applications index: NodeId; outlive this */
    void Attach(const std::vector<ns3::Ptr<NodeApplication>>& applications,
                RoleResolver resolve,
                StrikeListener onStrike);

    /**
     * Schedule the scenario's failures. To be called at the start of the run.
     * @param from what is due earlier is left out
     * @returns the events, in the order in which they were scheduled
     */
    std::vector<ns3::EventId> Schedule(const Scenario& scenario, Instant from = Instant{});

    /** Failures that have struck, each node for itself. */
    std::uint64_t Struck() const
    {
        return m_struck;
    }

    /** Failures that have found no node, or one that was in such a state already. */
    std::uint64_t Missed() const
    {
        return m_missed;
    }

    /** Failures whose time or node was not known before the run, as PlannedFailures(). */
    const std::vector<FailureSection>& Unplanned() const
    {
        return m_unplanned;
    }

    /** Events of kind "no-target", by time. */
    const std::vector<EventData>& WithoutTarget() const
    {
        return m_withoutTarget;
    }

    // NodeListener
    void OnNote(NodeId node, const Note& note, Instant now) override;
    void OnReceive(NodeId node, const Frame& frame, Instant now) override;
    void OnSend(NodeId node, const Frame& frame, Instant now) override;
    void OnNodeDown(NodeId node, Instant now) override;
    void OnNodeUp(NodeId node, Instant now) override;

  private:
    /** A failure that waits for an event. */
    struct Trigger
    {
        FailureEvent event;
        FailureSection failure;
        std::uint64_t left = 0; ///< occurrences until it strikes; 0: it has
    };

    /** What a failure begins and its end ends: kind, node, and when it begins. Runs that branch off
     * from one parent know by it what that one has begun for all of them. */
    using State = std::tuple<std::string, NodeId, Instant>;

    static State StateOf(const FailureSection& failure);
    void Add(const FailureSection& failure);
    void AddCrash(const FailureSection& failure, NodeApplication* target);
    /** The node stops until it recovers. */
    void AddStop(const FailureSection& failure,
                 NodeApplication* target,
                 void (NodeApplication::*stop)(Instant until));
    /** Something of the node runs at `factor` of its rate until it recovers. */
    void AddRate(const FailureSection& failure,
                 NodeApplication* target,
                 void (NodeApplication::*set)(std::uint32_t permille));
    void AddRequest(const FailureSection& failure, OperatorRequest request);
    void AddUpgrade(const FailureSection& failure, NodeApplication* target);
    void At(Duration fromNow, const std::function<void()>& effect);
    /** Whether a state may begin; counts it. */
    bool Strikes(bool isPossible);
    /** The failure strikes now whatever its nodes are now. */
    void StrikeNow(const FailureSection& failure);
    /** The nodes, and those that have one of the roles now. */
    std::vector<NodeId> Resolve(std::vector<NodeId> nodes,
                                const std::vector<SessionRole>& roles,
                                const FailureSection& failure);
    /** Find out who is on which side of a partition now. @returns whether both have nodes */
    bool FindSides(FailureSection& failure);
    void Miss(const std::string& why);
    /** @param target or NO_NODE */
    void StrikeOne(const FailureSection& failure, NodeId target);
    void CountMessages(FailureEvent::Kind kind, const Frame& frame, Instant now);
    void Count(Trigger& trigger, Instant now);
    NodeApplication* TargetOf(const FailureSection& failure) const;

    NodeListener& m_next;
    const std::vector<ns3::Ptr<NodeApplication>>* m_applications = nullptr;
    RoleResolver m_resolve;
    std::set<State> m_begun; ///< and not ended
    StrikeListener m_onStrike;
    std::vector<Trigger> m_triggers;
    std::set<std::pair<std::string, NodeId>> m_wrongRates; ///< kind and node
    std::vector<FailureSection> m_unplanned;
    std::vector<EventData> m_withoutTarget;
    std::uint64_t m_struck = 0;
    std::uint64_t m_missed = 0;
    Duration m_from{};                  ///< of Schedule()
    Duration m_stop{};                  ///< of the run
    std::vector<ns3::EventId> m_events; ///< scheduled by Schedule()
};

} // namespace flowchain

#endif
