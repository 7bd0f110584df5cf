// SPDX-License-Identifier: GPL-2.0-only
#include "defect-hunt.h"

#include "process-pool.h"
#include "swarm-plan.h"
#include "swarm.h"
#include "text-table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace flowchain
{

namespace
{

using Json = nlohmann::json;

Scenario
WithDefect(Scenario scenario, const PlantedDefectInfo& defect)
{
    scenario.sim.defects = {defect.name};
    return scenario;
}

/** @returns the name of the invariant that a violation's text begins with */
std::string
InvariantOf(const std::string& violation)
{
    return violation.substr(0, violation.find(' '));
}

/** In a process of its own. */
ScheduleOutcome
RunAlone(const Scenario& schedule, unsigned limitSeconds)
{
    ScheduleOutcome result;
    ScheduleRuns(1, limitSeconds)
        .Run(
            1,
            [&](std::size_t)
            {
        return schedule;
            },
            [&](std::size_t, const ScheduleOutcome& outcome)
            {
        result = outcome;
        return false;
        });
    return result;
}

/** Whether the schedule violates nothing without its defect. */
bool
IsSoundWithout(Scenario schedule, unsigned limitSeconds)
{
    schedule.sim.defects.clear();
    return RunAlone(schedule, limitSeconds).Violated().empty();
}

/** Run schedules until one violates an invariant that it does not violate without the defect. */
void
HuntBySwarm(const HuntTask& task, const PlantedDefectInfo& defect, DefectFinding& finding)
{
    const Scenario base = WithDefect(task.base, defect);
    const auto schedule = [&](std::size_t index)
    {
        return DrawSchedule(base, index + 1);
    };
    ScheduleRuns(task.jobs, task.limitSeconds)
        .Run(task.seeds,
             schedule,
             [&](std::size_t index, const ScheduleOutcome& outcome)
             {
        finding.schedules = index + 1;
        if (outcome.violations.empty() || !IsSoundWithout(schedule(index), task.limitSeconds))
        {
            return true;
        }
        finding.violated = InvariantOf(outcome.FirstText());
        return false;
        });
}

/** Shrink the schedule that was found. If it shrinks to something that is violated without the
 * defect, too, the next one that is found has its turn. */
void
ShrinkFirst(const HuntTask& task, const PlantedDefectInfo& defect, DefectFinding& finding)
{
    const Scenario base = WithDefect(task.base, defect);
    for (std::uint64_t seed = finding.schedules; seed <= task.seeds && !finding.shrunk; ++seed)
    {
        const Scenario schedule = DrawSchedule(base, seed);
        const ScheduleOutcome outcome = RunAlone(schedule, task.limitSeconds);
        if (outcome.violations.empty() || InvariantOf(outcome.FirstText()) != finding.violated ||
            !IsSoundWithout(schedule, task.limitSeconds))
        {
            continue;
        }
        Shrunk shrunk =
            Shrink({.scenario = schedule, .jobs = task.jobs, .limitSeconds = task.limitSeconds},
                   [](const std::string&) {});
        if (IsSoundWithout(shrunk.scenario, task.limitSeconds))
        {
            finding.shrunk = std::move(shrunk);
            finding.size = finding.shrunk->after;
        }
    }
}

/** What one exploration says, as a child tells it. */
Json
Explored(const HuntTask& task, const PlantedDefectInfo& defect)
{
    const ExploreTask explore{.scenario = WithDefect(*task.crash, defect),
                              .plan = task.plan,
                              .recoverAfter = task.recoverAfter,
                              .jobs = task.jobs,
                              .results = {},
                              .build = {}};
    const Exploration exploration = Explore(explore, {}, [](const auto&, const auto&) {});
    if (!exploration.failures.empty())
    {
        throw std::runtime_error(exploration.failures.begin()->second);
    }
    Json violating = Json::array();
    std::size_t tried = 0;
    for (const auto& [point, outcome] : exploration.outcomes)
    {
        tried += outcome.isDown ? 0 : 1;
        if (outcome.violationCount != 0)
        {
            violating.push_back({outcome.boundary, outcome.node, outcome.violations.front()});
        }
    }
    const auto& alone = exploration.trunkViolations;
    return {{"tried", tried},
            {"violating", violating},
            {"alone", alone.empty() ? std::string() : alone.front()}};
}

/** Count the crashes that violate something, and would not without the defect. */
void
CountCrashes(const HuntTask& task, const Json& violating, DefectFinding& finding)
{
    const Directory directory = MakeDirectories(*task.crash).network;
    const auto schedule = [&](std::size_t index)
    {
        Scenario scenario = *task.crash;
        scenario.crashPoint =
            CrashPoint{.boundary = violating[index][0],
                       .node = FindNode(directory, violating[index][1].get<std::string>()),
                       .recoverAfter = task.recoverAfter};
        return scenario;
    };
    ScheduleRuns(task.jobs, task.limitSeconds)
        .Run(violating.size(),
             schedule,
             [&](std::size_t index, const ScheduleOutcome& outcome)
             {
        if (outcome.Violated().empty() && finding.violating++ == 0)
        {
            finding.crashViolated = InvariantOf(violating[index][2]);
        }
        return true;
        });
}

/** Try crashes, in a process of its own: a simulation can be explored once in a process. */
void
HuntByCrashes(const HuntTask& task, const PlantedDefectInfo& defect, DefectFinding& finding)
{
    ProcessPool pool;
    Json found;
    pool.Start(0,
               [&](const ProcessPool::Send& send)
               {
        send(Explored(task, defect).dump());
    });
    while (pool.Count() > 0)
    {
        pool.Wait(
            [&](std::size_t, const std::string& message)
            {
            found = Json::parse(message);
            },
            [&](std::size_t, const std::string& error)
            {
            if (!error.empty())
            {
                throw std::runtime_error(fmt::format("{}: {}", defect.name, error));
            }
        });
    }
    finding.points = found.at("tried");
    const std::string alone = found.at("alone");
    finding.isSeenAlone = !alone.empty();
    finding.crashViolated = alone.empty() ? "" : InvariantOf(alone);
    CountCrashes(task, found.at("violating"), finding);
}

std::string
NumberOr(const std::string& otherwise, bool isThere, std::uint64_t number)
{
    return isThere ? fmt::to_string(number) : otherwise;
}

using Row = std::vector<std::string>;

Row
Heading()
{
    return {"defect",
            "violates",
            "schedules",
            "failures",
            "links",
            "sessions",
            "nodes",
            "crashes",
            "violating"};
}

Row
RowOf(const DefectFinding& finding)
{
    const std::string& invariant =
        finding.violated.empty() ? finding.crashViolated : finding.violated;
    const ScenarioSize size = finding.size.value_or(ScenarioSize{});
    const bool isSized = finding.size.has_value();
    return {finding.defect->name,
            invariant.empty() ? "-" : invariant,
            NumberOr(fmt::format("none of {}", finding.schedules),
                     !finding.violated.empty(),
                     finding.schedules),
            NumberOr("-", isSized, size.failures),
            NumberOr("-", isSized, size.links),
            NumberOr("-", isSized, size.sessions),
            NumberOr("-", isSized, size.nodes),
            NumberOr("-", finding.points != 0, finding.points),
            finding.points == 0 && finding.isSeenAlone
                ? "alone"
                : NumberOr("-", finding.points != 0, finding.violating)};
}

std::string
RstTable(const std::vector<Row>& rows)
{
    std::string text = ".. list-table::\n   :header-rows: 1\n\n";
    for (const Row& row : rows)
    {
        for (std::size_t i = 0; i < row.size(); ++i)
        {
            const bool isName = i == 0 && &row != &rows.front();
            text += fmt::format("   {} - {}{}{}\n",
                                i == 0 ? "*" : " ",
                                isName ? "``" : "",
                                row[i],
                                isName ? "``" : "");
        }
    }
    return text;
}

} // namespace

DefectFinding
HuntDefect(const HuntTask& task, const PlantedDefectInfo& defect)
{
    DefectFinding finding{.defect = &defect};
    HuntBySwarm(task, defect, finding);
    if (task.shrinks && !finding.violated.empty())
    {
        ShrinkFirst(task, defect, finding);
    }
    if (task.crash)
    {
        HuntByCrashes(task, defect, finding);
    }
    return finding;
}

bool
IsFound(const DefectFinding& finding, const HuntTask& task)
{
    return !finding.violated.empty() && (!task.crash || !finding.crashViolated.empty());
}

std::string
FindingsTable(const std::vector<DefectFinding>& findings, const std::string& format)
{
    std::vector<Row> rows = {Heading()};
    std::ranges::transform(findings, std::back_inserter(rows), RowOf);
    if (format == "text")
    {
        return AlignedTable(rows);
    }
    if (format == "rst")
    {
        return RstTable(rows);
    }
    std::string text;
    for (const Row& row : rows)
    {
        text += CsvLine(row);
    }
    return text;
}

} // namespace flowchain
