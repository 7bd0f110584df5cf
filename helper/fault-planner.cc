// SPDX-License-Identifier: GPL-2.0-only
#include "fault-planner.h"

#include "failure-plan.h"

namespace flowchain
{

namespace
{

Instant
At(Duration sinceStart)
{
    return Instant(sinceStart);
}

Instant
RecoveryOf(const FailureSection& failure)
{
    return failure.recoverAfter ? At(failure.at + *failure.recoverAfter) : NEVER;
}

/** The link of a node: "to" it, "from" it, or "both". */
std::vector<std::uint32_t>
LinksOfNode(const LeafSpine& network, NodeId node, const std::string& direction)
{
    std::vector<std::uint32_t> links;
    if (direction != "to")
    {
        links.push_back(network.Uplink(node));
    }
    if (direction != "from")
    {
        links.push_back(network.Downlink(node));
    }
    return links;
}

/** Links between leaves and spines, all where one is absent: "to" the spine, "from" it, or "both".
 */
std::vector<std::uint32_t>
FabricLinks(const LeafSpine& network,
            std::optional<std::uint16_t> onlyLeaf,
            std::optional<std::uint16_t> onlySpine,
            const std::string& direction)
{
    std::vector<std::uint32_t> links;
    for (std::uint32_t leaf = 0; leaf < network.Leaves(); ++leaf)
    {
        for (std::uint32_t spine = 0; spine < network.Spines(); ++spine)
        {
            if (leaf != onlyLeaf.value_or(leaf) || spine != onlySpine.value_or(spine))
            {
                continue;
            }
            if (direction != "from")
            {
                links.push_back(network.LeafToSpine(leaf, spine));
            }
            if (direction != "to")
            {
                links.push_back(network.SpineToLeaf(spine, leaf));
            }
        }
    }
    return links;
}

/** @param section a `[[link]]`, or a failure that impairs links */
LinkRule
RuleOf(const auto& section, const LinkQuality& quality, const LeafSpine& network)
{
    LinkRule rule;
    rule.links = section.target != NO_NODE
                     ? LinksOfNode(network, section.target, section.direction)
                     : FabricLinks(network, section.leaf, section.spine, section.direction);
    rule.lossPerMillion = quality.lossPerMillion;
    rule.duplicatePerMillion = quality.duplicatePerMillion;
    rule.reorderPerMillion = quality.reorderPerMillion;
    rule.corruptPerMillion = quality.corruptPerMillion;
    rule.reorderDelay = quality.reorderDelay;
    rule.extraDelay = quality.delay;
    rule.jitter = quality.jitter;
    return rule;
}

Partition
PartitionOf(const FailureSection& failure, const LeafSpine& network)
{
    Partition partition;
    const auto setOf = [&](const std::vector<NodeId>& nodes)
    {
        std::vector<bool> set(network.Hosts());
        for (const NodeId node : nodes)
        {
            set[node] = true;
        }
        return set;
    };
    partition.first = setOf(failure.sides.at(0));
    partition.second = setOf(failure.sides.at(1));
    partition.isOneWay = failure.direction == "one-way";
    partition.from = At(failure.at);
    partition.until = RecoveryOf(failure);
    return partition;
}

/** A spine stops; leaves that have noticed it avoid it until they notice that it is back. */
void
AddSpineFailure(const FailureSection& failure, const LeafSpine& network, FaultPlan& plan)
{
    plan.outages.push_back({FabricLinks(network, std::nullopt, failure.spine, "both"),
                            At(failure.at),
                            RecoveryOf(failure),
                            DropReason::SWITCH_DOWN});
    const bool isNoticed = !failure.recoverAfter || *failure.recoverAfter > failure.rerouteAfter;
    if (isNoticed)
    {
        plan.detours.push_back(
            {*failure.spine,
             At(failure.at + failure.rerouteAfter),
             failure.recoverAfter ? RecoveryOf(failure) + failure.rerouteAfter : NEVER});
    }
}

void
AddLeafFailure(const FailureSection& failure, const LeafSpine& network, FaultPlan& plan)
{
    std::vector<std::uint32_t> links = FabricLinks(network, failure.leaf, std::nullopt, "both");
    for (std::size_t host = 0; host < network.Hosts(); ++host)
    {
        const auto node = static_cast<NodeId>(host);
        if (network.LeafOf(node) == *failure.leaf)
        {
            links.push_back(network.Uplink(node));
            links.push_back(network.Downlink(node));
        }
    }
    plan.outages.push_back(
        {std::move(links), At(failure.at), RecoveryOf(failure), DropReason::SWITCH_DOWN});
}

void
AddFailure(const FailureSection& failure, const LeafSpine& network, FaultPlan& plan)
{
    if (failure.kind == "cut")
    {
        plan.outages.push_back({LinksOfNode(network, failure.target, failure.direction),
                                At(failure.at),
                                RecoveryOf(failure),
                                DropReason::LINK_CUT});
    }
    else if (failure.kind == "partition")
    {
        plan.partitions.push_back(PartitionOf(failure, network));
    }
    else if (failure.kind == "spine")
    {
        AddSpineFailure(failure, network, plan);
    }
    else if (failure.kind == "leaf")
    {
        AddLeafFailure(failure, network, plan);
    }
    else if (failure.kind == "impair")
    {
        plan.rules.push_back(RuleOf(failure, failure.impairment, network));
        plan.rules.back().from = At(failure.at);
        plan.rules.back().until = RecoveryOf(failure);
    }
}

} // namespace

FaultPlan
MakeFaultPlan(const Scenario& scenario,
              const LeafSpine& network,
              const std::vector<FailureSection>& unplanned)
{
    FaultPlan plan;
    const TopologySection& topology = scenario.topology;
    plan.everywhere.lossPerMillion = topology.lossPerMillion;
    plan.everywhere.duplicatePerMillion = topology.duplicatePerMillion;
    plan.everywhere.reorderPerMillion = topology.reorderPerMillion;
    plan.everywhere.reorderDelay = topology.reorderDelay;
    plan.everywhere.corruptPerMillion = topology.corruptPerMillion;
    plan.everywhere.jitter = topology.jitter;
    for (const LinkSection& section : scenario.links)
    {
        plan.rules.push_back(RuleOf(section, section, network));
        plan.rules.back().from = At(section.from);
        plan.rules.back().until = section.until ? At(*section.until) : NEVER;
    }
    std::vector<FailureSection> failures = PlannedFailures(scenario);
    failures.insert(failures.end(), unplanned.begin(), unplanned.end());
    for (const FailureSection& failure : failures)
    {
        AddFailure(failure, network, plan);
    }
    return plan;
}

} // namespace flowchain
