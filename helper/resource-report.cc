// SPDX-License-Identifier: GPL-2.0-only
#include "resource-report.h"

#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace flowchain
{

namespace
{

constexpr std::uint64_t MILLI = 1000;

using Applications = std::vector<ns3::Ptr<NodeApplication>>;

/** The nodes of one role. */
struct Kind
{
    std::string name; ///< in metrics
    std::vector<NodeId> nodes;
    bool hasTable = true;
};

std::vector<Kind>
KindsOf(const Directory& directory)
{
    Kind managers{"manager", {}};
    for (const auto& group : directory.groups)
    {
        managers.nodes.insert(managers.nodes.end(), group.begin(), group.end());
    }
    return {{"accelerator", directory.accelerators},
            std::move(managers),
            {"service", directory.serviceNodes},
            {"controller", {directory.controller}, false}};
}

void
Set(MetricSet& metrics, const std::string& name, std::uint64_t value)
{
    metrics.Set(name, static_cast<std::int64_t>(value));
}

/** @returns bytes */
std::uint64_t
ReportTables(const Kind& kind, const Applications& applications, MetricSet& metrics)
{
    std::uint64_t bytes = 0;
    std::uint64_t sum = 0;
    std::uint64_t max = 0;
    for (const NodeId node : kind.nodes)
    {
        if (!applications[node]->IsDown())
        {
            const std::uint64_t entries = applications[node]->Machine().TableEntries();
            bytes += applications[node]->Machine().TableBytes();
            sum += entries;
            max = std::max(max, entries);
        }
    }
    Set(metrics, "tables." + kind.name, sum);
    Set(metrics, "tables." + kind.name + "_max", max);
    Set(metrics, "tables." + kind.name + "_bytes", bytes);
    return bytes;
}

void
ReportProcessing(const Kind& kind,
                 const Applications& applications,
                 Duration length,
                 MetricSet& metrics)
{
    __extension__ using Uint128 = unsigned __int128;
    const auto share = [](Duration part, std::uint64_t whole)
    {
        return whole == 0 ? 0
                          : static_cast<std::uint64_t>(
                                Uint128{static_cast<std::uint64_t>(part.count())} * MILLI / whole);
    };
    const Instant now(length); // of the end
    const auto picoseconds = static_cast<std::uint64_t>(length.count());
    Duration busy{};
    Duration waiting{};
    std::uint64_t cores = 0;
    std::uint64_t most = 0;
    std::uint64_t queueMax = 0;
    for (const NodeId node : kind.nodes)
    {
        const auto& queue = applications[node]->Queue();
        const std::uint64_t own = applications[node]->Cores();
        busy += queue.BusyTime(now);
        waiting += queue.WaitingTime(now);
        cores += own;
        most = std::max(most, share(queue.BusyTime(now), own * picoseconds));
        queueMax = std::max<std::uint64_t>(queueMax, queue.QueueFramesMax());
    }
    metrics.Set("cpu.busy." + kind.name, busy);
    Set(metrics, "cpu.utilisation." + kind.name, share(busy, cores * picoseconds));
    Set(metrics, "cpu.utilisation_max." + kind.name, most);
    Set(metrics, "node_queue.max." + kind.name, queueMax);
    Set(metrics, "node_queue.mean." + kind.name, share(waiting, kind.nodes.size() * picoseconds));
}

} // namespace

void
ReportFabric(const Fabric& fabric, MetricSet& metrics)
{
    std::uint64_t drops = 0;
    std::uint64_t queueMax = 0;
    std::array<TrafficCounters, TRAFFIC_CLASS_COUNT> traffic;
    for (const LinkCounters& link : fabric.Links())
    {
        drops += link.Drops();
        queueMax = std::max<std::uint64_t>(queueMax, link.queueFramesMax);
        for (std::size_t i = 0; i < TRAFFIC_CLASS_COUNT; ++i)
        {
            traffic[i].frames += link.traffic[i].frames;
            traffic[i].bytes += link.traffic[i].bytes;
        }
    }
    for (std::size_t i = 0; i < TRAFFIC_CLASS_COUNT; ++i)
    {
        const std::string name = ToString(static_cast<TrafficClass>(i));
        Set(metrics, "fabric.frames." + name, traffic[i].frames);
        Set(metrics, "fabric.bytes." + name, traffic[i].bytes);
    }
    Set(metrics, "fabric.packet_hops", fabric.PacketHops());
    Set(metrics, "fabric.link_drops", drops);
    Set(metrics, "fabric.queue_max", queueMax);
}

std::vector<LinkData>
LinksOf(const Fabric& fabric,
        const LeafSpine& network,
        const Directory& directory,
        Duration span,
        std::size_t linksMax)
{
    __extension__ using Uint128 = unsigned __int128;
    const auto nameOf = [&](std::uint32_t end)
    {
        const std::size_t place = end - network.Hosts(); // of a switch
        return end < network.Hosts()      ? NodeName(directory, static_cast<NodeId>(end))
               : place < network.Leaves() ? fmt::format("leaf[{}]", place)
                                          : fmt::format("spine[{}]", place - network.Leaves());
    };
    std::vector<LinkData> links;
    const std::vector<LinkCounters> all = fabric.Links();
    for (std::size_t i = 0; i < std::min(linksMax, all.size()); ++i)
    {
        const LinkCounters& counters = all[i];
        const LeafSpine::Ends ends = network.EndsOf(i);
        LinkData& link = links.emplace_back();
        link.from = nameOf(ends.from);
        link.to = nameOf(ends.to);
        link.isHostLink = network.IsHostLink(i);
        link.traffic = counters.traffic;
        link.drops = counters.drops;
        link.queueFramesMax = counters.queueFramesMax;
        if (span > Duration::zero())
        {
            link.queueFramesMeanMilli = counters.QueueFramesMeanMilli(span);
            link.utilisationPermille = static_cast<std::uint64_t>(
                Uint128{static_cast<std::uint64_t>(counters.busyTime.count())} * MILLI /
                static_cast<std::uint64_t>(span.count()));
        }
    }
    return links;
}

void
ReportNodes(const Directory& directory,
            const Applications& applications,
            Instant now,
            MetricSet& metrics)
{
    std::uint64_t bytes = 0;
    for (const auto& kind : KindsOf(directory))
    {
        if (kind.hasTable)
        {
            bytes += ReportTables(kind, applications, metrics);
        }
        ReportProcessing(kind, applications, now.time_since_epoch(), metrics);
    }
    Set(metrics, "tables.bytes", bytes);
    std::uint64_t queueMax = 0;
    std::uint64_t outstandingMax = 0;
    std::uint64_t backlogMax = 0;
    for (const auto& application : applications)
    {
        queueMax = std::max<std::uint64_t>(queueMax, application->Queue().QueueFramesMax());
        outstandingMax = std::max<std::uint64_t>(outstandingMax, application->OutstandingPeak());
        backlogMax = std::max<std::uint64_t>(backlogMax, application->BacklogPeak());
    }
    Set(metrics, "sync.outstanding_max", outstandingMax);
    Set(metrics, "sync.backlog_max", backlogMax);
    Set(metrics, "node_queue.max", queueMax);
}

} // namespace flowchain
