# SPDX-License-Identifier: GPL-2.0-only
"""A campaign's database as pandas tables."""

import pathlib
import sqlite3
import tomllib
import urllib.parse

import pandas

from . import statistics

APPLICATION_ID = 0x666C6F77
USER_VERSION = 1


class CampaignError(Exception):
    """The file cannot be used; the text says which file and why."""


def _number(text, number):
    """A parameter's value for a table: a number where it is one, else the text."""
    if number is None:
        return text
    return int(number) if float(number).is_integer() and text.isdigit() else number


class Campaign:
    """The database that `flowchain sweep` wrote, opened for reading only.

    A sweep may write to it meanwhile: every query sees what was complete when it began. Times are
    in nanoseconds unless a column says otherwise. Close it, or use it in a `with`.

    :raises CampaignError: no such file, no campaign, or one of another version of the tables
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        if not self.path.is_file():
            raise CampaignError(f"{path}: no such file")
        uri = f"file:{urllib.parse.quote(str(self.path.resolve()))}?mode=ro"
        try:
            try:
                self._database = sqlite3.connect(uri, uri=True, timeout=30)
                self._database.execute("PRAGMA schema_version")
            except sqlite3.OperationalError:
                # In a folder that may not be written to, SQLite cannot make the file by which it
                # would share the database with a writer; without a log there is none.
                if self.path.with_name(self.path.name + "-wal").exists():
                    raise
                self._database = sqlite3.connect(uri + "&immutable=1", uri=True)
            (application,) = self._database.execute("PRAGMA application_id").fetchone()
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise CampaignError(f"{path}: not a campaign's database ({error})") from error
        if application != APPLICATION_ID:
            raise CampaignError(f"{path}: a database, but not of a campaign")
        if version != USER_VERSION:
            raise CampaignError(
                f"{path}: version {version} of the tables; this program reads {USER_VERSION}")

    def close(self):
        """Close the database."""
        self._database.close()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()

    def query(self, sql, parameters=()):
        """Any SELECT as a table.

        :raises CampaignError: wrong SQL, or a database that cannot be read"""
        try:
            return pandas.read_sql_query(sql, self._database, params=parameters)
        except (pandas.io.sql.DatabaseError, sqlite3.Error) as error:
            raise CampaignError(f"{self.path}: {error}") from error

    @property
    def info(self):
        """Key and value of what is known of the whole campaign: name, file, toml, command..."""
        table = self.query("SELECT key, value FROM campaign")
        return dict(zip(table["key"], table["value"]))

    @property
    def name(self):
        """The campaign's name, of the file if the database does not tell."""
        return self.info.get("name", self.path.stem)

    @property
    def axes(self):
        """The swept keys, in the order of the scenario file."""
        return list(self.query("SELECT key FROM axis ORDER BY place")["key"])

    @property
    def builds(self):
        """The builds that any run came from."""
        return self.query("SELECT * FROM build ORDER BY id")

    @property
    def metrics(self):
        """Dictionary: name, kind (scalar, histogram, series), unit, type, meaning."""
        return self.query("SELECT name, kind, unit, type, meaning FROM metric ORDER BY id")

    def metric(self, name, kind="scalar"):
        """One metric's unit, type, meaning; None if no run has it."""
        table = self.query("SELECT unit, type, meaning FROM metric WHERE name = ? AND kind = ?",
                           (name, kind))
        return None if table.empty else table.iloc[0].to_dict()

    def points(self):
        """One row for each point (index: its id): label, and a column for each swept key. Values
        are numbers where they are (durations in ns, percentages in percent, rates in bit/s)."""
        points = self.query("SELECT id AS point, label FROM point ORDER BY id").set_index("point")
        return points.join(self._parameters("number"))

    def values(self):
        """As points(), with the values as they were written: "10us"."""
        points = self.query("SELECT id AS point, label FROM point ORDER BY id").set_index("point")
        return points.join(self._parameters("value"))

    def _parameters(self, column):
        table = self.query("SELECT point, key, value, number FROM parameter")
        missing = table["number"].isna()
        numbers = [None if no else n for n, no in zip(table["number"], missing)]
        if column == "number":
            table["shown"] = [_number(v, n) for v, n in zip(table["value"], numbers)]
        else:
            table["shown"] = table["value"]
        if table.empty:
            return pandas.DataFrame(index=pandas.Index([], name="point"))
        wide = table.pivot(index="point", columns="key", values="shown").infer_objects()
        wide.columns.name = None
        return wide[[key for key in self.axes if key in wide]]

    def members(self):
        """Every run the campaign consists of, those that have not run or have failed too (status
        'missing', 'failed'): point, replication, run, status, exit_code, error, seed, build, host,
        started, wall_seconds, cpu_seconds, memory_bytes, violations, expectations_failed."""
        return self.query("""
            SELECT m.point, m.replication, m.run, coalesce(r.status, 'missing') AS status,
                r.exit_code, r.error, r.seed, r.build, r.digest, r.host, r.started,
                r.wall_seconds, r.cpu_seconds, r.memory_bytes,
                (SELECT count(*) FROM violation v WHERE v.run = m.run) AS violations,
                (SELECT count(*) FROM expectation e WHERE e.run = m.run AND NOT e.holds)
                    AS expectations_failed
            FROM member m LEFT JOIN run r ON r.id = m.run ORDER BY m.point, m.replication""")

    def runs(self):
        """The runs that are done, with the swept keys as columns beside those of members()."""
        members = self.members()
        done = members[members["status"] == "done"].drop(columns="status")
        return done.join(self.points(), on="point").reset_index(drop=True)

    def scalars(self, names=None):
        """Metrics of all done runs, long: point, replication, run, name, unit, value."""
        table = self.query("""
            SELECT m.point, m.replication, m.run, d.name, d.unit, s.value
            FROM member m JOIN run r ON r.id = m.run AND r.status = 'done'
            JOIN scalar s ON s.run = r.id
            JOIN metric d ON d.id = s.metric AND d.kind = 'scalar'
            ORDER BY m.point, m.replication, d.id""")
        return table if names is None else table[table["name"].isin(names)].reset_index(drop=True)

    def wide(self, names=None):
        """Metrics of all done runs, one row for each run: runs() with a column for each metric."""
        long = self.scalars(names)
        table = long.pivot(index="run", columns="name", values="value")
        table.columns.name = None
        order = list(dict.fromkeys(long["name"]))
        return self.runs().join(table[order].infer_objects(), on="run")

    def values_of(self, name):
        """A scalar metric's numbers: point, replication, value; without text and without runs that
        have no value for it."""
        table = self.query("""
            SELECT m.point, m.replication, s.value
            FROM member m JOIN run r ON r.id = m.run AND r.status = 'done'
            JOIN scalar s ON s.run = r.id JOIN metric d ON d.id = s.metric
            WHERE d.kind = 'scalar' AND d.name = ? AND typeof(s.value) IN ('integer', 'real')
            ORDER BY m.point, m.replication""", (name,))
        return table.astype({"value": float})

    def summary(self, name, confidence=statistics.CONFIDENCE, precision=None):
        """A metric at each point: n, mean, low, high (Student's t interval over replications), and
        with `precision` (0.02: 2 %) the replications needed for it."""
        rows = []
        for point, group in self.values_of(name).groupby("point"):
            found = statistics.mean_interval(group["value"], confidence)
            row = {"point": point, "n": found.n, "mean": found.estimate, "low": found.low,
                   "high": found.high}
            if precision is not None:
                row["needed"] = statistics.replications_needed(group["value"], precision,
                                                               confidence)
            rows.append(row)
        columns = ["point", "n", "mean", "low", "high"] + (["needed"] if precision else [])
        table = pandas.DataFrame(rows, columns=columns).set_index("point")
        return self.points().join(table, how="inner")

    def histograms(self):
        """Distributions of all done runs: histogram, point, replication, name, unit, count, min,
        mean, max."""
        return self.query("""
            SELECT h.id AS histogram, m.point, m.replication, d.name, d.unit, h.count, h.min,
                h.mean, h.max
            FROM member m JOIN run r ON r.id = m.run AND r.status = 'done'
            JOIN histogram h ON h.run = r.id JOIN metric d ON d.id = h.metric
            ORDER BY d.id, m.point, m.replication""")

    def bins(self, name, point):
        """Bins of a distribution at a point, all its replications: replication, lower, upper,
        count; each count lies in [lower, upper]."""
        return self.query("""
            SELECT m.replication, b.lower, b.upper, b.count
            FROM member m JOIN run r ON r.id = m.run AND r.status = 'done'
            JOIN histogram h ON h.run = r.id JOIN metric d ON d.id = h.metric
            JOIN bin b ON b.histogram = h.id
            WHERE d.name = ? AND m.point = ? ORDER BY m.replication, b.lower""",
                          (name, int(point)))

    def series(self, run, name=None):
        """What was sampled in a run: name, unit, time_ns, value."""
        table = self.query("""
            SELECT d.name, d.unit, x.time_ns, x.value FROM series s
            JOIN metric d ON d.id = s.metric JOIN sample x ON x.series = s.id
            WHERE s.run = ? ORDER BY d.id, x.time_ns""", (run,))
        return table if name is None else table[table["name"] == name].reset_index(drop=True)

    def events(self, run):
        """What happened in a run: time_ns, kind, node, detail."""
        return self.query("SELECT time_ns, kind, node, detail FROM event WHERE run = ? "
                          "ORDER BY place", (run,))

    def scenario(self, run):
        """A run's resolved scenario: its text, and that as nested dictionaries."""
        table = self.query("SELECT scenario FROM run WHERE id = ?", (run,))
        if table.empty:
            raise CampaignError(f"{self.path}: no run {run}")
        text = table["scenario"].iloc[0]
        return text, tomllib.loads(text)
