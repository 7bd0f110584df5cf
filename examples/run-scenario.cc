// SPDX-License-Identifier: GPL-2.0-only
// A scenario as a C++ value: read it from a file, change it, run it, read what was measured.
//
// usage: run-scenario SCENARIO CHAIN_LENGTH

#include "scenario-reader.h"
#include "simulation.h"
#include "units.h"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>

int
main(int argc, char** argv)
{
    if (argc != 3)
    {
        fmt::print(stderr, "usage: run-scenario SCENARIO CHAIN_LENGTH\n");
        return 2;
    }
    try
    {
        // An override is checked like the file; a struct that is changed afterwards is not.
        flowchain::Scenario scenario =
            flowchain::ReadScenario(argv[1], {fmt::format("chain.length={}", argv[2])});
        scenario.sim.seed = 7;

        // One run in a process: ns-3 keeps global state.
        const flowchain::RunOutcome outcome = flowchain::RunScenario(scenario, nullptr);
        for (const char* name : {"sessions.completed", "sync.messages.chain", "tables.manager"})
        {
            fmt::print("{:<22}{:>12}\n", name, outcome.metrics.ValueOr0(name));
        }
        const char* median = "latency.release.p50"; // durations are in picoseconds
        fmt::print("{:<22}{:>12}\n",
                   median,
                   flowchain::ReadableDuration(outcome.metrics.ValueOr0(median)));
        for (const std::string& violation : outcome.violations)
        {
            fmt::print("violated: {}\n", violation);
        }
        return outcome.violations.empty() ? 0 : 3;
    }
    catch (const std::exception& error)
    {
        fmt::print(stderr, "{}\n", error.what());
        return 2;
    }
}
