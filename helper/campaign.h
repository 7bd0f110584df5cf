// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_CAMPAIGN_H
#define FLOWCHAIN_CAMPAIGN_H

#include "process-pool.h"
#include "result-store.h"
#include "sweep-plan.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flowchain
{

/** How many replications are wanted of points that already have some. */
struct WantedReplications
{
    enum class Kind : std::uint8_t
    {
        AS_PLANNED, ///< as the file says, and no fewer than there are
        EXACTLY,
        MORE, ///< than there are
    };

    Kind kind = Kind::AS_PLANNED;
    std::uint32_t count = 0;

    /** "8", "+5"; empty: AS_PLANNED. @throws ScenarioError */
    static WantedReplications Parse(std::string_view text);
    /** @param planned of the file @param present that the point has already; 0: it is new */
    std::uint32_t Of(std::uint32_t planned, std::uint32_t present) const;
};

/**
 * Every run of the plan.
 * @param replications of each point; index: as the plan's points
 * @throws ScenarioError if two of them are the same run, std::runtime_error if a capture cannot be
 * read
 */
std::vector<PlannedRun> RunsOf(const SweepPlan& plan,
                               const std::vector<std::uint32_t>& replications,
                               const std::string& buildId);

/** The plan that the campaign's database holds, made again.
 * @throws ScenarioError if it cannot be: a capture is not there any more */
SweepPlan PlanOf(const ResultStore& store);

/** How much work a run is, to start the longest ones first; of no unit. */
double EstimatedCost(const Scenario& scenario);

/** Is told how far a campaign has come. */
class CampaignListener
{
  public:
    virtual ~CampaignListener() = default;
    /** @param costDone share of the estimated work that is done, 0..1 */
    virtual void
    OnRun(const PlannedRun& run, const RunRecord& record, std::size_t done, double costDone) = 0;
    /** Nothing has happened for a while. */
    virtual void OnTick() = 0;
};

struct CampaignOptions
{
    std::size_t jobs = 1;    ///< processes at the same time
    bool failFast = false;   ///< start no more runs after one that failed, in whatever way
    bool shareWarmup = true; ///< runs that differ only in what comes after it warm up once
};

/**
 * Runs those runs that a store does not have yet, the longest first, each in a process of its own,
 * and keeps each in the store as soon as it is there. Runs that share their warm-up
 * (SharesPrefix()) fork from one parent; their results are the same.
 */
class CampaignRunner
{
  public:
    /** A run that the store has not. */
    struct OpenRun
    {
        const PlannedRun* run = nullptr;
        double cost = 0; ///< estimated
    };

    CampaignRunner(ResultStore& store,
                   const std::string& buildId,
                   const CampaignOptions& options,
                   CampaignListener& listener);

    /** One call. @returns how many were not started because of failFast */
    std::size_t Run(const SweepPlan& plan, const std::vector<PlannedRun>& runs);

  private:
    /** Runs that one process makes. */
    struct Job
    {
        std::vector<std::size_t> runs; ///< of which nothing has come yet; index: as m_open
        double cost = 0;
    };

    void MakeJobs();
    void StartJob(std::size_t number);
    void RunTogether(const std::vector<std::size_t>& runs, const ProcessPool::Send& send) const;
    void TakeMessage(Job& job, const std::string& message);
    void EndJob(Job& job, const std::string& error);
    void Keep(std::size_t index, const RunRecord& record);
    void KeepFailed(std::size_t index, const std::string& error);

    ResultStore& m_store;
    std::string m_buildId;
    CampaignOptions m_options;
    CampaignListener& m_listener;
    ProcessPool m_pool;
    std::vector<OpenRun> m_open;
    std::vector<Job> m_jobs;
    std::vector<std::size_t> m_alone; ///< that could not share, and are to run by themselves
    std::size_t m_branchJobs = 1;     ///< processes at the same time within a job
    std::size_t m_done = 0;
    double m_cost = 0;
    double m_costDone = 0;
    bool m_hasFailed = false;
};

} // namespace flowchain

#endif
