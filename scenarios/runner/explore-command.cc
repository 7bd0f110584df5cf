// SPDX-License-Identifier: GPL-2.0-only
#include "explore-command.h"

#include "build-info.h"
#include "exploration-file.h"
#include "exploration-report.h"
#include "node-selector.h"
#include "run-identity.h"
#include "scenario-reader.h"
#include "shell-quote.h"
#include "units.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <unistd.h>

namespace flowchain
{

Duration
DurationOf(const std::string& text, const char* option)
{
    try
    {
        return ParseDuration(text);
    }
    catch (const UnitError& error)
    {
        throw ScenarioError({fmt::format("{} {}: {}", option, text, error.what())});
    }
}

void
ReadWindow(const std::string& text, const Scenario& scenario, PlanOptions& plan)
{
    plan.from = Instant(scenario.sim.warmup);
    plan.to = Instant(scenario.sim.stop);
    if (text.empty())
    {
        return;
    }
    const auto colon = text.find(':');
    if (colon == std::string::npos)
    {
        throw ScenarioError({fmt::format("--window {}: expected FROM:TO, as 10ms:20ms", text)});
    }
    if (colon > 0)
    {
        plan.from = Instant(DurationOf(text.substr(0, colon), "--window"));
    }
    if (colon + 1 < text.size())
    {
        plan.to = Instant(DurationOf(text.substr(colon + 1), "--window"));
    }
    if (plan.to < plan.from)
    {
        throw ScenarioError({fmt::format("--window {}: it ends before it begins", text)});
    }
}

namespace
{

void
ReadKinds(const std::vector<std::string>& names, PlanOptions& plan)
{
    if (names.empty())
    {
        return;
    }
    plan.kinds.fill(false);
    for (const std::string& name : names)
    {
        const auto kind = BoundaryKindByName(name);
        if (!kind)
        {
            throw ScenarioError(
                {fmt::format("--events {}: expected send, receive, release, write", name)});
        }
        plan.kinds[static_cast<std::size_t>(*kind)] = true;
    }
}

} // namespace

void
CrashOptions::AddTo(CLI::App& command)
{
    auto* boundary =
        command
            .add_option("--crash-at",
                        at,
                        "Crash a node at this boundary of the run, as `flowchain explore` counts")
            ->type_name("NUMBER")
            ->check(CLI::PositiveNumber);
    auto* which = command.add_option("--crash-node", node, "The node that crashes there")
                      ->type_name("NODE")
                      ->needs(boundary);
    boundary->needs(which);
    command.add_option("--recover-after", recoverAfter, "It starts again so much later")
        ->type_name("DURATION")
        ->needs(boundary);
    command.add_flag("--without-fault", withoutFault, "Leave the file's failures out");
}

void
CrashOptions::Apply(Scenario& scenario) const
{
    if (withoutFault)
    {
        scenario.failures.clear();
    }
    if (at == 0)
    {
        return;
    }
    const NodeId found = FindNode(MakeDirectories(scenario).network, node);
    if (found == NO_NODE)
    {
        throw ScenarioError({fmt::format("--crash-node {}: there is no such node", node)});
    }
    scenario.crashPoint = CrashPoint{.boundary = at, .node = found, .recoverAfter = {}};
    if (!recoverAfter.empty())
    {
        scenario.crashPoint->recoverAfter = DurationOf(recoverAfter, "--recover-after");
    }
}

void
ExploreCommand::AddTo(CLI::App& app)
{
    m_command = app.add_subcommand(
        "explore", "Crash a node at every message boundary of a window, each in a run of its own");
    CLI::App& command = *m_command;
    const auto list = [&command](const char* name, auto& to, const char* help, const char* type)
    {
        command.add_option(name, to, help)
            ->type_name(type)
            ->delimiter(',')
            ->allow_extra_args(false);
    };
    command.add_option("FILE", m_file, "The scenario, a TOML file")->required();
    command.add_option("-s,--set", m_overrides, "Set a value before the scenario is checked")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    command
        .add_option("--window",
                    m_window,
                    "Boundaries from the one instant to the other; default: from the end of the\n"
                    "warm-up to the end of the run")
        ->type_name("FROM:TO");
    command.add_option("--session", m_session, "Boundaries of the workload's session K, from 0")
        ->type_name("K");
    command
        .add_option("--node",
                    m_nodes,
                    "Nodes that crash at each boundary: manager[1], service[*]; default: the\n"
                    "accelerators, managers and service nodes that have to do with its session")
        ->type_name("NODES")
        ->allow_extra_args(false);
    list("--events", m_events, "Kinds of boundaries: send,receive,release,write", "KINDS");
    command.add_option("--max-points", m_pointsMax, "At most so many runs, evenly spread over all")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1U, 1'000'000U));
    command
        .add_option("-j,--jobs", m_jobs, "Runs at the same time; default: one for each processor")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    command
        .add_option("--recover-after", m_recoverAfter, "Crashed nodes start again so much later")
        ->type_name("DURATION");
    command.add_flag("--without-fault", m_withoutFault, "Leave the file's failures out");
    command
        .add_option("--output",
                    m_output,
                    "Keep the outcomes in this file; with it, the same command goes on where it\n"
                    "was stopped; default: results/<scenario name>-explore.jsonl")
        ->type_name("FILE");
    command.add_option("--results", m_results, "Leave each run's result.json in a folder here")
        ->type_name("DIR");
    command.add_option("--format", m_format, "text or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    command.add_flag("--quiet", m_quiet, "Do not count the runs on a terminal");
    command.footer("Exit codes: 0 no invariant was violated; 2 bad command line or scenario, or a "
                   "run has\nfailed; 3 an invariant was violated.");
}

