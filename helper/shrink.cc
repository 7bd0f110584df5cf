// SPDX-License-Identifier: GPL-2.0-only
#include "shrink.h"

#include "failure-plan.h"
#include "scenario-expectation.h"
#include "scenario-reader.h"
#include "shrink-edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>

namespace flowchain
{

namespace
{

constexpr const char* NO_VIOLATION = "observer.violations";

/** What a run must do to be as bad as the first one. */
class Criterion
{
  public:
    Criterion(const ShrinkTask& task, const ScheduleOutcome& first)
        : m_any(task.any)
        , m_isExpectation(task.expectation)
    {
        if (m_isExpectation)
        {
            m_what = first.expectations.empty() ? "" : first.expectations.front();
        }
        else
        {
            m_what = NameOf(first);
        }
    }

    const std::string& What() const
    {
        return m_what;
    }

    bool IsMet(const ScheduleOutcome& outcome) const
    {
        if (m_isExpectation)
        {
            return std::ranges::find(outcome.expectations, m_what) != outcome.expectations.end();
        }
        return m_any ? !outcome.Violated().empty() : NameOf(outcome) == m_what;
    }

  private:
    /** The invariant, or how a run has come to no end: "the run was ended by signal 6 (Aborted)" */
    static std::string NameOf(const ScheduleOutcome& outcome)
    {
        return outcome.error.empty() ? outcome.Violated()
                                     : outcome.error.substr(0, outcome.error.find(':'));
    }

    bool m_any;
    bool m_isExpectation;
    std::string m_what;
};

/** Every strike by chance, and every node that is drawn, as a failure of its own: their draws
 * depend on the place among the others. */
Scenario
WithoutDraws(const Scenario& scenario)
{
    const Directory directory = MakeDirectories(scenario).network;
    Scenario plain = scenario;
    plain.failures.clear();
    for (FailureSection failure : PlannedFailures(scenario))
    {
        failure.mtbf.reset();
        failure.mttr.reset();
        failure.until.reset();
        failure.node = failure.target == NO_NODE ? "" : NodeName(directory, failure.target);
        plain.failures.push_back(std::move(failure));
    }
    for (FailureSection failure : UnplannedFailures(scenario))
    {
        std::string nodes;
        for (const NodeId node : failure.targets)
        {
            nodes += (nodes.empty() ? "" : ", ") + NodeName(directory, node);
        }
        failure.node = nodes.empty() ? failure.node : nodes;
        plain.failures.push_back(std::move(failure));
    }
    return plain;
}

class Shrinker
{
  public:
    Shrinker(const ShrinkTask& task, const std::function<void(const std::string&)>& onStep)
        : m_task(task)
        , m_onStep(onStep)
        , m_path(task.scenario.path)
        , m_criterion(task, RunFirst())
    {
        if (m_criterion.What().empty())
        {
            throw std::runtime_error(m_task.expectation ? "every expectation holds"
                                                        : "the scenario violates nothing");
        }
    }

    Shrunk Run()
    {
        Shrunk shrunk;
        shrunk.before = SizeOf(m_task.scenario, MinimalBlocks(m_task.scenario));
        Begin();
        Step("start", shrunk.before);
        for (TomlBlocks before; before != m_best && m_runs < m_task.runsMax;)
        {
            before = m_best;
            Pass("failures and links",
                 [this]
                 {
                LeaveOut({"failure", "link"});
            });
            Pass("workloads",
                 [this]
                 {
                LeaveOut({"workload"});
            });
            Pass("numbers",
                 [this]
                 {
                TakeSmaller();
            });
            Pass("keys",
                 [this]
                 {
                LeaveOutKeys();
            });
            Pass("values",
                 [this]
                 {
                TakeSimpler();
            });
        }
        shrunk.scenario = Parsed(m_best).value();
        shrunk.what = m_criterion.What();
        shrunk.outcome = m_outcome;
        shrunk.after = SizeOf(shrunk.scenario, m_best);
        shrunk.runs = m_runs;
        shrunk.isMinimal = m_runs < m_task.runsMax;
        return shrunk;
    }

