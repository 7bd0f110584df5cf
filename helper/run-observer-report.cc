// SPDX-License-Identifier: GPL-2.0-only
// What the observer says at the end of a run.
#include "run-observer.h"
#include "session-latencies.h"

#include <fmt/format.h>

#include <numeric>

namespace flowchain
{

std::string
RunObserver::Digest() const
{
    return fmt::format("{:016x}", m_digest);
}

void
RunObserver::ReportNotes(MetricSet& metrics) const
{
    static constexpr std::pair<const char*, NoteKind> COUNTED[] = {
        {"sync.refused_stale", NoteKind::STALE_REFUSED},
        {"sync.abandoned", NoteKind::ABANDONED},
        {"copies.refused", NoteKind::COPY_REFUSED},
        {"copies.conflicts", NoteKind::COPY_CONFLICT},
        {"copies.superseded", NoteKind::COPY_SUPERSEDED},
        {"copies.adopted", NoteKind::ADOPTED},
        {"copies.repaired", NoteKind::REPAIRED},
        {"entries.refused", NoteKind::ENTRY_REFUSED},
    };
    for (const auto& [name, kind] : COUNTED)
    {
        metrics.Set(name, static_cast<std::int64_t>(m_notes[static_cast<std::size_t>(kind)]));
    }
}

void
RunObserver::ReportMemory(MetricSet& metrics) const
{
    std::int64_t stored = 0;
    for (std::size_t i = 0; i < m_registry.Size(); ++i)
    {
        stored += m_registry.At(i).holders.any() ? 1 : 0;
    }
    metrics.Set("sessions.stored", stored);
    if (stored != 0)
    {
        metrics.Set("tables.bytes_per_session", metrics.ValueOr0("tables.bytes") / stored);
    }
}

std::uint64_t
RunObserver::LostSoFar() const
{
    return std::accumulate(m_lost.begin(), m_lost.end(), std::uint64_t{0});
}

SeriesState
RunObserver::StateForSeries() const
{
    SeriesState state = m_series;
    state.sessionsLost = LostSoFar();
    state.syncBytes = m_messages.Bytes();
    state.held = m_copies.Held();
    state.belowPromise = m_copies.BelowPromise();
    state.exposed = m_copies.Exposed();
    return state;
}

std::vector<EventData>
RunObserver::FinishTimeline(Instant now, std::vector<EventData> planned)
{
    for (const Violation& violation : m_checker.Violations())
    {
        m_timeline.OnViolation(violation.Text(), violation.when);
    }
    return m_timeline.Finish(now, std::move(planned));
}

void
RunObserver::Report(Instant now, MetricSet& metrics)
{
    const auto set = [&](std::string_view name, std::uint64_t value)
    {
        metrics.Set(name, static_cast<std::int64_t>(value));
    };
    set("sessions.lost", LostSoFar());
    metrics.SetLatency("first_packet", m_firstPacket);
    ReportLatencies(m_registry, m_config.warmup, metrics);
    m_deliveries.Report(metrics);
    m_gaps.Report(metrics);
    metrics.SetLongest("failover.detection_time", m_detection);
    metrics.SetLongest("failover.recovery_time", m_recovery);
    const auto sessions = static_cast<std::uint64_t>(metrics.ValueOr0("sessions.started"));
    m_messages.Report(sessions, metrics);
    ReportNotes(metrics);
    m_membership.Report(metrics);
    m_copies.Finish(now, metrics);
    m_disruptions.Report(metrics);
    ReportMemory(metrics);
    ReportLife(now, metrics);
    ReportSpread(metrics);
    if (m_config.hasReverseEntries)
    {
        set("third.predictions", m_predictions);
        set("third.correct", m_predictionsRight);
        if (m_predictions != 0)
        {
            set("third.accuracy", m_predictionsRight * 1000 / m_predictions);
        }
    }
    set("slow_path.third_misses", m_thirdMisses);
    set("slow_path.overtakes", m_overtakes);
    set("run.view_epoch", m_epoch);
    for (std::size_t i = 0; i < INVARIANT_COUNT; ++i)
    {
        const auto invariant = static_cast<Invariant>(i);
        set(std::string("observer.checks.") + ToString(invariant), m_checker.Checks(invariant));
    }
    set("histories.operations", m_histories.Operations());
    set("histories.undecided", m_undecidedHistories);
    set("histories.not_linearizable", m_violatedHistories);
    set("observer.violations", m_checker.ViolationCount());
    metrics.SetText("trace.digest", Digest());
}

} // namespace flowchain
