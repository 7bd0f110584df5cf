// SPDX-License-Identifier: GPL-2.0-only
#include "selector.h"

#include "flow-hash.h"
#include "jump-hash.h"

#include <limits>

namespace flowchain
{

namespace
{

/** Seeds of FlowHash() for the selections; 0 is that of the tables. */
constexpr std::uint64_t MANAGER_SEED = 1;
constexpr std::uint64_t SERVICE_NODE_SEED = 2;
constexpr std::uint64_t ACCELERATOR_SEED = 3;

/** Groups count as candidates behind all nodes, so that both stages are independent. */
constexpr std::uint64_t FIRST_GROUP_CANDIDATE = std::uint64_t{NO_NODE} + 1;

/** Rendezvous weight: the candidate-th output of a SplitMix64 generator that starts at `hash`. */
constexpr std::uint64_t
Weight(std::uint64_t hash, std::uint64_t candidate)
{
    return Mix64(hash + 0x9e3779b97f4a7c15ULL * (candidate + 1));
}

/** Stages of a selection, so that they are independent. */
constexpr std::uint64_t GROUP_STAGE = 1ULL << 32;
constexpr std::uint64_t NODE_STAGE = 2ULL << 32;

std::uint64_t
HashOf(const FlowKey& key, std::uint64_t seed, const MembershipView& view)
{
    return view.Nodes().selection.hash == SelectionHash::SYMMETRIC ? SymmetricFlowHash(key, seed)
                                                                   : FlowHash(key, seed);
}

NodeId
FindIn(const SelectionTable& table, std::uint64_t hash, std::uint64_t stage)
{
    return table.table.IsEmpty() ? NO_NODE : table.members[table.table.Find(Weight(hash, stage))];
}

/** Hash until `isActive` agrees. @returns an index below `count`; `count`: there was none */
template <typename IsActive>
std::size_t
Jump(std::uint64_t hash, std::uint64_t stage, std::size_t count, IsActive isActive)
{
    constexpr std::uint64_t ATTEMPTS = 64;
    for (std::uint64_t attempt = 0; attempt < ATTEMPTS && count > 0; ++attempt)
    {
        const std::size_t index =
            JumpHash(Weight(hash, stage + attempt), static_cast<std::uint32_t>(count));
        if (isActive(index))
        {
            return index;
        }
    }
    return count;
}

/** One of `configured` that is active, of which `active` has all; `table` is that of Maglev. */
NodeId
SelectNode(std::uint64_t hash,
           const std::vector<NodeId>& configured,
           const std::vector<NodeId>& active,
           const SelectionTable* table,
           const MembershipView& view)
{
    if (table != nullptr)
    {
        return FindIn(*table, hash, NODE_STAGE);
    }
    if (view.Nodes().selection.method == SelectionMethod::JUMP)
    {
        const std::size_t index = Jump(hash,
                                       NODE_STAGE,
                                       configured.size(),
                                       [&](std::size_t i)
                                       {
            return view.IsActive(configured[i]);
        });
        if (index < configured.size())
        {
            return configured[index];
        }
    }
    return Selector::Rendezvous(hash, active);
}

/** Rendezvous winner among the groups that have an active manager. */
std::size_t
RendezvousGroup(std::uint64_t hash, const std::vector<std::vector<NodeId>>& groups)
{
    std::size_t winner = groups.size();
    std::uint64_t best = 0;
    for (std::size_t group = 0; group < groups.size(); ++group)
    {
        const std::uint64_t weight = Weight(hash, FIRST_GROUP_CANDIDATE + group);
        if (!groups[group].empty() && (winner == groups.size() || weight > best))
        {
            winner = group;
            best = weight;
        }
    }
    return winner;
}

/** @returns the number of groups if none has an active manager */
std::size_t
SelectGroup(std::uint64_t hash, const MembershipView& view)
{
    const std::vector<std::vector<NodeId>>& groups = view.ActiveGroups();
    switch (view.Nodes().selection.method)
    {
    case SelectionMethod::MAGLEV:
    {
        const NodeId group = FindIn(view.Tables().groups, hash, GROUP_STAGE);
        return group == NO_NODE ? groups.size() : group;
    }
    case SelectionMethod::JUMP:
    {
        const std::size_t group = Jump(hash,
                                       GROUP_STAGE,
                                       groups.size(),
                                       [&](std::size_t i)
                                       {
            return !groups[i].empty();
        });
        return group < groups.size() ? group : RendezvousGroup(hash, groups);
    }
    case SelectionMethod::RENDEZVOUS:
        break;
    }
    return RendezvousGroup(hash, groups);
}

NodeId
SelectServiceNode(std::uint64_t hash, const MembershipView& view)
{
    const bool maglev = view.Nodes().selection.method == SelectionMethod::MAGLEV;
    return SelectNode(hash,
                      view.Nodes().serviceNodes,
                      view.ActiveServiceNodes(),
                      maglev ? &view.Tables().serviceNodes : nullptr,
                      view);
}

} // namespace

NodeId
Selector::Manager(const FlowKey& key, const MembershipView& view)
{
    const std::uint64_t hash = HashOf(key, MANAGER_SEED, view);
    const std::size_t group = SelectGroup(hash, view);
    if (group == view.ActiveGroups().size())
    {
        return NO_NODE;
    }
    const bool maglev = view.Nodes().selection.method == SelectionMethod::MAGLEV;
    return SelectNode(hash,
                      view.Nodes().groups[group],
                      view.ActiveGroups()[group],
                      maglev ? &view.Tables().managers[group] : nullptr,
                      view);
}

NodeId
Selector::ServiceNode(const FlowKey& key, const MembershipView& view)
{
    return SelectServiceNode(HashOf(key, SERVICE_NODE_SEED, view), view);
}

NodeId
Selector::ServiceNode(const FlowKey& key, const MembershipView& view, const ServiceLoad& load)
{
    if (view.Nodes().selection.serviceNode == ServiceNodeRule::HASH)
    {
        return ServiceNode(key, view);
    }
    std::vector<NodeId> idlest;
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (const NodeId node : view.ActiveServiceNodes())
    {
        const std::uint64_t sessions = load(node);
        if (sessions < least)
        {
            least = sessions;
            idlest.clear();
        }
        if (sessions == least)
        {
            idlest.push_back(node);
        }
    }
    return Rendezvous(HashOf(key, SERVICE_NODE_SEED, view), idlest);
}

NodeId
Selector::Accelerator(const FlowKey& key, const MembershipView& view)
{
    return Rendezvous(FlowHash(key, ACCELERATOR_SEED), view.ActiveAccelerators());
}

NodeId
Selector::Adopter(SessionId session, const MembershipView& view)
{
    return SelectServiceNode(session, view);
}

NodeId
Selector::Rendezvous(std::uint64_t hash, const std::vector<NodeId>& nodes)
{
    NodeId winner = NO_NODE;
    std::uint64_t best = 0;
    for (const NodeId node : nodes)
    {
        const std::uint64_t weight = Weight(hash, node);
        if (winner == NO_NODE || weight > best)
        {
            winner = node;
            best = weight;
        }
    }
    return winner;
}

} // namespace flowchain
