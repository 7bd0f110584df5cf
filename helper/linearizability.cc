// SPDX-License-Identifier: GPL-2.0-only
#include "linearizability.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <vector>

namespace flowchain
{

namespace
{

using Kind = HistoryOperation::Kind;

constexpr std::uint64_t UNBOUND = 0;

/** An invocation or an answer. */
struct Event
{
    Instant at{};
    bool isAnswer = false; ///< invocations come first: what meets at one instant overlaps
    std::size_t operation = 0;

    friend auto operator<=>(const Event&, const Event&) = default;
};

/** What may be so after the events up to now. */
struct Configuration
{
    std::uint64_t bound = UNBOUND; ///< 1 + index of the binding
    std::uint64_t taken = 0;       ///< changes that have taken effect, a bit each
    /** Index: as of `bound`; number of the last event up to which this was bound, from 1. */
    std::vector<std::size_t> heldUntil;

    friend auto operator<=>(const Configuration&, const Configuration&) = default;
};

class Search
{
  public:
    Search(std::span<const HistoryOperation> history, std::size_t stepsMax)
        : m_history(history)
        , m_stepsMax(stepsMax)
        , m_bindings(history.size())
        , m_bits(history.size())
        , m_invokedAt(history.size())
    {
        std::map<std::uint64_t, std::uint64_t> indices;
        for (std::size_t i = 0; i < history.size(); ++i)
        {
            m_bindings[i] = indices.emplace(history[i].binding, indices.size() + 1).first->second;
        }
        Configuration start;
        start.heldUntil.resize(indices.size() + 1);
        m_configurations.insert(std::move(start));
    }

    HistoryJudgement Run();

  private:
    bool IsChange(std::size_t operation) const
    {
        return m_history[operation].kind != Kind::USE;
    }

    bool Explains(const Configuration& configuration, std::size_t operation) const;
    void Answer(std::size_t operation);
    /** What this one may become by one change. */
    void Follow(const Configuration& configuration, std::vector<Configuration>& next) const;
    std::vector<Event> Events() const;

    std::span<const HistoryOperation> m_history;
    std::size_t m_stepsMax;
    std::vector<std::uint64_t> m_bindings; ///< index: operation; 1 + index of its binding
    std::vector<std::uint64_t> m_bits;     ///< index: operation; its bit of Configuration::taken
    std::vector<std::size_t> m_invokedAt;  ///< index: operation; number of the event, from 1
    std::vector<std::size_t> m_changes;    ///< operations that have been invoked
    std::set<Configuration> m_configurations;
    std::size_t m_event = 0; ///< number of the current one, from 1
    std::size_t m_steps = 0;
};

std::vector<Event>
Search::Events() const
{
    std::vector<Event> events;
    for (std::size_t i = 0; i < m_history.size(); ++i)
    {
        const HistoryOperation& operation = m_history[i];
        assert(operation.invoked <= operation.answered);
        if (operation.answered != NEVER)
        {
            events.push_back({operation.answered, true, i});
        }
        if (operation.answered != NEVER || IsChange(i))
        {
            events.push_back({operation.invoked, false, i});
        }
    }
    std::ranges::sort(events);
    return events;
}

bool
Search::Explains(const Configuration& configuration, std::size_t operation) const
{
    if (IsChange(operation))
    {
        return (configuration.taken & m_bits[operation]) != 0;
    }
    const std::uint64_t binding = m_bindings[operation];
    return configuration.bound == binding ||
           configuration.heldUntil[binding] >= m_invokedAt[operation];
}

void
Search::Follow(const Configuration& configuration, std::vector<Configuration>& next) const
{
    for (const std::size_t change : m_changes)
    {
        const std::uint64_t binding = m_bindings[change];
        const bool creates = m_history[change].kind == Kind::CREATE;
        if ((configuration.taken & m_bits[change]) != 0)
        {
            continue;
        }
        Configuration after = configuration;
        after.taken |= m_bits[change];
        if (creates)
        {
            after.bound = configuration.bound == UNBOUND ? binding : configuration.bound;
        }
        else if (configuration.bound == binding)
        {
            after.heldUntil[binding] = m_event;
            after.bound = UNBOUND;
        }
        next.push_back(std::move(after));
    }
}

void
Search::Answer(std::size_t operation)
{
    std::set<Configuration> explained;
    std::set<Configuration> seen;
    std::vector<Configuration> open(m_configurations.begin(), m_configurations.end());
    while (!open.empty() && m_steps < m_stepsMax)
    {
        ++m_steps;
        Configuration configuration = std::move(open.back());
        open.pop_back();
        if (Explains(configuration, operation))
        {
            explained.insert(std::move(configuration));
        }
        else if (seen.insert(configuration).second)
        {
            Follow(configuration, open);
        }
    }
    m_configurations = std::move(explained);
}

HistoryJudgement
Search::Run()
{
    for (const Event& event : Events())
    {
        ++m_event;
        const std::size_t operation = event.operation;
        if (event.isAnswer)
        {
            Answer(operation);
            if (m_steps >= m_stepsMax)
            {
                return {HistoryVerdict::UNDECIDED, operation};
            }
            if (m_configurations.empty())
            {
                return {HistoryVerdict::VIOLATED, operation};
            }
            continue;
        }
        m_invokedAt[operation] = m_event;
        if (IsChange(operation))
        {
            if (m_changes.size() == HISTORY_CHANGES_MAX)
            {
                return {HistoryVerdict::UNDECIDED, operation};
            }
            m_bits[operation] = std::uint64_t{1} << m_changes.size();
            m_changes.push_back(operation);
        }
    }
    return {};
}

} // namespace

HistoryJudgement
JudgeHistory(std::span<const HistoryOperation> history, std::size_t stepsMax)
{
    return Search(history, stepsMax).Run();
}

} // namespace flowchain
