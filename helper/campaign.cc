// SPDX-License-Identifier: GPL-2.0-only
#include "campaign.h"

#include "process-pool.h"
#include "run-identity.h"
#include "scenario-reader.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>

namespace flowchain
{

namespace
{

constexpr int TICK_MS = 500;

/** A run that the store has not. */
struct OpenRun
{
    const PlannedRun* run = nullptr;
    double cost = 0;
};

/** CPU seconds where points have run before, scaled estimates elsewhere. */
std::vector<OpenRun>
OpenRunsOf(const ResultStore& store, const SweepPlan& plan, const std::vector<PlannedRun>& runs)
{
    const auto done = store.Done();
    std::vector<OpenRun> open;
    std::map<std::size_t, std::optional<double>> measured;
    double measuredSeconds = 0;
    double estimateOfMeasured = 0;
    for (const PlannedRun& run : runs)
    {
        if (done.contains(run.id))
        {
            continue;
        }
        open.push_back({&run, EstimatedCost(run.scenario)});
        if (!measured.contains(run.point))
        {
            measured[run.point] = store.CpuSecondsOf(plan.points[run.point].Label());
            if (measured[run.point])
            {
                measuredSeconds += *measured[run.point];
                estimateOfMeasured += open.back().cost;
            }
        }
    }
    const double scale =
        estimateOfMeasured > 0 && measuredSeconds > 0 ? measuredSeconds / estimateOfMeasured : 1;
    for (OpenRun& one : open)
    {
        const auto& seconds = measured[one.run->point];
        one.cost = seconds ? *seconds : one.cost * scale;
    }
    std::stable_sort(open.begin(),
                     open.end(),
                     [](const OpenRun& a, const OpenRun& b)
                     {
        return a.cost > b.cost;
    });
    return open;
}

} // namespace

WantedReplications
WantedReplications::Parse(std::string_view text)
{
    if (text.empty())
    {
        return {};
    }
    WantedReplications wanted;
    wanted.kind = text.starts_with('+') ? Kind::MORE : Kind::EXACTLY;
    const auto digits = text.substr(wanted.kind == Kind::MORE ? 1 : 0);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), wanted.count);
    if (error != std::errc{} || end != digits.data() + digits.size() || wanted.count == 0 ||
        wanted.count > SWEEP_REPLICATIONS_MAX)
    {
        throw ScenarioError({fmt::format("--replications {}: expected 1 to {}, or so many more: +5",
                                         text,
                                         SWEEP_REPLICATIONS_MAX)});
    }
    return wanted;
}

std::uint32_t
WantedReplications::Of(std::uint32_t planned, std::uint32_t present) const
{
    switch (kind)
    {
    case Kind::EXACTLY:
        return count;
    case Kind::MORE:
        return std::min((present == 0 ? planned : present) + count, SWEEP_REPLICATIONS_MAX);
    case Kind::AS_PLANNED:
        break;
    }
    return std::max(planned, present);
}

std::vector<PlannedRun>
RunsOf(const SweepPlan& plan,
       const std::vector<std::uint32_t>& replications,
       const std::string& buildId)
{
    std::vector<PlannedRun> runs;
    std::map<std::string, std::size_t> known;
    for (std::size_t i = 0; i < plan.points.size(); ++i)
    {
        const SweepPoint& point = plan.points[i];
        for (std::uint32_t replication = 0; replication < replications[i]; ++replication)
        {
            PlannedRun run{.id = {},
                           .point = i,
                           .replication = replication,
                           .scenario = point.ScenarioOf(replication)};
            run.id = RunId(run.scenario, buildId);
            const auto [place, isNew] = known.emplace(run.id, i);
            if (!isNew)
            {
                throw ScenarioError({fmt::format("{}: points \"{}\" and \"{}\" are the same run",
                                                 plan.file,
                                                 plan.points[place->second].Label(),
                                                 point.Label())});
            }
            runs.push_back(std::move(run));
        }
    }
    return runs;
}

