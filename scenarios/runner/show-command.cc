// SPDX-License-Identifier: GPL-2.0-only
// `show` and `verify`: one run of a campaign, as it was kept and as it is now.
#include "build-info.h"
#include "query-command.h"
#include "result-store.h"
#include "run-identity.h"
#include "scenario-reader.h"
#include "shell-quote.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace flowchain
{

namespace
{

constexpr std::size_t DIFFERENCES_SHOWN_MAX = 5;

/** What the database holds of a run. */
struct StoredRun
{
    std::string id, status, error, build, scenario, digest, host, started;
    int exitCode = 0;
    std::int64_t seed = 0;
    double wallSeconds = 0;
    std::string point; ///< empty: not of the present plan
    int replication = 0;
};

/** @throws ScenarioError if no run, or several, begin like that */
std::string
FullId(ResultStore& store, const std::string& beginning)
{
    SQLite::Statement query(store.Database(),
                            "SELECT id FROM run WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2");
    query.bind(1, beginning);
    std::vector<std::string> found;
    while (query.executeStep())
    {
        found.push_back(query.getColumn(0));
    }
    if (found.size() != 1)
    {
        throw ScenarioError({fmt::format(
            "{}: {} run whose id begins with \"{}\"; `flowchain query {} \"SELECT id, point, "
            "replication FROM result\"` lists them",
            store.Path(),
            found.empty() ? "there is no" : "there is more than one",
            beginning,
            store.Path())});
    }
    return found.front();
}

StoredRun
Load(ResultStore& store, const std::string& id)
{
    SQLite::Statement query(
        store.Database(),
        "SELECT r.status, r.error, r.build, r.scenario, r.digest, r.host, r.started, r.exit_code, "
        "r.seed, r.wall_seconds, p.label, m.replication FROM run r "
        "LEFT JOIN member m ON m.run = r.id LEFT JOIN point p ON p.id = m.point WHERE r.id = ?");
    query.bind(1, id);
    query.executeStep();
    StoredRun run;
    run.id = id;
    int column = 0;
    for (std::string* text :
         {&run.status, &run.error, &run.build, &run.scenario, &run.digest, &run.host, &run.started})
    {
        *text = query.getColumn(column++).getString();
    }
    run.exitCode = query.getColumn(column++);
    run.seed = query.getColumn(column++);
    run.wallSeconds = query.getColumn(column++);
    run.point = query.getColumn(column++).getString();
    run.replication = query.getColumn(column++);
    return run;
}

/** The command that makes the run again from the campaign's scenario file. */
std::string
CommandOf(ResultStore& store, const StoredRun& run)
{
    std::string command = "flowchain run " + ShellQuoted(store.Header("file"));
    for (const auto& override : nlohmann::json::parse(store.Header("overrides")))
    {
        command += " -s " + ShellQuoted(override.get<std::string>());
    }
    SQLite::Statement query(
        store.Database(),
        "SELECT q.key, q.value FROM member m JOIN parameter q ON q.point = "
        "m.point JOIN axis a ON a.key = q.key WHERE m.run = ? ORDER BY a.place");
    query.bind(1, run.id);
    while (query.executeStep())
    {
        command += " -s " + ShellQuoted(query.getColumn(0).getString() + "=" +
                                        query.getColumn(1).getString());
    }
    return command + fmt::format(" -s sim.seed={}", run.seed);
}

void
PrintRun(ResultStore& store, const StoredRun& run)
{
    const auto line = [](const char* name, const std::string& value)
    {
        fmt::print("{:<13}{}\n", name, value);
    };
    line("run", run.id);
    line("point",
         run.point.empty() ? "not of the present plan"
                           : fmt::format("{}, replication {}", run.point, run.replication));
    line("seed", fmt::format("{}", run.seed));
    line("status",
         run.status == "done" ? fmt::format("done, exit code {}", run.exitCode)
                              : "failed: " + run.error);
    if (run.status == "done")
    {
        line("digest", run.digest);
    }
    SQLite::Statement build(store.Database(),
                            "SELECT version, commit_id, build_type, compiler, ns3_version "
                            "FROM build WHERE id = ?");
    build.bind(1, run.build);
    build.executeStep();
    line("build",
         fmt::format("{} (flowchain {}, commit {}, {}, {}, ns-3 {})",
                     run.build,
                     build.getColumn(0).getString(),
                     build.getColumn(1).getString(),
                     build.getColumn(2).getString(),
                     build.getColumn(3).getString(),
                     build.getColumn(4).getString()));
    line("made", fmt::format("{} on {} in {:.2f} s", run.started, run.host, run.wallSeconds));
    SQLite::Statement expectations(
        store.Database(),
        "SELECT holds, metric || ' ' || comparison || ' ' || value || ': ' || actual "
        "FROM expectation WHERE run = ? ORDER BY place");
    expectations.bind(1, run.id);
    while (expectations.executeStep())
    {
        line("expected",
             fmt::format("{} {}",
                         expectations.getColumn(0).getInt() != 0 ? "pass" : "FAIL",
                         expectations.getColumn(1).getString()));
    }
    SQLite::Statement violations(store.Database(),
                                 "SELECT text FROM violation WHERE run = ? ORDER BY place");
    violations.bind(1, run.id);
    while (violations.executeStep())
    {
        line("violated", violations.getColumn(0));
    }
    SQLite::Statement scalars(store.Database(),
                              "SELECT m.name, s.value, m.unit FROM scalar s JOIN metric m ON m.id "
                              "= s.metric WHERE s.run = ? ORDER BY m.id");
    scalars.bind(1, run.id);
    fmt::print("\n");
    while (scalars.executeStep())
    {
        fmt::print("{:<40}{:>20} {}\n",
                   scalars.getColumn(0).getString(),
                   scalars.getColumn(1).getString(),
                   scalars.getColumn(2).getString());
    }
}

/** A folder that goes away with this object. */
class TemporaryFolder
{
  public:
    TemporaryFolder()
    {
        auto pattern = (std::filesystem::temp_directory_path() / "flowchain-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr)
        {
            throw std::runtime_error(fmt::format("{}: {}", pattern, std::strerror(errno)));
        }
        m_path = pattern;
    }

    ~TemporaryFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }

    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& Path() const
    {
        return m_path;
    }

  private:
    std::filesystem::path m_path;
};

/** Run this program. @returns its exit code; -1 if a signal has ended it */
int
Spawn(std::vector<std::string> arguments)
{
    std::vector<char*> argv;
    for (auto& argument : arguments)
    {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, argv.data(), environ);
    if (error != 0)
    {
        throw std::runtime_error(fmt::format("cannot run flowchain: {}", std::strerror(error)));
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/** Make the run again, from the scenario that was kept. @returns its result.json */
nlohmann::json
RunAgain(ResultStore& store, const StoredRun& run)
{
    const TemporaryFolder folder;
    const auto file = folder.Path() / (store.Header("name") + ".toml");
    std::ofstream(file) << run.scenario;
    std::vector<std::string> arguments = {"flowchain",
                                          "run",
                                          file.string(),
                                          "--quiet",
                                          "--results",
                                          (folder.Path() / "results").string()};
    // Captures are found from the folder of the campaign's scenario file.
    const auto scenario = ParseScenario(
        run.scenario, (std::filesystem::path(store.Header("folder")) / "stored.toml").string());
    for (std::size_t i = 0; i < scenario.workloads.size(); ++i)
    {
        if (scenario.workloads[i].kind == "replay")
        {
            arguments.emplace_back("-s");
            arguments.push_back(
                fmt::format("workload[{}].file={}", i, scenario.workloads[i].replay.fileResolved));
        }
    }
    const int exitCode = Spawn(arguments);
    std::ifstream result(folder.Path() / "results" / "result.json");
    if (!result)
    {
        throw std::runtime_error(fmt::format("run {}: made again, it ended with exit code {} and "
                                             "without a result",
                                             run.id,
                                             exitCode));
    }
    return nlohmann::json::parse(result);
}

/** @returns "name: then, now" of every metric that differs */
std::vector<std::string>
DifferencesOf(ResultStore& store, const StoredRun& run, const nlohmann::json& metrics)
{
    std::vector<std::string> differences;
    std::size_t stored = 0;
    SQLite::Statement query(store.Database(),
                            "SELECT m.name, s.value, m.type FROM scalar s JOIN metric m ON m.id = "
                            "s.metric WHERE s.run = ? ORDER BY m.id");
    query.bind(1, run.id);
    while (query.executeStep())
    {
        ++stored;
        const auto name = query.getColumn(0).getString();
        const auto value = query.getColumn(1);
        const bool isText = query.getColumn(2).getString() == "text";
        const auto found = metrics.find(name);
        const bool isSame = found != metrics.end() &&
                            (isText ? found->at("value") == value.getString()
                                    : found->at("value").get<double>() == value.getDouble());
        if (!isSame)
        {
            differences.push_back(
                fmt::format("{}: {} then, {} now",
                            name,
                            value.getString(),
                            found == metrics.end() ? "none" : found->at("value").dump()));
        }
    }
    if (stored != metrics.size())
    {
        differences.push_back(fmt::format("{} metrics then, {} now", stored, metrics.size()));
    }
    return differences;
}

/** @returns whether the run gives what it gave */
bool
Verify(ResultStore& store, const StoredRun& run)
{
    if (run.status != "done")
    {
        throw std::runtime_error(fmt::format("run {} has failed: {}", run.id, run.error));
    }
    const auto result = RunAgain(store, run);
    const auto& metrics = result.at("metrics");
    const auto differences = DifferencesOf(store, run, metrics);
    const auto digest = metrics.at("trace.digest").at("value").get<std::string>();
    const bool isSame = differences.empty() && digest == run.digest;
    const bool isSameBuild = run.build == BuildId(ThisBuild());
    fmt::print("{} {}: digest {}{}{}\n",
               isSame ? "same     " : "DIFFERENT",
               run.id.substr(0, 12),
               run.digest,
               digest == run.digest ? "" : " then, " + digest + " now",
               isSameBuild ? "" : "; it was made by build " + run.build);
    for (std::size_t i = 0; i < std::min(differences.size(), DIFFERENCES_SHOWN_MAX); ++i)
    {
        fmt::print("    {}\n", differences[i]);
    }
    if (differences.size() > DIFFERENCES_SHOWN_MAX)
    {
        fmt::print("    and {} more\n", differences.size() - DIFFERENCES_SHOWN_MAX);
    }
    return isSame;
}

} // namespace

Scenario
StoredScenario(const std::string& database,
               const std::string& run,
               const std::vector<std::string>& overrides)
{
    ResultStore store(database, ResultStore::Mode::READ);
    const auto stored = Load(store, FullId(store, run));
    return ParseScenario(
        stored.scenario,
        (std::filesystem::path(store.Header("folder")) / "stored.toml").string(),
        overrides);
}

int
ShowCommand(const ShowOptions& options)
{
    ResultStore store(options.database, ResultStore::Mode::READ);
    const auto run = Load(store, FullId(store, options.run));
    if (options.command)
    {
        if (run.point.empty())
        {
            throw ScenarioError({fmt::format(
                "run {} is not of the present plan; --scenario prints its scenario", run.id)});
        }
        fmt::print("{}\n", CommandOf(store, run));
    }
    else if (options.scenario)
    {
        fmt::print("{}", run.scenario);
    }
    else
    {
        PrintRun(store, run);
    }
    return EXIT_ALL_HOLD;
}

int
VerifyCommand(const VerifyOptions& options)
{
    ResultStore store(options.database, ResultStore::Mode::READ);
    std::vector<std::string> ids;
    for (const auto& beginning : options.runs)
    {
        ids.push_back(FullId(store, beginning));
    }
    if (options.all)
    {
        SQLite::Statement query(store.Database(),
                                "SELECT id FROM result ORDER BY point, replication");
        while (query.executeStep())
        {
            ids.push_back(query.getColumn(0));
        }
    }
    if (ids.empty())
    {
        throw ScenarioError({"verify: name a run, or say --all"});
    }
    std::size_t different = 0;
    for (const auto& id : ids)
    {
        different += Verify(store, Load(store, id)) ? 0 : 1;
    }
    fmt::print("{} runs made again, {} different\n", ids.size(), different);
    return different == 0 ? EXIT_ALL_HOLD : EXIT_EXPECTATION_FAILED;
}

} // namespace flowchain
