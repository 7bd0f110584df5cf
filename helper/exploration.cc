// SPDX-License-Identifier: GPL-2.0-only
#include "exploration.h"

#include "process-pool.h"
#include "run-record.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <ns3/simulator.h>

#include <algorithm>
#include <stdexcept>

namespace flowchain
{

namespace
{

using Json = nlohmann::json;

/** Boundaries about sessions that one window may have; more would take gigabytes. */
constexpr std::size_t SEEN_MAX = 2'000'000;

/** Goes along with the run, and forks. */
class Explorer : public BoundaryCounter
{
  public:
    using OnOutcome = std::function<void(const PointOutcome&, const CrashPlan&)>;

    Explorer(const ExploreTask& task,
             const std::map<PointKey, PointOutcome>& known,
             const OnOutcome& onOutcome)
        : m_task(task)
        , m_known(known)
        , m_onOutcome(onOutcome)
        , m_directory(MakeDirectories(task.scenario).network)
    {
    }

    /** The run of this process is over. Returns in the parent only. */
    void Finish(RunOutcome outcome);
    /** It has failed. Returns in the parent only. */
    void Fail(const std::string& error) const;

    Exploration TakeResult()
    {
        return std::move(m_result);
    }

  protected:
    void OnBoundary(const Boundary& boundary) override;

  private:
    enum class Part : std::uint8_t
    {
        TRUNK, ///< the parent
        SCOUT, ///< finds out what is in the window
        BRANCH,
    };

    void LookAhead(const Boundary& boundary);
    void See(const Boundary& boundary);
    [[noreturn]] void ReportPlan() const;
    void Try(const Boundary& boundary, const CrashTry& point);
    void Wait();
    void Keep(const PointOutcome& outcome);
    PointOutcome OutcomeOf(const RunRecord& record) const;

