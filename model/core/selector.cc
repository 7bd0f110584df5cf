// SPDX-License-Identifier: GPL-2.0-only
#include "selector.h"

#include "flow-hash.h"

#include <cassert>

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

} // namespace

NodeId
Selector::Manager(const FlowKey& key, const MembershipView& view)
{
    const std::uint64_t hash = FlowHash(key, MANAGER_SEED);
    const std::vector<std::vector<NodeId>>& groups = view.ActiveGroups();
    const std::vector<NodeId>* winner = nullptr;
    std::uint64_t best = 0;
    for (std::size_t group = 0; group < groups.size(); ++group)
    {
        const std::uint64_t weight = Weight(hash, FIRST_GROUP_CANDIDATE + group);
        if (!groups[group].empty() && (winner == nullptr || weight > best))
        {
            winner = &groups[group];
            best = weight;
        }
    }
    return winner == nullptr ? NO_NODE : Rendezvous(hash, *winner);
}

NodeId
Selector::ServiceNode(const FlowKey& key, const MembershipView& view)
{
    return Rendezvous(FlowHash(key, SERVICE_NODE_SEED), view.ActiveServiceNodes());
}

NodeId
Selector::Accelerator(const FlowKey& key, const MembershipView& view)
{
    return Rendezvous(FlowHash(key, ACCELERATOR_SEED), view.ActiveAccelerators());
}

NodeId
Selector::Adopter(SessionId session, const MembershipView& view)
{
    return Rendezvous(session, view.ActiveServiceNodes());
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
