// SPDX-License-Identifier: GPL-2.0-only
#include "planned-events.h"

#include "failure-kinds.h"
#include "failure-plan.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>

namespace flowchain
{

namespace
{

std::string
DirectionText(const std::string& direction)
{
    return direction == "both" ? "both directions" : direction + " it only";
}

/** @param section a `[[link]]`, or a failure that impairs links */
std::string
DetailOf(const auto& section, const LinkQuality& quality)
{
    std::string detail = section.target == NO_NODE
                             ? fmt::format("leaf {}, spine {}",
                                           section.leaf ? fmt::to_string(*section.leaf) : "*",
                                           section.spine ? fmt::to_string(*section.spine) : "*")
                             : DirectionText(section.direction);
    const auto percent = [&](const char* name, const std::optional<std::uint32_t>& perMillion)
    {
        if (perMillion)
        {
            detail += fmt::format(", {} {}", name, FormatPercent(*perMillion));
        }
    };
    const auto time = [&](const char* name, const std::optional<Duration>& duration)
    {
        if (duration)
        {
            detail += fmt::format(", {} {}", name, FormatDuration(*duration));
        }
    };
    percent("loss", quality.lossPerMillion);
    percent("duplicate", quality.duplicatePerMillion);
    percent("reorder", quality.reorderPerMillion);
    percent("corrupt", quality.corruptPerMillion);
    time("delay", quality.delay);
    time("jitter", quality.jitter);
    return detail;
}

/** The detail of a failure's beginning. */
std::string
DetailOf(const FailureSection& failure)
{
    if (failure.kind == "slow")
    {
        return fmt::format("processing takes {} times as long",
                           FormatThousandths(failure.factorPermille));
    }
    if (failure.kind == "clock")
    {
        return fmt::format("{} s pass on it in a second",
                           FormatThousandths(failure.factorPermille));
    }
    if (failure.kind == "impair")
    {
        return DetailOf(failure, failure.impairment);
    }
    if (failure.kind == "crash")
    {
        return "tables kept";
    }
    if (failure.kind == "cut")
    {
        return DirectionText(failure.direction);
    }
    if (failure.kind == "partition")
    {
        return fmt::format("{} {} {}",
                           failure.between.at(0),
                           failure.direction == "both" ? "|" : "->",
                           failure.between.at(1));
    }
    if (failure.kind == "spine")
    {
        return fmt::format("spine {}", *failure.spine);
    }
    if (failure.kind == "leaf")
    {
        return fmt::format("leaf {}", *failure.leaf);
    }
    return "";
}

/** Whether it goes on until it recovers; else it is a request, done when it is made. */
bool
IsState(const FailureSection& failure)
{
    static const char* const REQUESTS[] = {"drain", "upgrade", "suspect"};
    return std::ranges::find(REQUESTS, failure.kind) == std::end(REQUESTS);
}

/** Whether those who watch the nodes see it, and tell what came of it. */
bool
IsSeen(const FailureSection& failure)
{
    return (failure.kind == "crash" && failure.state != "kept") || failure.kind == "add";
}

void
AddFailure(const FailureSection& failure,
           const Directory& directory,
           std::vector<EventData>& events)
{
    const Instant begin(failure.at);
    const std::string node = failure.target == NO_NODE ? "" : NodeName(directory, failure.target);
    const std::string detail = DetailOf(failure);
    events.push_back({begin, failure.kind, node, detail});
    const bool ends = IsState(failure) && failure.recoverAfter.has_value();
    if (ends)
    {
        const bool isOfNode = FindFailureKind(failure.kind)->state != NodeState::UNCHANGED;
        events.push_back({begin + *failure.recoverAfter,
                          failure.kind == "crash" ? "restart" : failure.kind + "-end",
                          node,
                          isOfNode ? "" : detail});
    }
    if (failure.kind == "spine" && (!ends || *failure.recoverAfter > failure.rerouteAfter))
    {
        events.push_back({begin + failure.rerouteAfter, "reroute", "", "leaves avoid " + detail});
        if (ends)
        {
            events.push_back({begin + *failure.recoverAfter + failure.rerouteAfter,
                              "reroute-end",
                              "",
                              "leaves use " + detail + " again"});
        }
    }
}

void
AddLink(const LinkSection& link, const Directory& directory, std::vector<EventData>& events)
{
    if (link.from == Duration::zero() && !link.until)
    {
        return; // no event: the links are like that
    }
    const std::string node = link.target == NO_NODE ? "" : NodeName(directory, link.target);
    const std::string detail = DetailOf(link, link);
    events.push_back({Instant(link.from), "link", node, detail});
    if (link.until)
    {
        events.push_back({Instant(*link.until), "link-end", node, detail});
    }
}

} // namespace

std::vector<EventData>
PlannedEvents(const Scenario& scenario,
              const Directory& directory,
              const std::vector<FailureSection>& unplanned)
{
    std::vector<EventData> events;
    for (const LinkSection& link : scenario.links)
    {
        AddLink(link, directory, events);
    }
    std::vector<FailureSection> failures = PlannedFailures(scenario);
    failures.insert(failures.end(), unplanned.begin(), unplanned.end());
    for (const FailureSection& failure : failures)
    {
        if (!IsSeen(failure))
        {
            AddFailure(failure, directory, events);
        }
    }
    std::ranges::stable_sort(events, {}, &EventData::time);
    return events;
}

} // namespace flowchain
