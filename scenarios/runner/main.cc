// SPDX-License-Identifier: GPL-2.0-only
#include "build-info.h"
#include "runner-commands.h"
#include "scenario-reader.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>

namespace
{

using flowchain::RunnerOptions;

void
AddScenarioOptions(CLI::App& command, RunnerOptions& options)
{
    command.add_option("FILE", options.file, "The scenario, a TOML file")->required();
    command
        .add_option("-s,--set",
                    options.overrides,
                    "Set a value before the scenario is checked, as often as wanted:\n"
                    "chain.length=2, workload[0].rate=2000, failure[0].at=1s")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
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
    auto* check = app.add_subcommand("check", "Check a scenario, print the system it describes");
    AddScenarioOptions(*check, options);
    check->add_flag("--quiet", options.quiet, "Print errors only");
    auto* metrics = app.add_subcommand("metrics", "Print name, unit and meaning of every metric");
    try
    {
        app.parse(argc, argv);
    }
    catch (const CLI::ParseError& error)
    {
        return app.exit(error) == 0 ? flowchain::EXIT_ALL_HOLD : flowchain::EXIT_BAD_INPUT;
    }
    if (run->parsed())
    {
        return flowchain::RunCommand(options);
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
