// SPDX-License-Identifier: GPL-2.0-only
#include "exploration-report.h"

#include "text-table.h"
#include "units.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <compare>
#include <map>
#include <vector>

namespace flowchain
{

namespace
{

using Json = nlohmann::ordered_json;

/** A point and what became of it. */
struct Tried
{
    const CrashTry* point = nullptr;
    const PointOutcome* outcome = nullptr;
};

/** What makes two outcomes the same kind of outcome. */
struct OutcomeClass
{
    int exitCode = 0;
    std::int64_t lost = 0;
    std::int64_t broken = 0;
    std::string violated; ///< name of the first invariant, or empty

    auto operator<=>(const OutcomeClass&) const = default;
};

struct ClassRow
{
    std::size_t points = 0;
    Tried first;
};

/** Boundaries of a kind, and the role of the node that crashed. */
struct CauseRow
{
    std::size_t points = 0;
    std::size_t losing = 0; ///< points
    std::int64_t lostMax = 0;
    std::int64_t brokenMax = 0;
    std::size_t violating = 0; ///< points
};

using Cause = std::pair<std::string, std::string>;

OutcomeClass
ClassOf(const PointOutcome& outcome)
{
    const std::string first = outcome.violations.empty() ? "" : outcome.violations.front();
    return {outcome.exitCode, outcome.lost, outcome.broken, first.substr(0, first.find(' '))};
}

class Findings
{
  public:
    Findings(const ExploreTask& task, const Exploration& exploration, const std::string& command)
        : m_directory(MakeDirectories(task.scenario).network)
        , m_task(task)
        , m_command(command)
    {
        for (const CrashTry& point : exploration.plan.tries)
        {
            const auto found = exploration.outcomes.find(
                {point.boundary.number, NodeName(m_directory, point.node)});
            if (found != exploration.outcomes.end())
            {
                Add({&point, &found->second});
            }
        }
    }

    std::string CommandOf(const PointOutcome& outcome) const
    {
        auto command = fmt::format(
            "{} --crash-at {} --crash-node '{}'", m_command, outcome.boundary, outcome.node);
        if (m_task.recoverAfter)
        {
            command += " --recover-after " + FormatDuration(*m_task.recoverAfter);
        }
        return command;
    }

    std::string TextOf(const Tried& one) const
    {
        return fmt::format("{} at {}",
                           BoundaryText(one.point->boundary, m_directory),
                           ReadableDuration(one.point->boundary.at.time_since_epoch().count()));
    }

    std::vector<Tried> tried; ///< those with a run
    std::size_t down = 0;     ///< points without one: the node was down already
    std::map<OutcomeClass, ClassRow> classes;
    std::map<Cause, CauseRow> causes;

  private:
    void Add(const Tried& one)
    {
        if (one.outcome->isDown)
        {
            ++down;
            return;
        }
        tried.push_back(one);
        ClassRow& row = classes[ClassOf(*one.outcome)];
        if (row.points++ == 0)
        {
            row.first = one;
        }
        const SeenBoundary& boundary = one.point->boundary;
        const std::string what = boundary.what.empty() ? "" : std::string(" ") + boundary.what;
        const std::string role = ToString(m_directory.nodes[one.point->node].role);
        const char* const whose = one.point->node == boundary.node   ? " itself"
                                  : one.point->node == boundary.peer ? " at the other end"
                                                                     : ", another one";
        CauseRow& cause = causes[{std::string(ToString(boundary.kind)) + what, role + whose}];
        ++cause.points;
        cause.losing += one.outcome->lost != 0 ? 1 : 0;
        cause.lostMax = std::max(cause.lostMax, one.outcome->lost);
        cause.brokenMax = std::max(cause.brokenMax, one.outcome->broken);
        cause.violating += one.outcome->violationCount != 0 ? 1 : 0;
    }

