// SPDX-License-Identifier: GPL-2.0-only
// Of ResultStore: what is said of whole databases.
#include "result-store.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace flowchain
{

namespace
{

/** Rows of `wanted`, a temporary table of ids, from the database `other`. */
constexpr const char* COPY_RUNS = R"sql(
INSERT OR IGNORE INTO build SELECT * FROM other.build;
INSERT OR IGNORE INTO metric (name, kind, unit, type, meaning)
  SELECT name, kind, unit, type, meaning FROM other.metric ORDER BY id;
DELETE FROM run WHERE id IN wanted;
INSERT INTO run SELECT * FROM other.run WHERE id IN wanted;
INSERT INTO scalar SELECT s.run, m.id, s.value FROM other.scalar s
  JOIN other.metric o ON o.id = s.metric JOIN metric m ON m.name = o.name AND m.kind = o.kind
  WHERE s.run IN wanted;
INSERT INTO histogram (run, metric, count, min, mean, max)
  SELECT h.run, m.id, h.count, h.min, h.mean, h.max FROM other.histogram h
  JOIN other.metric o ON o.id = h.metric JOIN metric m ON m.name = o.name AND m.kind = o.kind
  WHERE h.run IN wanted;
INSERT INTO bin SELECT n.id, b.lower, b.upper, b.count FROM other.histogram h
  JOIN other.metric o ON o.id = h.metric JOIN metric m ON m.name = o.name AND m.kind = o.kind
  JOIN histogram n ON n.run = h.run AND n.metric = m.id
  JOIN other.bin b ON b.histogram = h.id WHERE h.run IN wanted;
INSERT INTO series (run, metric) SELECT s.run, m.id FROM other.series s
  JOIN other.metric o ON o.id = s.metric JOIN metric m ON m.name = o.name AND m.kind = o.kind
  WHERE s.run IN wanted;
INSERT INTO sample SELECT n.id, a.time_ns, a.value FROM other.series s
  JOIN other.metric o ON o.id = s.metric JOIN metric m ON m.name = o.name AND m.kind = o.kind
  JOIN series n ON n.run = s.run AND n.metric = m.id
  JOIN other.sample a ON a.series = s.id WHERE s.run IN wanted;
INSERT INTO event SELECT * FROM other.event WHERE run IN wanted;
INSERT INTO expectation SELECT * FROM other.expectation WHERE run IN wanted;
INSERT INTO violation SELECT * FROM other.violation WHERE run IN wanted;
)sql";

/** What a result is, in an order of its own. */
constexpr const char* RESULTS[] = {
    "SELECT id, point, replication, exit_code, digest, scenario FROM result ORDER BY id",
    "SELECT s.run, m.name, s.value FROM scalar s JOIN metric m ON m.id = s.metric "
    "WHERE s.run IN (SELECT id FROM result) ORDER BY s.run, m.name",
    "SELECT h.run, m.name, h.count, h.min, h.mean, h.max, b.lower, b.upper, b.count "
    "FROM histogram h JOIN metric m ON m.id = h.metric LEFT JOIN bin b ON b.histogram = h.id "
    "WHERE h.run IN (SELECT id FROM result) ORDER BY h.run, m.name, b.lower",
    "SELECT s.run, m.name, a.time_ns, a.value FROM series s JOIN metric m ON m.id = s.metric "
    "JOIN sample a ON a.series = s.id WHERE s.run IN (SELECT id FROM result) "
    "ORDER BY s.run, m.name, a.time_ns",
    "SELECT * FROM event WHERE run IN (SELECT id FROM result) ORDER BY run, place",
    "SELECT * FROM expectation WHERE run IN (SELECT id FROM result) ORDER BY run, place",
    "SELECT * FROM violation WHERE run IN (SELECT id FROM result) ORDER BY run, place",
};

} // namespace

std::uint64_t
ResultStore::Collect(const std::string& other)
{
    ResultStore(other, Mode::READ); // or it says what is wrong with it
    std::uint64_t count = 0;
    try
    {
        SQLite::Statement attach(*m_database, "ATTACH ? AS other");
        attach.bind(1, other);
        attach.exec();
        try
        {
            TakeIn(other, count);
        }
        catch (...)
        {
            m_database->exec("DETACH other");
            throw;
        }
        m_database->exec("DETACH other");
    }
    catch (const SQLite::Exception& error)
    {
        throw std::runtime_error(fmt::format("{}: {}", other, error.what()));
    }
    return count;
}

void
ResultStore::TakeIn(const std::string& other, std::uint64_t& count)
{
    SQLite::Database& db = *m_database;
    if (const auto verdict = db.execAndGet("PRAGMA other.quick_check(1)").getString();
        verdict != "ok")
    {
        throw std::runtime_error(fmt::format("{}: is damaged: {}", other, verdict));
    }
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    {
        SQLite::Statement differing(db,
                                    "SELECT o.id, r.digest, o.digest FROM other.run o "
                                    "JOIN main.run r ON r.id = o.id WHERE r.status = 'done' "
                                    "AND o.status = 'done' AND r.digest <> o.digest");
        if (differing.executeStep())
        {
            throw std::runtime_error(fmt::format("{}: run {} has digest {}, but {} in {}",
                                                 other,
                                                 differing.getColumn(0).getString(),
                                                 differing.getColumn(2).getString(),
                                                 differing.getColumn(1).getString(),
                                                 m_path));
        }
    }
    db.exec("CREATE TEMP TABLE wanted AS SELECT o.id FROM other.run o "
            "LEFT JOIN main.run r ON r.id = o.id "
            "WHERE r.id IS NULL OR (r.status = 'failed' AND o.status = 'done')");
    count = static_cast<std::uint64_t>(db.execAndGet("SELECT count(*) FROM wanted").getInt64());
    db.exec(COPY_RUNS);
    db.exec("DROP TABLE wanted");
    transaction.commit();
}

void
ResultStore::CopyTo(const std::string& path) const
{
    try
    {
        SQLite::Statement copy(*m_database, "VACUUM INTO ?");
        copy.bind(1, path);
        copy.exec();
    }
    catch (const SQLite::Exception& error)
    {
        throw std::runtime_error(fmt::format("{}: {}", path, error.what()));
    }
}

std::string
ResultStore::Digest() const
{
    const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                                XXH3_freeState);
    XXH3_64bits_reset(state.get());
    try
    {
        for (const char* sql : RESULTS)
        {
            SQLite::Statement query(*m_database, sql);
            while (query.executeStep())
            {
                for (int i = 0; i < query.getColumnCount(); ++i)
                {
                    const auto column = query.getColumn(i);
                    const std::string text = column.isNull() ? "-"
                                             : column.isFloat()
                                                 ? fmt::format("{}", column.getDouble())
                                                 : column.getString();
                    XXH3_64bits_update(state.get(), text.c_str(), text.size() + 1);
                }
            }
        }
    }
    catch (const SQLite::Exception& error)
    {
        throw std::runtime_error(fmt::format("{}: {}", m_path, error.what()));
    }
    return fmt::format("{:016x}", XXH3_64bits_digest(state.get()));
}

} // namespace flowchain
