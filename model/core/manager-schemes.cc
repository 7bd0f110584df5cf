// SPDX-License-Identifier: GPL-2.0-only
#include "manager-schemes.h"

#include "selector.h"

#include <algorithm>

namespace flowchain
{

namespace
{

/** Every service node that gets live updates, but not the one that has just made the session. */
void
FanToServiceNodes(const SessionRecord& record,
                  bool known,
                  const MembershipView& view,
                  CopyPlan& plan)
{
    for (const NodeId node : view.MemberServiceNodes())
    {
        if (node != record.owner || known)
        {
            plan.fan.push_back(node);
        }
    }
}

/** One manager outside the root's group, so that the loss of a whole group leaves a copy. */
void
FanToAnotherGroup(const SessionRecord& record,
                  std::uint16_t rootGroup,
                  const MembershipView& view,
                  CopyPlan& plan)
{
    std::vector<NodeId> others;
    for (std::uint16_t group = 0; group < view.ActiveGroups().size(); ++group)
    {
        if (group != rootGroup)
        {
            const std::vector<NodeId>& managers = view.ActiveGroups()[group];
            others.insert(others.end(), managers.begin(), managers.end());
        }
    }
    if (!others.empty())
    {
        plan.fan.push_back(Selector::Rendezvous(record.id, others));
    }
}

} // namespace

SchemePromise
NoScheme::Promise(const SchemeConfig&) const
{
    return {};
}

void
NoScheme::Plan(const SessionRecord&,
               NodeId root,
               bool,
               const MembershipView&,
               const SchemeConfig&,
               CopyPlan& plan) const
{
    plan.Clear();
    plan.path.push_back(root);
}

SchemePromise
ChainSyncScheme::Promise(const SchemeConfig& config) const
{
    return {
        .everyServiceNode = true, .chain = true, .reverseEntry = true, .managers = config.length};
}

void
ChainSyncScheme::Plan(const SessionRecord& record,
                      NodeId root,
                      bool known,
                      const MembershipView& view,
                      const SchemeConfig& config,
                      CopyPlan& plan) const
{
    plan.Clear();
    plan.path.push_back(root);
    const Directory& nodes = view.Nodes();
    const auto& ring = nodes.groups[nodes.nodes[root].group];
    const std::size_t start = std::find(ring.begin(), ring.end(), root) - ring.begin();
    for (std::size_t i = 1; i < ring.size() && plan.path.size() < config.length; ++i)
    {
        const NodeId next = ring[(start + i) % ring.size()];
        if (view.IsActive(next))
        {
            plan.path.push_back(next);
        }
    }
    if (config.release == ReleaseRule::TAIL)
    {
        plan.packet = PacketPath::RELEASED_AT_END;
    }
    // A chain that has shrunk below the configured position has its tail as second manager.
    plan.position = std::min<std::size_t>(config.position, plan.path.size());
    FanToServiceNodes(record, known, view, plan);
    if (config.crossGroup)
    {
        FanToAnotherGroup(record, nodes.nodes[root].group, view, plan);
    }
}

SchemePromise
FanOutScheme::Promise(const SchemeConfig&) const
{
    return {.everyServiceNode = true, .reverseEntry = true, .managers = 1};
}

void
FanOutScheme::Plan(const SessionRecord& record,
                   NodeId root,
                   bool known,
                   const MembershipView& view,
                   const SchemeConfig&,
                   CopyPlan& plan) const
{
    plan.Clear();
    plan.path.push_back(root);
    plan.position = 1;
    FanToServiceNodes(record, known, view, plan);
}

} // namespace flowchain