  private:
    ScheduleOutcome RunFirst()
    {
        ScheduleOutcome first;
        ScheduleRuns(1, m_task.limitSeconds)
            .Run(
                1,
                [this](std::size_t)
                {
            return m_task.scenario;
                },
                [&first](std::size_t, const ScheduleOutcome& outcome)
                {
            first = outcome;
            return true;
            });
        m_outcome = first;
        ++m_runs;
        return first;
    }

    std::optional<Scenario> Parsed(const TomlBlocks& blocks) const
    {
        try
        {
            return ParseScenario(JoinToml(blocks), m_path);
        }
        catch (const ScenarioError&)
        {
            return std::nullopt;
        }
    }

    ScenarioSize SizeNow() const
    {
        return SizeOf(Parsed(m_best).value(), m_best);
    }

    /** The scenario that is to be shrunk: with the one expectation alone, and no draws if that
     * is as bad. */
    void Begin()
    {
        Scenario scenario = m_task.scenario;
        scenario.sweep = {};
        const auto isOther = [this](const ExpectSection& expectation)
        {
            return ExpectationOutcome{expectation, "", false}.Text() != m_criterion.What();
        };
        std::erase_if(scenario.expectations, isOther);
        if (!m_task.expectation)
        {
            ExpectSection none;
            none.metric = NO_VIOLATION;
            none.comparison = "equals";
            none.value = "0";
            scenario.expectations = {none};
        }
        m_best = MinimalBlocks(scenario);
        TryFirst({MinimalBlocks(WithoutDraws(scenario))});
    }

    void Pass(const char* name, const std::function<void()>& pass)
    {
        const ScenarioSize before = SizeNow();
        pass();
        Step(name, before);
    }

    void Step(const char* name, const ScenarioSize& before)
    {
        const auto text = SizeText(before, SizeNow());
        if (!text.empty())
        {
            m_onStep(fmt::format("{}: {} ({} runs)", name, text, m_runs));
        }
    }

    /** @returns the first candidate that is as bad, which is taken; nothing if there is none. What
     * is counted is what it takes to run one after the other. */
    std::optional<std::size_t> TryFirst(const std::vector<TomlBlocks>& candidates)
    {
        struct Open
        {
            std::size_t candidate;
            std::string text;
            Scenario scenario;
        };

        std::vector<Open> open;
        std::optional<std::size_t> found;
        for (std::size_t i = 0; i < candidates.size(); ++i)
        {
            std::string text = JoinToml(candidates[i]);
            auto scenario = m_good.contains(text) ? std::nullopt : Parsed(candidates[i]);
            if (scenario)
            {
                open.push_back({i, std::move(text), std::move(*scenario)});
            }
        }
        const std::uint64_t left = m_task.runsMax - std::min(m_task.runsMax, m_runs);
        ScheduleRuns(m_task.jobs, m_task.limitSeconds)
            .Run(
                std::min<std::uint64_t>(open.size(), left),
                [&open](std::size_t index)
                {
            return open[index].scenario;
                },
                [&](std::size_t index, const ScheduleOutcome& outcome)
                {
            ++m_runs;
            if (!m_criterion.IsMet(outcome))
            {
                m_good.insert(open[index].text);
                return true;
            }
            found = open[index].candidate;
            m_best = candidates[*found];
            m_outcome = outcome;
            return false;
            });
        return found;
    }

