// SPDX-License-Identifier: GPL-2.0-only
#include "simulation-config.h"

#include "failure-plan.h"
#include "fault-planner.h"
#include "leaf-spine.h"
#include "sync-scheme.h"

#include <ns3/nstime.h>
#include <ns3/object-factory.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <stdexcept>

namespace flowchain
{

namespace
{

/** The scheme and what it is configured with. */
struct ConfiguredScheme
{
    explicit ConfiguredScheme(const ChainSection& chain)
        : scheme(*SyncSchemeByName(chain.scheme))
        , release(scheme.Release(*ReleaseRuleByName(chain.release)))
        , promise(scheme.Promise({release, chain.length, SecondPosition(chain)}))
    {
    }

    const SyncScheme& scheme;
    ReleaseRule release;
    SchemePromise promise;
};

Promises
PromisesOf(const ConfiguredScheme& configured)
{
    const SchemePromise& promise = configured.promise;
    const SchemeRoot root = configured.scheme.Root();
    const bool all = configured.release == ReleaseRule::ALL;
    const bool waits = configured.release != ReleaseRule::IMMEDIATE;
    Promises promises;
    // Where service nodes spread along a path, whoever waits for the path waits for all of them.
    promises.copiesAtServiceNodes =
        promise.everyServiceNode && (all || (waits && root == SchemeRoot::OWNER));
    promises.copiesInChain = promise.chain && waits;
    promises.reverseEntry = promise.reverseEntry && all;
    promises.uniqueness = root != SchemeRoot::NOBODY;
    promises.consistency = promises.copiesAtServiceNodes;
    return promises;
}

const char*
SchedulerType(const std::string& name)
{
    static constexpr std::pair<const char*, const char*> TYPES[] = {
        {"quaternary-heap", "flowchain::QuaternaryHeapScheduler"},
        {"priority-queue", "ns3::PriorityQueueScheduler"},
        {"map", "ns3::MapScheduler"},
        {"heap", "ns3::HeapScheduler"},
        {"calendar", "ns3::CalendarScheduler"},
        {"list", "ns3::ListScheduler"},
    };
    for (const auto& [key, type] : TYPES)
    {
        if (name == key)
        {
            return type;
        }
    }
    throw std::runtime_error("no scheduler '" + name + "'");
}

} // namespace

ObserverConfig
MakeObserverConfig(const Scenario& scenario)
{
    ObserverConfig config;
    for (const ServiceSection& service : scenario.services)
    {
        const ConfiguredScheme configured(service.chain);
        config.services.push_back(
            {.promises = PromisesOf(configured),
             .chainLength = service.chain.length,
             .position = SecondPosition(service.chain),
             .copies = {.managers = configured.promise.managers,
                        .serviceNodes = configured.promise.serviceNodes,
                        .everyServiceNode = configured.promise.everyServiceNode},
             .scheme = &configured.scheme,
             .spread = {.release = configured.release,
                        .length = service.chain.length,
                        .position = SecondPosition(service.chain),
                        .crossGroup = service.chain.crossGroup}});
        config.mayDuplicate = config.mayDuplicate || configured.release == ReleaseRule::TAIL;
        // The scheme itself is that of all service groups.
        config.hasReverseEntries = configured.scheme.HasReverseEntry();
        config.managersServe = configured.promise.managersServe;
        config.managersRestore =
            configured.promise.Restores() && scenario.controller.restoreFromManagers;
    }
    config.firstFailure = FirstFailureOf(scenario);
    config.warmup = Instant(scenario.sim.warmup);
    config.seriesInterval = scenario.output.seriesInterval.value();
    config.mayDuplicate = config.mayDuplicate || scenario.topology.duplicatePerMillion > 0;
    config.linksDamage = scenario.topology.corruptPerMillion > 0;
    const auto add = [&config](const LinkQuality& quality)
    {
        config.mayDuplicate = config.mayDuplicate || quality.duplicatePerMillion.value_or(0) > 0;
        config.linksDamage = config.linksDamage || quality.corruptPerMillion.value_or(0) > 0;
    };
    std::ranges::for_each(scenario.links, add);
    std::ranges::for_each(scenario.failures, add, &FailureSection::impairment);
    return config;
}

Instant
FirstFailureOf(const Scenario& scenario)
{
    Instant first = NEVER;
    for (const FailureSection& failure : PlannedFailures(scenario))
    {
        first = std::min(first, Instant(failure.at));
    }
    return first;
}

FabricConfig
MakeFabricConfig(const Scenario& scenario,
                 const Directory& directory,
                 const std::vector<FailureSection>& unplanned)
{
    const TopologySection& topology = scenario.topology;
    FabricConfig config;
    config.leaves = topology.leaves;
    config.spines = topology.spines;
    config.leafOfHost = LeavesOfNodes(scenario, directory);
    config.hostRateBps = topology.hostRateBps;
    config.fabricRateBps = topology.fabricRateBps;
    config.hostDelay = topology.hostDelay;
    config.fabricDelay = topology.fabricDelay;
    config.queueFrames = topology.queueFrames;
    config.seed = scenario.sim.seed;
    config.framesMax = topology.framesMax;
    config.eventsMax = scenario.sim.eventsMax;
    config.tellsAtArrival = TellsAtArrival(scenario);
    config.faults = MakeFaultPlan(scenario, LeafSpine(config), unplanned);
    return config;
}

void
PrepareSimulator(const Scenario& scenario)
{
    if (ns3::Time::GetResolution() != ns3::Time::PS) // ns-3 cannot set it after a run
    {
        ns3::Time::SetResolution(ns3::Time::PS);
    }
    ns3::ObjectFactory scheduler;
    scheduler.SetTypeId(SchedulerType(scenario.sim.scheduler));
    ns3::Simulator::SetScheduler(scheduler);
}

} // namespace flowchain
