// SPDX-License-Identifier: GPL-2.0-only
// What runs that share a warm-up save beside the same runs made one by one: with W for the warm-up
// and B for the rest of a run, K runs need K(W + B) alone and W + KB together, at best.
#include "bench-processes.h"
#include "branched-runs.h"
#include "scenario-reader.h"

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <vector>

namespace flowchain::bench
{
namespace
{

constexpr double GOAL_EFFICIENCY = 0.85;

/** A warm-up of 300 ms and 100 ms after it, 100,000 sessions a second.
 * @param crashMs when a service node crashes */
Scenario
ScenarioOf(int crashMs, const std::vector<std::string>& overrides = {})
{
    return ParseScenario(fmt::format("[sim]\nstop = \"400ms\"\nwarmup = \"300ms\"\n"
                                     "[topology]\nclients = 4\nservers = 4\n"
                                     "[group]\nmanagers = 3\n"
                                     "[[service]]\nnodes = 8\n"
                                     "[[accelerator]]\ncount = 2\n"
                                     "[[workload]]\nkind = \"sessions\"\nprotocol = \"udp\"\n"
                                     "sessions = 40000\narrivals = \"poisson\"\nrate = 100000.0\n"
                                     "packets = 4\ngap = \"10ms\"\n"
                                     "[[failure]]\nnode = \"service[1]\"\nat = \"{}ms\"\n",
                                     crashMs),
                         "bench-branches",
                         overrides);
}

void
RunTogether(const std::vector<Scenario>& scenarios)
{
    std::vector<const Scenario*> branches;
    for (const Scenario& scenario : scenarios)
    {
        branches.push_back(&scenario);
    }
    RunBranches(
        branches,
        1,
        [](std::size_t, const RunOutcome& outcome)
        {
        return outcome.digest;
        },
        [](std::size_t, const std::string&, const std::string&) {});
}

int
Main(int branches)
{
    std::vector<Scenario> scenarios;
    for (int i = 0; i < branches; ++i)
    {
        scenarios.push_back(ScenarioOf(310 + 80 * i / branches));
    }
    const Scenario warmup =
        ScenarioOf(299, {"sim.stop=300ms", "sim.warmup=0s"}); // as long, without the rest
    double alone = 0;
    for (const Scenario& scenario : scenarios)
    {
        alone += LeastOfThree(
            [&]
            {
            RunScenario(scenario, nullptr);
        });
    }
    const double w = LeastOfThree(
        [&]
        {
        RunScenario(warmup, nullptr);
    });
    const double together = LeastOfThree(
        [&]
        {
        RunTogether(scenarios);
    });
    const double ideal = w + (alone - branches * w);
    const double efficiency = ideal / together;
    std::printf(
        "%d runs: alone %.2f s, of which %d warm-ups of %.2f s; together %.2f s: %.2f times "
        "as fast, at best %.2f times\n",
        branches,
        alone,
        branches,
        w,
        together,
        alone / together,
        alone / ideal);
    const bool isReached = efficiency >= GOAL_EFFICIENCY;
    std::printf("efficiency %.0f %%; goal: at least %.0f %%: %s\n",
                100 * efficiency,
                100 * GOAL_EFFICIENCY,
                isReached ? "pass" : "FAIL");
    return isReached ? 0 : 1;
}

} // namespace
} // namespace flowchain::bench

int
main(int argc, char** argv)
{
    const int branches = argc > 1 ? std::atoi(argv[1]) : 8;
    if (branches < 1)
    {
        std::fprintf(stderr, "usage: bench-branches [runs, default 8]\n");
        return 2;
    }
    return flowchain::bench::Main(branches);
}
