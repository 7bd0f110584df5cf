// SPDX-License-Identifier: GPL-2.0-only
#include "crash-plan.h"

#include "session-finder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <ns3/simulator.h>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace flowchain
{

namespace
{

using Json = nlohmann::json;

constexpr std::size_t SESSIONS_NAMED_MAX = 3;

bool
MayCrash(const Directory& directory, NodeId node)
{
    return node != NO_NODE && IsOfService(directory.nodes[node].role);
}

const char*
WhatOf(NoteKind kind)
{
    switch (kind)
    {
    case NoteKind::ENTRY_INSTALLED:
        return "flow entry";
    case NoteKind::COPY_STORED:
        return "copy";
    case NoteKind::COPY_SUPERSEDED:
        return "no older copy";
    case NoteKind::REVERSE_STORED:
        return "reverse entry";
    case NoteKind::COPY_REMOVED:
        return "no copy";
    case NoteKind::ENTRY_REMOVED:
        return "no flow entry";
    default:
        return "";
    }
}

void
DescribeFrame(const Boundary& boundary, const RunContext& context, SeenBoundary& seen)
{
    for (const FoundMessage& found : SessionFinder(context).MessagesOf(*boundary.frame))
    {
        seen.peer = boundary.kind == BoundaryKind::SEND ? SessionFinder::TargetOf(*boundary.frame)
                                                        : found.message.header.source;
        const std::string kind = ToString(found.message.header.kind);
        if (seen.what.empty())
        {
            seen.what = kind;
        }
        else if (!seen.what.ends_with(kind)) // of several in a row it is said once
        {
            seen.what += "+" + kind;
        }
        if (found.session != SessionInfo::NO_SESSION)
        {
            seen.sessions.push_back(found.session);
        }
    }
    std::ranges::sort(seen.sessions);
    seen.sessions.erase(std::unique(seen.sessions.begin(), seen.sessions.end()),
                        seen.sessions.end());
}

/** Accelerators, managers and service nodes that have to do with each session. */
std::map<std::uint32_t, NodeMask>
NodesOfSessions(const std::vector<SeenBoundary>& seen, const Directory& directory)
{
    std::map<std::uint32_t, NodeMask> nodes;
    for (const SeenBoundary& boundary : seen)
    {
        for (const NodeId node : {boundary.node, boundary.peer})
        {
            if (MayCrash(directory, node))
            {
                for (const std::uint32_t session : boundary.sessions)
                {
                    nodes[session].set(node);
                }
            }
        }
    }
    return nodes;
}

bool
IsWanted(const SeenBoundary& boundary, const PlanOptions& options)
{
    return options.kinds[static_cast<std::size_t>(boundary.kind)] && boundary.at >= options.from &&
           boundary.at <= options.to &&
           (!options.session || std::ranges::binary_search(boundary.sessions, *options.session));
}

} // namespace

SeenBoundary
Describe(const Boundary& boundary, const RunContext& context)
{
    SeenBoundary seen{.number = boundary.number,
                      .kind = boundary.kind,
                      .node = boundary.node,
                      .what = {},
                      .sessions = {},
                      .at = boundary.at,
                      .step = ns3::Simulator::GetEventCount()};
    if (boundary.frame != nullptr)
    {
        DescribeFrame(boundary, context, seen);
        return seen;
    }
    seen.what = WhatOf(boundary.note->kind);
    const std::uint32_t session = SessionFinder(context).SessionOf(*boundary.note);
    if (session != SessionInfo::NO_SESSION)
    {
        seen.sessions.push_back(session);
    }
    return seen;
}

CrashPlan
MakeCrashPlan(const std::vector<SeenBoundary>& seen,
              const Directory& directory,
              const PlanOptions& options)
{
    const auto nodesOfSessions = NodesOfSessions(seen, directory);
    CrashPlan plan;
    std::vector<std::pair<std::size_t, NodeId>> all; // index of `seen`, node
    std::uint64_t step = 0;
    NodeMask triedInStep;
    for (std::size_t i = 0; i < seen.size(); ++i)
    {
        const SeenBoundary& boundary = seen[i];
        if (!IsWanted(boundary, options))
        {
            continue;
        }
        ++plan.boundaries;
        if (boundary.step != step)
        {
            step = boundary.step;
            triedInStep.reset();
        }
        NodeMask nodes;
        for (const NodeId node : options.nodes)
        {
            nodes.set(node);
        }
        if (options.nodes.empty())
        {
            for (const std::uint32_t session : boundary.sessions)
            {
                nodes |= nodesOfSessions.at(session);
            }
        }
        for (NodeId node = 0; node < directory.nodes.size(); ++node)
        {
            if (!nodes.test(node))
            {
                continue;
            }
            ++plan.points;
            if (node != boundary.node && triedInStep.test(node))
            {
                ++plan.same;
                continue;
            }
            if (node != boundary.node)
            {
                triedInStep.set(node);
            }
            all.emplace_back(i, node);
        }
    }
    const std::uint64_t count = std::min<std::uint64_t>(all.size(), options.pointsMax);
    for (std::uint64_t i = 0; i < count; ++i)
    {
        const auto& [index, node] = all[i * all.size() / count];
        plan.tries.push_back({seen[index], node});
    }
    return plan;
}

std::string
BoundaryText(const SeenBoundary& boundary, const Directory& directory)
{
    std::string text =
        fmt::format("boundary {}, {} ", boundary.number, NodeName(directory, boundary.node));
    const auto peer = [&]
    {
        return boundary.peer == NO_NODE ? "nobody" : NodeName(directory, boundary.peer);
    };
    switch (boundary.kind)
    {
    case BoundaryKind::SEND:
        text += fmt::format("sends {} to {}", boundary.what, peer());
        break;
    case BoundaryKind::RECEIVE:
        text += fmt::format("gets {} from {}", boundary.what, peer());
        break;
    case BoundaryKind::RELEASE:
        text += "releases the packets";
        break;
    case BoundaryKind::WRITE:
        text += "has written: " + boundary.what;
        break;
    }
    const auto& sessions = boundary.sessions;
    if (!sessions.empty())
    {
        const auto shown = std::min(sessions.size(), SESSIONS_NAMED_MAX);
        text += fmt::format(" for session{} {}{}",
                            sessions.size() > 1 ? "s" : "",
                            fmt::join(sessions.begin(), sessions.begin() + shown, ", "),
                            sessions.size() > shown ? ", ..." : "");
    }
    return text;
}

std::string
EncodePlan(const CrashPlan& plan)
{
    Json tries = Json::array();
    for (const CrashTry& one : plan.tries)
    {
        const SeenBoundary& b = one.boundary;
        tries.push_back({b.number,
                         static_cast<int>(b.kind),
                         b.node,
                         b.peer,
                         b.what,
                         b.sessions,
                         b.at.time_since_epoch().count(),
                         b.step,
                         one.node});
    }
    const auto bytes = Json::to_cbor(Json{{"boundaries", plan.boundaries},
                                          {"points", plan.points},
                                          {"same", plan.same},
                                          {"tries", tries}});
    return {bytes.begin(), bytes.end()};
}

CrashPlan
DecodePlan(std::string_view bytes)
{
    try
    {
        const auto json = Json::from_cbor(bytes.begin(), bytes.end());
        CrashPlan plan{json.at("boundaries"), json.at("points"), json.at("same"), {}};
        for (const auto& one : json.at("tries"))
        {
            plan.tries.push_back({{.number = one.at(0),
                                   .kind = static_cast<BoundaryKind>(one.at(1).get<int>()),
                                   .node = one.at(2),
                                   .peer = one.at(3),
                                   .what = one.at(4),
                                   .sessions = one.at(5).get<std::vector<std::uint32_t>>(),
                                   .at = Instant(Duration(one.at(6).get<std::int64_t>())),
                                   .step = one.at(7)},
                                  one.at(8)});
        }
        return plan;
    }
    catch (const Json::exception& error)
    {
        throw std::runtime_error(fmt::format("not a plan of crashes: {}", error.what()));
    }
}

} // namespace flowchain
