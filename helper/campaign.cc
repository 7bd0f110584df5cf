// SPDX-License-Identifier: GPL-2.0-only
#include "campaign.h"

#include "branched-runs.h"
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
#include <utility>

namespace flowchain
{

namespace
{

constexpr int TICK_MS = 500;

// What a job says of a run: that it is done, with its record; that it has failed, and why; that it
// cannot share a warm-up after all.
constexpr std::string_view DONE = "done";
constexpr std::string_view FAILED = "failed";
constexpr std::string_view ALONE = "alone";

/** CPU seconds where points have run before, scaled estimates elsewhere. */
std::vector<CampaignRunner::OpenRun>
OpenRunsOf(const ResultStore& store, const SweepPlan& plan, const std::vector<PlannedRun>& runs)
{
    const auto done = store.Done();
    std::vector<CampaignRunner::OpenRun> open;
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
    for (auto& one : open)
    {
        const auto& seconds = measured[one.run->point];
        one.cost = seconds ? *seconds : one.cost * scale;
    }
    std::stable_sort(open.begin(),
                     open.end(),
                     [](const auto& a, const auto& b)
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

CampaignRunner::CampaignRunner(ResultStore& store,
                               const std::string& buildId,
                               const CampaignOptions& options,
                               CampaignListener& listener)
    : m_store(store)
    , m_buildId(buildId)
    , m_options(options)
    , m_listener(listener)
{
}

/** Runs that share a warm-up are one job, where that is wanted. The longest jobs come first. */
void
CampaignRunner::MakeJobs()
{
    std::map<std::string, std::size_t> trunks; // place in m_jobs, by TrunkKey()
    for (std::size_t i = 0; i < m_open.size(); ++i)
    {
        const auto key = m_options.shareWarmup ? TrunkKey(WithoutOutput(m_open[i].run->scenario))
                                               : std::string{};
        const auto [place, isNew] = trunks.emplace(key, m_jobs.size());
        if (key.empty() || isNew)
        {
            m_jobs.emplace_back();
        }
        Job& job = key.empty() ? m_jobs.back() : m_jobs[place->second];
        job.runs.push_back(i);
        job.cost += m_open[i].cost;
        m_cost += m_open[i].cost;
    }
    std::stable_sort(m_jobs.begin(),
                     m_jobs.end(),
                     [](const Job& a, const Job& b)
                     {
        return a.cost > b.cost;
    });
    m_branchJobs = m_jobs.empty() ? 1 : std::max<std::size_t>(1, m_options.jobs / m_jobs.size());
}

std::size_t
CampaignRunner::Run(const SweepPlan& plan, const std::vector<PlannedRun>& runs)
{
    m_open = OpenRunsOf(m_store, plan, runs);
    MakeJobs();
    const auto onMessage = [this](std::size_t job, const std::string& message)
    {
        TakeMessage(m_jobs[job], message);
    };
    const auto onEnd = [this](std::size_t job, const std::string& error)
    {
        EndJob(m_jobs[job], error);
    };
    std::size_t next = 0;
    while (true)
    {
        while (next < m_jobs.size() && m_pool.Count() < m_options.jobs &&
               !(m_hasFailed && m_options.failFast))
        {
            StartJob(next++);
        }
        if (m_pool.Count() == 0)
        {
            return m_open.size() - m_done;
        }
        m_pool.Wait(onMessage, onEnd, TICK_MS);
        m_listener.OnTick();
    }
}

void
CampaignRunner::StartJob(std::size_t number)
{
    m_pool.Start(number,
                 [this, number](const ProcessPool::Send& send)
                 {
        const auto& runs = m_jobs[number].runs;
        if (runs.size() == 1)
        {
            const Scenario scenario = WithoutOutput(m_open[runs[0]].run->scenario);
            send(fmt::format("{} {}\n", runs[0], DONE) + EncodeRecord(RecordRun(scenario)));
            return;
        }
        RunTogether(runs, send);
    });
}

/** In the process of a job: warm up once, go on from there with each of the runs. */
void
CampaignRunner::RunTogether(const std::vector<std::size_t>& runs,
                            const ProcessPool::Send& send) const
{
    std::vector<Scenario> scenarios;
    for (const std::size_t run : runs)
    {
        scenarios.push_back(WithoutOutput(m_open[run].run->scenario));
    }
    std::vector<const Scenario*> branches;
    for (const Scenario& scenario : scenarios)
    {
        branches.push_back(&scenario);
    }
    const auto started = UtcNow();
    const auto left = RunBranches(
        branches,
        m_branchJobs,
        [&](std::size_t branch, RunOutcome outcome)
        {
        return EncodeRecord(MakeRecord(scenarios[branch], std::move(outcome), started));
        },
        [&](std::size_t branch, const std::string& result, const std::string& error)
        {
        send(fmt::format("{} {}\n", runs[branch], error.empty() ? DONE : FAILED) +
             (error.empty() ? result : error));
    });
    for (const std::size_t branch : left)
    {
        send(fmt::format("{} {}\n", runs[branch], ALONE));
    }
}

/** A job tells of one of its runs. */
void
CampaignRunner::TakeMessage(Job& job, const std::string& message)
{
    const auto blank = message.find(' ');
    const auto line = message.find('\n');
    std::size_t run = 0;
    std::from_chars(message.data(), message.data() + blank, run);
    const auto what = std::string_view(message).substr(blank + 1, line - blank - 1);
    const auto rest = std::string_view(message).substr(line + 1);
    std::erase(job.runs, run);
    if (what == DONE)
    {
        Keep(run, DecodeRecord(rest));
    }
    else if (what == FAILED)
    {
        KeepFailed(run, std::string(rest));
    }
    else
    {
        m_alone.push_back(run);
    }
}

/** What a job has not told of, it has failed. */
void
CampaignRunner::EndJob(Job& job, const std::string& error)
{
    for (const std::size_t run : std::exchange(job.runs, {}))
    {
        KeepFailed(run, error.empty() ? "the run has left no result" : error);
    }
    for (const std::size_t run : std::exchange(m_alone, {}))
    {
        m_jobs.push_back({{run}, m_open[run].cost});
    }
}

void
CampaignRunner::Keep(std::size_t index, const RunRecord& record)
{
    const PlannedRun& run = *m_open[index].run;
    m_store.Add(run, m_buildId, record);
    m_hasFailed = m_hasFailed || !record.error.empty() || record.exitCode != EXIT_ALL_HOLD;
    m_costDone += m_open[index].cost;
    ++m_done;
    m_listener.OnRun(run, record, m_done, m_cost > 0 ? m_costDone / m_cost : 1);
}

void
CampaignRunner::KeepFailed(std::size_t index, const std::string& error)
{
    RunRecord record;
    record.error = error;
    record.host = HostName();
    record.started = UtcNow();
    Keep(index, record);
}

} // namespace flowchain
