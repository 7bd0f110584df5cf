// SPDX-License-Identifier: GPL-2.0-only
#include "session-histories.h"

#include <algorithm>
#include <bit>

namespace flowchain
{

namespace
{

using Kind = HistoryOperation::Kind;

/** Different for different translations of one session: only one of the two endpoints changes. */
std::uint64_t
BindingOf(const FlowKey& atServer)
{
    const auto number = [](const Endpoint& endpoint)
    {
        return (std::uint64_t{endpoint.address} << 16) | endpoint.port;
    };
    constexpr int ASIDE = 16;
    return number(atServer.source) ^ std::rotl(number(atServer.destination), ASIDE);
}

/** What is deleted has been made: the two do not overlap. */
Instant
MadeBefore(Instant createdAt, Instant deletingAt)
{
    return deletingAt == NEVER ? NEVER : std::max(createdAt, deletingAt - Duration{1});
}

} // namespace

SessionHistories::Brief&
SessionHistories::BriefOf(std::uint32_t session)
{
    if (session >= m_brief.size())
    {
        m_brief.resize(session + 1);
    }
    return m_brief[session];
}

SessionHistories::Full*
SessionHistories::FindFull(std::uint32_t session)
{
    const auto found = m_full.find(session);
    return found == m_full.end() ? nullptr : &found->second;
}

SessionHistories::Full&
SessionHistories::FullOf(std::uint32_t session)
{
    const auto [entry, isNew] = m_full.try_emplace(session);
    if (isNew)
    {
        entry->second.operations = Unfold(BriefOf(session));
    }
    return entry->second;
}

std::vector<HistoryOperation>
SessionHistories::Unfold(const Brief& brief)
{
    std::vector<HistoryOperation> operations;
    if (brief.createdAt != NEVER)
    {
        operations.push_back({Kind::CREATE,
                              brief.binding,
                              brief.createdAt,
                              MadeBefore(brief.createdAt, brief.deletingAt)});
    }
    if (brief.firstSent != NEVER)
    {
        operations.push_back({Kind::USE, brief.binding, brief.firstSent, brief.firstReceived});
        operations.push_back({Kind::USE, brief.binding, brief.lastSent, brief.lastReceived});
    }
    if (brief.deletingAt != NEVER)
    {
        operations.push_back({Kind::DELETE, brief.binding, brief.deletingAt, brief.deletedAt});
    }
    return operations;
}

void
SessionHistories::Append(Full& full, const HistoryOperation& operation)
{
    full.isCut = full.isCut || full.operations.size() == OPERATIONS_MAX;
    if (!full.isCut)
    {
        full.operations.push_back(operation);
    }
}

void
SessionHistories::Created(std::uint32_t session, const FlowKey& atServer, Instant now)
{
    ++m_operations;
    Brief& brief = BriefOf(session);
    if (FindFull(session) == nullptr && brief.createdAt == NEVER && brief.firstSent == NEVER)
    {
        brief.binding = BindingOf(atServer);
        brief.createdAt = now;
        return;
    }
    Append(FullOf(session), {Kind::CREATE, BindingOf(atServer), now, NEVER});
}

void
SessionHistories::Used(std::uint32_t session, const FlowKey& atServer, Instant sentAt, Instant now)
{
    ++m_operations;
    const std::uint64_t binding = BindingOf(atServer);
    Brief& brief = BriefOf(session);
    Full* const full = m_full.empty() ? nullptr : FindFull(session);
    if (full != nullptr || brief.createdAt == NEVER || brief.binding != binding)
    {
        Append(full != nullptr ? *full : FullOf(session), {Kind::USE, binding, sentAt, now});
        return;
    }
    if (brief.firstSent == NEVER)
    {
        brief.firstSent = sentAt;
        brief.firstReceived = now;
    }
    if (brief.lastSent == NEVER || sentAt >= brief.lastSent)
    {
        brief.lastSent = sentAt;
        brief.lastReceived = now;
    }
}

void
SessionHistories::Deleting(std::uint32_t session, const FlowKey& atServer, Instant now)
{
    ++m_operations;
    const std::uint64_t binding = BindingOf(atServer);
    Brief& brief = BriefOf(session);
    if (FindFull(session) == nullptr && brief.createdAt != NEVER && brief.binding == binding &&
        brief.deletingAt == NEVER)
    {
        brief.deletingAt = now;
        return;
    }
    Full& full = FullOf(session);
    for (HistoryOperation& operation : full.operations)
    {
        if (operation.kind == Kind::CREATE && operation.binding == binding)
        {
            operation.answered = std::min(operation.answered, MadeBefore(operation.invoked, now));
        }
    }
    Append(full, {Kind::DELETE, binding, now, NEVER});
}

void
SessionHistories::Deleted(std::uint32_t session, const FlowKey& atServer, Instant now)
{
    const std::uint64_t binding = BindingOf(atServer);
    if (Full* const full = FindFull(session))
    {
        const auto deletion = std::ranges::find_if(full->operations,
                                                   [binding](const HistoryOperation& operation)
                                                   {
            return operation.kind == Kind::DELETE && operation.binding == binding &&
                   operation.answered == NEVER;
        });
        if (deletion != full->operations.end())
        {
            deletion->answered = now;
        }
        return;
    }
    Brief& brief = BriefOf(session);
    if (brief.deletingAt != NEVER && brief.binding == binding && brief.deletedAt == NEVER)
    {
        brief.deletedAt = now;
    }
}

void
SessionHistories::Forgotten(std::uint32_t session, const FlowKey& atServer, Instant now)
{
    ++m_operations;
    Append(FullOf(session), {Kind::FORGET, BindingOf(atServer), now, NEVER});
}

std::vector<HistoryOperation>
SessionHistories::HistoryOf(std::uint32_t session) const
{
    const auto full = m_full.find(session);
    return full == m_full.end() ? Unfold(m_brief[session]) : full->second.operations;
}

HistoryJudgement
SessionHistories::Judge(std::uint32_t session) const
{
    const auto full = m_full.find(session);
    if (full != m_full.end())
    {
        return full->second.isCut ? HistoryJudgement{HistoryVerdict::UNDECIDED, OPERATIONS_MAX}
                                  : JudgeHistory(full->second.operations, STEPS_MAX);
    }
    const Brief& brief = m_brief[session];
    const bool isUsedTooLate = brief.lastSent != NEVER && brief.lastSent > brief.deletedAt;
    return isUsedTooLate ? JudgeHistory(Unfold(brief), STEPS_MAX) : HistoryJudgement{};
}

} // namespace flowchain
