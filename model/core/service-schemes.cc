// SPDX-License-Identifier: GPL-2.0-only
#include "service-schemes.h"

#include "flow-hash.h"
#include "selector.h"

#include <algorithm>

namespace flowchain
{

namespace
{

/** Seed of FlowHash() for directors; the selector has the lower ones. */
constexpr std::uint64_t DIRECTOR_SEED = 16;

bool
Contains(const std::vector<NodeId>& nodes, NodeId node)
{
    return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

/** Add a node to the fan unless it is the root or in the fan already. */
void
AddToFan(CopyPlan& plan, NodeId node)
{
    if (node != NO_NODE && !Contains(plan.path, node) && !Contains(plan.fan, node))
    {
        plan.fan.push_back(node);
    }
}

/** Whoever spreads a session for another node gives it to that node, too. */
void
AddOwner(const SessionRecord& record, const MembershipView& view, CopyPlan& plan)
{
    if (view.IsMember(record.owner))
    {
        AddToFan(plan, record.owner);
    }
}

/** Have the root fan out, if there is anybody to fan out to. */
void
CloseFan(CopyPlan& plan)
{
    plan.position = plan.fan.empty() ? 0 : 1;
}

/** The root and behind it, in configured order around the ring, all that get live updates. */
void
AroundServiceNodes(NodeId root, const MembershipView& view, CopyPlan& plan)
{
    plan.Clear();
    plan.path.push_back(root);
    const auto& ring = view.Nodes().serviceNodes;
    const std::size_t start = std::find(ring.begin(), ring.end(), root) - ring.begin();
    for (std::size_t i = 1; i < ring.size(); ++i)
    {
        const NodeId next = ring[(start + i) % ring.size()];
        if (view.IsMember(next))
        {
            plan.path.push_back(next);
        }
    }
}

/** The best active service nodes by rendezvous, `count` of them or fewer, none of `without`. */
std::vector<NodeId>
BestServiceNodes(std::uint64_t hash,
                 std::size_t count,
                 const std::vector<NodeId>& without,
                 const MembershipView& view)
{
    std::vector<NodeId> candidates;
    for (const NodeId node : view.ActiveServiceNodes())
    {
        if (!Contains(without, node))
        {
            candidates.push_back(node);
        }
    }
    std::vector<NodeId> best;
    while (best.size() < count && !candidates.empty())
    {
        const NodeId node = Selector::Rendezvous(hash, candidates);
        best.push_back(node);
        candidates.erase(std::find(candidates.begin(), candidates.end(), node));
    }
    return best;
}

NodeId
BestAt(std::uint64_t hash, unsigned place, const MembershipView& view)
{
    const std::vector<NodeId> best = BestServiceNodes(hash, place + 1, {}, view);
    return place < best.size() ? best[place] : NO_NODE;
}

NodeId
PartnerOf(NodeId node, const Directory& nodes)
{
    const auto& ring = nodes.serviceNodes;
    const std::size_t partner = (std::find(ring.begin(), ring.end(), node) - ring.begin()) ^ 1;
    return partner < ring.size() ? ring[partner] : NO_NODE;
}

std::uint64_t
DirectorHash(const FlowKey& key)
{
    return FlowHash(key, DIRECTOR_SEED);
}

} // namespace

// ---------------------------------------------------------------------------------------------
// Everybody has every session

SchemePromise
MeshScheme::Promise(const SchemeConfig&) const
{
    return {.everyServiceNode = true};
}

void
MeshScheme::Plan(const SessionRecord&,
                 NodeId root,
                 bool,
                 const MembershipView& view,
                 const SchemeConfig&,
                 CopyPlan& plan) const
{
    plan.Clear();
    plan.path.push_back(root);
    for (const NodeId node : view.MemberServiceNodes())
    {
        AddToFan(plan, node);
    }
    CloseFan(plan);
}

SchemePromise
PassThroughScheme::Promise(const SchemeConfig&) const
{
    return {.everyServiceNode = true};
}

void
PassThroughScheme::Plan(const SessionRecord&,
                        NodeId root,
                        bool,
                        const MembershipView& view,
                        const SchemeConfig&,
                        CopyPlan& plan) const
{
    AroundServiceNodes(root, view, plan);
    plan.packet = PacketPath::RELEASED_AT_END;
}

SchemePromise
RingScheme::Promise(const SchemeConfig&) const
{
    return {.everyServiceNode = true};
}

void
RingScheme::Plan(const SessionRecord&,
                 NodeId root,
                 bool,
                 const MembershipView& view,
                 const SchemeConfig& config,
                 CopyPlan& plan) const
{
    AroundServiceNodes(root, view, plan);
    if (config.release == ReleaseRule::TAIL)
    {
        plan.packet = PacketPath::RELEASED_AT_END;
    }
}

// ---------------------------------------------------------------------------------------------
// Some have

SchemePromise
PairScheme::Promise(const SchemeConfig&) const
{
    return {.serviceNodes = 2};
}

void
PairScheme::Plan(const SessionRecord& record,
                 NodeId root,
                 bool,
                 const MembershipView& view,
                 const SchemeConfig& config,
                 CopyPlan& plan) const
{
    plan.Clear();
    plan.path.push_back(root);
    const NodeId partner = PartnerOf(root, view.Nodes());
    if (partner != NO_NODE && view.IsMember(partner))
    {
        plan.path.push_back(partner);
        plan.packet =
            config.release == ReleaseRule::IMMEDIATE ? PacketPath::STAYS : PacketPath::RETURNED;
    }
    AddOwner(record, view, plan);
    CloseFan(plan);
}

NodeId
PairScheme::Heir(const SessionRecord& record, const MembershipView& view) const
{
    const NodeId partner = PartnerOf(record.owner, view.Nodes());
    return partner != NO_NODE && view.IsActive(partner) ? partner : SyncScheme::Heir(record, view);
}

NodeId
PairScheme::Holder(const FlowKey& key,
                   SessionId session,
                   NodeId owner,
                   unsigned attempt,
                   const MembershipView& view) const
{
    const NodeId partner = owner == NO_NODE ? NO_NODE : PartnerOf(owner, view.Nodes());
    if (attempt == 0 && partner != NO_NODE && view.IsActive(partner))
    {
        return partner;
    }
    return SyncScheme::Holder(key, session, owner, attempt, view);
}

SchemePromise
StoreScheme::Promise(const SchemeConfig& config) const
{
    return {.managers = config.length, .managersServe = true};
}

void
StoreScheme::Plan(const SessionRecord& record,
                  NodeId root,
                  bool,
                  const MembershipView& view,
                  const SchemeConfig& config,
                  CopyPlan& plan) const
{
    plan.Clear();
    plan.path.push_back(root);
    // The servers behind the one that a lookup by either tuple goes to.
    const auto add = [&](const FlowKey& key, std::vector<NodeId>& to)
    {
        const NodeId head = Selector::Manager(key, view);
        if (head == NO_NODE)
        {
            return;
        }
        const auto& ring = view.ActiveGroups()[view.Nodes().nodes[head].group];
        const std::size_t start = std::find(ring.begin(), ring.end(), head) - ring.begin();
        for (std::size_t i = 0; i < ring.size() && i < config.length; ++i)
        {
            const NodeId server = ring[(start + i) % ring.size()];
            if (!Contains(plan.path, server) && !Contains(plan.fan, server))
            {
                to.push_back(server);
            }
        }
    };
    add(record.original, plan.path);
    add(record.translated.Reversed(), plan.fan);
    if (plan.path.size() > 1 && config.release != ReleaseRule::IMMEDIATE)
    {
        plan.packet = PacketPath::RETURNED;
    }
    AddOwner(record, view, plan);
    CloseFan(plan);
}

NodeId
StoreScheme::FetchFrom(const FlowKey& key, const MembershipView& view) const
{
    return Selector::Manager(key, view);
}

SchemePromise
BackupScheme::Promise(const SchemeConfig&) const
{
    return {.serviceNodes = 2};
}

void
DirectorScheme::Plan(const SessionRecord& record,
                     NodeId root,
                     bool,
                     const MembershipView& view,
                     const SchemeConfig&,
                     CopyPlan& plan) const
{
    plan.Clear();
    plan.path.push_back(root);
    for (const FlowKey& key : {record.original, record.translated.Reversed()})
    {
        const std::vector<NodeId> best = BestServiceNodes(DirectorHash(key), 2, {}, view);
        if (!best.empty())
        {
            AddToFan(plan, best.front() == root ? best.back() : best.front());
        }
    }
    AddOwner(record, view, plan);
    CloseFan(plan);
}

NodeId
BackupScheme::Heir(const SessionRecord& record, const MembershipView& view) const
{
    return BestAt(DirectorHash(record.original), 0, view);
}

NodeId
BackupScheme::Holder(
    const FlowKey& key, SessionId, NodeId, unsigned attempt, const MembershipView& view) const
{
    return attempt < 2 ? BestAt(DirectorHash(key), attempt, view) : NO_NODE;
}

void
DirectionPairsScheme::Plan(const SessionRecord& record,
                           NodeId root,
                           bool,
                           const MembershipView& view,
                           const SchemeConfig&,
                           CopyPlan& plan) const
{
    plan.Clear();
    plan.path.push_back(root);
    for (const NodeId node : BestServiceNodes(DirectorHash(record.original), 1, {root}, view))
    {
        AddToFan(plan, node);
    }
    for (const NodeId node :
         BestServiceNodes(DirectorHash(record.translated.Reversed()), 2, {}, view))
    {
        AddToFan(plan, node);
    }
    AddOwner(record, view, plan);
    CloseFan(plan);
}

} // namespace flowchain