    const ExploreTask& m_task;
    const std::map<PointKey, PointOutcome>& m_known;
    const OnOutcome& m_onOutcome;
    Directory m_directory; ///< that of the run ends with it
    Exploration m_result;
    ProcessPool m_pool;
    Part m_part = Part::TRUNK;
    std::optional<ProcessPool::Parent> m_parent; ///< of SCOUT and BRANCH
    bool m_isPlanned = false;
    std::vector<SeenBoundary> m_seen; ///< of SCOUT
    std::size_t m_next = 0;           ///< index of the plan's next point
    std::size_t m_branch = 0;         ///< index of the point of this BRANCH
    std::string m_started;            ///< of this BRANCH
    std::map<std::size_t, std::string> m_messages;
};

void
Explorer::OnBoundary(const Boundary& boundary)
{
    if (m_part == Part::BRANCH || boundary.at < m_task.plan.from)
    {
        return;
    }
    if (m_part == Part::TRUNK && !m_isPlanned)
    {
        LookAhead(boundary);
    }
    if (m_part == Part::SCOUT)
    {
        See(boundary);
        return;
    }
    const auto& tries = m_result.plan.tries;
    while (m_part == Part::TRUNK && m_next < tries.size() &&
           tries[m_next].boundary.number == boundary.number)
    {
        Try(boundary, tries[m_next++]);
    }
    if (m_part == Part::TRUNK && m_next == tries.size())
    {
        ns3::Simulator::Stop();
    }
}

/** Let a child of this process go through the window and tell what is in it. */
void
Explorer::LookAhead(const Boundary& boundary)
{
    m_isPlanned = true;
    if (boundary.at > m_task.plan.to)
    {
        return;
    }
    if ((m_parent = m_pool.Fork(0)))
    {
        m_part = Part::SCOUT;
        return;
    }
    while (m_pool.Count() > 0)
    {
        m_pool.Wait(
            [&](std::size_t, const std::string& message)
            {
            m_result.plan = DecodePlan(message);
            },
            [](std::size_t, const std::string& error)
            {
            if (!error.empty())
            {
                throw std::runtime_error(error);
            }
        });
    }
}

void
Explorer::See(const Boundary& boundary)
{
    if (boundary.at > m_task.plan.to)
    {
        ReportPlan();
    }
    SeenBoundary seen = Describe(boundary, Context());
    if (seen.sessions.empty())
    {
        return;
    }
    if (m_seen.size() == SEEN_MAX)
    {
        throw std::runtime_error(
            fmt::format("more than {} boundaries in the window: choose a shorter one", SEEN_MAX));
    }
    m_seen.push_back(std::move(seen));
}

void
Explorer::ReportPlan() const
{
    m_parent->Send(EncodePlan(MakeCrashPlan(m_seen, m_directory, m_task.plan)));
    m_parent->End();
}

void
Explorer::Try(const Boundary& boundary, const CrashTry& point)
{
    const std::string node = NodeName(m_directory, point.node);
    const auto known = m_known.find({boundary.number, node});
    if (known != m_known.end())
    {
        m_result.outcomes.insert(*known);
        return;
    }
    if (Context().applications[point.node]->IsDown())
    {
        Keep({.boundary = boundary.number, .node = node, .isDown = true});
        return;
    }
    while (m_pool.Count() >= m_task.jobs)
    {
        Wait();
    }
    if ((m_parent = m_pool.Fork(m_next - 1)))
    {
        m_part = Part::BRANCH;
        m_branch = m_next - 1;
        m_started = UtcNow();
        CrashHere(boundary, {boundary.number, point.node, m_task.recoverAfter});
    }
}

void
Explorer::Keep(const PointOutcome& outcome)
{
    m_result.outcomes[{outcome.boundary, outcome.node}] = outcome;
    m_onOutcome(outcome, m_result.plan);
}

void
Explorer::Wait()
{
    m_pool.Wait(
        [&](std::size_t branch, const std::string& message)
        {
        m_messages[branch] = message;
        },
        [&](std::size_t branch, const std::string& error)
        {
        const CrashTry& point = m_result.plan.tries[branch];
        if (error.empty())
        {
            Keep(ReadPointJson(m_messages.at(branch)));
        }
        else
        {
            m_result.failures[{point.boundary.number, NodeName(m_directory, point.node)}] = error;
        }
        m_messages.erase(branch);
    });
}

PointOutcome
Explorer::OutcomeOf(const RunRecord& record) const
{
    const auto metric = [&record](const char* name)
    {
        const Metric* found = record.outcome.metrics.Find(name);
        return found == nullptr ? std::int64_t{0} : found->value;
    };
    const CrashTry& point = m_result.plan.tries[m_branch];
    PointOutcome outcome{.boundary = point.boundary.number,
                         .node = NodeName(m_directory, point.node),
                         .exitCode = record.exitCode,
                         .lost = metric("sessions.lost"),
                         .broken = metric("sessions.broken"),
                         .digest = record.outcome.digest,
                         .violationCount = record.outcome.violations.size(),
                         .violations = record.outcome.violations};
    outcome.violations.resize(std::min(outcome.violations.size(), PointOutcome::VIOLATIONS_MAX));
    return outcome;
}

void
Explorer::Finish(RunOutcome outcome)
{
    if (m_part == Part::SCOUT)
    {
        ReportPlan();
    }
    if (m_part == Part::BRANCH)
    {
        const CrashTry& point = m_result.plan.tries[m_branch];
        RunReport report;
        report.scenario = m_task.scenario;
        report.build = m_task.build;
        report.scenario.crashPoint = {point.boundary.number, point.node, m_task.recoverAfter};
        if (!m_task.results.empty())
        {
            report.scenario.output.directory = fmt::format("{}/{}-{}",
                                                           m_task.results,
                                                           point.boundary.number,
                                                           NodeName(m_directory, point.node));
            report.outcome = outcome;
            report.expectations = EvaluateExpectations(report.scenario, outcome.metrics);
            WriteResult(report);
        }
        m_parent->Send(
            PointJson(OutcomeOf(MakeRecord(report.scenario, std::move(outcome), m_started))));
        m_parent->End();
    }
    m_result.trunkViolations = std::move(outcome.violations);
    while (m_pool.Count() > 0)
    {
        Wait();
    }
}

void
Explorer::Fail(const std::string& error) const
{
    if (m_parent)
    {
        m_parent->End(error);
    }
}

} // namespace

Exploration
Explore(const ExploreTask& task,
        const std::map<PointKey, PointOutcome>& known,
        const std::function<void(const PointOutcome&, const CrashPlan&)>& onOutcome)
{
    Explorer explorer(task, known, onOutcome);
    try
    {
        explorer.Finish(RunScenario(task.scenario, nullptr, {&explorer}));
    }
    catch (const std::exception& error)
    {
        explorer.Fail(error.what());
        throw;
    }
    return explorer.TakeResult();
}

std::string
PointJson(const PointOutcome& outcome)
{
    Json json = {{"boundary", outcome.boundary}, {"node", outcome.node}};
    if (outcome.isDown)
    {
        json["down"] = true;
        return json.dump();
    }
    json["exit_code"] = outcome.exitCode;
    json["sessions.lost"] = outcome.lost;
    json["sessions.broken"] = outcome.broken;
    json["digest"] = outcome.digest;
    json["violation_count"] = outcome.violationCount;
    json["violations"] = outcome.violations;
    return json.dump();
}

PointOutcome
ReadPointJson(const std::string& line)
{
    try
    {
        const auto json = Json::parse(line);
        PointOutcome outcome{.boundary = json.at("boundary"), .node = json.at("node")};
        if (json.contains("down"))
        {
            outcome.isDown = true;
            return outcome;
        }
        outcome.exitCode = json.at("exit_code");
        outcome.lost = json.at("sessions.lost");
        outcome.broken = json.at("sessions.broken");
        outcome.digest = json.at("digest");
        outcome.violationCount = json.at("violation_count");
        outcome.violations = json.at("violations").get<std::vector<std::string>>();
        return outcome;
    }
    catch (const Json::exception& error)
    {
        throw std::runtime_error(fmt::format("not an outcome: {}", error.what()));
    }
}

} // namespace flowchain
