// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-failure-check.h"

#include "failure-kinds.h"
#include "units.h"

#include <fmt/format.h>

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
    std::map<NodeRole, std::size_t> counts;
    for (const Directory::Node& node : directory.nodes)
    {
        counts[node.role] += CanBeTarget(kind, node.role) ? 1 : 0;
    }
    std::string text;
    for (std::size_t id = 0; id < directory.nodes.size(); ++id)
    {
        // One entry for each role, at its first node.
        auto& count = counts[directory.nodes[id].role];
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

/** Whether the node is still down from `earlier` when `later` strikes. */
bool
StrikesWhileDown(const FailureSection& earlier, const FailureSection& later)
{
    return FindFailureKind(earlier.kind)->takesNodeDown && earlier.target == later.target &&
           earlier.at <= later.at &&
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
            if (i != j && ordered && s.failures[i].target != NO_NODE &&
                FindFailureKind(s.failures[i].kind)->takesNodeDown && d.Sound({path, other}) &&
                StrikesWhileDown(s.failures[j], s.failures[i]))
            {
                d.Add(path,
                      fmt::format("{} is still down from failure[{}] then", s.failures[i].node, j));
            }
        }
    }
}

} // namespace

void
CheckFailures(Scenario& s, const Directory& directory, ScenarioDiagnostics& d)
{
    for (std::size_t i = 0; i < s.failures.size(); ++i)
    {
        auto& failure = s.failures[i];
        const auto path = fmt::format("failure[{}]", i);
        const FailureKind& kind = *FindFailureKind(failure.kind);
        if (kind.Has(failure_key::NODE) && d.Sound({path + ".node", path + ".kind"}))
        {
            CheckTarget(failure, kind, path + ".node", directory, d);
        }
        if (d.Sound({path + ".at", "sim.stop"}) && failure.at >= s.sim.stop)
        {
            d.Add(path + ".at",
                  fmt::format("{} is not before sim.stop ({})",
                              FormatDuration(failure.at),
                              FormatDuration(s.sim.stop)));
        }
    }
    CheckOrder(s, d);
}

} // namespace flowchain
