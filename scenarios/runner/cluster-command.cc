// SPDX-License-Identifier: GPL-2.0-only
// Of the cluster's commands: those that look after what was handed out.
#include "cluster-command.h"

#include "cluster-shards.h"
#include "shell-quote.h"
#include "slurm.h"
#include "sweep-command.h"
#include "sweep-progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <stdexcept>

namespace flowchain
{

namespace
{

std::string
LowerCase(std::string text)
{
    std::transform(text.begin(),
                   text.end(),
                   text.begin(),
                   [](unsigned char c)
                   {
        return static_cast<char>(std::tolower(c));
    });
    return text;
}

/** "2 running, 30 pending (Resources)" */
std::string
StatesOf(const ClusterJob& job, const std::vector<ActiveTask>& active)
{
    std::map<std::string, std::size_t> counts;
    for (const ActiveTask& task : active)
    {
        if (task.job.number == job.number)
        {
            const auto& queued = task.queued;
            ++counts[queued.reason == "None"
                         ? LowerCase(queued.state)
                         : fmt::format("{} ({})", LowerCase(queued.state), queued.reason)];
        }
    }
    std::string text;
    for (const auto& [state, count] : counts)
    {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
    }
    return text.empty() ? "none waits or runs" : text;
}

void
PrintJobs(const std::vector<ClusterJob>& jobs)
{
    std::vector<ActiveTask> active;
    std::string trouble;
    try
    {
        active = ActiveTasksOf(jobs);
    }
    catch (const std::runtime_error& error)
    {
        trouble = error.what();
    }
    for (const ClusterJob& job : jobs)
    {
        fmt::print("{:<13}{}{}\n",
                   fmt::format("job {}", job.number),
                   TextOf(job),
                   !job.isSlurm      ? ""
                   : trouble.empty() ? ": " + StatesOf(job, active)
                                     : ": not known whether they wait or run");
    }
    if (!trouble.empty())
    {
        fmt::print(stderr, "{}\n", trouble);
    }
}

/** How many runs are done that the campaign's database has not yet. */
void
PrintShards(const ResultStore& store)
{
    const auto known = store.Done();
    std::size_t more = 0;
    std::set<std::string> seen;
    for (const std::string& file : ShardsOf(store.Path()))
    {
        try
        {
            for (const std::string& run : ResultStore(file, ResultStore::Mode::READ).Done())
            {
                more += !known.contains(run) && seen.insert(run).second ? 1 : 0;
            }
        }
        catch (const std::runtime_error& error)
        {
            fmt::print(stderr, "{}\n", error.what());
        }
    }
    if (more > 0)
    {
        fmt::print("{:<13}{} more runs done: flowchain collect {}\n",
                   "shards",
                   more,
                   ShellQuoted(store.Path()));
    }
}

} // namespace

int
CollectCommand(const CollectOptions& options)
{
    ResultStore store(options.database, ResultStore::Mode::WRITE);
    LockCampaign(options.database);
    const auto collected =
        CollectShards(store, options.shards.empty() ? ShardsOf(options.database) : options.shards);
    fmt::print("{} new runs from {} shards{}\n",
               collected.runs,
               collected.shards,
               collected.refused == 0 ? "" : fmt::format(", {} refused", collected.refused));
    fmt::print("{}", StatusText(store, store.Status()));
    return collected.refused == 0 ? EXIT_ALL_HOLD : EXIT_BAD_INPUT;
}

int
StatusCommand(const std::string& database)
{
    const ResultStore store(database, ResultStore::Mode::READ);
    const auto status = store.Status();
    fmt::print("{}", StatusText(store, status));
    PrintShards(store);
    PrintJobs(ReadJobs(database));
    return ExitOf(status);
}

int
CancelCommand(const std::string& database)
{
    const ResultStore store(database, ResultStore::Mode::READ); // or it says what is wrong
    const auto active = ActiveTasksOf(ReadJobs(database));
    const auto ids = SlurmIdsOf(active);
    CancelInSlurm(ids);
    fmt::print(
        "{} tasks of {} job arrays cancelled; runs that are done stay: flowchain resume {}\n",
        active.size(),
        ids.size(),
        ShellQuoted(database));
    return EXIT_ALL_HOLD;
}

} // namespace flowchain
