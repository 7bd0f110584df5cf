// SPDX-License-Identifier: GPL-2.0-only
#include "result-schema.h"

namespace flowchain
{

const char* const RESULT_MIGRATIONS[RESULT_SCHEMA_VERSION] = {
    R"sql(
CREATE TABLE campaign (   -- name, file, toml, overrides, build, command, created, replications
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE build (
  id           TEXT PRIMARY KEY,
  version      TEXT NOT NULL,
  commit_id    TEXT NOT NULL,
  compiler     TEXT NOT NULL,
  build_type   TEXT NOT NULL,
  ns3_version  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the campaign consists of now.
CREATE TABLE axis (
  place INTEGER PRIMARY KEY,
  key   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE point (
  id    INTEGER PRIMARY KEY,
  label TEXT NOT NULL UNIQUE       -- "chain.length=3 chain.release=all"
) STRICT;

CREATE TABLE parameter (
  point  INTEGER NOT NULL REFERENCES point,
  key    TEXT NOT NULL,
  value  TEXT NOT NULL,
  number REAL,                     -- durations in ns, percentages in %, rates in bit/s; no text
  PRIMARY KEY (point, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
  run         TEXT PRIMARY KEY,    -- has a row in run once it was tried
  point       INTEGER NOT NULL REFERENCES point,
  replication INTEGER NOT NULL,    -- from 0
  UNIQUE (point, replication)
) STRICT, WITHOUT ROWID;

-- What was tried, for earlier plans and builds as well.
CREATE TABLE run (
  id           TEXT PRIMARY KEY,   -- hash of resolved scenario, its captures, and build
  status       TEXT NOT NULL CHECK (status IN ('done', 'failed')),
  exit_code    INTEGER,            -- 0; 1: an expectation failed; 3: an invariant was violated
  error        TEXT,               -- of a failed one
  seed         INTEGER NOT NULL,
  build        TEXT NOT NULL REFERENCES build,
  scenario     TEXT NOT NULL,      -- resolved, TOML
  digest       TEXT,
  host         TEXT NOT NULL,
  started      TEXT NOT NULL,      -- UTC
  wall_seconds REAL,
  cpu_seconds  REAL,
  memory_bytes INTEGER,            -- largest resident set
  CHECK ((status = 'done') = (exit_code IS NOT NULL)),
  CHECK ((status = 'failed') = (error IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE metric (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL,
  kind    TEXT NOT NULL CHECK (kind IN ('scalar', 'histogram', 'series')),
  unit    TEXT NOT NULL,
  type    TEXT NOT NULL CHECK (type IN ('integer', 'duration', 'text')),
  meaning TEXT NOT NULL,
  UNIQUE (name, kind)
) STRICT;

CREATE TABLE scalar (
  run    TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
  metric INTEGER NOT NULL REFERENCES metric,
  value  ANY NOT NULL,             -- in the metric's unit
  PRIMARY KEY (run, metric)
) STRICT, WITHOUT ROWID;
CREATE INDEX scalar_metric ON scalar (metric);

CREATE TABLE histogram (           -- of durations, in ns
  id     INTEGER PRIMARY KEY,
  run    TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
  metric INTEGER NOT NULL REFERENCES metric,
  count  INTEGER NOT NULL,
  min    REAL NOT NULL,
  mean   REAL NOT NULL,
  max    REAL NOT NULL,
  UNIQUE (run, metric)
) STRICT;

CREATE TABLE bin (                 -- values in [lower, upper] ns
  histogram INTEGER NOT NULL REFERENCES histogram ON DELETE CASCADE,
  lower     REAL NOT NULL,
  upper     REAL NOT NULL,
  count     INTEGER NOT NULL,
  PRIMARY KEY (histogram, lower)
) STRICT, WITHOUT ROWID;

CREATE TABLE series (
  id     INTEGER PRIMARY KEY,
  run    TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
  metric INTEGER NOT NULL REFERENCES metric,
  UNIQUE (run, metric)
) STRICT;

CREATE TABLE sample (
  series  INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
  time_ns INTEGER NOT NULL,        -- simulated
  value   REAL NOT NULL,
  PRIMARY KEY (series, time_ns)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  run     TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
  place   INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,        -- simulated
  kind    TEXT NOT NULL,
  node    TEXT NOT NULL,           -- '': of no node
  detail  TEXT NOT NULL,
  PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE expectation (
  run        TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
  place      INTEGER NOT NULL,
  metric     TEXT NOT NULL,
  comparison TEXT NOT NULL,
  value      TEXT NOT NULL,
  actual     TEXT NOT NULL,
  holds      INTEGER NOT NULL,
  PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE violation (
  run   TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
  place INTEGER NOT NULL,
  text  TEXT NOT NULL,
  PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

-- The results that count: of the plan and build of now.
CREATE VIEW result AS
  SELECT m.point, m.replication, r.* FROM member m JOIN run r ON r.id = m.run
  WHERE r.status = 'done';
)sql",
};

} // namespace flowchain
