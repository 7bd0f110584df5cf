// SPDX-License-Identifier: GPL-2.0-only
#include "branched-runs.h"

#include "failure-kinds.h"
#include "failure-plan.h"
#include "process-pool.h"
#include "scenario-reader.h"

#include <algorithm>
#include <cassert>
#include <map>

namespace flowchain
{

namespace
{

/** The share of the warm-up by which a trunk ends earlier, so that frames that are judged in
 * advance have arrived when the first link fails. */
constexpr int MARGIN = 100;

bool
IsLate(const FailureSection& failure, const Scenario& scenario)
{
    return failure.at >= scenario.sim.warmup;
}

/** The first fault of a link that the trunk does not know. */
Instant
FirstLateLinkFault(const Scenario& scenario)
{
    Instant first = NEVER;
    for (const FailureSection& failure : scenario.failures)
    {
        if (FindFailureKind(failure.kind)->isOfLinks && IsLate(failure, scenario))
        {
            first = std::min(first, Instant(failure.at));
        }
    }
    return first;
}

} // namespace

Scenario
TrunkOf(const Scenario& scenario)
{
    Scenario trunk = scenario;
    trunk.tellsAtArrival = TellsAtArrival(scenario);
    trunk.failures.clear();
    std::map<NodeId, FailureSection> added;
    for (const FailureSection& failure : scenario.failures)
    {
        if (!IsLate(failure, scenario))
        {
            trunk.failures.push_back(failure);
        }
        else if (failure.kind == "add")
        {
            added[failure.target] = failure;
        }
    }
    for (auto& [node, failure] : added)
    {
        failure.at = scenario.sim.warmup;
        trunk.failures.push_back(failure);
    }
    trunk.expectations.clear();
    trunk.output = OutputSection{};
    trunk.output.seriesInterval = scenario.output.seriesInterval;
    return trunk;
}

std::string
TrunkKey(const Scenario& scenario)
{
    if (scenario.sim.warmup == Duration::zero() || !scenario.output.pcap.empty() ||
        std::ranges::any_of(scenario.failures, IsUncertain))
    {
        return "";
    }
    const Scenario trunk = TrunkOf(scenario);
    std::string key = ResolvedToml(trunk) + (trunk.tellsAtArrival ? "# tells at arrival\n" : "");
    for (const WorkloadSection& workload : trunk.workloads)
    {
        key += "# " + workload.replay.fileResolved + "\n"; // which depends on the scenario's folder
    }
    return key;
}

bool
SharesPrefix(const Scenario& a, const Scenario& b)
{
    const std::string key = TrunkKey(a);
    return !key.empty() && key == TrunkKey(b);
}

std::vector<std::size_t>
RunBranches(const std::vector<const Scenario*>& branches,
            std::size_t jobs,
            const BranchEnd& onEnd,
            const BranchDone& onDone)
{
    assert(!branches.empty() && jobs > 0);
    assert(std::ranges::all_of(branches,
                               [&](const Scenario* branch)
                               {
        return SharesPrefix(*branches.front(), *branch);
    }));
    const Scenario trunk = TrunkOf(*branches.front());
    const Instant until(trunk.sim.warmup - trunk.sim.warmup / MARGIN);
    const auto run = RunTrunk(trunk, branches, until);
    const Instant judged = run->JudgedUntil();

    std::vector<std::size_t> left;
    std::map<std::size_t, std::string> results;
    ProcessPool pool;
    const auto wait = [&]
    {
        pool.Wait(
            [&](std::size_t branch, const std::string& message)
            {
            results[branch] = message;
            },
            [&](std::size_t branch, const std::string& error)
            {
            onDone(branch, results[branch], error);
            results.erase(branch);
        });
    };
    for (std::size_t i = 0; i < branches.size(); ++i)
    {
        if (FirstLateLinkFault(*branches[i]) <= judged)
        {
            left.push_back(i);
            continue;
        }
        while (pool.Count() >= jobs)
        {
            wait();
        }
        pool.Start(i,
                   [&](const ProcessPool::Send& send)
                   {
            send(onEnd(i, run->Branch(i)));
        });
    }
    while (pool.Count() > 0)
    {
        wait();
    }
    return left;
}

} // namespace flowchain
