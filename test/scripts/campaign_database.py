# SPDX-License-Identifier: GPL-2.0-only
"""Writes databases of campaigns with chosen numbers, for the tests of what reads them."""

import hashlib
import sqlite3

SCHEMA = """
PRAGMA application_id = 0x666c6f77;
PRAGMA user_version = 1;
CREATE TABLE campaign (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE build (id TEXT PRIMARY KEY, version TEXT, commit_id TEXT, compiler TEXT,
    build_type TEXT, ns3_version TEXT) STRICT;
CREATE TABLE axis (place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE point (id INTEGER PRIMARY KEY, label TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE parameter (point INTEGER REFERENCES point, key TEXT, value TEXT NOT NULL,
    number REAL, PRIMARY KEY (point, key)) STRICT;
CREATE TABLE member (run TEXT PRIMARY KEY, point INTEGER REFERENCES point, replication INTEGER,
    UNIQUE (point, replication)) STRICT;
CREATE TABLE run (id TEXT PRIMARY KEY, status TEXT NOT NULL, exit_code INTEGER, error TEXT,
    seed INTEGER NOT NULL, build TEXT REFERENCES build, scenario TEXT NOT NULL, digest TEXT,
    host TEXT, started TEXT, wall_seconds REAL, cpu_seconds REAL, memory_bytes INTEGER) STRICT;
CREATE TABLE metric (id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL,
    unit TEXT NOT NULL, type TEXT NOT NULL, meaning TEXT NOT NULL, UNIQUE (name, kind)) STRICT;
CREATE TABLE scalar (run TEXT, metric INTEGER, value ANY NOT NULL, PRIMARY KEY (run, metric))
    STRICT, WITHOUT ROWID;
CREATE TABLE histogram (id INTEGER PRIMARY KEY, run TEXT, metric INTEGER, count INTEGER, min REAL,
    mean REAL, max REAL, UNIQUE (run, metric)) STRICT;
CREATE TABLE bin (histogram INTEGER, lower REAL, upper REAL, count INTEGER,
    PRIMARY KEY (histogram, lower)) STRICT, WITHOUT ROWID;
CREATE TABLE series (id INTEGER PRIMARY KEY, run TEXT, metric INTEGER, UNIQUE (run, metric)) STRICT;
CREATE TABLE sample (series INTEGER, time_ns INTEGER, value REAL, PRIMARY KEY (series, time_ns))
    STRICT, WITHOUT ROWID;
CREATE TABLE event (run TEXT, place INTEGER, time_ns INTEGER, kind TEXT, node TEXT, detail TEXT,
    PRIMARY KEY (run, place)) STRICT, WITHOUT ROWID;
CREATE TABLE expectation (run TEXT, place INTEGER, metric TEXT, comparison TEXT, value TEXT,
    actual TEXT, holds INTEGER, PRIMARY KEY (run, place)) STRICT, WITHOUT ROWID;
CREATE TABLE violation (run TEXT, place INTEGER, text TEXT, PRIMARY KEY (run, place))
    STRICT, WITHOUT ROWID;
CREATE VIEW result AS SELECT m.point, m.replication, r.* FROM member m JOIN run r ON r.id = m.run
    WHERE r.status = 'done';
"""
BUILD = ("b1", "0.1.0", "0123456789ab", "GNU 12.2.0", "Release", "3.37")
SCENARIO = """[topology]
leaves = 2
spines = 1
clients = 1
servers = 1
[group]
count = 1
managers = 3
[chain]
scheme = "chain"
length = 3
position = "tail"
release = "all"
[[service]]
name = "nat"
nodes = 2
[[accelerator]]
name = "edge"
count = 1
"""


