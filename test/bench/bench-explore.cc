// SPDX-License-Identifier: GPL-2.0-only
// What forks at message boundaries save beside the same runs made one by one, each from the start.
#include "bench-processes.h"
#include "exploration.h"
#include "scenario-reader.h"
#include "simulation.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace flowchain::bench
{
namespace
{

constexpr double GOAL_RATIO = 8;

/** A warm-up of 300 ms with 100,000 sessions a second; then crashes while more sessions start, and
 * 20 ms until all is quiet: detection takes 6 ms. */
constexpr const char* SCENARIO = R"(
[sim]
stop = "322ms"
warmup = "300ms"
[topology]
clients = 4
servers = 4
[controller]
heartbeat_interval = "2ms"
detection_timeout = "6ms"
[[service]]
nodes = 8
[[accelerator]]
[[workload]]
kind = "sessions"
protocol = "udp"
sessions = 30200
rate = 100000.0
packets = 2
gap = "10ms"
)";

int
Main(std::uint64_t points)
{
    const Scenario scenario = ParseScenario(SCENARIO, "bench-explore");
    ExploreTask task{.scenario = scenario};
    task.plan.from = Instant(scenario.sim.warmup);
    task.plan.to = Instant(Duration{302'000'000'000});
    task.plan.pointsMax = points;

    // The same points, for the runs alone. Names of nodes have to become nodes again.
    std::vector<CrashPoint> crashes;
    const Directory directory = MakeDirectories(scenario).network;
    const Exploration explored = Explore(task,
                                         {},
                                         [&](const PointOutcome& outcome, const CrashPlan&)
                                         {
        crashes.push_back({outcome.boundary, FindNode(directory, outcome.node), {}});
    });
    if (crashes.size() != points || !explored.failures.empty())
    {
        std::fprintf(stderr, "bench-explore: %zu points instead of %zu\n", crashes.size(), points);
        return 2;
    }
    const double together = LeastOfThree(
        [&]
        {
        Explore(task, {}, [](const PointOutcome&, const CrashPlan&) {});
    });
    double alone = 0;
    for (const CrashPoint& crash : crashes)
    {
        Scenario crashed = scenario;
        crashed.crashPoint = crash;
        alone += MeasureProcess(
            [&]
            {
            RunScenario(crashed, nullptr);
        });
    }
    const double ratio = alone / together;
    const bool isReached = ratio >= GOAL_RATIO;
    std::printf("%zu crashes: alone %.2f s, explored %.2f s of CPU: %.1f times cheaper; goal: at "
                "least %.0f times: %s\n",
                crashes.size(),
                alone,
                together,
                ratio,
                GOAL_RATIO,
                isReached ? "pass" : "FAIL");
    return isReached ? 0 : 1;
}

} // namespace
} // namespace flowchain::bench

int
main(int argc, char** argv)
{
    const int points = argc > 1 ? std::atoi(argv[1]) : 64;
    if (points < 1)
    {
        std::fprintf(stderr, "usage: bench-explore [points, default 64]\n");
        return 2;
    }
    return flowchain::bench::Main(static_cast<std::uint64_t>(points));
}
