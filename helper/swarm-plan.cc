// SPDX-License-Identifier: GPL-2.0-only
#include "swarm-plan.h"

#include "scenario-minimal.h"
#include "scenario-reader.h"
#include "swarm-dice.h"
#include "swarm-failures.h"
#include "sync-scheme.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <filesystem>

namespace flowchain
{

namespace
{

/** Streams of a schedule's seed. */
enum class Part : std::uint64_t
{
    SYSTEM = 1,
    SESSIONS,
    LINKS,
    FAILURES,
};

SwarmDice
DiceOf(std::uint64_t seed, Part part)
{
    return {seed, static_cast<std::uint64_t>(part)};
}

constexpr Duration MILLISECOND{1'000'000'000};
constexpr Duration MICROSECOND{1'000'000};

/** Nothing fails in the last third, so that what goes on can come to an end. */
Duration
CalmFrom(const Scenario& scenario)
{
    return scenario.sim.stop * 2 / 3;
}

std::uint64_t
Between(SwarmDice& dice, std::uint64_t lowest, std::uint64_t highest)
{
    return dice.Between(lowest, highest);
}

template <typename T>
void
Maybe(SwarmDice& dice, T& value, std::uint64_t lowest, std::uint64_t highest)
{
    if (dice.Coin())
    {
        value = static_cast<T>(dice.Between(lowest, highest));
    }
}

void
DrawShape(SwarmDice& dice, Scenario& s)
{
    constexpr std::uint64_t MANAGERS_MAX = 4;
    constexpr std::uint64_t GROUPS_MAX = 3;
    constexpr std::uint64_t SERVICE_NODES_MAX = 5;
    Maybe(dice, s.group.managers, 1, MANAGERS_MAX);
    Maybe(dice, s.group.count, 1, GROUPS_MAX);
    Maybe(dice, s.chain.length, 1, s.group.managers);
    s.chain.length = std::min(s.chain.length, s.group.managers);
    Maybe(dice, s.chain.position, 1, s.chain.length);
    s.chain.position = s.chain.position > s.chain.length ? 0 : s.chain.position;
    s.chain.crossGroup = dice.Coin() && s.group.count > 1;
    for (ServiceSection& service : s.services)
    {
        Maybe(dice, service.nodes, 2, SERVICE_NODES_MAX);
        if (dice.Coin() && service.kind == "nat")
        {
            // A port comes back soon: there are few of them, and one address.
            constexpr std::uint64_t PORTS_MAX = 16;
            service.external.length = 32;
            service.portLast = static_cast<std::uint16_t>(
                service.portFirst + service.nodes * Between(dice, 2, PORTS_MAX) - 1);
        }
    }
}

void
DrawSelection(SwarmDice& dice, Scenario& s)
{
    if (dice.Coin())
    {
        s.selection.method = dice.Pick({"maglev", "jump"});
    }
    if (dice.Coin())
    {
        s.selection.hash = "symmetric";
    }
    if (dice.Coin() && SyncSchemeByName(s.chain.scheme)->Root() == SchemeRoot::MANAGER)
    {
        s.selection.serviceNode = "least-loaded";
    }
}

void
DrawChannel(SwarmDice& dice, Scenario& s)
{
    SyncSection& sync = s.sync;
    if (dice.Coin())
    {
        sync.retransmitTimeout = dice.Between(100 * MICROSECOND, 2 * MILLISECOND);
        sync.retransmitTimeoutMax =
            sync.retransmitTimeout * (std::int64_t{1} << Between(dice, 0, 6));
    }
    if (dice.Coin())
    {
        sync.batchCount = static_cast<std::uint16_t>(Between(dice, 2, 32));
        sync.batchDelay = dice.Scaled(sync.retransmitTimeout / 4);
    }
    if (dice.Coin())
    {
        sync.ackDelay = dice.Scaled(sync.retransmitTimeout / 4);
    }
    Maybe(dice, sync.window, 1, 8);
    Maybe(dice, sync.retriesMax, 2, 20);
}

void
DrawLife(SwarmDice& dice, Scenario& s)
{
    SessionSection& session = s.session;
    const Duration stop = s.sim.stop;
    session.tcpTracking = dice.Coin();
    session.tcpUpdates = !dice.Coin();
    if (dice.Coin()) // sessions age, are deleted, and their ports are used again
    {
        const auto time = [&]
        {
            return std::max(MILLISECOND, dice.Scaled(stop / 4));
        };
        session.timers.tcpEstablished = time();
        session.timers.tcpTransitory = time();
        session.timers.udp = time();
        session.timers.closeLinger = time();
        session.timers.refreshInterval = std::max(MILLISECOND, dice.Scaled(stop / 16));
    }
    Maybe(dice, session.removalsMax, 1, 8);
}

void
DrawController(SwarmDice& dice, Scenario& s)
{
    ControllerSection& controller = s.controller;
    if (dice.Coin())
    {
        controller.heartbeatInterval = dice.Between(s.sim.stop / 400, s.sim.stop / 40);
        controller.detectionTimeout =
            controller.heartbeatInterval * static_cast<std::int64_t>(Between(dice, 2, 6));
    }
    if (dice.Coin())
    {
        controller.mistakeRecurrence = dice.Pick<std::uint64_t>({1, 1000, 1'000'000});
    }
    if (dice.Coin())
    {
        controller.publishDelay = dice.Scaled(s.sim.stop / 16);
    }
    controller.drainTime = dice.Scaled(s.sim.stop / 8);
    controller.restoreFromManagers = controller.restoreFromManagers && !dice.Coin();
}

void
DrawSessions(SwarmDice& dice, Scenario& s)
{
    const Duration calm = CalmFrom(s);
    std::vector<WorkloadSection> drawn;
    for (const WorkloadSection& base : s.workloads)
    {
        std::uint64_t left = base.kind == "sessions" ? base.sessions.sessions : 0;
        if (left == 0)
        {
            drawn.push_back(base);
        }
        while (left > 0)
        {
            WorkloadSection workload = base;
            SessionsSection& sessions = workload.sessions;
            workload.name = fmt::format("workload[{}]", drawn.size());
            sessions.sessions = dice.Coin() && drawn.empty() ? Between(dice, 1, left) : left;
            left -= sessions.sessions;
            sessions.arrivals = dice.Pick({"fixed", "poisson"});
            if (s.services[base.serviceIndex].kind == "nat")
            {
                sessions.protocol = dice.Pick({"tcp", "udp"});
            }
            workload.start = dice.Scaled(calm / 2);
            constexpr std::uint64_t MILLI = 1000;
            constexpr std::uint64_t BURST = 1'000'000 * MILLI;
            constexpr std::uint64_t PICOSECONDS = 1'000'000'000'000;
            const auto spread =
                static_cast<std::uint64_t>(dice.Between(calm / 8, calm / 2).count());
            const std::uint64_t even = sessions.sessions * MILLI * (PICOSECONDS / 1000) /
                                       std::max<std::uint64_t>(1, spread / 1000);
            sessions.ratePerSecondMilli = dice.Coin() ? BURST : std::max<std::uint64_t>(1, even);
            sessions.packets = static_cast<std::uint32_t>(dice.Coin() ? Between(dice, 1, 3)
                                                                      : Between(dice, 4, 16));
            sessions.gap = dice.Scaled(calm / 2) / sessions.packets;
            drawn.push_back(std::move(workload));
        }
    }
    s.workloads = std::move(drawn);
}

void
DrawLinks(SwarmDice& dice, Scenario& s)
{
    const Directory directory = MakeDirectories(s).network;
    constexpr std::uint64_t LINKS_MAX = 3;
    const auto share = [&]
    {
        return dice.Pick<std::uint32_t>({1'000, 10'000, 50'000, 100'000});
    };
    const bool loses = dice.Coin();
    const bool doubles = dice.Coin();
    const bool reorders = dice.Coin();
    const bool corrupts = dice.Coin();
    const bool delays = dice.Coin();
    if (dice.Coin()) // all links, all the time
    {
        TopologySection& topology = s.topology;
        topology.lossPerMillion = loses ? share() / 10 : 0;
        topology.duplicatePerMillion = doubles ? share() : 0;
        topology.reorderPerMillion = reorders ? share() : 0;
        topology.corruptPerMillion = corrupts ? share() / 10 : 0;
    }
    const std::uint64_t count = dice.Coin() ? Between(dice, 1, LINKS_MAX) : 0;
    for (std::uint64_t i = 0; i < count; ++i)
    {
        LinkSection link;
        if (dice.Coin())
        {
            link.node =
                NodeName(directory, static_cast<NodeId>(dice.Below(directory.nodes.size())));
        }
        else
        {
            link.leaf = static_cast<std::uint16_t>(dice.Below(s.topology.leaves));
        }
        link.direction = dice.Pick({"both", "to", "from"});
        link.from = dice.Between(Duration{}, CalmFrom(s) / 2);
        link.until = link.from + dice.Between(CalmFrom(s) / 16, CalmFrom(s) / 2);
        const auto maybe = [&](bool isIn, std::optional<std::uint32_t>& perMillion)
        {
            if (isIn && dice.Coin())
            {
                perMillion = share();
            }
        };
        maybe(loses, link.lossPerMillion);
        maybe(doubles, link.duplicatePerMillion);
        maybe(reorders, link.reorderPerMillion);
        maybe(corrupts, link.corruptPerMillion);
        if (delays)
        {
            link.delay = dice.Scaled(2 * MILLISECOND);
        }
        s.links.push_back(std::move(link));
    }
}

/** As a file that says so would be read: every reference is resolved anew. */
Scenario
ReadAgain(const Scenario& scenario)
{
    return ParseScenario(ResolvedToml(scenario), scenario.path);
}

/** The same without failures that are impossible beside the others, such as a crash of a node that
 * is down. */
Scenario
ReadWithoutImpossible(Scenario scenario)
{
    for (;;)
    {
        try
        {
            return ReadAgain(scenario);
        }
        catch (const ScenarioError& error)
        {
            std::size_t last = scenario.failures.size();
            for (std::size_t i = scenario.failures.size(); i-- > 0 && last != i;)
            {
                const auto path = fmt::format("failure[{}]", i);
                if (error.Messages().front().find(path) != std::string::npos)
                {
                    last = i;
                    break;
                }
            }
            if (last == scenario.failures.size())
            {
                throw;
            }
            scenario.failures.erase(scenario.failures.begin() + static_cast<std::ptrdiff_t>(last));
        }
    }
}

} // namespace

Scenario
DrawSchedule(const Scenario& base, std::uint64_t seed)
{
    Scenario schedule = base;
    schedule.name = fmt::format("{}-{}", base.name, seed);
    schedule.path = (std::filesystem::path(base.path).parent_path() / (schedule.name + ".toml"));
    schedule.output = OutputSection{};
    schedule.output.directory = "results/" + schedule.name;
    schedule.output.seriesInterval = base.output.seriesInterval;
    schedule.sim.seed = seed;
    schedule.failures.clear();
    schedule.expectations.clear();
    schedule.sweep = {};
    SwarmDice system = DiceOf(seed, Part::SYSTEM);
    DrawShape(system, schedule);
    DrawSelection(system, schedule);
    DrawChannel(system, schedule);
    DrawLife(system, schedule);
    DrawController(system, schedule);
    SwarmDice sessions = DiceOf(seed, Part::SESSIONS);
    DrawSessions(sessions, schedule);
    schedule = ReadAgain(schedule); // the shape is copied to all service groups
    SwarmDice links = DiceOf(seed, Part::LINKS);
    DrawLinks(links, schedule);
    SwarmDice failures = DiceOf(seed, Part::FAILURES);
    DrawFailures(failures, CalmFrom(schedule), schedule);
    return ReadWithoutImpossible(std::move(schedule));
}

std::string
ScheduleText(const Scenario& schedule, const std::string& origin)
{
    return "# SPDX-License-Identifier: GPL-2.0-only\n" + origin + "\n" +
           JoinToml(MinimalBlocks(schedule));
}

} // namespace flowchain
