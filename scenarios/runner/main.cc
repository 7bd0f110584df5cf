// SPDX-License-Identifier: GPL-2.0-only
#include "build-info.h"
#include "catalogue-command.h"
#include "cluster-options.h"
#include "defects-command.h"
#include "explain-command.h"
#include "explore-command.h"
#include "query-command.h"
#include "report-command.h"
#include "runner-commands.h"
#include "scenario-reader.h"
#include "shrink-command.h"
#include "swarm-command.h"
#include "sweep-command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace
{

using flowchain::CompareOptions;
using flowchain::QueryOptions;
using flowchain::RunnerOptions;
using flowchain::ShowOptions;
using flowchain::SweepOptions;
using flowchain::VerifyOptions;

void
AddFileAndOverrides(CLI::App& command, std::string& file, std::vector<std::string>& overrides)
{
    command.add_option("FILE", file, "The scenario, a TOML file")->required();
    command
        .add_option("-s,--set",
                    overrides,
                    "Set a value before the scenario is checked, as often as wanted:\n"
                    "chain.length=2, workload[0].rate=2000, failure[0].at=1s")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
}

void
AddScenarioOptions(CLI::App& command, RunnerOptions& options)
{
    AddFileAndOverrides(command, options.file, options.overrides);
    command.add_option("--results", options.results, "Folder for what the run writes")
        ->type_name("DIR");
    command
        .add_option("--pcap",
                    options.pcap,
                    "Capture the links of these nodes, or all: client[0],manager[2]")
        ->type_name("NODES")
        ->delimiter(',')
        ->allow_extra_args(false);
}

void
AddCompareOptions(CLI::App& command, CompareOptions& options)
{
    AddFileAndOverrides(command, options.file, options.overrides);
    command
        .add_option("--schemes",
                    options.schemes,
                    "Schemes to compare; without it all that there are,\n"
                    "unless -s or --vary says chain.scheme")
        ->type_name("NAMES")
        ->delimiter(',')
        ->allow_extra_args(false);
    command
        .add_option("--vary",
                    options.vary,
                    "Values to compare, as often as wanted (every combination runs):\n"
                    "chain.length=1,2,3")
        ->type_name("KEY=VALUES")
        ->allow_extra_args(false);
    command.add_option("--metrics", options.metrics, "More columns: sync.bytes,run.events")
        ->type_name("NAMES")
        ->delimiter(',')
        ->allow_extra_args(false);
    auto* with = command.add_flag(
        "--with-fault", options.withFault, "Run with the file's failures (the default)");
    auto* without =
        command.add_flag("--without-fault", options.withoutFault, "Run without any failure");
    auto* both = command.add_flag(
        "--steady", options.steady, "Run without and with the failures, side by side");
    with->excludes(without)->excludes(both);
    without->excludes(both);
    command
        .add_option("--jobs",
                    options.jobs,
                    "Runs at the same time; default: one for each processor. The table does not\n"
                    "depend on it.")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    command.add_option("--format", options.format, "text, csv or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "csv", "json"}));
    command
        .add_option("--output",
                    options.output,
                    "Folder in which every variant gets a folder with its result.json (and its\n"
                    "captures; without this option nothing is written)")
        ->type_name("DIR");
    command.footer("Exit codes: 0 every variant has run; 2 bad command line or scenario, or a "
                   "variant has\nfailed; 3 a variant has violated an invariant (outweighs 2). "
                   "Expectations are not judged.");
}

void
AddSweepOptions(CLI::App& command, SweepOptions& options)
{
    AddFileAndOverrides(command, options.file, options.overrides);
    command
        .add_option("-d,--database",
                    options.database,
                    "The campaign's database; default: results/<scenario name>.db")
        ->type_name("DB");
    command
        .add_option(
            "-j,--jobs", options.jobs, "Runs at the same time; default: one for each processor")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    command
        .add_option("--replications",
                    options.replications,
                    "Runs of each point instead of what the file says, or so many more: +5")
        ->type_name("[+]N");
    auto* precision =
        command
            .add_option("--precision",
                        options.precision,
                        "Add runs to every point until half the width of the 95 % interval of the\n"
                        "metric's mean is at most this share of it")
            ->type_name("PERCENT");
    command.add_option("--metric", options.metric, "The metric of --precision")
        ->capture_default_str()
        ->needs(precision);
    command
        .add_option(
            "--max-replications", options.replicationsMax, "Most runs of a point for --precision")
        ->capture_default_str()
        ->check(CLI::Range(2U, flowchain::SWEEP_REPLICATIONS_MAX))
        ->needs(precision);
    auto* fast = command.add_flag("--fail-fast",
                                  options.failFast,
                                  "Start no more runs once one has failed, an expectation did not\n"
                                  "hold, or an invariant was violated");
    auto* going = command.add_flag(
        "--keep-going", options.keepGoing, "Run all that can be run (the default)");
    fast->excludes(going);
    command.add_flag("--cold",
                     options.cold,
                     "Let every run make its own warm-up. Without this, runs that differ only in\n"
                     "failures after it share one; the results are the same");
    command.add_flag("--dry-run", options.dryRun, "Print the runs, run nothing");
    command.add_flag("--quiet", options.quiet, "Print errors only");
    command.footer(
        "Stopped at any moment, it goes on where it was with the same command.\n"
        "Exit codes: 0 every run is done and every expectation holds; 1 an expectation failed;\n"
        "2 bad command line or scenario, or a run failed or is missing; 3 an invariant was\n"
        "violated (outweighs the others).");
}

void
AddDatabase(CLI::App& command, std::string& database)
{
    command.add_option("DB", database, "The campaign's database")->required();
}

void
AddQueryOptions(CLI::App& command, QueryOptions& options)
{
    AddDatabase(command, options.database);
    auto* sql = command.add_option("SQL", options.sql, "A statement of SQLite that reads");
    command
        .add_option(
            "-m,--metric",
            options.metrics,
            "Metrics instead of SQL: of each point, the number of runs, the mean, half the\n"
            "width of its 95 % interval (Student's t), and the extremes")
        ->type_name("NAMES")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->excludes(sql);
    command.add_option("--by", options.by, "Swept keys to group by; default: all of them")
        ->type_name("KEYS")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->excludes(sql);
    command.add_option("--where", options.where, "Of these points only, as often as wanted")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false)
        ->excludes(sql);
    command
        .add_option(
            "--format", options.format, "text, wide (a column for each metric), csv or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "wide", "csv", "json"}));
}

void
AddShowOptions(CLI::App& command, ShowOptions& options)
{
    AddDatabase(command, options.database);
    command.add_option("RUN", options.run, "The beginning of the run's id")->required();
    auto* line = command.add_flag(
        "--command", options.command, "Print the command that makes the run again, nothing else");
    command
        .add_flag("--scenario", options.scenario, "Print its scenario with all defaults instead")
        ->excludes(line);
}

void
AddVerifyOptions(CLI::App& command, VerifyOptions& options)
{
    AddDatabase(command, options.database);
    auto* runs = command.add_option("RUN", options.runs, "The beginnings of the runs' ids");
    command.add_flag("--all", options.all, "Every run that is done")->excludes(runs);
    command.footer("Exit codes: 0 the results are the same to the last digit; 1 they differ; 2 "
                   "there is no such\nrun, or it cannot be made.");
}

/** @returns the exit code */
int
Run(int argc, char** argv)
{
    CLI::App app{
        "flowchain: runs scenarios of session-state synchronisation for network functions"};
    app.name("flowchain");
    app.set_version_flag("--version", flowchain::VersionText());
    app.require_subcommand(1);
    app.footer(
        "Exit codes: 0 every expectation holds; 1 an expectation failed; 2 bad command line,\n"
        "scenario or capture, or a result that cannot be written; 3 an invariant was violated.");
    RunnerOptions options;
    auto* run = app.add_subcommand("run", "Run a scenario, print a summary, write result.json");
    AddScenarioOptions(*run, options);
    run->add_flag("--quiet", options.quiet, "Print errors only");
    options.crash.AddTo(*run);
    auto* check = app.add_subcommand("check", "Check a scenario, print the system it describes");
    AddScenarioOptions(*check, options);
    check->add_flag("--quiet", options.quiet, "Print errors only");
    auto* metrics =
        app.add_subcommand("metrics", "Print name, kind, unit and meaning of every metric");
    CompareOptions compareOptions;
    auto* compare = app.add_subcommand(
        "compare", "Run a scenario under several schemes or settings, print one table");
    AddCompareOptions(*compare, compareOptions);
    SweepOptions sweepOptions;
    auto* sweep = app.add_subcommand(
        "sweep", "Run all that a scenario's [sweep] asks for, keep the results in a database");
    AddSweepOptions(*sweep, sweepOptions);
    flowchain::ReportCommands reportCommands;
    reportCommands.AddTo(app);
    QueryOptions queryOptions;
    auto* query = app.add_subcommand("query", "Print results of a campaign");
    AddQueryOptions(*query, queryOptions);
    ShowOptions showOptions;
    auto* show = app.add_subcommand("show", "Print one run of a campaign");
    AddShowOptions(*show, showOptions);
    VerifyOptions verifyOptions;
    auto* verify =
        app.add_subcommand("verify", "Make runs of a campaign again and compare the results");
    AddVerifyOptions(*verify, verifyOptions);
    flowchain::ClusterCommands clusterCommands;
    clusterCommands.AddTo(app);
    flowchain::CatalogueCommand catalogueCommand;
    catalogueCommand.AddTo(app);
    flowchain::ExploreCommand exploreCommand;
    exploreCommand.AddTo(app);
    flowchain::ExplainCommand explainCommand;
    explainCommand.AddTo(app);
    flowchain::DefectsCommand defectsCommand;
    defectsCommand.AddTo(app);
    flowchain::SwarmCommand swarmCommand;
    swarmCommand.AddTo(app);
    flowchain::ShrinkCommand shrinkCommand;
    shrinkCommand.AddTo(app);
    try
    {
        app.parse(argc, argv);
    }
    catch (const CLI::ParseError& error)
    {
        return app.exit(error) == 0 ? flowchain::EXIT_ALL_HOLD : flowchain::EXIT_BAD_INPUT;
    }
    if (reportCommands.Parsed())
    {
        reportCommands.Run();
    }
    if (run->parsed())
    {
        return flowchain::RunCommand(options);
    }
    if (compare->parsed())
    {
        return flowchain::CompareCommand(compareOptions);
    }
    if (sweep->parsed())
    {
        return flowchain::SweepCommand(sweepOptions);
    }
    if (query->parsed())
    {
        return flowchain::QueryCommand(queryOptions);
    }
    if (show->parsed())
    {
        return flowchain::ShowCommand(showOptions);
    }
    if (verify->parsed())
    {
        return flowchain::VerifyCommand(verifyOptions);
    }
    if (catalogueCommand.Parsed())
    {
        return catalogueCommand.Run();
    }
    if (explainCommand.Parsed())
    {
        return explainCommand.Run();
    }
    if (exploreCommand.Parsed())
    {
        return exploreCommand.Run();
    }
    if (shrinkCommand.Parsed())
    {
        return shrinkCommand.Run();
    }
    if (defectsCommand.Parsed())
    {
        return defectsCommand.Run();
    }
    if (swarmCommand.Parsed())
    {
        return swarmCommand.Run();
    }
    if (clusterCommands.Parsed())
    {
        return clusterCommands.Run();
    }
    return metrics->parsed() ? flowchain::MetricsCommand() : flowchain::CheckCommand(options);
}

} // namespace

int
main(int argc, char** argv)
{
    try
    {
        const int code = Run(argc, argv);
        if (std::fflush(stdout) != 0)
        {
            fmt::print(stderr, "flowchain: cannot write to the standard output\n");
            return flowchain::EXIT_BAD_INPUT;
        }
        return code;
    }
    catch (const flowchain::ScenarioError& error)
    {
        fmt::print(stderr, "{}\n", error.what());
        return flowchain::EXIT_BAD_INPUT;
    }
    catch (const std::exception& error)
    {
        fmt::print(stderr, "flowchain: {}\n", error.what());
        return flowchain::EXIT_BAD_INPUT;
    }
}