    /** ddmin over the blocks of these names. */
    void LeaveOut(const std::vector<std::string_view>& names)
    {
        std::size_t parts = 1;
        for (auto blocks = BlocksNamed(m_best, names); !blocks.empty();)
        {
            parts = std::min(parts, blocks.size());
            std::vector<TomlBlocks> candidates;
            for (std::size_t part = 0; part < parts; ++part)
            {
                const auto begin =
                    blocks.begin() + static_cast<std::ptrdiff_t>(blocks.size() * part / parts);
                const auto end = blocks.begin() +
                                 static_cast<std::ptrdiff_t>(blocks.size() * (part + 1) / parts);
                candidates.push_back(WithoutBlocks(m_best, {begin, end}));
            }
            if (TryFirst(candidates))
            {
                blocks = BlocksNamed(m_best, names);
                parts = std::max<std::size_t>(1, parts - 1);
            }
            else if (parts == blocks.size())
            {
                return;
            }
            else
            {
                parts *= 2;
            }
        }
    }

    void LeaveOutKeys()
    {
        std::vector<TomlBlocks> candidates;
        do
        {
            candidates.clear();
            for (const std::size_t table : RemovableTables(m_best))
            {
                candidates.push_back(WithoutBlocks(m_best, {table}));
            }
        } while (TryFirst(candidates));
        std::size_t next = 0;
        for (;;)
        {
            const auto keys = RemovableKeys(m_best);
            candidates.clear();
            for (std::size_t i = next; i < keys.size(); ++i)
            {
                candidates.push_back(WithoutKey(m_best, keys[i]));
            }
            const auto found = TryFirst(candidates);
            if (!found)
            {
                return;
            }
            next += *found; // those before it have been tried
        }
    }

    void TakeSmaller()
    {
        std::size_t next = 0;
        for (;;)
        {
            const auto all =
                SmallerNumbers(m_best, SplitToml(ResolvedToml(Parsed(m_best).value())));
            if (next >= all.size())
            {
                return;
            }
            if (!TryFirst(all[next]))
            {
                ++next;
            }
        }
    }

    void TakeSimpler()
    {
        std::size_t next = 0;
        for (;;)
        {
            const auto all = SimplerValues(m_best, m_outcome.simulated);
            if (next >= all.size())
            {
                return;
            }
            if (!TryFirst(all[next]))
            {
                ++next;
            }
        }
    }

    const ShrinkTask& m_task;
    const std::function<void(const std::string&)>& m_onStep;
    std::string m_path;
    ScheduleOutcome m_outcome; ///< of the best one
    std::uint64_t m_runs = 0;
    TomlBlocks m_best;
    std::set<std::string> m_good; ///< texts of candidates that are not as bad
    Criterion m_criterion;        // last: its first run counts
};

} // namespace

ScenarioSize
SizeOf(const Scenario& scenario, const std::vector<TomlBlock>& blocks)
{
    ScenarioSize size;
    size.failures = scenario.failures.size();
    size.links = scenario.links.size();
    size.workloads = scenario.workloads.size();
    for (const WorkloadSection& workload : scenario.workloads)
    {
        size.sessions += workload.sessions.sessions;
    }
    for (const Directory::Node& node : MakeDirectories(scenario).network.nodes)
    {
        size.nodes += IsOfService(node.role) ? 1 : 0;
    }
    for (const TomlBlock& block : blocks)
    {
        size.keys += block.Name() == "expect" ? 0 : block.lines.size();
    }
    return size;
}

std::string
SizeText(const ScenarioSize& before, const ScenarioSize& after)
{
    std::string text;
    const auto add = [&text](const char* what, std::uint64_t from, std::uint64_t to)
    {
        if (from != to)
        {
            text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", what, from, to);
        }
    };
    add("failures", before.failures, after.failures);
    add("links", before.links, after.links);
    add("workloads", before.workloads, after.workloads);
    add("sessions", before.sessions, after.sessions);
    add("nodes", before.nodes, after.nodes);
    add("keys", before.keys, after.keys);
    return text;
}

Shrunk
Shrink(const ShrinkTask& task, const std::function<void(const std::string&)>& onStep)
{
    return Shrinker(task, onStep).Run();
}

std::string
ShrunkText(const Shrunk& shrunk, const std::string& origin)
{
    return "# SPDX-License-Identifier: GPL-2.0-only\n" + origin + "\n" +
           JoinToml(MinimalBlocks(shrunk.scenario));
}

} // namespace flowchain