    Directory m_directory;
    const ExploreTask& m_task;
    const std::string& m_command;
};

std::string
OutcomesText(const Findings& findings)
{
    std::vector<std::vector<std::string>> rows = {
        {"exit", "lost", "broken", "violated", "points", "first"}};
    for (const auto& [outcome, row] : findings.classes)
    {
        rows.push_back(
            {fmt::to_string(outcome.exitCode),
             fmt::to_string(outcome.lost),
             fmt::to_string(outcome.broken),
             outcome.violated.empty() ? "-" : outcome.violated,
             fmt::to_string(row.points),
             fmt::format("{} crashes at {}", row.first.outcome->node, findings.TextOf(row.first))});
    }
    std::string text = AlignedTable(rows) + "\nThe first of each again:\n";
    for (const auto& [outcome, row] : findings.classes)
    {
        text += "  " + findings.CommandOf(*row.first.outcome) + "\n";
    }
    return text;
}

std::string
CausesText(const Findings& findings)
{
    std::vector<std::vector<std::string>> rows = {
        {"boundary", "crashed node", "points", "losing", "lost most", "broken most", "violating"}};
    for (const auto& [cause, row] : findings.causes)
    {
        rows.push_back({cause.first,
                        cause.second,
                        fmt::to_string(row.points),
                        fmt::to_string(row.losing),
                        fmt::to_string(row.lostMax),
                        fmt::to_string(row.brokenMax),
                        fmt::to_string(row.violating)});
    }
    return AlignedTable(rows);
}

} // namespace

std::string
ExplorationText(const ExploreTask& task,
                const Exploration& exploration,
                const std::string& command,
                std::size_t known)
{
    const Findings findings(task, exploration, command);
    const CrashPlan& plan = exploration.plan;
    std::string text =
        fmt::format("{:<13}{}, seed {}\n", "scenario", task.scenario.name, task.scenario.sim.seed);
    text += fmt::format("{:<13}{} about sessions in the window\n", "boundaries", plan.boundaries);
    text += fmt::format("{:<13}{}; {} are the same as another one of the same step\n",
                        "points",
                        plan.points,
                        plan.same);
    text += fmt::format("{:<13}{} of {}{}, {} known before, {} without a run (node down then), {} "
                        "failed\n",
                        "tried",
                        plan.tries.size(),
                        plan.points - plan.same,
                        plan.tries.size() < plan.points - plan.same ? " (--max-points), evenly "
                                                                      "spread"
                                                                    : "",
                        known,
                        findings.down,
                        exploration.failures.size());
    if (!findings.tried.empty())
    {
        text += "\n" + OutcomesText(findings) + "\n" + CausesText(findings);
    }
    for (const std::string& violation : exploration.trunkViolations)
    {
        text += fmt::format("\nVIOLATED without any of these crashes: {}\n", violation);
    }
    for (const Tried& one : findings.tried)
    {
        if (one.outcome->violationCount != 0)
        {
            text += fmt::format("\nVIOLATED {}\n  {}\n",
                                one.outcome->violations.front(),
                                findings.CommandOf(*one.outcome));
        }
    }
    for (const auto& [point, error] : exploration.failures)
    {
        text += fmt::format("\nFAILED boundary {}, {}: {}\n", point.first, point.second, error);
    }
    return text;
}

std::string
ExplorationJson(const ExploreTask& task, const Exploration& exploration, const std::string& command)
{
    const Findings findings(task, exploration, command);
    const auto outcomeJson = [](const OutcomeClass& outcome)
    {
        return Json{{"exit_code", outcome.exitCode},
                    {"sessions.lost", outcome.lost},
                    {"sessions.broken", outcome.broken},
                    {"violated", outcome.violated}};
    };
    Json json = {{"scenario", task.scenario.name},
                 {"seed", task.scenario.sim.seed},
                 {"boundaries", exploration.plan.boundaries},
                 {"points", exploration.plan.points},
                 {"same", exploration.plan.same},
                 {"down", findings.down}};
    json["outcomes"] = Json::array();
    for (const auto& [outcome, row] : findings.classes)
    {
        Json one = outcomeJson(outcome);
        one["points"] = row.points;
        one["command"] = findings.CommandOf(*row.first.outcome);
        json["outcomes"].push_back(std::move(one));
    }
    json["table"] = Json::array();
    for (const auto& [cause, row] : findings.causes)
    {
        json["table"].push_back({{"boundary", cause.first},
                                 {"crashed", cause.second},
                                 {"points", row.points},
                                 {"losing", row.losing},
                                 {"lost_most", row.lostMax},
                                 {"broken_most", row.brokenMax},
                                 {"violating", row.violating}});
    }
    json["tried"] = Json::array();
    for (const Tried& one : findings.tried)
    {
        const SeenBoundary& boundary = one.point->boundary;
        Json point = Json::parse(PointJson(*one.outcome));
        point["kind"] = ToString(boundary.kind);
        point["what"] = boundary.what;
        point["sessions"] = boundary.sessions;
        point["time"] = FormatNanoseconds(boundary.at.time_since_epoch().count());
        point["text"] = findings.TextOf(one);
        point["command"] = findings.CommandOf(*one.outcome);
        json["tried"].push_back(std::move(point));
    }
    json["failed"] = Json::array();
    for (const auto& [point, error] : exploration.failures)
    {
        json["failed"].push_back(
            {{"boundary", point.first}, {"node", point.second}, {"error", error}});
    }
    json["trunk_violations"] = exploration.trunkViolations;
    return json.dump(2) + "\n";
}

} // namespace flowchain