class CampaignDatabase:
    """A new database at `path`."""

    def __init__(self, path, name="made-up", axes=()):
        self.database = sqlite3.connect(path)
        self.database.executescript(SCHEMA)
        for key, value in (("name", name), ("file", f"{name}.toml"), ("toml", SCENARIO),
                           ("overrides", "[]"), ("build", "b1"),
                           ("command", f"flowchain sweep {name}.toml"),
                           ("created", "2026-01-02T03:04:05Z")):
            self.execute("INSERT INTO campaign VALUES (?, ?)", key, value)
        self.execute("INSERT INTO build VALUES (?, ?, ?, ?, ?, ?)", *BUILD)
        for place, key in enumerate(axes):
            self.execute("INSERT INTO axis VALUES (?, ?)", place, key)
        self.axes = axes

    def execute(self, sql, *values):
        return self.database.execute(sql, values)

    def point(self, *values):
        """A point with (text, number or None) for each axis, or just a number; returns its id."""
        pairs = [v if isinstance(v, tuple) else (str(v), v if not isinstance(v, str) else None)
                 for v in values]
        label = " ".join(f"{k}={v}" for k, (v, _) in zip(self.axes, pairs)) or "as the file says"
        point = self.execute("INSERT INTO point (label) VALUES (?)", label).lastrowid
        for key, (text, number) in zip(self.axes, pairs):
            self.execute("INSERT INTO parameter VALUES (?, ?, ?, ?)", point, key, text, number)
        return point

    def metric(self, name, kind, unit):
        kind_of_value = "duration" if unit == "ns" else "text" if unit == "hex" else "integer"
        self.execute("INSERT OR IGNORE INTO metric (name, kind, unit, type, meaning) "
                     "VALUES (?, ?, ?, ?, ?)", name, kind, unit, kind_of_value,
                     f"meaning of {name}")
        return self.execute("SELECT id FROM metric WHERE name = ? AND kind = ?", name,
                            kind).fetchone()[0]

    def run(self, point, replication, scalars=(), histograms=(), series=(), events=(), *,
            status="done", exit_code=0, scenario=SCENARIO, violations=()):
        """A run. scalars: (name, unit, value); histograms: (name, [(lower, upper, count)]);
        series: (name, unit, [(time_ns, value)]); events: (time_ns, kind, node, detail)."""
        run = hashlib.md5(f"{point} {replication}".encode()).hexdigest()
        self.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?, 'b1', ?, 'd', 'host', "
                     "'2026-01-02T03:04:05Z', 1.5, 1.0, 1000000)", run, status,
                     exit_code if status == "done" else None,
                     None if status == "done" else "it crashed", replication + 1, scenario)
        self.execute("INSERT INTO member VALUES (?, ?, ?)", run, point, replication)
        for name, unit, value in scalars:
            self.execute("INSERT INTO scalar VALUES (?, ?, ?)", run,
                         self.metric(name, "scalar", unit), value)
        for name, bins in histograms:
            count = sum(n for _, _, n in bins)
            row = self.execute("INSERT INTO histogram (run, metric, count, min, mean, max) "
                               "VALUES (?, ?, ?, ?, ?, ?)", run,
                               self.metric(name, "histogram", "ns"), count,
                               bins[0][0] if bins else None,
                               sum(h * n for _, h, n in bins) / count if bins else None,
                               bins[-1][1] if bins else None).lastrowid
            self.database.executemany("INSERT INTO bin VALUES (?, ?, ?, ?)",
                                      [(row, *b) for b in bins])
        for name, unit, samples in series:
            row = self.execute("INSERT INTO series (run, metric) VALUES (?, ?)", run,
                               self.metric(name, "series", unit)).lastrowid
            self.database.executemany("INSERT INTO sample VALUES (?, ?, ?)",
                                      [(row, *s) for s in samples])
        for place, event in enumerate(events):
            self.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", run, place, *event)
        for place, text in enumerate(violations):
            self.execute("INSERT INTO violation VALUES (?, ?, ?)", run, place, text)
        return run

    def close(self):
        self.database.commit()
        self.database.close()
