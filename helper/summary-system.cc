// SPDX-License-Identifier: GPL-2.0-only
#include "fabric.h"
#include "spelling.h"
#include "summary.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace flowchain
{

namespace
{

constexpr int SAME_LEAF_LINKS = 2;  // host, leaf, host
constexpr int OTHER_LEAF_LINKS = 4; // host, leaf, spine, leaf, host

std::string
Plural(std::size_t count, const char* noun)
{
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/** Fewest and most links between a node of `from` and another one of `to`: "2", "2-4". */
std::string
LinksBetween(const std::vector<NodeId>& from,
             const std::vector<NodeId>& to,
             const std::vector<std::uint16_t>& leaves)
{
    int least = OTHER_LEAF_LINKS;
    int most = SAME_LEAF_LINKS;
    for (const auto a : from)
    {
        for (const auto b : to)
        {
            if (a != b)
            {
                const int links = leaves[a] == leaves[b] ? SAME_LEAF_LINKS : OTHER_LEAF_LINKS;
                least = std::min(least, links);
                most = std::max(most, links);
            }
        }
    }
    return least >= most ? fmt::format("{}", most) : fmt::format("{}-{}", least, most);
}

/** Time to put a frame on a link, rounded up to a picosecond. */
Duration
SendingTime(std::uint32_t frameBytes, std::uint64_t rateBps)
{
    const FabricConfig defaults;
    const auto bits = 8 * (std::uint64_t{std::max(frameBytes, defaults.minimumFrameBytes)} +
                           defaults.overheadBytes);
    constexpr std::uint64_t PICOSECONDS_PER_SECOND = 1'000'000'000'000;
    return Duration{
        static_cast<std::int64_t>((bits * PICOSECONDS_PER_SECOND + rateBps - 1) / rateBps)};
}

/** Of a frame over empty links, store-and-forward at every switch. */
Duration
TransitTime(const TopologySection& t, int links, std::uint32_t frameBytes)
{
    const auto host = t.hostDelay + SendingTime(frameBytes, t.hostRateBps);
    const auto fabric = t.fabricDelay + SendingTime(frameBytes, t.fabricRateBps);
    return 2 * host + (links - 2) * fabric;
}

void
AppendNodes(std::string& text, const Directory& directory, const std::vector<std::uint16_t>& leaves)
{
    std::size_t width = 15;
    for (std::size_t i = 0; i < directory.nodes.size(); ++i)
    {
        width = std::max(width, NodeName(directory, static_cast<NodeId>(i)).size());
    }
    width += 2;
    auto out = std::back_inserter(text);
    fmt::format_to(out, "{:<{}}{:<17}{:>5}{}\n", "node", width, "address", "leaf", "  group");
    for (std::size_t i = 0; i < directory.nodes.size(); ++i)
    {
        const auto node = static_cast<NodeId>(i);
        const bool manager = directory.nodes[i].role == NodeRole::MANAGER;
        fmt::format_to(out,
                       "{:<{}}{:<17}{:>5}{}\n",
                       NodeName(directory, node),
                       width,
                       FormatAddress(UnderlayAddressOf(node)),
                       leaves[i],
                       manager ? fmt::format("{:>7}", directory.nodes[i].group) : "");
    }
}

void
AppendPaths(std::string& text,
            const Directory& directory,
            const std::vector<std::uint16_t>& leaves,
            const std::string& title)
{
    std::vector<NodeId> managers;
    for (const auto& group : directory.groups)
    {
        managers.insert(managers.end(), group.begin(), group.end());
    }
    const struct
    {
        const char* name;
        const std::vector<NodeId>& from;
        const std::vector<NodeId>& to;
    } paths[] = {
        {"client to accelerator", directory.clients, directory.accelerators},
        {"accelerator to flow manager", directory.accelerators, managers},
        {"flow manager to service node", managers, directory.serviceNodes},
        {"accelerator to server", directory.accelerators, directory.servers},
    };
    auto out = std::back_inserter(text);
    fmt::format_to(out, "\n{:<34}{:>5}\n", title, "links");
    for (const auto& path : paths)
    {
        fmt::format_to(out, "{:<34}{:>5}\n", path.name, LinksBetween(path.from, path.to, leaves));
    }
    for (std::size_t i = 0; i < directory.groups.size(); ++i)
    {
        const auto& group = directory.groups[i];
        if (group.size() > 1)
        {
            fmt::format_to(out,
                           "{:<34}{:>5}\n",
                           fmt::format("between managers of group {}", i),
                           LinksBetween(group, group, leaves));
        }
    }
}

void
AppendTimes(std::string& text, const TopologySection& topology)
{
    constexpr std::uint32_t SMALL = 100;
    constexpr std::uint32_t LARGE = 1500;
    auto out = std::back_inserter(text);
    fmt::format_to(
        out, "\n{:<17}{:>17}{:>17}\n", "links, empty", "100-byte frame", "1500-byte frame");
    for (const int links : {SAME_LEAF_LINKS, OTHER_LEAF_LINKS})
    {
        fmt::format_to(out,
                       "{:<17}{:>17}{:>17}\n",
                       links,
                       ReadableDuration(TransitTime(topology, links, SMALL).count()),
                       ReadableDuration(TransitTime(topology, links, LARGE).count()));
    }
}

} // namespace

std::vector<std::string>
SystemLines(const Scenario& s)
{
    std::vector<std::string> lines;
    for (const ServiceSection& service : s.services)
    {
        std::size_t accelerators = 0;
        for (const AcceleratorSection& section : service.accelerators)
        {
            accelerators += section.count;
        }
        lines.push_back(fmt::format("{}{}, {} of {}, {} ({})",
                                    s.services.size() > 1 ? service.name + ": " : "",
                                    Plural(accelerators, "accelerator"),
                                    Plural(service.group.count, "group"),
                                    Plural(service.group.managers, "manager"),
                                    Plural(service.nodes, "service node"),
                                    service.kind));
    }
    return lines;
}

std::string
NetworkLine(const Scenario& s)
{
    const auto& t = s.topology;
    return fmt::format("{}, {}; {} and {}, {} fabric",
                       Plural(t.clients, "client"),
                       Plural(t.servers, "server"),
                       t.leaves == 1 ? "1 leaf" : fmt::format("{} leaves", t.leaves),
                       Plural(t.spines, "spine"),
                       t.fabric);
}

std::string
SystemText(const Scenario& scenario)
{
    const auto directories = MakeDirectories(scenario);
    const auto leaves = LeavesOfNodes(scenario, directories.network);
    auto text = fmt::format(
        "{}: {}\n{}\n\n", scenario.name, Join(SystemLines(scenario), "\n"), NetworkLine(scenario));
    AppendNodes(text, directories.network, leaves);
    const auto& services = directories.services;
    for (std::size_t i = 0; i < services.size(); ++i)
    {
        const auto title =
            services.size() > 1 ? "path in " + scenario.services[i].name : std::string("path");
        AppendPaths(text, services[i], leaves, title);
    }
    AppendTimes(text, scenario.topology);
    return text;
}

} // namespace flowchain
