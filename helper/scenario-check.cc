// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-check.h"

#include "maglev.h"
#include "planted-defect.h"
#include "scenario-check-service.h"
#include "scenario-failure-check.h"
#include "series-sampler.h"
#include "session-generator.h"
#include "spelling.h"
#include "sync-scheme.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace flowchain
{

namespace
{

/** What waits for company must not be taken for lost. */
void
CheckWaiting(const char* key, Duration delay, const SyncSection& sync, ScenarioDiagnostics& d)
{
    constexpr int SHARE = 4;
    if (d.Sound({key, "sync.retransmit_timeout"}) && delay > sync.retransmitTimeout / SHARE)
    {
        d.Add(
            key,
            fmt::format("{} is more than a quarter of sync.retransmit_timeout ({}): messages would "
                        "be sent again that are not lost",
                        FormatDuration(delay),
                        FormatDuration(sync.retransmitTimeout)));
    }
}

void
CheckLeastLoaded(const Scenario& s, ScenarioDiagnostics& d)
{
    const SyncScheme* scheme = SyncSchemeByName(s.chain.scheme);
    if (d.Sound({"selection.service_node", "chain.scheme"}) &&
        s.selection.serviceNode == "least-loaded" && scheme->Root() != SchemeRoot::MANAGER)
    {
        d.Add(
            "selection.service_node",
            fmt::format("\"least-loaded\" needs flow managers that know the sessions; under scheme "
                        "\"{}\" they do not (\"chain\" and \"fan-out\" have such managers)",
                        s.chain.scheme));
    }
}

void
CheckSelection(const SelectionSection& selection, ScenarioDiagnostics& d)
{
    if (!d.Sound({"selection.table_size"}))
    {
        return;
    }
    if (!IsPrime(selection.tableSize) || selection.tableSize <= MAX_NODES)
    {
        d.Add("selection.table_size",
              fmt::format("{} is not a prime above {}, the most nodes there can be",
                          selection.tableSize,
                          MAX_NODES));
    }
}

void
CheckBacklog(const SyncSection& sync, ScenarioDiagnostics& d)
{
    if (d.Sound({"sync.backlog_high", "sync.backlog_low"}) && sync.backlogLow > 0 &&
        sync.backlogLow >= sync.backlogHigh)
    {
        d.Add("sync.backlog_low",
              fmt::format(
                  "{} is not less than sync.backlog_high ({})", sync.backlogLow, sync.backlogHigh));
    }
    if (d.Sound({"sync.backlog_high", "sync.backlog_max"}) && sync.backlogHigh > sync.backlogMax)
    {
        d.Add("sync.backlog_high",
              fmt::format("{} is more than sync.backlog_max ({}), so that it is never reached",
                          sync.backlogHigh,
                          sync.backlogMax));
    }
}

void
CheckTimes(const Scenario& s, ScenarioDiagnostics& d)
{
    if (d.Sound({"sim.stop", "sim.warmup"}) && s.sim.warmup >= s.sim.stop)
    {
        d.Add("sim.warmup",
              fmt::format("{} is not before sim.stop ({})",
                          FormatDuration(s.sim.warmup),
                          FormatDuration(s.sim.stop)));
    }
    if (d.Sound({"sync.retransmit_timeout", "sync.retransmit_timeout_max"}) &&
        s.sync.retransmitTimeoutMax < s.sync.retransmitTimeout)
    {
        d.Add("sync.retransmit_timeout_max",
              fmt::format("{} is less than sync.retransmit_timeout ({})",
                          FormatDuration(s.sync.retransmitTimeoutMax),
                          FormatDuration(s.sync.retransmitTimeout)));
    }
    CheckWaiting("sync.ack_delay", s.sync.ackDelay, s.sync, d);
    CheckWaiting("sync.batch_delay", s.sync.batchDelay, s.sync, d);
    if (d.Sound({"controller.heartbeat_interval", "controller.detection_timeout"}) &&
        s.controller.detectionTimeout <= s.controller.heartbeatInterval)
    {
        d.Add("controller.detection_timeout",
              fmt::format("{} is not more than controller.heartbeat_interval ({})",
                          FormatDuration(s.controller.detectionTimeout),
                          FormatDuration(s.controller.heartbeatInterval)));
    }
}

void
CheckServiceOf(WorkloadSection& w,
               const std::string& path,
               const Scenario& s,
               ScenarioDiagnostics& d)
{
    std::vector<std::string> names;
    for (const ServiceSection& service : s.services)
    {
        names.push_back(service.name);
    }
    if (w.service.empty() && names.size() == 1)
    {
        w.service = names.front();
    }
    const auto found = std::find(names.begin(), names.end(), w.service);
    w.serviceIndex = static_cast<std::uint16_t>(found == names.end() ? 0 : found - names.begin());
    if (found != names.end() || names.empty() || !d.Sound({path + ".service", "service"}))
    {
        return;
    }
    d.Add(path + ".service",
          w.service.empty()
              ? fmt::format("required with several service groups ({})", Join(names, ", "))
              : fmt::format("no service group \"{}\" ({}){}",
                            w.service,
                            Join(names, ", "),
                            DidYouMean(w.service, names)));
}

/** Whether the service group can have such traffic. */
void
CheckTarget(const WorkloadSection& w,
            const std::string& path,
            const Scenario& s,
            ScenarioDiagnostics& d)
{
    if (s.services.empty() || s.services[w.serviceIndex].kind != "lb" ||
        !d.Sound({path + ".service", path + ".kind", path + ".protocol"}))
    {
        return;
    }
    const ServiceSection& service = s.services[w.serviceIndex];
    const bool hasVip = std::any_of(service.vips.begin(),
                                    service.vips.end(),
                                    [&w](const VipSection& vip)
                                    {
        return vip.protocol == w.sessions.protocol;
    });
    if (w.kind == "replay")
    {
        d.Add(path + ".service", "a capture cannot be replayed through a load balancer");
    }
    else if (!hasVip)
    {
        d.Add(path + ".protocol",
              fmt::format("service group \"{}\" has no [[service.vip]] of {}",
                          service.name,
                          w.sessions.protocol));
    }
}

void
CheckWorkload(WorkloadSection& w, const std::string& path, Scenario& s, ScenarioDiagnostics& d)
{
    CheckServiceOf(w, path, s, d);
    if (d.Sound({path + ".start", "sim.stop"}) && w.start >= s.sim.stop)
    {
        d.Add(path + ".start",
              fmt::format("{} is not before sim.stop ({})",
                          FormatDuration(w.start),
                          FormatDuration(s.sim.stop)));
    }
    if (w.kind == "replay" && d.Sound({path + ".file"}) && !w.replay.file.empty())
    {
        const auto file = std::filesystem::path(s.path).parent_path() / w.replay.file;
        w.replay.fileResolved = file.lexically_normal().string();
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(file, ignored))
        {
            d.Add(path + ".file", fmt::format("no such file: {}", w.replay.fileResolved));
        }
    }
    CheckTarget(w, path, s, d);
    if (w.kind == "sessions" && w.sessions.protocol == "udp" && w.sessions.packets == 0)
    {
        d.Add(path + ".packets", "a udp session has at least one packet");
    }
}

void
CheckWorkloads(Scenario& s, ScenarioDiagnostics& d)
{
    std::uint32_t generators = 0;
    for (std::size_t i = 0; i < s.workloads.size(); ++i)
    {
        auto& workload = s.workloads[i];
        const auto path = fmt::format("workload[{}]", i);
        if (workload.name.empty())
        {
            workload.name = path;
        }
        for (std::size_t j = 0; j < i; ++j)
        {
            if (s.workloads[j].name == workload.name)
            {
                d.Add(path + ".name",
                      fmt::format("\"{}\" is the name of workload[{}] too", workload.name, j));
            }
        }
        CheckWorkload(workload, path, s, d);
        generators += workload.kind == "sessions" ? 1 : 0;
        if (generators == SessionTuples::GENERATORS_MAX + 1 && workload.kind == "sessions")
        {
            d.Add(path + ".kind",
                  fmt::format("more than {} workloads of generated sessions",
                              SessionTuples::GENERATORS_MAX));
        }
    }
}

/** Time series have a default that depends on the length of the run, and a limit. */
void
CheckSeries(Scenario& s, ScenarioDiagnostics& d)
{
    if (!d.Sound({"sim.stop", "output.series_interval"}))
    {
        return;
    }
    auto& interval = s.output.seriesInterval;
    interval = interval.value_or(DefaultSeriesInterval(s.sim.stop));
    constexpr std::int64_t SAMPLES_MAX = SeriesSampler::SAMPLES_MAX;
    if (*interval != Duration::zero() && s.sim.stop / *interval > SAMPLES_MAX)
    {
        const Duration least = (s.sim.stop + Duration{SAMPLES_MAX - 1}) / SAMPLES_MAX;
        d.Add("output.series_interval",
              fmt::format("{} makes more than {} samples in a run of {}, \"{}\" does not",
                          FormatDuration(*interval),
                          SAMPLES_MAX,
                          FormatDuration(s.sim.stop),
                          FormatDuration(least)));
    }
}

void
CheckOutput(const Scenario& s, const Directory& directory, ScenarioDiagnostics& d)
{
    std::vector<std::string> names{"all"};
    for (std::size_t node = 0; node < directory.nodes.size(); ++node)
    {
        names.push_back(NodeName(directory, static_cast<NodeId>(node)));
    }
    for (std::size_t i = 0; i < s.output.pcap.size(); ++i)
    {
        const auto& name = s.output.pcap[i];
        if (std::find(names.begin(), names.end(), name) == names.end())
        {
            d.Add(fmt::format("output.pcap[{}]", i),
                  fmt::format("no node \"{}\"{}", name, DidYouMean(name, names)));
        }
    }
}

void
CheckDefects(const SimSection& sim, ScenarioDiagnostics& d)
{
    std::vector<std::string> names;
    for (const PlantedDefectInfo& info : PLANTED_DEFECTS)
    {
        names.emplace_back(info.name);
    }
    for (std::size_t i = 0; i < sim.defects.size(); ++i)
    {
        if (!PlantedDefectByName(sim.defects[i]))
        {
            const std::string suggestion = DidYouMean(sim.defects[i], names);
            d.Add(
                fmt::format("sim.defects[{}]", i),
                fmt::format("there is no defect '{}'{}",
                            sim.defects[i],
                            suggestion.empty() ? "; there are " + Join(names, ", ") : suggestion));
        }
    }
}

} // namespace

void
CheckScenario(Scenario& s, ScenarioDiagnostics& d)
{
    s.name = std::filesystem::path(s.path).stem().string();
    if (s.output.directory.empty())
    {
        s.output.directory = "results/" + s.name;
    }
    CheckTimes(s, d);
    CheckDefects(s.sim, d);
    CheckSeries(s, d);
    CheckBacklog(s.sync, d);
    CheckSelection(s.selection, d);
    CheckLeastLoaded(s, d);
    CheckServices(s, d);
    CheckWorkloads(s, d);
    if (CheckNodes(s, d))
    {
        const auto directory = MakeDirectories(s).network;
        CheckLinks(s, directory, d);
        CheckFailures(s, directory, d);
        CheckOutput(s, directory, d);
    }
}

} // namespace flowchain
