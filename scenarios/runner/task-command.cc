// SPDX-License-Identifier: GPL-2.0-only
#include "build-info.h"
#include "cluster-command.h"
#include "cluster-job.h"
#include "run-identity.h"
#include "sweep-command.h"
#include "sweep-progress.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <unistd.h>

namespace flowchain
{

namespace
{

namespace fs = std::filesystem;

/** What a host that dies without a word may cost, if no run takes longer. */
constexpr std::chrono::seconds PUBLISH_INTERVAL{60};

volatile std::sig_atomic_t g_signal = 0;

void
OnSignal(int number)
{
    g_signal = number;
}

/** A folder of this host, gone when the task ends. */
class Scratch
{
  public:
    Scratch()
    {
        std::string name = (fs::temp_directory_path() / "flowchain-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr)
        {
            throw std::runtime_error(fmt::format("{}: {}", name, std::strerror(errno)));
        }
        m_folder = name;
    }

    ~Scratch()
    {
        std::error_code ignored;
        fs::remove_all(m_folder, ignored);
    }

    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string File(const char* name) const
    {
        return (m_folder / name).string();
    }

  private:
    fs::path m_folder;
};

/** @throws std::runtime_error naming the file */
void
FlushToDisk(const fs::path& file)
{
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    const bool isFlushed = descriptor >= 0 && fsync(descriptor) == 0;
    const int error = errno;
    if (descriptor >= 0)
    {
        close(descriptor);
    }
    if (!isFlushed)
    {
        throw std::runtime_error(fmt::format("{}: {}", file.string(), std::strerror(error)));
    }
}

/**
 * Results of a task. The database is on this host, since SQLite must not work over a network; what
 * others see, the shard, is a copy that is replaced as a whole.
 */
class TaskResults
{
  public:
    explicit TaskResults(fs::path shard)
        : m_shard(std::move(shard))
        , m_store(m_scratch.File("results.db"), ResultStore::Mode::CREATE)
    {
    }

    ResultStore& Store()
    {
        return m_store;
    }

    /** What the task has done when it ran before. */
    void TakeInShard()
    {
        if (!fs::exists(m_shard))
        {
            return;
        }
        try
        {
            m_store.Collect(m_shard.string());
        }
        catch (const std::runtime_error& error)
        {
            fmt::print(stderr, "{}; it will be replaced\n", error.what());
        }
    }

    void Publish()
    {
        const std::string copy = m_scratch.File("copy.db");
        m_store.CopyTo(copy);
        const fs::path part = fmt::format("{}.{}-{}.part", m_shard.string(), HostName(), getpid());
        fs::copy_file(copy, part, fs::copy_options::overwrite_existing);
        FlushToDisk(part);
        fs::rename(part, m_shard);
        fs::remove(copy);
        m_published = Clock::now();
    }

    bool IsDue() const
    {
        return Clock::now() - m_published >= PUBLISH_INTERVAL;
    }

  private:
    using Clock = std::chrono::steady_clock;

    Scratch m_scratch;
    fs::path m_shard;
    ResultStore m_store;
    Clock::time_point m_published = Clock::now();
};

/** Publishes what is done from time to time, and when somebody wants the task to end. */
class TaskProgress : public CampaignListener
{
  public:
    TaskProgress(const SweepPlan& plan, std::size_t runs, TaskResults& results)
        : m_progress(plan, runs, true)
        , m_results(results)
    {
    }

    void OnRun(const PlannedRun& run,
               const RunRecord& record,
               std::size_t done,
               double costDone) override
    {
        m_progress.OnRun(run, record, done, costDone);
        m_isNew = true;
        if (m_results.IsDue())
        {
            Publish();
        }
    }

    void OnTick() override
    {
        if (g_signal != 0)
        {
            Publish();
            throw std::runtime_error(
                fmt::format("stopped by signal {}; runs that were done are kept", int{g_signal}));
        }
    }

    void Publish()
    {
        if (m_isNew)
        {
            m_results.Publish();
            m_isNew = false;
        }
    }

  private:
    SweepProgress m_progress;
    TaskResults& m_results;
    bool m_isNew = false;
};

void
EndOnSignals()
{
    struct sigaction action = {};
    action.sa_handler = OnSignal;
    for (const int number : {SIGTERM, SIGINT, SIGHUP})
    {
        sigaction(number, &action, nullptr);
    }
}

} // namespace

int
TaskCommand(const std::string& file)
{
    EndOnSignals();
    const BuildInfo build = ThisBuild();
    const ClusterTask task = ReadTask(file, BuildId(build));
    const fs::path shard = task.job.Shard(task.number);
    fs::create_directories(shard.parent_path());
    TaskResults results(shard);
    SweepOptions campaign;
    campaign.file = task.job.file;
    campaign.overrides = task.job.overrides;
    results.Store().SetPlan({.command = CommandOf(campaign),
                             .build = build,
                             .buildId = task.job.buildId,
                             .id = task.job.campaign},
                            task.plan,
                            task.runs);
    results.TakeInShard();
    TaskProgress progress(task.plan, task.runs.size(), results);
    CampaignRunner(results.Store(), task.job.buildId, {}, progress).Run(task.plan, task.runs);
    progress.Publish();
    const auto status = results.Store().Status();
    fmt::print("{} of {} runs done: {}\n", status.done, status.planned, shard.string());
    return ExitOf(status);
}

} // namespace flowchain
