// SPDX-License-Identifier: GPL-2.0-only
#include "sweep-progress.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <unistd.h>

namespace flowchain
{

namespace
{

constexpr std::chrono::milliseconds TERMINAL_INTERVAL{200};
constexpr std::chrono::seconds LOG_INTERVAL{10};
constexpr std::size_t ERRORS_SHOWN_MAX = 10;
constexpr const char* WIPE_LINE = "\r\x1b[K";

} // namespace

SweepProgress::SweepProgress(const SweepPlan& plan, std::size_t runs, bool quiet)
    : m_plan(plan)
    , m_runs(runs)
    , m_quiet(quiet)
    , m_isTerminal(isatty(STDERR_FILENO) == 1)
{
}

void
SweepProgress::OnRun(const PlannedRun& run,
                     const RunRecord& record,
                     std::size_t done,
                     double costDone)
{
    m_done = m_doneBefore + done;
    m_costDone = costDone;
    if (record.error.empty() && record.exitCode == EXIT_ALL_HOLD)
    {
        return;
    }
    ++m_wrong;
    const char* what = !record.error.empty()                        ? "failed"
                       : record.exitCode == EXIT_INVARIANT_VIOLATED ? "an invariant was violated"
                                                                    : "an expectation failed";
    fmt::print(stderr,
               "{}run {} ({}, replication {}): {}{}{}\n",
               m_isTerminal ? WIPE_LINE : "",
               run.id.substr(0, 12),
               m_plan.points[run.point].Label(),
               run.replication,
               what,
               record.error.empty() ? "" : ": ",
               record.error);
}

void
SweepProgress::OnTick()
{
    const auto now = Clock::now();
    const auto interval = m_isTerminal ? Clock::duration(TERMINAL_INTERVAL) : LOG_INTERVAL;
    if (!m_quiet && now - m_shown >= interval)
    {
        m_shown = now;
        Show();
    }
}

void
SweepProgress::Show()
{
    const double elapsed = std::chrono::duration<double>(Clock::now() - m_start).count();
    const auto left = m_costDone > 0
                          ? ReadableSeconds(elapsed / m_costDone * (1 - m_costDone)) + " left"
                          : std::string("time left not known yet");
    fmt::print(stderr,
               "{}{} of {} runs, {} wrong, {} so far, {}{}",
               m_isTerminal ? WIPE_LINE : "",
               m_done,
               m_runs,
               m_wrong,
               ReadableSeconds(elapsed),
               left,
               m_isTerminal ? "" : "\n");
    std::fflush(stderr);
}

void
SweepProgress::Extend(std::size_t runs)
{
    m_runs += runs;
    m_doneBefore = m_done;
    m_costDone = 0;
    m_start = Clock::now();
}

void
SweepProgress::Finish()
{
    if (m_isTerminal && !m_quiet)
    {
        fmt::print(stderr, "{}", WIPE_LINE);
    }
}

std::string
ReadableSeconds(double seconds)
{
    const auto whole = static_cast<long long>(std::ceil(seconds));
    return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                         : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string
StatusText(const ResultStore& store, const CampaignStatus& status)
{
    std::string text;
    const auto line = [&text](const char* name, const std::string& value)
    {
        text += fmt::format("{:<13}{}\n", name, value);
    };
    line("campaign", fmt::format("{} ({})", store.Header("name"), store.Path()));
    line("runs",
         fmt::format("{} of {} done{}{}",
                     status.done,
                     status.planned,
                     status.failed > 0 ? fmt::format(", {} failed", status.failed) : "",
                     status.others > 0
                         ? fmt::format("; {} of earlier plans or builds are kept", status.others)
                         : ""));
    line("invariants", fmt::format("violated in {} runs", status.invariantsViolated));
    line("expected", fmt::format("an expectation failed in {} runs", status.expectationsFailed));
    for (std::size_t i = 0; i < std::min(status.errors.size(), ERRORS_SHOWN_MAX); ++i)
    {
        line(i == 0 ? "errors" : "", status.errors[i]);
    }
    if (status.errors.size() > ERRORS_SHOWN_MAX)
    {
        line("", fmt::format("and {} more", status.errors.size() - ERRORS_SHOWN_MAX));
    }
    line("digest", store.Digest());
    return text;
}

} // namespace flowchain
