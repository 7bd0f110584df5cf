// SPDX-License-Identifier: GPL-2.0-only
#include "bench-fabric.h"

#include <ns3/nstime.h>
#include <ns3/object-factory.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace flowchain::bench
{
namespace
{

constexpr int REPETITIONS = 5;
constexpr const char* OWN_SCHEDULER = "flowchain::QuaternaryHeapScheduler";
constexpr const char* STOCK_SCHEDULER = "ns3::PriorityQueueScheduler"; // the fastest of ns-3

struct Contestant
{
    const char* name;
    const char* scheduler; ///< of ns-3's simulator; null: uses none
    Measurement (*measure)(const Load&);
    std::uint32_t framesPerHost;     ///< fewer for the slow ones
    std::vector<double> nanoseconds; ///< a packet-hop, one for each repetition
};

/** A ratio that has to be met: `slow` takes at least (or at most) `bound` times as long as `fast`.
 */
struct Goal
{
    std::size_t slow;
    std::size_t fast;
    double bound;
    bool isAtLeast;
};

/** @returns nanoseconds of CPU time per packet-hop, measured in a child process. */
double
MeasureInChild(const Contestant& contestant, Duration delay)
{
    int ends[2];
    if (pipe(ends) != 0)
    {
        std::perror("pipe");
        std::exit(2);
    }
    const pid_t child = fork();
    if (child == 0)
    {
        ns3::Time::SetResolution(ns3::Time::PS);
        if (contestant.scheduler != nullptr)
        {
            ns3::Simulator::SetScheduler(ns3::ObjectFactory(contestant.scheduler));
        }
        const Load load = MakeLoad(contestant.framesPerHost, delay);
        const Measurement measurement = contestant.measure(load);
        const std::uint64_t expected = 4ULL * HostsOf(load) * contestant.framesPerHost;
        const double result =
            measurement.packetHops == expected
                ? 1e9 * measurement.seconds / static_cast<double>(measurement.packetHops)
                : -1;
        const bool isWritten = write(ends[1], &result, sizeof result) == sizeof result;
        _exit(isWritten ? 0 : 1);
    }
    double result = -1;
    close(ends[1]);
    const bool isRead = child > 0 && read(ends[0], &result, sizeof result) == sizeof result;
    close(ends[0]);
    waitpid(child, nullptr, 0);
    if (!isRead || result < 0)
    {
        std::fprintf(stderr, "%s: not every frame arrived\n", contestant.name);
        std::exit(2);
    }
    return result;
}

double
MedianOf(std::vector<double> values)
{
    std::ranges::sort(values);
    return values[values.size() / 2];
}

/** Measure the contestants in turn, so that a disturbance hits all, and print their table. */
std::vector<double>
Compete(std::vector<Contestant>& contestants, Duration delay)
{
    for (int repetition = 0; repetition < REPETITIONS; ++repetition)
    {
        for (Contestant& contestant : contestants)
        {
            contestant.nanoseconds.push_back(MeasureInChild(contestant, delay));
        }
    }
    std::vector<double> medians;
    std::printf(
        "%-22s %8s %8s %8s  %s\n", "ns per packet-hop", "median", "least", "most", "scheduler");
    for (const Contestant& contestant : contestants)
    {
        medians.push_back(MedianOf(contestant.nanoseconds));
        const auto [least, most] = std::ranges::minmax(contestant.nanoseconds);
        std::printf("%-22s %8.1f %8.1f %8.1f  %s\n",
                    contestant.name,
                    medians.back(),
                    least,
                    most,
                    contestant.scheduler != nullptr ? contestant.scheduler : "std::priority_queue");
    }
    return medians;
}

bool
Judge(const std::vector<Contestant>& contestants,
      const std::vector<double>& medians,
      const std::vector<Goal>& goals)
{
    bool isMet = true;
    for (const Goal& goal : goals)
    {
        const double ratio = medians[goal.slow] / medians[goal.fast];
        const bool isPassed = goal.isAtLeast ? ratio >= goal.bound : ratio <= goal.bound;
        std::printf("%s takes %.2f times as long as %s; goal: at %s %.1f: %s\n",
                    contestants[goal.slow].name,
                    ratio,
                    contestants[goal.fast].name,
                    goal.isAtLeast ? "least" : "most",
                    goal.bound,
                    isPassed ? "pass" : "FAIL");
        isMet = isMet && isPassed;
    }
    return isMet;
}

int
Main()
{
    std::printf("Leaf-spine, 32 hosts, 4 hops, 1000-byte frames; CPU time of the event loop,\n"
                "medians of %d interleaved repetitions, each in a process of its own.\n\n",
                REPETITIONS);
    std::printf("Propagation 0.5 us: about 130 events pending\n");
    std::vector<Contestant> all = {
        {"lean fabric", OWN_SCHEDULER, MeasureLean, 12'000, {}},
        {"plain C++", nullptr, MeasurePlain, 12'000, {}},
        {"PointToPoint devices", STOCK_SCHEDULER, MeasureDevices, 2'000, {}},
        {"stock UDP/IP", STOCK_SCHEDULER, MeasureInternet, 400, {}},
        {"lean fabric", STOCK_SCHEDULER, MeasureLean, 12'000, {}}};
    const auto medians = Compete(all, Duration(500'000));
    bool isMet = Judge(all, medians, {{0, 1, 2.0, false}, {2, 0, 10, true}, {3, 0, 50, true}});

    std::printf("\nPropagation 200 us: about 26000 events pending\n");
    std::vector<Contestant> deep = {{"lean fabric", OWN_SCHEDULER, MeasureLean, 12'000, {}},
                                    {"plain C++", nullptr, MeasurePlain, 12'000, {}},
                                    {"lean fabric", STOCK_SCHEDULER, MeasureLean, 12'000, {}}};
    const auto deepMedians = Compete(deep, Duration(200'000'000));
    isMet = Judge(deep, deepMedians, {{0, 1, 2.0, false}}) && isMet;
    return isMet ? 0 : 1;
}

} // namespace
} // namespace flowchain::bench

int
main()
{
    return flowchain::bench::Main();
}
