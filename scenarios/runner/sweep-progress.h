// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_SWEEP_PROGRESS_H
#define FLOWCHAIN_SWEEP_PROGRESS_H

#include "campaign.h"

#include <chrono>
#include <cstddef>
#include <string>

namespace flowchain
{

/**
 * Tells a person on the standard error how far a campaign has come: on a terminal one line that is
 * rewritten, elsewhere a line every ten seconds; runs that go wrong get a line of their own.
 */
class SweepProgress : public CampaignListener
{
  public:
    SweepProgress(const SweepPlan& plan, std::size_t runs, bool quiet);

    void OnRun(const PlannedRun& run,
               const RunRecord& record,
               std::size_t done,
               double costDone) override;
    void OnTick() override;
    /** So many more runs come. */
    void Extend(std::size_t runs);
    /** Nothing more comes. */
    void Finish();

  private:
    using Clock = std::chrono::steady_clock;

    void Show();

    const SweepPlan& m_plan;
    std::size_t m_runs;
    bool m_quiet;
    bool m_isTerminal;
    std::size_t m_done = 0;
    std::size_t m_doneBefore = 0; ///< in earlier rounds
    std::size_t m_wrong = 0;
    double m_costDone = 0;
    Clock::time_point m_start = Clock::now();
    Clock::time_point m_shown = m_start;
};

/** "1:02:03", "0:07" */
std::string ReadableSeconds(double seconds);

/** A few lines that say how far the campaign is, and what has gone wrong. */
std::string StatusText(const ResultStore& store, const CampaignStatus& status);

} // namespace flowchain

#endif
