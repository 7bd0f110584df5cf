// SPDX-License-Identifier: GPL-2.0-only
// Which node is what to a session.
#include "copy-plan.h"
#include "run-observer.h"
#include "selector.h"

namespace flowchain
{

namespace
{

NodeId
NodeInPath(const CopyPlan& plan, const SessionRole& role)
{
    switch (role.part)
    {
    case SessionPart::SECOND:
        return plan.position == 0 ? NO_NODE : plan.path.at(plan.position - 1);
    case SessionPart::TAIL:
        return plan.path.back();
    default:
        return role.index < plan.path.size() ? plan.path[role.index] : NO_NODE;
    }
}

} // namespace

/** The view of the node, or, if it is down, the newest one in its service group; null if all of
 * that are down. */
const MembershipView*
RunObserver::ViewFor(NodeId manager) const
{
    const MembershipView* newest = nullptr;
    for (const NodeApplication* application : m_applications)
    {
        const Directory::Node& node = m_directory.nodes[application->Id()];
        if (application->IsDown() || !IsOfService(node.role) ||
            node.service != m_directory.nodes[manager].service)
        {
            continue;
        }
        const MembershipView& view = application->Machine().View();
        if (application->Id() == manager)
        {
            return &view;
        }
        newest = newest == nullptr || view.Epoch() > newest->Epoch() ? &view : newest;
    }
    return newest;
}

/** The node that was given the reverse entry, or else is going to be. */
NodeId
RunObserver::ThirdOf(const SessionInfo& session, const MembershipView& view) const
{
    const NodeId selected = Selector::Manager(ReverseEntry(session.record).match, view);
    if (session.thirds.none() || (selected != NO_NODE && session.thirds.test(selected)))
    {
        return selected;
    }
    NodeId node = 0;
    while (!session.thirds.test(node))
    {
        ++node;
    }
    return node;
}

NodeId
RunObserver::NodeOf(const SessionRole& role) const
{
    const bool isCreated =
        role.session < m_latest.size() && m_latest[role.session] != SessionInfo::NO_SESSION;
    const SessionInfo* session = isCreated ? &m_registry.At(m_latest[role.session]) : nullptr;
    const FirstPacket* packet = m_first.OfSession(role.session);
    if (session == nullptr && (packet == nullptr || packet->askedBy == NO_NODE))
    {
        return NO_NODE;
    }
    SessionRecord record;
    record.owner = packet != nullptr ? packet->asked : NO_NODE;
    record.service = m_workload->ServiceOf(role.session);
    if (session != nullptr)
    {
        record = session->record;
    }
    if (role.part == SessionPart::OWNER)
    {
        return record.owner;
    }
    const NodeId asker = packet != nullptr ? packet->askedBy : NO_NODE;
    const NodeId first = session != nullptr && session->root != NO_NODE ? session->root : asker;
    if (role.part == SessionPart::FIRST || first == NO_NODE)
    {
        return first;
    }
    const MembershipView* view = ViewFor(first);
    const ObserverConfig::Service& service = m_config.services[record.service];
    if (view == nullptr || view->Epoch() == 0)
    {
        return NO_NODE;
    }
    if (role.part == SessionPart::THIRD)
    {
        return session == nullptr ? NO_NODE : ThirdOf(*session, *view);
    }
    const NodeId root = service.scheme->Root() == SchemeRoot::OWNER ? record.owner : first;
    CopyPlan plan;
    service.scheme->Plan(record, root, false, *view, service.spread, plan);
    return plan.path.empty() ? NO_NODE : NodeInPath(plan, role);
}

} // namespace flowchain
