// SPDX-License-Identifier: GPL-2.0-only
// What a whole run costs beside the bare lean fabric moving as many packet-hops, and the memory
// that it takes for each session and node copy.
#include "bench-fabric.h"
#include "scenario-reader.h"
#include "simulation.h"

#include <ns3/nstime.h>
#include <ns3/object-factory.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace flowchain::bench
{
namespace
{

constexpr int REPETITIONS = 3;
constexpr double GOAL_RATIO = 1.5;
constexpr double GOAL_BYTES = 400;

struct RunCost
{
    double seconds = 0;
    std::uint64_t packetHops = 0;
    std::uint64_t messages = 0;
    std::uint64_t sessions = 0;
    std::uint64_t copies = 0; ///< session records and flow entries on all nodes
    std::uint64_t tableBytes = 0;
    std::uint64_t peakBytes = 0; ///< of the process
};

std::string
ScenarioText(std::uint64_t sessions)
{
    // Chain 3, 8 service nodes, 200,000 sessions a second; two requests and two answers a session.
    return fmt::format("[sim]\nstop = \"{}ms\"\n"
                       "[topology]\nclients = 4\nservers = 4\n"
                       "[group]\nmanagers = 3\n"
                       "[chain]\nlength = 3\nrelease = \"all\"\n"
                       "[[service]]\nnodes = 8\n"
                       "[[accelerator]]\ncount = 2\n"
                       "[[workload]]\nname = \"load\"\nkind = \"sessions\"\nprotocol = \"udp\"\n"
                       "sessions = {}\narrivals = \"poisson\"\nrate = 200000.0\n"
                       "packets = 2\ngap = \"1ms\"\n",
                       sessions / 200 + 500,
                       sessions);
}

std::uint64_t
PeakBytes()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

RunCost
MeasureRun(std::uint64_t sessions)
{
    const Scenario scenario = ParseScenario(ScenarioText(sessions), "bench-run");
    const RunOutcome outcome = RunScenario(scenario, nullptr);
    const auto metric = [&](const char* name)
    {
        return static_cast<std::uint64_t>(outcome.metrics.ValueOr0(name));
    };
    RunCost cost;
    cost.seconds = outcome.cpuSeconds;
    cost.packetHops = metric("fabric.packet_hops");
    cost.sessions = metric("sessions.completed");
    // A flow manager that stores a session also remembers its entries: that is one copy.
    cost.copies = metric("tables.service") + metric("tables.accelerator") / 2 +
                  3 * metric("sessions.completed");
    cost.tableBytes = metric("tables.bytes");
    cost.peakBytes = PeakBytes();
    if (!outcome.violations.empty() || cost.sessions != sessions)
    {
        std::fprintf(stderr, "bench-run: the run did not go as it should\n");
        std::exit(2);
    }
    return cost;
}

/** The bare fabric with as many packet-hops, at the same rate of frames. */
RunCost
MeasureBare(std::uint64_t packetHops, std::uint64_t sessions)
{
    ns3::Time::SetResolution(ns3::Time::PS);
    ns3::Simulator::SetScheduler(ns3::ObjectFactory("flowchain::QuaternaryHeapScheduler"));
    Load load = MakeLoad(4, Duration(500'000));
    const std::uint64_t bursts = packetHops / 4 / HostsOf(load) / load.burst;
    load.framesPerHost = static_cast<std::uint32_t>(bursts * load.burst);
    load.frameLength = 180; // about the mean of the run's frames
    const std::uint64_t picoseconds = sessions * 5'000'000; // 200,000 sessions a second
    load.gap = static_cast<std::int64_t>(picoseconds / bursts);
    const Measurement measurement = MeasureLean(load);
    RunCost cost;
    cost.seconds = measurement.seconds;
    cost.packetHops = measurement.packetHops;
    return cost;
}

RunCost
InChild(const std::function<RunCost()>& measure)
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
        const RunCost cost = measure();
        _exit(write(ends[1], &cost, sizeof cost) == sizeof cost ? 0 : 1);
    }
    close(ends[1]);
    RunCost cost;
    const bool isRead = child > 0 && read(ends[0], &cost, sizeof cost) == sizeof cost;
    close(ends[0]);
    waitpid(child, nullptr, 0);
    if (!isRead)
    {
        std::fprintf(stderr, "bench-run: a measurement failed\n");
        std::exit(2);
    }
    return cost;
}

int
Main(std::uint64_t sessions)
{
    std::vector<double> ratios;
    RunCost run;
    for (int i = 0; i < REPETITIONS; ++i)
    {
        run = InChild([&] { return MeasureRun(sessions); });
        const RunCost bare = InChild([&] { return MeasureBare(run.packetHops, sessions); });
        const double perHop = 1e9 * run.seconds / static_cast<double>(run.packetHops);
        const double barePerHop = 1e9 * bare.seconds / static_cast<double>(bare.packetHops);
        ratios.push_back(perHop / barePerHop);
        std::printf("run %d: %llu sessions, %llu packet-hops; whole run %.1f s, %.1f ns a "
                    "packet-hop; bare fabric %.1f ns; ratio %.2f\n",
                    i + 1,
                    static_cast<unsigned long long>(run.sessions),
                    static_cast<unsigned long long>(run.packetHops),
                    run.seconds,
                    perHop,
                    barePerHop,
                    perHop / barePerHop);
    }
    std::ranges::sort(ratios);
    const double ratio = ratios[ratios.size() / 2];
    const double tableBytes =
        static_cast<double>(run.tableBytes) / static_cast<double>(run.copies);
    const double peakBytes = static_cast<double>(run.peakBytes) / static_cast<double>(run.copies);
    std::printf("whole run: %.2f times the bare fabric (median); goal: at most %.1f: %s\n",
                ratio,
                GOAL_RATIO,
                ratio <= GOAL_RATIO ? "pass" : "FAIL");
    std::printf("memory per session and node copy: %.0f bytes in tables, %.0f bytes of the whole "
                "process; goal: under %.0f: %s\n",
                tableBytes,
                peakBytes,
                GOAL_BYTES,
                peakBytes < GOAL_BYTES ? "pass" : "FAIL");
    return ratio <= GOAL_RATIO && peakBytes < GOAL_BYTES ? 0 : 1;
}

} // namespace
} // namespace flowchain::bench

int
main(int argc, char** argv)
{
    const std::uint64_t sessions = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    if (sessions == 0)
    {
        std::fprintf(stderr, "usage: bench-run [sessions, default 1000000]\n");
        return 2;
    }
    return flowchain::bench::Main(sessions);
}