int
ExploreCommand::Run() const
{
    ExploreTask task;
    task.scenario = ReadScenario(m_file, m_overrides);
    CrashOptions{.at = 0, .node = {}, .recoverAfter = {}, .withoutFault = m_withoutFault}.Apply(
        task.scenario);
    task.scenario.output.pcap.clear(); // the runs would all write the same files
    task.build = ThisBuild();
    ReadWindow(m_window, task.scenario, task.plan);
    ReadKinds(m_events, task.plan);
    task.plan.session = m_session;
    task.plan.pointsMax = m_pointsMax;
    const Directory directory = MakeDirectories(task.scenario).network;
    for (const std::string& nodes : m_nodes)
    {
        const auto matched =
            SelectNodes(directory, nodes, SplitMix64(task.scenario.sim.seed)).nodes;
        if (matched.empty())
        {
            throw ScenarioError({fmt::format("--node {}: there is no such node", nodes)});
        }
        task.plan.nodes.insert(task.plan.nodes.end(), matched.begin(), matched.end());
    }
    if (!m_recoverAfter.empty())
    {
        task.recoverAfter = DurationOf(m_recoverAfter, "--recover-after");
    }
    task.jobs = m_jobs != 0 ? m_jobs : std::max(1U, std::thread::hardware_concurrency());
    task.results = m_results;

    const std::string identity =
        RunId(task.scenario, BuildId(task.build)) +
        (task.recoverAfter ? " " + FormatDuration(*task.recoverAfter) : std::string());
    ExplorationFile file(
        m_output.empty() ? "results/" + task.scenario.name + "-explore.jsonl" : m_output, identity);
    // With --results every run is to leave its folder.
    const auto known = m_results.empty() ? file.Known() : std::map<PointKey, PointOutcome>{};
    std::size_t fresh = 0;
    const bool isTold = !m_quiet && isatty(STDERR_FILENO) == 1;
    const Exploration exploration = Explore(task,
                                            known,
                                            [&](const PointOutcome& outcome, const CrashPlan& plan)
                                            {
        file.Add(outcome);
        ++fresh;
        if (isTold)
        {
            fmt::print(stderr, "\r{} of {} points", fresh, plan.tries.size());
        }
    });
    if (isTold && fresh != 0)
    {
        fmt::print(stderr, "\n");
    }
    if (exploration.plan.tries.empty() && exploration.trunkViolations.empty())
    {
        throw ScenarioError(
            {fmt::format("{}: no such boundary of a session in the window", m_file)});
    }
    std::string command = "flowchain run " + ShellQuoted(m_file);
    for (const std::string& override : m_overrides)
    {
        command += " -s " + ShellQuoted(override);
    }
    command += m_withoutFault ? " --without-fault" : "";
    fmt::print(
        "{}",
        m_format == "json"
            ? ExplorationJson(task, exploration, command)
            : ExplorationText(task, exploration, command, exploration.outcomes.size() - fresh));
    const bool isViolated =
        !exploration.trunkViolations.empty() || std::ranges::any_of(exploration.outcomes,
                                                                    [](const auto& point)
                                                                    {
        return point.second.violationCount != 0;
        });
    return isViolated                     ? EXIT_INVARIANT_VIOLATED
           : exploration.failures.empty() ? EXIT_ALL_HOLD
                                          : EXIT_BAD_INPUT;
}

} // namespace flowchain
