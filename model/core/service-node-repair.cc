// SPDX-License-Identifier: GPL-2.0-only
// Repair: a change of view gives sessions new backups, which their owners bring up to date.
#include "selector.h"
#include "service-node-machine.h"

#include <algorithm>

namespace flowchain
{

namespace
{

/** Token of a spread that repairs; so far it has no packet that waits for it. */
constexpr std::uint64_t REPAIR = std::uint64_t{1} << 32 | FlowIndex::NOT_FOUND;

/** One step looks at so many slots of the store at most, and the next one comes so much later. */
constexpr std::size_t SLOTS_PER_STEP = 4096;
constexpr Duration STEP_PAUSE{10'000'000};

} // namespace

void
ServiceNodeMachine::BeginRepair(Instant now, Actions& out)
{
    const SchemePromise promise = Scheme().Promise(Replica());
    if (Scheme().Root() == SchemeRoot::MANAGER)
    {
        if (!ChainsMayHaveGaps())
        {
            m_repairedView = View();
            return;
        }
    }
    // Where everybody has everything, a joining node gets a snapshot instead.
    else if (Scheme().Root() != SchemeRoot::OWNER || promise.everyServiceNode)
    {
        return;
    }
    m_repairCursor = 0;
    FeedRepair(now, out);
}

/** Whether no manager has ever come, gone or restarted, as far as the view tells. */
bool
ServiceNodeMachine::ManagersAreAsAtFirst() const
{
    const auto isAsAtFirst = [this](NodeId node)
    {
        return View().IsActive(node) != Nodes().nodes[node].absent && View().Incarnation(node) == 0;
    };
    return std::ranges::all_of(Nodes().groups,
                               [&](const std::vector<NodeId>& group)
                               {
        return std::ranges::all_of(group, isAsAtFirst);
    });
}

/** Whether a session may have another chain than in m_repairedView, or nobody who has seen to it
 * since: its owner may have died before it had. */
bool
ServiceNodeMachine::ChainsMayHaveGaps() const
{
    const auto hasChanged = [this](NodeId node)
    {
        return View().Body().members[node] != m_repairedView.Body().members[node];
    };
    return std::ranges::any_of(Nodes().groups,
                               [&](const std::vector<NodeId>& group)
                               {
        return std::ranges::any_of(group, hasChanged);
           }) ||
        (!ManagersAreAsAtFirst() && std::ranges::any_of(Nodes().serviceNodes, hasChanged));
}

/** Where the session's state goes in `view`. The plan has no path if nobody could spread it. */
void
ServiceNodeMachine::PlanRepair(const SessionRecord& record,
                               const MembershipView& view,
                               CopyPlan& plan) const
{
    const NodeId root =
        Scheme().Root() == SchemeRoot::OWNER ? Self() : Selector::Manager(record.original, view);
    plan.Clear();
    if (root != NO_NODE)
    {
        Scheme().Plan(record, root, true, view, Replica(), plan);
    }
}

/** Whether a node of the session's plan has come to it since m_repairedView: m_lacking says who. */
bool
ServiceNodeMachine::NeedsRepair(const SessionRecord& record)
{
    const bool ofManagers = Scheme().Root() == SchemeRoot::MANAGER;
    m_lacking.clear();
    if (record.id == 0 || FindSpread(record.id) != NO_SPREAD ||
        (ofManagers ? !IsResponsible(record) : record.owner != Self()))
    {
        return false;
    }
    PlanRepair(record, m_repairedView, m_planBefore);
    if (ofManagers && !IsResponsible(record, m_repairedView))
    {
        if (ManagersAreAsAtFirst())
        {
            return false;
        }
        m_planBefore.Clear(); // whoever was responsible may not have come to this one
    }
    PlanRepair(record, View(), m_planNow);
    const auto lacks = [&](NodeId node)
    {
        const auto& path = m_planBefore.path;
        const auto& fan = m_planBefore.fan;
        // A node of another life has lost what it had. Service nodes get snapshots from each other.
        const bool had = View().Incarnation(node) == m_repairedView.Incarnation(node) &&
                         (std::find(path.begin(), path.end(), node) != path.end() ||
                          std::find(fan.begin(), fan.end(), node) != fan.end());
        return !had && (!ofManagers || Nodes().nodes[node].role == NodeRole::MANAGER);
    };
    std::ranges::copy_if(m_planNow.path, std::back_inserter(m_lacking), lacks);
    std::ranges::copy_if(m_planNow.fan, std::back_inserter(m_lacking), lacks);
    return !m_lacking.empty();
}

/** @pre NeedsRepair(record). @returns whether it has been sent, or cannot be at all */
bool
ServiceNodeMachine::Repair(const SessionRecord& record, Instant now, Actions& out)
{
    if (Scheme().Root() == SchemeRoot::OWNER)
    {
        SpreadHandle handle = NO_SPREAD;
        ++m_repairs;
        if (BeginSpread(record, true, REPAIR, nullptr, now, out, handle) == DropReason::NONE)
        {
            Progress(handle, now, out);
        }
        else
        {
            --m_repairs;
        }
        return true;
    }
    // Straight to who lacks it: the rest of the chain and the service nodes have it.
    for (const NodeId node : m_lacking)
    {
        SyncMessage message;
        message.header.kind = MessageKind::FAN_OUT;
        message.record = record;
        if (!SendReliable(node, message, Pool().Acquire(), SINGLE_COPY, now, out))
        {
            return false;
        }
        ++m_repairs;
    }
    out.notes.push_back({.kind = NoteKind::REPAIRED, .value = m_lacking.size(), .record = record});
    return true;
}

void
ServiceNodeMachine::FeedRepair(Instant now, Actions& out)
{
    m_repairAt = NEVER;
    const std::size_t end = std::min(Store().Slots(), m_repairCursor + SLOTS_PER_STEP);
    while (m_repairs < m_service.repairWindow && m_repairCursor < end)
    {
        const std::size_t cursor = m_repairCursor++;
        const SessionRecord record = Store().At(cursor);
        if (NeedsRepair(record) && !Repair(record, now, out))
        {
            m_repairCursor = cursor;
            m_repairAt = now + Config().channel.retransmitTimeout;
            return;
        }
    }
    if (m_repairCursor < Store().Slots())
    {
        m_repairAt = m_repairs < m_service.repairWindow ? now + STEP_PAUSE : NEVER;
    }
    else if (m_repairs == 0)
    {
        m_repairedView = View();
    }
}

/** A manager has its copy, has refused it, or is gone. */
void
ServiceNodeMachine::HandleRepaired(Instant now, Actions& out)
{
    --m_repairs;
    FeedRepair(now, out);
}

} // namespace flowchain
