// SPDX-License-Identifier: GPL-2.0-only
#include "result-store.h"

#include "metric-dictionary.h"
#include "result-schema.h"
#include "run-identity.h"
#include "scenario-reader.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <sys/random.h>

namespace flowchain
{

namespace
{

constexpr int BUSY_TIMEOUT_MS = 60'000;
constexpr double PS_PER_NS = 1'000;

[[noreturn]] void
ThrowStore(const std::string& path, const std::string& cause)
{
    throw std::runtime_error(fmt::format("{}: {}", path, cause));
}

/** Do something to the database; what SQLite throws names the file. */
template <typename Action>
auto
Guarded(const std::string& path, Action action)
{
    try
    {
        return action();
    }
    catch (const SQLite::Exception& error)
    {
        ThrowStore(path, error.what());
    }
}

double
Nanoseconds(std::int64_t picoseconds)
{
    return static_cast<double>(picoseconds) / PS_PER_NS;
}

const char*
TypeName(MetricType type)
{
    switch (type)
    {
    case MetricType::INTEGER:
        return "integer";
    case MetricType::DURATION:
        return "duration";
    case MetricType::TEXT:
        return "text";
    }
    return "";
}

/** Binds the values in order and runs the statement, which is then ready for the next row. */
template <typename... Values>
void
Insert(SQLite::Statement& statement, const Values&... values)
{
    int place = 0;
    (statement.bind(++place, values), ...);
    statement.exec();
    statement.reset();
}

/** 16 hex digits that no other campaign has. */
std::string
DrawnId()
{
    std::uint64_t bits = 0;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
    {
        throw std::runtime_error(fmt::format("getrandom: {}", std::strerror(errno)));
    }
    return fmt::format("{:016x}", bits);
}

std::unique_ptr<SQLite::Database>
OpenDatabase(const std::string& path, ResultStore::Mode mode)
{
    std::error_code ignored;
    const bool exists = std::filesystem::exists(path, ignored);
    if (!exists && mode != ResultStore::Mode::CREATE)
    {
        ThrowStore(path, "there is no such campaign; `flowchain sweep` makes one");
    }
    if (!exists)
    {
        const auto folder = std::filesystem::path(path).parent_path();
        std::error_code error;
        if (!folder.empty() && !std::filesystem::create_directories(folder, error) && error)
        {
            ThrowStore(folder.string(), error.message());
        }
    }
    const int flags = mode == ResultStore::Mode::READ
                          ? SQLite::OPEN_READONLY
                          : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;
    return Guarded(path,
                   [&]
                   {
        return std::make_unique<SQLite::Database>(path, flags, BUSY_TIMEOUT_MS);
    });
}

} // namespace

ResultStore::ResultStore(const std::string& path, Mode mode)
    : m_path(path)
    , m_database(OpenDatabase(path, mode))
{
    Guarded(m_path,
            [&]
            {
        const int application = m_database->execAndGet("PRAGMA application_id").getInt();
        const int version = m_database->execAndGet("PRAGMA user_version").getInt();
        const bool isEmpty =
            m_database->execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
        if (application != RESULT_APPLICATION_ID && !(isEmpty && mode == Mode::CREATE))
        {
            ThrowStore(m_path, "is an SQLite database, but no campaign of flowchain");
        }
        if (version > RESULT_SCHEMA_VERSION)
        {
            ThrowStore(m_path,
                       fmt::format("has schema {}, this flowchain knows up to {}: use a newer one",
                                   version,
                                   RESULT_SCHEMA_VERSION));
        }
        m_database->exec("PRAGMA foreign_keys = ON");
        if (mode == Mode::READ)
        {
            if (version < RESULT_SCHEMA_VERSION)
            {
                ThrowStore(m_path, "has an old schema; `flowchain sweep` brings it up to date");
            }
            return;
        }
        m_database->exec("PRAGMA journal_mode = WAL");
        m_database->exec("PRAGMA synchronous = FULL"); // a finished run survives a power cut
        Migrate();
        WriteDictionary();
    });
}

ResultStore::~ResultStore() = default;

void
ResultStore::Migrate()
{
    SQLite::Transaction transaction(*m_database, SQLite::TransactionBehavior::IMMEDIATE);
    const int version = m_database->execAndGet("PRAGMA user_version").getInt();
    for (int from = version; from < RESULT_SCHEMA_VERSION; ++from)
    {
        m_database->exec(RESULT_MIGRATIONS[from]);
    }
    m_database->exec(fmt::format("PRAGMA application_id = {}", RESULT_APPLICATION_ID));
    m_database->exec(fmt::format("PRAGMA user_version = {}", RESULT_SCHEMA_VERSION));
    transaction.commit();
}

void
ResultStore::WriteDictionary()
{
    SQLite::Transaction transaction(*m_database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement insert(*m_database,
                             "INSERT INTO metric (name, kind, unit, type, meaning) "
                             "VALUES (?, ?, ?, ?, ?) ON CONFLICT (name, kind) DO UPDATE SET "
                             "unit = excluded.unit, type = excluded.type, "
                             "meaning = excluded.meaning");
    const auto write = [&](const std::vector<MetricDeclaration>& dictionary, const char* kind)
    {
        for (const MetricDeclaration& metric : dictionary)
        {
            Insert(insert,
                   metric.name,
                   std::string(kind),
                   metric.unit,
                   std::string(TypeName(metric.type)),
                   metric.meaning);
        }
    };
    write(MetricDictionary(), "scalar");
    write(HistogramDictionary(), "histogram");
    write(SeriesDictionary(), "series");
    transaction.commit();
}

std::map<std::string, std::uint32_t>
ResultStore::PlannedReplications() const
{
    return Guarded(m_path,
                   [&]
                   {
        std::map<std::string, std::uint32_t> planned;
        SQLite::Statement query(*m_database,
                                "SELECT p.label, max(m.replication) + 1 FROM member m "
                                "JOIN point p ON p.id = m.point GROUP BY p.id");
        while (query.executeStep())
        {
            planned[query.getColumn(0)] = query.getColumn(1).getUInt();
        }
        return planned;
    });
}

void
ResultStore::SetPlan(const CampaignHeader& header,
                     const SweepPlan& plan,
                     const std::vector<PlannedRun>& runs)
{
    Guarded(m_path,
            [&]
            {
        SQLite::Database& db = *m_database;
        SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
        const BuildInfo& build = header.build;
        SQLite::Statement insertBuild(db, "INSERT OR IGNORE INTO build VALUES (?, ?, ?, ?, ?, ?)");
        Insert(insertBuild,
               header.buildId,
               build.version,
               build.commit,
               build.compiler,
               build.buildType,
               build.ns3Version);
        SQLite::Statement set(db, "INSERT OR REPLACE INTO campaign VALUES (?, ?)");
        const auto name = std::filesystem::path(plan.file).stem().string();
        for (const auto& [key, value] : std::initializer_list<std::pair<std::string, std::string>>{
                 {"name", name},
                 {"file", plan.file},
                 {"folder", std::filesystem::absolute(plan.file).parent_path().string()},
                 {"toml", plan.toml},
                 {"overrides", nlohmann::json(plan.overrides).dump()},
                 {"build", header.buildId},
                 {"command", header.command}})
        {
            Insert(set, key, value);
        }
        SQLite::Statement setOnce(db, "INSERT OR IGNORE INTO campaign VALUES (?, ?)");
        Insert(setOnce, std::string("created"), UtcNow());
        Insert(setOnce, std::string("id"), header.id.empty() ? DrawnId() : header.id);
        db.exec("DELETE FROM member; DELETE FROM parameter; DELETE FROM point; DELETE FROM axis");
        SQLite::Statement insertAxis(db, "INSERT INTO axis VALUES (?, ?)");
        for (std::size_t i = 0; i < plan.axes.size(); ++i)
        {
            Insert(insertAxis, static_cast<std::int64_t>(i), plan.axes[i]);
        }
        SQLite::Statement insertPoint(db, "INSERT INTO point VALUES (?, ?)");
        SQLite::Statement insertParameter(db, "INSERT INTO parameter VALUES (?, ?, ?, ?)");
        for (std::size_t i = 0; i < plan.points.size(); ++i)
        {
            const auto id = static_cast<std::int64_t>(i + 1);
            Insert(insertPoint, id, plan.points[i].Label());
            for (const auto& [key, value] : plan.points[i].parameters)
            {
                insertParameter.bind(1, id);
                insertParameter.bind(2, key);
                insertParameter.bind(3, value.label);
                if (const auto number = value.Number())
                {
                    insertParameter.bind(4, *number);
                }
                insertParameter.exec();
                insertParameter.reset();
                insertParameter.clearBindings();
            }
        }
        SQLite::Statement insertMember(db, "INSERT INTO member VALUES (?, ?, ?)");
        for (const PlannedRun& run : runs)
        {
            Insert(insertMember,
                   run.id,
                   static_cast<std::int64_t>(run.point + 1),
                   static_cast<std::int64_t>(run.replication));
        }
        transaction.commit();
    });
}

std::set<std::string>
ResultStore::Texts(const char* sql) const
{
    return Guarded(m_path,
                   [&]
                   {
        std::set<std::string> texts;
        SQLite::Statement query(*m_database, sql);
        while (query.executeStep())
        {
            texts.insert(query.getColumn(0));
        }
        return texts;
    });
}

std::set<std::string>
ResultStore::Done() const
{
    return Texts("SELECT id FROM run WHERE status = 'done'");
}

std::set<std::string>
ResultStore::Planned() const
{
    return Texts("SELECT run FROM member");
}

std::set<std::string>
ResultStore::Runs() const
{
    return Texts("SELECT id FROM run");
}

std::optional<double>
ResultStore::CpuSecondsOf(const std::string& label) const
{
    return Guarded(m_path,
                   [&]() -> std::optional<double>
                   {
        SQLite::Statement query(*m_database,
                                "SELECT avg(r.cpu_seconds) FROM result r "
                                "JOIN point p ON p.id = r.point WHERE p.label = ?");
        query.bind(1, label);
        query.executeStep();
        return query.isColumnNull(0) ? std::nullopt : std::optional(query.getColumn(0).getDouble());
    });
}

std::int64_t
ResultStore::MetricId(const std::string& name, const char* kind) const
{
    SQLite::Statement query(*m_database, "SELECT id FROM metric WHERE name = ? AND kind = ?");
    query.bind(1, name);
    query.bind(2, kind);
    if (!query.executeStep())
    {
        ThrowStore(m_path, fmt::format("no {} '{}' is declared", kind, name));
    }
    return query.getColumn(0).getInt64();
}

void
ResultStore::Add(const PlannedRun& run, const std::string& buildId, const RunRecord& record)
{
    Guarded(m_path,
            [&]
            {
        SQLite::Database& db = *m_database;
        SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
        SQLite::Statement remove(db, "DELETE FROM run WHERE id = ? AND status = 'failed'");
        Insert(remove, run.id);
        SQLite::Statement insert(
            db,
            "INSERT INTO run (id, status, exit_code, error, seed, build, scenario, digest, host, "
            "started, wall_seconds, cpu_seconds, memory_bytes) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        const bool isDone = record.error.empty();
        insert.bind(1, run.id);
        insert.bind(2, isDone ? "done" : "failed");
        insert.bind(5, static_cast<std::int64_t>(run.scenario.sim.seed));
        insert.bind(6, buildId);
        insert.bind(7, ResolvedToml(WithoutOutput(run.scenario)));
        insert.bind(9, record.host);
        insert.bind(10, record.started);
        if (isDone)
        {
            insert.bind(3, record.exitCode);
            insert.bind(8, record.outcome.digest);
            insert.bind(11, record.outcome.wallSeconds);
            insert.bind(12, record.outcome.cpuSeconds);
            insert.bind(13, static_cast<std::int64_t>(record.memoryBytes));
        }
        else
        {
            insert.bind(4, record.error);
        }
        insert.exec();
        if (isDone)
        {
            AddData(run.id, record);
        }
        transaction.commit();
    });
}

void
ResultStore::AddData(const std::string& id, const RunRecord& record)
{
    SQLite::Database& db = *m_database;
    const RunOutcome& outcome = record.outcome;
    SQLite::Statement scalar(db, "INSERT INTO scalar VALUES (?, ?, ?)");
    for (const auto& [place, metric] : outcome.metrics.All())
    {
        const std::int64_t key = MetricId(metric.declaration->name, "scalar");
        switch (metric.declaration->type)
        {
        case MetricType::INTEGER:
            Insert(scalar, id, key, metric.value);
            break;
        case MetricType::DURATION:
            Insert(scalar, id, key, Nanoseconds(metric.value));
            break;
        case MetricType::TEXT:
            Insert(scalar, id, key, metric.text);
            break;
        }
    }
    SQLite::Statement histogram(
        db, "INSERT INTO histogram (run, metric, count, min, mean, max) VALUES (?, ?, ?, ?, ?, ?)");
    SQLite::Statement bin(db, "INSERT INTO bin VALUES (?, ?, ?, ?)");
    for (const HistogramData& data : outcome.histograms)
    {
        Insert(histogram,
               id,
               MetricId(data.name, "histogram"),
               static_cast<std::int64_t>(data.count),
               Nanoseconds(data.min),
               Nanoseconds(data.mean),
               Nanoseconds(data.max));
        const std::int64_t key = db.getLastInsertRowid();
        for (const HistogramBin& entry : data.bins)
        {
            Insert(bin,
                   key,
                   Nanoseconds(entry.lower),
                   Nanoseconds(entry.upper),
                   static_cast<std::int64_t>(entry.count));
        }
    }
    SQLite::Statement series(db, "INSERT INTO series (run, metric) VALUES (?, ?)");
    SQLite::Statement sample(db, "INSERT INTO sample VALUES (?, ?, ?)");
    for (const SeriesData& data : outcome.series)
    {
        Insert(series, id, MetricId(data.name, "series"));
        const std::int64_t key = db.getLastInsertRowid();
        for (const auto& entry : data.samples)
        {
            Insert(sample,
                   key,
                   entry.time.time_since_epoch().count() / 1'000,
                   static_cast<double>(entry.value));
        }
    }
    std::int64_t place = 0;
    SQLite::Statement event(db, "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)");
    for (const EventData& data : outcome.timeline)
    {
        Insert(event,
               id,
               place++,
               data.time.time_since_epoch().count() / 1'000,
               data.kind,
               data.node,
               data.detail);
    }
    place = 0;
    SQLite::Statement expectation(db, "INSERT INTO expectation VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const ExpectationOutcome& data : record.expectations)
    {
        Insert(expectation,
               id,
               place++,
               data.expectation.metric,
               data.expectation.comparison,
               data.expectation.value,
               data.actual,
               static_cast<int>(data.holds));
    }
    place = 0;
    SQLite::Statement violation(db, "INSERT INTO violation VALUES (?, ?, ?)");
    for (const std::string& text : outcome.violations)
    {
        Insert(violation, id, place++, text);
    }
}

std::string
ResultStore::Header(const std::string& key) const
{
    return Guarded(m_path,
                   [&]() -> std::string
                   {
        SQLite::Statement query(*m_database, "SELECT value FROM campaign WHERE key = ?");
        query.bind(1, key);
        return query.executeStep() ? query.getColumn(0).getString() : "";
    });
}

CampaignStatus
ResultStore::Status() const
{
    return Guarded(m_path,
                   [&]
                   {
        CampaignStatus status;
        SQLite::Statement counts(
            *m_database,
            "SELECT count(*), count(r.id) FILTER (WHERE r.status = 'done'), "
            "count(r.id) FILTER (WHERE r.status = 'failed'), "
            "count(r.id) FILTER (WHERE r.exit_code = 1), "
            "count(r.id) FILTER (WHERE r.exit_code = 3), "
            "(SELECT count(*) FROM run WHERE id NOT IN (SELECT run FROM member)) "
            "FROM member m LEFT JOIN run r ON r.id = m.run");
        counts.executeStep();
        const auto count = [&](int column)
        {
            return static_cast<std::uint64_t>(counts.getColumn(column).getInt64());
        };
        status.planned = count(0);
        status.done = count(1);
        status.failed = count(2);
        status.expectationsFailed = count(3);
        status.invariantsViolated = count(4);
        status.others = count(5);
        SQLite::Statement errors(*m_database,
                                 "SELECT p.label, m.replication, r.error FROM member m "
                                 "JOIN run r ON r.id = m.run JOIN point p ON p.id = m.point "
                                 "WHERE r.status = 'failed' ORDER BY m.point, m.replication");
        while (errors.executeStep())
        {
            status.errors.push_back(fmt::format("{}, replication {}: {}",
                                                errors.getColumn(0).getString(),
                                                errors.getColumn(1).getInt(),
                                                errors.getColumn(2).getString()));
        }
        return status;
    });
}

std::map<std::string, std::vector<double>>
ResultStore::ValuesOf(const std::string& metric) const
{
    return Guarded(m_path,
                   [&]
                   {
        std::map<std::string, std::vector<double>> values;
        SQLite::Statement query(*m_database,
                                "SELECT p.label, s.value FROM result r "
                                "JOIN point p ON p.id = r.point JOIN scalar s ON s.run = r.id "
                                "JOIN metric d ON d.id = s.metric WHERE d.name = ? "
                                "ORDER BY r.point, r.replication");
        query.bind(1, metric);
        while (query.executeStep())
        {
            values[query.getColumn(0)].push_back(query.getColumn(1).getDouble());
        }
        return values;
    });
}

} // namespace flowchain
