// SPDX-License-Identifier: GPL-2.0-only
#include "swarm-report.h"

#include "units.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <numeric>

namespace flowchain
{

namespace
{

constexpr double NIGHT_MINUTES = 8 * 60;
constexpr std::size_t SEEDS_SHOWN = 10;

std::string
CommandOf(std::uint64_t seed, const std::string& input)
{
    return fmt::format("flowchain swarm {0} --write {1} > seed-{1}.toml", input, seed);
}

std::string
FailuresText(const SwarmTotals& totals)
{
    std::uint64_t sum = 0;
    std::string kinds;
    for (const auto& [kind, count] : totals.failures)
    {
        sum += count;
        kinds += fmt::format("{}{} {}", kinds.empty() ? ": " : ", ", kind, count);
    }
    return fmt::format("{} that struck{}", sum, kinds);
}

std::string
SeedsText(const std::vector<std::uint64_t>& seeds)
{
    std::string text;
    for (std::size_t i = 0; i < seeds.size() && i < SEEDS_SHOWN; ++i)
    {
        text += fmt::format("{}{}", i == 0 ? "" : ", ", seeds[i]);
    }
    return text + (seeds.size() > SEEDS_SHOWN ? ", ..." : "");
}

double
PerCpuMinute(const SwarmTotals& totals)
{
    return totals.cpuSeconds > 0 ? 60 * static_cast<double>(totals.schedules) / totals.cpuSeconds
                                 : 0;
}

} // namespace

std::string
ViolationLine(const ScheduleOutcome& outcome, const std::string& input)
{
    return fmt::format(
        "seed {}: {} ({})", outcome.seed, outcome.FirstText(), CommandOf(outcome.seed, input));
}

std::string
SwarmText(const SwarmTask& task, const SwarmTotals& totals, const SwarmRate& rate)
{
    const auto line = [](const char* name, const std::string& text)
    {
        return fmt::format("{:<13}{}\n", name, text);
    };
    const ChainSection& chain = task.base.chain;
    std::string text =
        line("scenario",
             fmt::format("{}, scheme {}, release {}", task.base.name, chain.scheme, chain.release));
    text += line("schedules",
                 fmt::format("{}, seeds {} to {}, {} run now",
                             totals.schedules,
                             task.first,
                             task.first + std::max<std::uint64_t>(1, totals.schedules) - 1,
                             rate.fresh));
    text += line("simulated",
                 fmt::format("{}, {} sessions, {} packets",
                             ReadableDuration(totals.simulated.count()),
                             totals.sessions,
                             totals.packets));
    text += line("failures", FailuresText(totals));
    text +=
        line("links", fmt::format("{} frames, {} of them lost", totals.frames, totals.framesLost));
    for (const auto& [invariant, seeds] : totals.violating)
    {
        text += line("VIOLATED",
                     fmt::format("{} in {} schedules: seeds {}",
                                 invariant == "run" ? "no end of the run" : invariant,
                                 seeds.size(),
                                 SeedsText(seeds)));
    }
    text += totals.violating.empty() ? line("violations", "none") : "";
    text += line("rate",
                 fmt::format("{:.0f} schedules a minute by {} jobs ({:.1f} s), {:.0f} a minute of "
                             "CPU; in 8 hours {:.0f}",
                             rate.PerMinute(),
                             rate.jobs,
                             rate.wallSeconds,
                             PerCpuMinute(totals),
                             rate.PerMinute() * NIGHT_MINUTES));
    return text;
}

std::string
SwarmJson(const SwarmTask& task,
          const SwarmTotals& totals,
          const SwarmRate& rate,
          const std::vector<ScheduleOutcome>& violating,
          const std::string& input)
{
    nlohmann::ordered_json json = {{"scenario", task.base.name},
                                   {"scheme", task.base.chain.scheme},
                                   {"release", task.base.chain.release},
                                   {"first_seed", task.first},
                                   {"schedules", totals.schedules},
                                   {"simulated_ps", totals.simulated.count()},
                                   {"sessions", totals.sessions},
                                   {"packets", totals.packets},
                                   {"failures", totals.failures},
                                   {"link_frames", totals.frames},
                                   {"link_frames_lost", totals.framesLost},
                                   {"violating", totals.violating}};
    json["violations"] = nlohmann::json::array();
    for (const ScheduleOutcome& outcome : violating)
    {
        json["violations"].push_back({{"seed", outcome.seed},
                                      {"text", outcome.FirstText()},
                                      {"command", CommandOf(outcome.seed, input)}});
    }
    json["rate"] = {{"schedules_per_minute", rate.PerMinute()},
                    {"schedules_per_cpu_minute", PerCpuMinute(totals)},
                    {"schedules_in_8_hours", rate.PerMinute() * NIGHT_MINUTES},
                    {"wall_seconds", rate.wallSeconds},
                    {"jobs", rate.jobs}};
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace flowchain
