// SPDX-License-Identifier: GPL-2.0-only
// What the observer writes down of each session, and how it judges that in the end.
#include "run-observer.h"
#include "units.h"

#include <fmt/format.h>

namespace flowchain
{

void
RunObserver::OnArrival(std::uint32_t session, const FlowKey& key, Instant injectedAt, Instant now)
{
    m_histories.Used(session, key, injectedAt, now);
}

std::string
RunObserver::HistoryText(std::uint32_t session, const HistoryJudgement& judgement) const
{
    const auto history = m_histories.HistoryOf(session);
    const HistoryOperation& operation = history[judgement.operation];
    const auto time = [](Instant at)
    {
        return FormatDuration(at.time_since_epoch());
    };
    return fmt::format("session {}, {}: no order of its {} operations explains {} from {} to {}",
                       session,
                       KeyText(m_workload->KeyOf(session)),
                       history.size(),
                       operation.kind == HistoryOperation::Kind::USE
                           ? "the translation of the packet under way"
                           : "the deletion",
                       time(operation.invoked),
                       time(operation.answered));
}

void
RunObserver::JudgeHistories()
{
    for (std::uint32_t session = 0; session < m_histories.Sessions(); ++session)
    {
        const HistoryJudgement judgement = m_histories.Judge(session);
        const bool isViolated = judgement.verdict == HistoryVerdict::VIOLATED;
        m_undecidedHistories += judgement.verdict == HistoryVerdict::UNDECIDED ? 1 : 0;
        m_violatedHistories += isViolated ? 1 : 0;
        m_checker.HistoryJudged(
            !isViolated,
            m_workload->ServiceOf(session),
            isViolated ? HistoryText(session, judgement) : std::string{},
            isViolated ? m_histories.HistoryOf(session)[judgement.operation].answered : Instant{});
    }
}

} // namespace flowchain
