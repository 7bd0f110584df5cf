// SPDX-License-Identifier: GPL-2.0-only
#include "failure-plan.h"

#include "failure-kinds.h"

#include <algorithm>

namespace flowchain
{

namespace
{

__extension__ using Uint128 = unsigned __int128;

/** Different random streams of one seed; those of workloads have small numbers. */
constexpr std::uint64_t STREAM_NODES = std::uint64_t{1} << 32;
constexpr std::uint64_t STREAM_STRIKES = std::uint64_t{2} << 32;

Duration
ExponentialTime(Duration mean, SplitMix64& random)
{
    const auto product =
        static_cast<Uint128>(mean.count()) * ExponentialFrom(random.Next()); // below 2^112
    const auto time = product >> EXPONENTIAL_FRACTION_BITS;
    constexpr Uint128 LONGEST{4'000'000'000'000'000'000}; // beyond the end of any run
    return Duration{std::max<std::int64_t>(1, static_cast<std::int64_t>(std::min(time, LONGEST)))};
}

void
AddStrikes(const FailureSection& failure, const std::vector<Strike>& strikes, auto& planned)
{
    for (const Strike& strike : strikes)
    {
        planned.push_back(failure);
        planned.back().at = strike.at;
        planned.back().recoverAfter = strike.recoverAfter;
    }
}

} // namespace

std::vector<Strike>
StrikesByChance(const FailureSection& failure, Duration stop, SplitMix64 random, std::size_t max)
{
    std::vector<Strike> strikes;
    const Duration until = std::min(stop, failure.until.value_or(stop));
    Duration now = failure.at;
    while (strikes.size() < max)
    {
        now += ExponentialTime(*failure.mtbf, random);
        if (now >= until)
        {
            break;
        }
        Strike strike{now, std::nullopt};
        if (failure.mttr)
        {
            strike.recoverAfter = ExponentialTime(*failure.mttr, random);
            now += *strike.recoverAfter;
        }
        strikes.push_back(strike);
    }
    return strikes;
}

SplitMix64
DrawsOfFailure(const Scenario& scenario, std::size_t index)
{
    return {scenario.sim.seed, STREAM_NODES + index};
}

bool
IsPlanned(const FailureSection& failure)
{
    const auto isKnown = [](const std::vector<SessionRole>& side)
    {
        return side.empty();
    };
    return failure.on.empty() && failure.roles.empty() &&
           std::ranges::all_of(failure.sideRoles, isKnown);
}

bool
TellsAtArrival(const Scenario& scenario)
{
    const auto needsIt = [](const FailureSection& failure)
    {
        return failure.kind == "pause" || failure.kind == "impair" ||
               (failure.kind == "crash" && failure.state == "kept");
    };
    return scenario.tellsAtArrival || std::ranges::any_of(scenario.failures, needsIt);
}

void
SeparateSides(std::vector<std::vector<NodeId>>& sides)
{
    std::erase_if(sides.at(1),
                  [&first = sides[0]](NodeId node)
                  {
        return std::ranges::find(first, node) != first.end();
    });
}

void
DrawNodes(FailureSection& failure, const Directory& directory, SplitMix64 random)
{
    if (!failure.node.empty())
    {
        failure.targets = SelectNodes(directory, failure.node, random).nodes;
    }
    failure.sides.clear();
    for (const std::string& side : failure.between)
    {
        failure.sides.push_back(SelectNodes(directory, side, SplitMix64(random.Next())).nodes);
    }
    if (failure.sides.size() == 2 && IsPlanned(failure))
    {
        SeparateSides(failure.sides);
    }
}

bool
IsUncertain(const FailureSection& failure)
{
    const auto draws = [](const std::string& text)
    {
        return text.find("random(") != std::string::npos;
    };
    return !IsPlanned(failure) || failure.mtbf || draws(failure.node) ||
           std::ranges::any_of(failure.between, draws);
}

std::vector<FailureSection>
PlannedFailures(const Scenario& scenario)
{
    std::vector<FailureSection> planned;
    const Directory directory = MakeDirectories(scenario).network;
    for (std::size_t i = 0; i < scenario.failures.size(); ++i)
    {
        FailureSection failure = scenario.failures[i];
        if (!IsPlanned(failure))
        {
            continue;
        }
        DrawNodes(failure, directory, DrawsOfFailure(scenario, i));
        SplitMix64 random(scenario.sim.seed, STREAM_STRIKES + i);
        const std::vector<NodeId> targets =
            failure.node.empty() ? std::vector{NO_NODE} : failure.targets;
        for (const NodeId target : targets)
        {
            failure.target = target;
            const SplitMix64 ofTarget(random.Next());
            const std::vector<Strike> strikes =
                failure.mtbf
                    ? StrikesByChance(
                          failure, scenario.sim.stop, ofTarget, STRIKES_MAX / targets.size())
                    : std::vector<Strike>{{failure.at, failure.recoverAfter}};
            AddStrikes(failure, strikes, planned);
        }
    }
    return planned;
}

std::vector<FailureSection>
UnplannedFailures(const Scenario& scenario)
{
    std::vector<FailureSection> unplanned;
    const Directory directory = MakeDirectories(scenario).network;
    for (std::size_t i = 0; i < scenario.failures.size(); ++i)
    {
        if (!IsPlanned(scenario.failures[i]))
        {
            unplanned.push_back(scenario.failures[i]);
            DrawNodes(unplanned.back(), directory, DrawsOfFailure(scenario, i));
        }
    }
    return unplanned;
}

} // namespace flowchain
