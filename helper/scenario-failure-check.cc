// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-failure-check.h"

#include "failure-kinds.h"
#include "node-pattern.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace flowchain
{

namespace
{

bool
CanBeTarget(const FailureKind& kind, NodeRole role)
{
    return (kind.targetRoles & RoleBit(role)) != 0;
}

/** The nodes that a failure of the kind may name: "accelerator[0..1], manager[0..2]". */
std::string
Candidates(const FailureKind& kind, const Directory& directory)
{
    std::map<std::pair<std::uint16_t, NodeRole>, std::size_t> counts;
    for (const Directory::Node& node : directory.nodes)
    {
        counts[{node.service, node.role}] += CanBeTarget(kind, node.role) ? 1 : 0;
    }
    std::string text;
    for (std::size_t id = 0; id < directory.nodes.size(); ++id)
    {
        // One entry for each role of a service group, at its first node.
        const Directory::Node& node = directory.nodes[id];
        auto& count = counts[{node.service, node.role}];
        if (count > 0)
        {
            auto name = NodeName(directory, static_cast<NodeId>(id));
            if (count > 1)
            {
                name.insert(name.size() - 1, fmt::format("..{}", count - 1));
            }
            text += (text.empty() ? "" : ", ") + name;
            count = 0;
        }
    }
    return text;
}

void
CheckTarget(FailureSection& failure,
            const FailureKind& kind,
            const std::string& path,
            const Directory& directory,
            ScenarioDiagnostics& d)
{
    failure.target = FindNode(directory, failure.node);
    if (failure.target == NO_NODE || !CanBeTarget(kind, directory.nodes[failure.target].role))
    {
        failure.target = NO_NODE;
        d.Add(path,
              fmt::format("no node \"{}\" that can fail, there are {}",
                          failure.node,
                          Candidates(kind, directory)));
    }
}

/** Resolve the two sides of a partition. */
void
CheckSides(FailureSection& failure,
           const std::string& path,
           const Directory& directory,
           ScenarioDiagnostics& d)
{
    if (failure.between.size() != 2)
    {
        d.Add(path,
              fmt::format("two sides are needed, such as [\"manager[0]\", \"controller\"], not {}",
                          failure.between.size()));
        return;
    }
    for (std::size_t side = 0; side < 2; ++side)
    {
        std::optional<std::string> unknown;
        auto& nodes =
            failure.sides.emplace_back(MatchNodes(directory, failure.between[side], unknown));
        if (unknown)
        {
            d.Add(fmt::format("{}[{}]", path, side), fmt::format("no node \"{}\"", *unknown));
            return;
        }
        if (side == 1)
        {
            std::erase_if(nodes,
                          [&first = failure.sides[0]](NodeId node)
                          {
                return std::ranges::find(first, node) != first.end();
            });
        }
        if (nodes.empty())
        {
            d.Add(fmt::format("{}[{}]", path, side), "names no node that the other side leaves");
            return;
        }
    }
}

void
CheckSwitch(std::uint16_t number,
            std::uint16_t count,
            const char* what,
            const std::string& path,
            ScenarioDiagnostics& d)
{
    if (d.Sound({path, "topology.leaves", "topology.spines"}) && number >= count)
    {
        d.Add(path, fmt::format("no {} {}, there are {} from 0", what, number, count));
    }
}

/** Whether the node is still in the state that `earlier` put it into when `later` strikes. */
bool
StrikesTooEarly(const FailureSection& earlier, const FailureSection& later)
{
    const NodeState state = FindFailureKind(earlier.kind)->state;
    return state != NodeState::UNCHANGED && state == FindFailureKind(later.kind)->state &&
           earlier.target == later.target && earlier.at <= later.at &&
           (!earlier.recoverAfter || earlier.at + *earlier.recoverAfter >= later.at);
}

void
CheckOrder(const Scenario& s, ScenarioDiagnostics& d)
{
    for (std::size_t i = 0; i < s.failures.size(); ++i)
    {
        for (std::size_t j = 0; j < s.failures.size(); ++j)
        {
            const bool ordered = s.failures[j].at < s.failures[i].at || j < i;
            const auto path = fmt::format("failure[{}].at", i);
            const auto other = fmt::format("failure[{}].at", j);
            if (i != j && ordered && s.failures[i].target != NO_NODE && d.Sound({path, other}) &&
                StrikesTooEarly(s.failures[j], s.failures[i]))
            {
                const bool isDown = FindFailureKind(s.failures[j].kind)->state == NodeState::DOWN;
                d.Add(path,
                      fmt::format("{} is still {} from failure[{}] then",
                                  s.failures[i].node,
                                  isDown ? "down" : "slow",
                                  j));
            }
        }
    }
}

void
CheckFailure(FailureSection& failure,
             const std::string& path,
             const Scenario& s,
             const Directory& directory,
             ScenarioDiagnostics& d)
{
    const FailureKind& kind = *FindFailureKind(failure.kind);
    if (kind.Has(failure_key::NODE) && d.Sound({path + ".node", path + ".kind"}))
    {
        CheckTarget(failure, kind, path + ".node", directory, d);
    }
    if (kind.Has(failure_key::BETWEEN) && d.Sound({path + ".between"}))
    {
        CheckSides(failure, path + ".between", directory, d);
    }
    if (kind.Has(failure_key::LEAF))
    {
        CheckSwitch(failure.leaf, s.topology.leaves, "leaf", path + ".leaf", d);
    }
    if (kind.Has(failure_key::SPINE))
    {
        CheckSwitch(failure.spine, s.topology.spines, "spine", path + ".spine", d);
    }
    if (d.Sound({path + ".at", "sim.stop"}) && failure.at >= s.sim.stop)
    {
        d.Add(path + ".at",
              fmt::format("{} is not before sim.stop ({})",
                          FormatDuration(failure.at),
                          FormatDuration(s.sim.stop)));
    }
}

/** A node is added once, and nothing else strikes it before. */
void
CheckAdditions(const Scenario& s, ScenarioDiagnostics& d)
{
    for (std::size_t i = 0; i < s.failures.size(); ++i)
    {
        const auto path = fmt::format("failure[{}].at", i);
        if (s.failures[i].kind != "add" || s.failures[i].target == NO_NODE || !d.Sound({path}))
        {
            continue;
        }
        if (s.failures[i].at == Duration{})
        {
            d.Add(path, "a node that is there from the start is not added");
        }
        for (std::size_t j = 0; j < s.failures.size(); ++j)
        {
            if (i != j && s.failures[j].target == s.failures[i].target &&
                s.failures[j].at <= s.failures[i].at)
            {
                d.Add(fmt::format("failure[{}].at", j),
                      fmt::format("{} is not there before failure[{}]", s.failures[i].node, i));
            }
        }
    }
}

} // namespace

void
CheckLinks(Scenario& s, const Directory& directory, ScenarioDiagnostics& d)
{
    for (std::size_t i = 0; i < s.links.size(); ++i)
    {
        auto& link = s.links[i];
        const auto path = fmt::format("link[{}]", i);
        const bool isOfSwitches = link.leaf.has_value() || link.spine.has_value();
        if (!d.Sound({path + ".node", path + ".leaf", path + ".spine"}))
        {
            continue;
        }
        if (link.node.empty() != isOfSwitches)
        {
            d.Add(path, "either a node is needed, or a leaf, a spine or both");
            continue;
        }
        if (!link.node.empty())
        {
            link.target = FindNode(directory, link.node);
            if (link.target == NO_NODE)
            {
                d.Add(path + ".node", fmt::format("no node \"{}\"", link.node));
            }
        }
        CheckSwitch(link.leaf.value_or(0), s.topology.leaves, "leaf", path + ".leaf", d);
        CheckSwitch(link.spine.value_or(0), s.topology.spines, "spine", path + ".spine", d);
        if (d.Sound({path + ".from", path + ".until"}) && link.until && *link.until <= link.from)
        {
            d.Add(path + ".until",
                  fmt::format("{} is not after {}.from ({})",
                              FormatDuration(*link.until),
                              path,
                              FormatDuration(link.from)));
        }
    }
}

void
CheckFailures(Scenario& s, const Directory& directory, ScenarioDiagnostics& d)
{
    for (std::size_t i = 0; i < s.failures.size(); ++i)
    {
        CheckFailure(s.failures[i], fmt::format("failure[{}]", i), s, directory, d);
    }
    CheckOrder(s, d);
    CheckAdditions(s, d);
}

} // namespace flowchain