SweepPlan
PlanOf(const ResultStore& store)
{
    const auto name = std::filesystem::path(store.Header("file")).filename();
    const auto overrides = nlohmann::json::parse(store.Header("overrides"), nullptr, false);
    if (!overrides.is_array())
    {
        throw std::runtime_error(fmt::format("{}: has no plan", store.Path()));
    }
    return PlanSweepText(store.Header("toml"),
                         (std::filesystem::path(store.Header("folder")) / name).string(),
                         overrides);
}

double
EstimatedCost(const Scenario& scenario)
{
    // Packets of a session go through the fabric both ways; each copy of a session costs some
    // messages; every node sends heartbeats all the time.
    constexpr double PACKETS_OF_CAPTURE = 2'500;
    constexpr double MESSAGES_OF_COPY = 2;
    double frames = 0;
    double nodes = 0;
    for (const ServiceSection& service : scenario.services)
    {
        nodes += service.nodes + service.group.count * service.group.managers;
    }
    for (const WorkloadSection& workload : scenario.workloads)
    {
        const ServiceSection& service = scenario.services[workload.serviceIndex];
        const double copies = service.chain.length + service.nodes;
        if (workload.kind == "replay")
        {
            frames += PACKETS_OF_CAPTURE;
            continue;
        }
        const SessionsSection& sessions = workload.sessions;
        const double rate = static_cast<double>(sessions.ratePerSecondMilli) / 1'000;
        const double seconds =
            std::chrono::duration<double>(scenario.sim.stop - workload.start).count();
        const double started =
            std::min(static_cast<double>(sessions.sessions), std::max(0.0, rate * seconds));
        frames += started * (2.0 * sessions.packets + MESSAGES_OF_COPY * copies);
    }
    const double stop = std::chrono::duration<double>(scenario.sim.stop).count();
    const double heartbeat =
        std::chrono::duration<double>(scenario.controller.heartbeatInterval).count();
    return frames + nodes * stop / heartbeat;
}

std::size_t
RunCampaign(ResultStore& store,
            const SweepPlan& plan,
            const std::vector<PlannedRun>& runs,
            const std::string& buildId,
            const CampaignOptions& options,
            CampaignListener& listener)
{
    const auto open = OpenRunsOf(store, plan, runs);
    double cost = 0;
    for (const OpenRun& one : open)
    {
        cost += one.cost;
    }
    double costDone = 0;
    std::size_t next = 0;
    std::size_t done = 0;
    bool hasFailed = false;
    std::map<std::size_t, RunRecord> records; ///< that have come from runs that have not ended
    ProcessPool pool;
    const auto onMessage = [&](std::size_t index, const std::string& message)
    {
        records[index] = DecodeRecord(message);
    };
    const auto onEnd = [&](std::size_t index, const std::string& error)
    {
        RunRecord record = std::move(records[index]);
        records.erase(index);
        if (!error.empty())
        {
            record = {};
            record.error = error;
            record.host = HostName();
            record.started = UtcNow();
        }
        const PlannedRun& run = *open[index].run;
        store.Add(run, buildId, record);
        hasFailed = hasFailed || !record.error.empty() || record.exitCode != EXIT_ALL_HOLD;
        costDone += open[index].cost;
        listener.OnRun(run, record, ++done, cost > 0 ? costDone / cost : 1);
    };
    while (true)
    {
        while (next < open.size() && pool.Count() < options.jobs &&
               !(hasFailed && options.failFast))
        {
            const PlannedRun& run = *open[next].run;
            pool.Start(next++,
                       [&run](const ProcessPool::Send& send)
                       {
                send(EncodeRecord(RecordRun(WithoutOutput(run.scenario))));
            });
        }
        if (pool.Count() == 0)
        {
            return open.size() - next;
        }
        pool.Wait(onMessage, onEnd, TICK_MS);
        listener.OnTick();
    }
}

} // namespace flowchain
