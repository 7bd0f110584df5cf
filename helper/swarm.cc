// SPDX-License-Identifier: GPL-2.0-only
#include "swarm.h"

#include "process-pool.h"
#include "scenario-expectation.h"
#include "simulation.h"
#include "swarm-plan.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <csignal>
#include <ctime>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace flowchain
{

namespace
{

using Json = nlohmann::json;

/** What a run says before it is ended, such as a failed assertion. */
class ErrorText
{
  public:
    ErrorText()
        : m_file(memfd_create("stderr", MFD_CLOEXEC))
    {
        if (m_file < 0)
        {
            throw std::runtime_error("no memory for the messages of a run");
        }
    }

    ~ErrorText()
    {
        close(m_file);
    }

    ErrorText(const ErrorText&) = delete;
    ErrorText& operator=(const ErrorText&) = delete;

    void Capture() const
    {
        dup2(m_file, STDERR_FILENO);
    }

    /** @returns the first line */
    std::string Read() const
    {
        std::array<char, 1000> buffer{};
        const auto count = pread(m_file, buffer.data(), buffer.size(), 0);
        const std::string text(buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
        return text.substr(0, text.find('\n'));
    }

  private:
    int m_file;
};

std::string
ErrorOf(const std::string& reason, const std::string& said, unsigned limitSeconds)
{
    if (reason.find(fmt::format("signal {} ", SIGALRM)) != std::string::npos)
    {
        return fmt::format("no end within {} s of wall-clock time", limitSeconds);
    }
    return said.empty() ? reason : reason + ": " + said;
}

} // namespace

std::string
ScheduleOutcome::Violated() const
{
    if (!error.empty())
    {
        return "run";
    }
    return violations.empty() ? "" : violations.front().substr(0, violations.front().find(' '));
}

std::string
ScheduleOutcome::FirstText() const
{
    return error.empty() && !violations.empty() ? violations.front() : error;
}

ScheduleOutcome
RunSchedule(const Scenario& schedule)
{
    const RunOutcome run = RunScenario(schedule, nullptr);
    const auto metric = [&run](const char* name)
    {
        return static_cast<std::uint64_t>(run.metrics.ValueOr0(name));
    };
    ScheduleOutcome outcome{.seed = schedule.sim.seed};
    outcome.violations = run.violations;
    outcome.violations.resize(std::min(outcome.violations.size(), ScheduleOutcome::VIOLATIONS_MAX));
    outcome.violationCount = metric("observer.violations");
    for (const ExpectationOutcome& expectation : EvaluateExpectations(schedule, run.metrics))
    {
        if (!expectation.holds)
        {
            outcome.expectations.push_back(expectation.Text());
        }
    }
    outcome.digest = run.digest;
    outcome.simulated = run.ended.time_since_epoch();
    for (const FailureSection& failure : schedule.failures)
    {
        outcome.failures.try_emplace(failure.kind);
    }
    for (const EventData& event : run.timeline)
    {
        const auto kind = outcome.failures.find(event.kind);
        if (kind != outcome.failures.end() && event.time <= run.ended)
        {
            ++kind->second;
        }
    }
    std::erase_if(outcome.failures,
                  [](const auto& kind)
                  {
        return kind.second == 0;
    });
    outcome.frames = metric("fabric.packet_hops");
    outcome.framesLost = metric("fabric.link_drops");
    outcome.packets = metric("packets.injected");
    outcome.sessions = metric("sessions.started");
    return outcome;
}

std::string
ScheduleJson(const ScheduleOutcome& outcome)
{
    Json json = {{"seed", outcome.seed}, {"cpu_seconds", outcome.cpuSeconds}};
    if (!outcome.error.empty())
    {
        json["error"] = outcome.error;
        return json.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    json["violations"] = outcome.violations;
    json["violation_count"] = outcome.violationCount;
    json["failed_expectations"] = outcome.expectations;
    json["digest"] = outcome.digest;
    json["simulated_ps"] = outcome.simulated.count();
    json["failures"] = outcome.failures;
    json["frames"] = outcome.frames;
    json["frames_lost"] = outcome.framesLost;
    json["packets"] = outcome.packets;
    json["sessions"] = outcome.sessions;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ScheduleOutcome
ReadScheduleJson(const std::string& line)
{
    try
    {
        const auto json = Json::parse(line);
        ScheduleOutcome outcome{.seed = json.at("seed")};
        outcome.cpuSeconds = json.at("cpu_seconds");
        if (json.contains("error"))
        {
            outcome.error = json.at("error");
            return outcome;
        }
        outcome.violations = json.at("violations").get<std::vector<std::string>>();
        outcome.violationCount = json.at("violation_count");
        outcome.expectations = json.at("failed_expectations").get<std::vector<std::string>>();
        outcome.digest = json.at("digest");
        outcome.simulated = Duration{json.at("simulated_ps").get<std::int64_t>()};
        outcome.failures = json.at("failures").get<std::map<std::string, std::uint64_t>>();
        outcome.frames = json.at("frames");
        outcome.framesLost = json.at("frames_lost");
        outcome.packets = json.at("packets");
        outcome.sessions = json.at("sessions");
        return outcome;
    }
    catch (const Json::exception& error)
    {
        throw std::runtime_error(fmt::format("not an outcome of a schedule: {}", error.what()));
    }
}

void
ScheduleRuns::Run(std::size_t count,
                  const Draw& draw,
                  const OnOutcome& onOutcome,
                  const std::function<bool()>& goesOn) const
{
    assert(m_jobs > 0 && m_limitSeconds > 0);
    std::map<std::size_t, ErrorText> said;
    std::map<std::size_t, ScheduleOutcome> outcomes; ///< of which nobody was told yet
    std::size_t started = 0;
    std::size_t told = 0;
    ProcessPool pool;
    const auto onMessage = [&](std::size_t index, const std::string& message)
    {
        outcomes[index] = ReadScheduleJson(message);
    };
    const auto onEnd = [&](std::size_t index, const std::string& error)
    {
        if (!error.empty())
        {
            outcomes[index] = {};
            outcomes[index].error = ErrorOf(error, said.at(index).Read(), m_limitSeconds);
        }
        said.erase(index);
    };
    // So far ahead of one that takes long that the others do not wait for it.
    const std::size_t ahead = 64 * m_jobs;
    bool isOpen = true; // more may start
    for (;;)
    {
        while (isOpen && started < count && pool.Count() < m_jobs && started < told + ahead)
        {
            isOpen = !goesOn || goesOn();
            if (!isOpen)
            {
                break;
            }
            const std::size_t index = started++;
            const ErrorText& text = said.try_emplace(index).first->second;
            pool.Start(index,
                       [&](const ProcessPool::Send& send)
                       {
                text.Capture();
                alarm(m_limitSeconds); // ends the process
                const auto begin = std::clock();
                ScheduleOutcome outcome = RunSchedule(draw(index));
                outcome.cpuSeconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
                send(ScheduleJson(outcome));
            });
        }
        if (pool.Count() == 0)
        {
            return;
        }
        pool.Wait(onMessage, onEnd);
        for (; outcomes.contains(told) && !said.contains(told); ++told)
        {
            const ScheduleOutcome outcome = std::move(outcomes.extract(told).mapped());
            if (!onOutcome(told, outcome))
            {
                return;
            }
        }
    }
}

void
SwarmTotals::Add(const ScheduleOutcome& outcome)
{
    ++schedules;
    cpuSeconds += outcome.cpuSeconds;
    simulated += outcome.simulated;
    for (const auto& [kind, count] : outcome.failures)
    {
        failures[kind] += count;
    }
    frames += outcome.frames;
    framesLost += outcome.framesLost;
    packets += outcome.packets;
    sessions += outcome.sessions;
    if (const auto violated = outcome.Violated(); !violated.empty())
    {
        violating[violated].push_back(outcome.seed);
    }
}

SwarmTotals
Swarm(const SwarmTask& task,
      const std::map<std::uint64_t, ScheduleOutcome>& known,
      const std::function<void(const ScheduleOutcome&)>& onOutcome)
{
    SwarmTotals totals;
    const auto begin = std::chrono::steady_clock::now();
    const auto tell = [&](const ScheduleOutcome& outcome)
    {
        totals.Add(outcome);
        onOutcome(outcome);
    };
    // How many of those to be run come before each one that is known, so that no list of all seeds
    // is needed.
    std::vector<std::uint64_t> before;
    for (auto i = known.lower_bound(task.first);
         i != known.end() && i->first < task.first + task.count;
         ++i)
    {
        before.push_back(i->first - task.first - before.size());
    }
    const auto seedOf = [&](std::size_t index)
    {
        return task.first + index +
               static_cast<std::uint64_t>(std::ranges::upper_bound(before, index) - before.begin());
    };
    std::uint64_t next = task.first;
    const auto tellKnown = [&]
    {
        for (; next < task.first + task.count && known.contains(next); ++next)
        {
            tell(known.at(next));
        }
    };
    tellKnown();
    ScheduleRuns(task.jobs, task.limitSeconds)
        .Run(
            task.count - before.size(),
            [&](std::size_t index)
            {
        return DrawSchedule(task.base, seedOf(index));
            },
            [&](std::size_t index, ScheduleOutcome outcome)
            {
        outcome.seed = seedOf(index);
        tell(outcome);
        ++next;
        tellKnown();
        return true;
        },
        [&]
    {
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
        return !task.wallSeconds || passed.count() < *task.wallSeconds;
    });
    return totals;
}

} // namespace flowchain
