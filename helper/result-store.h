// SPDX-License-Identifier: GPL-2.0-only
#ifndef FLOWCHAIN_RESULT_STORE_H
#define FLOWCHAIN_RESULT_STORE_H

#include "result-writer.h"
#include "run-record.h"
#include "sweep-plan.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace SQLite
{
class Database;
} // namespace SQLite

namespace flowchain
{

/** A run that a campaign consists of. */
struct PlannedRun
{
    std::string id;
    std::size_t point = 0; ///< index of the plan's points
    std::uint32_t replication = 0;
    Scenario scenario;
};

/** What a campaign's database says of the campaign itself. */
struct CampaignHeader
{
    std::string command; ///< that makes the campaign again
    BuildInfo build;
    std::string buildId;
    std::string id{}; ///< of the campaign; empty: keep the one it has, or draw one
};

/** How far a campaign is. Runs of the present plan and build, but `others`. */
struct CampaignStatus
{
    std::uint64_t planned = 0;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;             ///< without a result
    std::uint64_t expectationsFailed = 0; ///< runs, done
    std::uint64_t invariantsViolated = 0; ///< runs, done
    std::uint64_t others = 0;             ///< runs of earlier plans or builds that are kept
    std::vector<std::string> errors;      ///< "point, replication: error" of failed runs
};

/**
 * The database of a campaign, an SQLite file (see result-schema.cc). What was added is on the disk
 * when the call returns, and stays there whatever happens to the machine.
 *
 * All functions throw std::runtime_error, naming the file and the cause, if the file is no
 * campaign, of a newer version, or cannot be read or written.
 */
class ResultStore
{
  public:
    enum class Mode : std::uint8_t
    {
        CREATE, ///< make it if it is not there
        WRITE,  ///< it must be there
        READ,
    };

    ResultStore(const std::string& path, Mode mode);
    ~ResultStore();
    ResultStore(const ResultStore&) = delete;
    ResultStore& operator=(const ResultStore&) = delete;

    const std::string& Path() const
    {
        return m_path;
    }

    /** For queries of the caller's own. */
    SQLite::Database& Database()
    {
        return *m_database;
    }

    /** How many replications of each point the present plan has; key: the point's label. */
    std::map<std::string, std::uint32_t> PlannedReplications() const;
    /** Make this the campaign's plan. Runs that are there stay. */
    void SetPlan(const CampaignHeader& header,
                 const SweepPlan& plan,
                 const std::vector<PlannedRun>& runs);
    /** Ids of runs that have come to their end. */
    std::set<std::string> Done() const;
    /** CPU seconds of earlier runs of a point, their mean; nothing if there was none. */
    std::optional<double> CpuSecondsOf(const std::string& label) const;
    /** Ids of the runs of the present plan. */
    std::set<std::string> Planned() const;
    /** Ids of all runs that are there, those that have failed included. */
    std::set<std::string> Runs() const;
    /** Keep a run, instead of an earlier failed one. */
    void Add(const PlannedRun& run, const std::string& buildId, const RunRecord& record);
    /** Copy the runs of another database that this one has not, or has as failed. All of them are
     * copied, or none: the other one is damaged, or has another result of a run than this one.
     * @returns how many */
    std::uint64_t Collect(const std::string& other);
    /** Write a copy of the whole database to a file that is not there yet. It needs no other file
     * beside it, and no lock to be read. */
    void CopyTo(const std::string& path) const;

    CampaignStatus Status() const;
    /** @returns the value, or an empty text */
    std::string Header(const std::string& key) const;
    /** The values of a metric at each point, by label and replication, of finished runs. */
    std::map<std::string, std::vector<double>> ValuesOf(const std::string& metric) const;
    /** XXH3 over the results of the plan's finished runs that are reproducible: digests, metrics,
     * distributions, series, events. Says nothing of how or where they were made. 16 hex digits */
    std::string Digest() const;

  private:
    void Migrate();
    void WriteDictionary();
    std::int64_t MetricId(const std::string& name, const char* kind) const;
    std::set<std::string> Texts(const char* sql) const;
    void TakeIn(const std::string& other, std::uint64_t& count);
    void AddData(const std::string& id, const RunRecord& record);

    std::string m_path;
    std::unique_ptr<SQLite::Database> m_database;
};

} // namespace flowchain

#endif
