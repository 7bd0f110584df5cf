// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-failure-check.h"

#include "failure-event.h"
#include "failure-kinds.h"
#include "failure-plan.h"
#include "spelling.h"
#include "sync-scheme.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace flowchain
{

namespace
{

/** The nodes of these roles, a set of RoleBit(): "accelerator[0..1], manager[0..2]". */
std::string
Candidates(const Directory& directory, std::uint32_t roles = ~0U)
{
    std::map<std::pair<std::uint16_t, NodeRole>, std::size_t> counts;
    for (const Directory::Node& node : directory.nodes)
    {
        counts[{node.service, node.role}] += (roles & RoleBit(node.role)) != 0 ? 1 : 0;
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

/** Sessions of all workloads; nothing if a capture decides. */
std::optional<std::uint64_t>
SessionCount(const Scenario& s)
{
    std::uint64_t count = 0;
    for (const WorkloadSection& workload : s.workloads)
    {
        if (workload.kind != "sessions")
        {
            return std::nullopt;
        }
        count += workload.sessions.sessions;
    }
    return count;
}

/** Why no session ever has a node with this role; empty: one may have. */
std::string
WhyNobody(const SessionRole& role, const Scenario& s)
{
    const auto sessions = SessionCount(s);
    if (sessions && role.session >= *sessions)
    {
        return *sessions == 0 ? "there are no sessions"
                              : fmt::format("there are sessions 0 to {}", *sessions - 1);
    }
    const SyncScheme& scheme = *SyncSchemeByName(s.chain.scheme);
    if (role.part == SessionPart::THIRD && !scheme.HasReverseEntry())
    {
        return fmt::format("scheme {} has no third manager", s.chain.scheme);
    }
    std::uint16_t longest = 0;
    for (const ServiceSection& service : s.services)
    {
        longest = std::max(longest, service.chain.length);
    }
    if (role.part == SessionPart::CHAIN && scheme.Name() == "chain" && role.index >= longest)
    {
        return fmt::format("there are chain[0] to chain[{}]", longest - 1);
    }
    return "";
}

/** @returns whether somebody may have each of the roles */
bool
CheckRoles(const std::vector<SessionRole>& roles,
           const std::string& path,
           const Scenario& s,
           ScenarioDiagnostics& d)
{
    for (const SessionRole& role : roles)
    {
        const auto why = d.Sound({"workload", "chain", "service"}) ? WhyNobody(role, s) : "";
        if (!why.empty())
        {
            d.Add(path, fmt::format("no node \"{}\": {}", ToString(role), why));
            return false;
        }
    }
    return true;
}

void
CheckTarget(FailureSection& failure,
            std::size_t index,
            const Scenario& s,
            const Directory& directory,
            ScenarioDiagnostics& d)
{
    const auto path = fmt::format("failure[{}].node", index);
    const FailureKind& kind = *FindFailureKind(failure.kind);
    const auto canFail = [&](NodeId node)
    {
        return (kind.targetRoles & RoleBit(directory.nodes[node].role)) != 0;
    };
    NodeSelection found = SelectNodes(directory, failure.node, DrawsOfFailure(s, index));
    const bool isOneName = failure.kind != "add" || FindNode(directory, failure.node) != NO_NODE;
    if (!found.unknown.empty() || !std::ranges::all_of(found.nodes, canFail) || !isOneName)
    {
        d.Add(path,
              fmt::format("no node \"{}\" that can fail{}{}, there are {}",
                          found.unknown.empty() ? failure.node : found.unknown,
                          found.why.empty() ? "" : ": ",
                          found.why,
                          Candidates(directory, kind.targetRoles)));
        return;
    }
    if (!CheckRoles(found.roles, path, s, d))
    {
        return;
    }
    if (!found.roles.empty() && !kind.Has(failure_key::EVENT))
    {
        d.Add(path,
              fmt::format("a failure of kind {} must be known before the run, and the nodes of a "
                          "session are not",
                          failure.kind));
        return;
    }
    failure.targets = std::move(found.nodes);
    failure.roles = std::move(found.roles);
    if (failure.roles.empty() && failure.targets.size() == 1)
    {
        failure.target = failure.targets.front();
    }
}

/** Kinds that may have the key. */
std::string
KindsWith(std::uint32_t key)
{
    std::vector<std::string> names;
    for (const FailureKind& kind : FailureKinds())
    {
        if (kind.Has(key))
        {
            names.emplace_back(kind.name);
        }
    }
    return Join(names, ", ");
}

void
CheckEvent(const FailureSection& failure, const std::string& path, ScenarioDiagnostics& d)
{
    if (!FindFailureKind(failure.kind)->Has(failure_key::EVENT))
    {
        d.Add(path + ".on",
              fmt::format("only these kinds wait for an event: {}", KindsWith(failure_key::EVENT)));
    }
    else if (!ParseFailureEvent(failure.on))
    {
        const auto names = FailureEventNames();
        const auto name = failure.on.substr(0, failure.on.find('#'));
        const bool isName = std::ranges::find(names, name) != names.end();
        d.Add(path + ".on",
              isName ? fmt::format("\"{}\" does not say which one, such as \"{}#1\", the first",
                                   failure.on,
                                   name)
                     : fmt::format("no event \"{}\"{} There are {}, each with a number: \"{}#1\"",
                                   name,
                                   DidYouMean(name, names),
                                   Join(names, ", "),
                                   names.front()));
    }
    if (failure.mtbf)
    {
        d.Add(path + ".mtbf", "a failure waits for an event or strikes by chance, not both");
    }
}

void
CheckChance(const FailureSection& failure,
            const std::string& path,
            const Scenario& s,
            ScenarioDiagnostics& d)
{
    const FailureKind& kind = *FindFailureKind(failure.kind);
    if (!kind.Has(failure_key::CHANCE))
    {
        d.Add(path + ".mtbf",
              fmt::format("only these kinds strike by chance: {}", KindsWith(failure_key::CHANCE)));
        return;
    }
    if (kind.Has(failure_key::RECOVER_AFTER) != failure.mttr.has_value())
    {
        d.Add(failure.mttr ? path + ".mttr" : path,
              failure.mttr ? fmt::format("a failure of kind {} does not last", failure.kind)
                           : "with mtbf an mttr is needed, the mean time to repair");
    }
    if (failure.recoverAfter)
    {
        d.Add(path + ".recover_after", "with mtbf, mttr says how long it lasts");
    }
    if (!IsPlanned(failure))
    {
        d.Add(path + ".mtbf", "chance strikes nodes that are known, not those of a session");
    }
    const Duration span = failure.until.value_or(s.sim.stop) - failure.at;
    const auto expected =
        static_cast<std::uint64_t>(span / (*failure.mtbf + failure.mttr.value_or(Duration{}))) *
        std::max<std::size_t>(1, failure.targets.size());
    if (d.Sound({"sim.stop"}) && span > Duration{} && expected > STRIKES_MAX / 2)
    {
        d.Add(path + ".mtbf",
              fmt::format("about {} strikes are more than {}", expected, STRIKES_MAX / 2));
    }
    if (failure.until && *failure.until <= failure.at)
    {
        d.Add(path + ".until",
              fmt::format("{} is not after {}.at ({})",
                          FormatDuration(*failure.until),
                          path,
                          FormatDuration(failure.at)));
    }
}

/** Resolve the two sides of a partition. */
void
CheckSides(FailureSection& failure,
           const std::string& path,
           const Scenario& s,
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
        const auto ofSide = fmt::format("{}[{}]", path, side);
        NodeSelection found = SelectNodes(directory, failure.between[side], SplitMix64(0));
        if (!found.unknown.empty())
        {
            d.Add(ofSide,
                  fmt::format("no node \"{}\"{}{}, there are {}",
                              found.unknown,
                              found.why.empty() ? "" : ": ",
                              found.why,
                              Candidates(directory)));
            return;
        }
        if (!CheckRoles(found.roles, ofSide, s, d))
        {
            return;
        }
        failure.sides.push_back(std::move(found.nodes));
        failure.sideRoles.push_back(std::move(found.roles));
    }
    if (IsPlanned(failure))
    {
        SeparateSides(failure.sides);
        for (std::size_t side = 0; side < 2; ++side)
        {
            if (failure.sides[side].empty())
            {
                d.Add(fmt::format("{}[{}]", path, side),
                      "names no node that the other side leaves");
            }
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

bool
HaveCommonTarget(const FailureSection& a, const FailureSection& b)
{
    return std::ranges::find_first_of(a.targets, b.targets) != a.targets.end();
}

/** Whether a node is still in the state that `earlier` put it into when `later` strikes. */
bool
StrikesTooEarly(const FailureSection& earlier, const FailureSection& later)
{
    const NodeState state = FindFailureKind(earlier.kind)->state;
    return state != NodeState::UNCHANGED && state == FindFailureKind(later.kind)->state &&
           HaveCommonTarget(earlier, later) && earlier.at <= later.at &&
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
            const bool isCertain = !IsUncertain(s.failures[i]) && !IsUncertain(s.failures[j]);
            if (i != j && ordered && isCertain && d.Sound({path, other}) &&
                StrikesTooEarly(s.failures[j], s.failures[i]))
            {
                d.Add(path,
                      fmt::format("{} is still {} from failure[{}] then",
                                  s.failures[i].node,
                                  ToString(FindFailureKind(s.failures[j].kind)->state),
                                  j));
            }
        }
    }
}

/** It is either of a node's link or of some between leaves and spines, and does something. */
void
CheckImpairment(const FailureSection& failure, const std::string& path, ScenarioDiagnostics& d)
{
    const LinkQuality& quality = failure.impairment;
    const bool isOfSwitches = failure.leaf.has_value() || failure.spine.has_value();
    if (failure.node.empty() != isOfSwitches && d.Sound({path + ".node"}))
    {
        d.Add(path, "either a node is needed, or a leaf, a spine or both");
    }
    if (!quality.lossPerMillion && !quality.duplicatePerMillion && !quality.reorderPerMillion &&
        !quality.corruptPerMillion && !quality.delay && !quality.jitter && d.Sound({path}))
    {
        d.Add(
            path,
            "it does nothing: loss, duplicate, reorder, corrupt, extra_delay or jitter is needed");
    }
}

void
CheckFailure(FailureSection& failure,
             std::size_t index,
             const Scenario& s,
             const Directory& directory,
             ScenarioDiagnostics& d)
{
    const auto path = fmt::format("failure[{}]", index);
    const FailureKind& kind = *FindFailureKind(failure.kind);
    if (kind.Has(failure_key::IMPAIRMENT))
    {
        CheckImpairment(failure, path, d);
    }
    if (!failure.node.empty() && d.Sound({path + ".node", path + ".kind"}))
    {
        CheckTarget(failure, index, s, directory, d);
    }
    if (kind.Has(failure_key::BETWEEN) && d.Sound({path + ".between"}))
    {
        CheckSides(failure, path + ".between", s, directory, d);
    }
    if (failure.state == "kept" && !failure.recoverAfter && !failure.mtbf)
    {
        d.Add(path + ".state",
              "of a node that never comes back nothing is kept: recover_after is "
              "needed");
    }
    if (kind.Has(failure_key::LEAF))
    {
        CheckSwitch(failure.leaf.value_or(0), s.topology.leaves, "leaf", path + ".leaf", d);
    }
    if (kind.Has(failure_key::SPINE))
    {
        CheckSwitch(failure.spine.value_or(0), s.topology.spines, "spine", path + ".spine", d);
    }
    if (!failure.on.empty() && d.Sound({path + ".kind", path + ".on"}))
    {
        CheckEvent(failure, path, d);
    }
    if (failure.mtbf && d.Sound({path + ".kind", path + ".mtbf", path + ".mttr", path + ".until"}))
    {
        CheckChance(failure, path, s, d);
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
            if (i != j && HaveCommonTarget(s.failures[j], s.failures[i]) &&
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
                d.Add(
                    path + ".node",
                    fmt::format("no node \"{}\", there are {}", link.node, Candidates(directory)));
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
        CheckFailure(s.failures[i], i, s, directory, d);
    }
    CheckOrder(s, d);
    CheckAdditions(s, d);
}

} // namespace flowchain
