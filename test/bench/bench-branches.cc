// SPDX-License-Identifier: GPL-2.0-only
// What runs that share a warm-up save beside the same runs made one by one: with W for the warm-up
// and B for the rest of a run, K runs need K(W + B) alone and W + KB together, at best.
#include "branched-runs.h"
#include "process-pool.h"
#include "scenario-reader.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <sys/time.h>
#include <vector>

namespace flowchain::bench
{
namespace
{

constexpr double GOAL_EFFICIENCY = 0.85;
constexpr int REPETITIONS = 3;

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

/** CPU time of all processes that have ended and were waited for, s. */
double
ChildrenSeconds()
{
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& time)
    {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/** @returns CPU time of the job in a process of its own, that one's children included, s */
double
Measure(const std::function<void()>& job)
{
    const double before = ChildrenSeconds();
    ProcessPool pool;
    pool.Start(0,
               [&](const ProcessPool::Send&)
               {
        job();
    });
    while (pool.Count() > 0)
    {
        pool.Wait([](std::size_t, const std::string&) {},
                  [](std::size_t, const std::string& error)
                  {
            if (!error.empty())
            {
                std::fprintf(stderr, "bench-branches: %s\n", error.c_str());
                std::exit(2);
            }
        });
    }
    return ChildrenSeconds() - before;
}

double
MeasureTogether(const std::vector<Scenario>& scenarios)
{
    return Measure(
        [&]
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
    });
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
    // The least of several: what else runs on the machine only ever adds.
    const auto least = [](const std::function<double()>& measure)
    {
        double seconds = measure();
        for (int i = 1; i < REPETITIONS; ++i)
        {
            seconds = std::min(seconds, measure());
        }
        return seconds;
    };
    double alone = 0;
    for (const Scenario& scenario : scenarios)
    {
        alone += least(
            [&]
            {
            return Measure(
                [&]
                {
                RunScenario(scenario, nullptr);
            });
        });
    }
    const double w = least(
        [&]
        {
        return Measure(
            [&]
            {
            RunScenario(warmup, nullptr);
        });
    });
    const double together = least(
        [&]
        {
        return MeasureTogether(scenarios);
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
