#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests `flowchain sweep` and what reads its database from outside: which runs there are, that a
kill at any moment loses none that was finished, precision, bad input.

usage: sweep-test.py PROGRAM [unittest options]
"""

import csv
import io
import json
import math
import os
import pathlib
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = ""

SCENARIO = """# SPDX-License-Identifier: GPL-2.0-only
[sim]
stop = "80ms"

[controller]
heartbeat_interval = "2ms"
detection_timeout = "6ms"

[[service]]

[[accelerator]]

[[workload]]
kind = "sessions"
sessions = 40
arrivals = "poisson"
rate = 2000
packets = 4
gap = "10ms"

[[failure]]
node = "service[2]"
at = "15ms"

[[expect]]
metric = "sessions.lost"
equals = 0

[sweep]
"""
CROSS = """replications = 2
[sweep.cross]
chain.length = {from = 1, to = 3}
chain.release = ["immediate", "all"]
"""


class SweepTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def write(self, sweep, scenario=SCENARIO):
        (self.path / "small.toml").write_text(scenario + sweep)

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], cwd=self.path, capture_output=True, text=True,
                              timeout=300)

    def sweep(self, *arguments):
        return self.run_program("sweep", "small.toml", *arguments)

    def good(self, *arguments):
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def database(self, name="results/small.db"):
        database = sqlite3.connect(f"file:{self.path / name}?mode=ro", uri=True)
        self.addCleanup(database.close)
        return database

    def digest(self, name="results/small.db"):
        """Of the whole campaign, as printed by a sweep that has nothing left to do."""
        printed = self.good("sweep", "small.toml", "--database", name)
        return printed.splitlines()[-1].split()[1]

    def labels(self):
        return [row[0] for row in self.database().execute("SELECT label FROM point ORDER BY id")]

    # Points

    def test_every_combination_in_the_order_of_the_file(self):
        self.write(CROSS)
        self.good("sweep", "small.toml")
        self.assertEqual(self.labels(),
                         [f"chain.length={length} chain.release={release}"
                          for length in (1, 2, 3) for release in ("immediate", "all")])
        rows = self.database().execute(
            "SELECT replication, seed, count(*) FROM result GROUP BY 1, 2").fetchall()
        self.assertEqual(rows, [(0, 1, 6), (1, 2, 6)])

    def test_zips_go_in_step_and_are_crossed_with_the_rest(self):
        self.write('[[sweep.zip]]\ngroup.managers = [3, 5]\nchain.length = [1, 4]\n'
                   '[sweep.cross]\n"service[0].nodes" = [3, 4]\n')
        self.good("sweep", "small.toml")
        self.assertEqual(self.labels(),
                         [f"group.managers={managers} chain.length={length} service[0].nodes={n}"
                          for managers, length in ((3, 1), (5, 4)) for n in (3, 4)])

    def test_ranges_with_units(self):
        self.write('[sweep.cross]\n'
                   'topology.loss = {from = "0%", to = "1%", step = "0.5%"}\n'
                   'topology.host_delay = {from = "1us", to = "4us", factor = 2}\n'
                   'sync.window = {from = 1, to = 64, factor = 8}\n')
        self.good("sweep", "small.toml", "--dry-run")
        self.good("sweep", "small.toml", "-s", "failure=[]", "-s", "sim.stop=25ms")
        values = {}
        for key, value, number in self.database().execute(
                "SELECT DISTINCT key, value, number FROM parameter ORDER BY number"):
            values.setdefault(key, []).append((value, number))
        self.assertEqual(values["topology.loss"], [("0%", 0), ("0.5%", 0.5), ("1%", 1)])
        self.assertEqual(values["topology.host_delay"], [("1us", 1e3), ("2us", 2e3), ("4us", 4e3)])
        self.assertEqual(values["sync.window"], [("1", 1), ("8", 8), ("64", 64)])

    def test_filters_leave_points_out(self):
        self.write('where = ["chain.position <= chain.length", "chain.length != 2",\n'
                   '         "chain.release == all or chain.length > group.managers"]\n'
                   '[sweep.cross]\nchain.length = [1, 2, 3]\nchain.position = [1, 2, 3]\n'
                   'chain.release = ["immediate", "all"]\n')
        printed = self.good("sweep", "small.toml", "--dry-run")
        self.assertIn("4 points, 14 left out, 4 runs, 0 of them done", printed)
        self.assertFalse((self.path / "results").exists(), "a dry run writes nothing")

    def test_results_are_those_of_single_runs(self):
        self.write(CROSS)
        self.good("sweep", "small.toml")
        run, command = None, None
        for (run,) in self.database().execute("SELECT id FROM result WHERE point = 3 LIMIT 1"):
            command = self.good("show", "results/small.db", run[:10], "--command").split()
        self.assertEqual(command[:3], ["flowchain", "run", "small.toml"])
        self.good(*command[1:])
        result = json.loads((self.path / "results/small/result.json").read_text())
        stored = dict(self.database().execute(
            "SELECT m.name, s.value FROM scalar s JOIN metric m ON m.id = s.metric WHERE s.run = ?",
            (run,)))
        self.assertEqual({name: metric["value"] for name, metric in result["metrics"].items()},
                         stored)
        self.assertEqual(self.good("show", "results/small.db", run, "--scenario").count("[sim]"), 1)

    # Resuming

    def test_a_kill_at_any_moment_loses_no_finished_run(self):
        self.write("replications = 60\n[sweep.cross]\nchain.length = [1, 3]\n")
        serial = self.good("sweep", "small.toml", "-j", "1", "--database", "serial.db")
        rng = random.Random(7)
        finished, kills = 0, 0
        while kills < 40:
            child = subprocess.Popen([PROGRAM, "sweep", "small.toml", "-j", "3", "--quiet"],
                                     cwd=self.path, start_new_session=True,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                child.wait(timeout=rng.uniform(0.01, 0.25))
                self.assertEqual(child.returncode, 0, child.stderr.read())
                break
            except subprocess.TimeoutExpired:
                os.kill(child.pid, signal.SIGKILL)  # its runs end by themselves
                child.wait()
                kills += 1
            finally:
                child.stderr.close()
            if (self.path / "results/small.db").exists():
                database = self.database()
                try:
                    (count,) = database.execute("SELECT count(*) FROM run").fetchone()
                except sqlite3.OperationalError:
                    continue  # killed before there was a table
                self.assertEqual(database.execute("PRAGMA integrity_check").fetchone(), ("ok",))
                self.assertGreaterEqual(count, finished)
                finished = count
        self.assertGreater(kills, 2, "it was never interrupted")
        self.assertEqual(self.digest(), serial.splitlines()[-1].split()[1])
        self.assertEqual(self.database().execute("SELECT count(*) FROM result").fetchone(), (120,))

    def test_no_process_stays_behind_a_killed_sweep(self):
        self.write("replications = 400\n")
        child = subprocess.Popen([PROGRAM, "sweep", "small.toml", "-j", "3", "--quiet"],
                                 cwd=self.path, start_new_session=True)
        time.sleep(0.3)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                os.killpg(child.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)
        self.fail("some of its runs go on")

    def test_more_replications_add_what_is_missing(self):
        self.write(CROSS)
        self.good("sweep", "small.toml")
        before = dict(self.database().execute("SELECT id, started || wall_seconds FROM run"))
        self.good("sweep", "small.toml", "--replications", "+3")
        after = dict(self.database().execute("SELECT id, started || wall_seconds FROM run"))
        self.assertEqual(len(after), 30)
        self.assertEqual({run: after[run] for run in before}, before, "runs were made again")
        self.good("sweep", "small.toml")
        self.assertEqual(self.database().execute("SELECT count(*) FROM result").fetchone(), (30,),
                         "they stay without the option")

    def test_any_number_of_jobs_gives_one_digest(self):
        self.write(CROSS)
        digests = set()
        for jobs in ("1", "2", "5"):
            printed = self.good("sweep", "small.toml", "-j", jobs, "--database", f"{jobs}.db")
            digests.add(printed.splitlines()[-1])
        self.assertEqual(len(digests), 1)

    def test_a_shared_warm_up_changes_no_result(self):
        scenario = SCENARIO.replace('stop = "80ms"', 'stop = "80ms"\nwarmup = "10ms"')
        self.write('replications = 2\n[[sweep.zip]]\n'
                   '"failure[0].at" = ["10ms", "15ms", "16ms", "20ms", "5ms"]\n'
                   '"failure[0].kind" = ["crash", "cut", "suspect", "drain", "crash"]\n', scenario)
        cold = self.sweep("--cold", "--database", "cold.db")
        self.assertIn("10 of 10 done", cold.stdout, cold.stderr)
        for jobs in ("1", "3", "16"):
            warm = self.sweep("-j", jobs, "--database", f"{jobs}.db")
            self.assertEqual(warm.stderr, cold.stderr)
            self.assertEqual(warm.stdout.splitlines()[-1], cold.stdout.splitlines()[-1])
            self.assertEqual(warm.returncode, cold.returncode)

    def test_one_campaign_is_swept_by_one(self):
        self.write("replications = 200\n")
        with subprocess.Popen([PROGRAM, "sweep", "small.toml", "-j", "1", "--quiet"],
                              cwd=self.path) as first:
            while not (self.path / "results/small.db").exists() or not self.count_members():
                time.sleep(0.01)
            second = self.sweep()
            first.kill()
        self.assertEqual(second.returncode, 2)
        self.assertIn("another `flowchain` is at work on it", second.stderr)

    def count_members(self):
        try:
            return self.database().execute("SELECT count(*) FROM member").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def test_a_changed_plan_keeps_old_runs_but_does_not_count_them(self):
        self.write(CROSS)
        self.good("sweep", "small.toml")
        self.write(CROSS.replace("to = 3", "to = 2"))
        printed = self.good("sweep", "small.toml")
        self.assertIn("8 of 8 done; 4 of earlier plans or builds are kept", printed)
        listed = self.good("query", "results/small.db", "-m", "sessions.lost", "--format", "csv")
        self.assertEqual(len(listed.splitlines()), 1 + 4)

    # Outcomes

    def test_a_run_that_fails_is_kept_as_failed_and_tried_again(self):
        capture = pathlib.Path(self.path / "c.pcap")
        capture.write_bytes(b"no capture")
        scenario = SCENARIO.replace(
            "[[failure]]", '[[workload]]\nkind = "replay"\nfile = "c.pcap"\n\n[[failure]]')
        self.write("replications = 2\n", scenario)
        done = self.sweep()
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("0 of 2 done, 2 failed", done.stdout)
        self.assertIn("c.pcap", done.stderr)
        (status, error), *_ = self.database().execute("SELECT status, error FROM run").fetchall()
        self.assertEqual(status, "failed")
        self.assertIn("c.pcap", error)
        self.assertEqual(self.sweep().returncode, 2, "it is tried again")
        self.assertEqual(self.sweep("--fail-fast", "-j", "1").stderr.count("failed"), 1)

    def test_the_worst_outcome_is_the_exit_code(self):
        self.write("[sweep.cross]\nchain.scheme = [\"chain\", \"none\"]\n")
        done = self.sweep()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("an expectation failed in 1 runs", done.stdout)
        self.assertIn("chain.scheme=none, replication 0): an expectation failed", done.stderr)

    # Statistics

    def test_query_prints_means_and_student_intervals(self):
        self.write("replications = 5\n")
        self.good("sweep", "small.toml")
        values = [row[0] for row in self.database().execute(
            "SELECT s.value FROM result r JOIN scalar s ON s.run = r.id JOIN metric m "
            "ON m.id = s.metric WHERE m.name = 'latency.first_packet.mean'")]
        (row,) = csv.DictReader(io.StringIO(self.good(
            "query", "results/small.db", "--metric", "latency.first_packet.mean", "--format",
            "csv")))
        self.assertEqual((row["unit"], row["n"]), ("ns", "5"))
        self.assertAlmostEqual(float(row["mean"]), statistics.fmean(values), places=6)
        # t(0.975; 4) = 2.776, as in any table of Student's distribution
        self.assertAlmostEqual(float(row["half_width_95"]),
                               2.7764451 * statistics.stdev(values) / math.sqrt(5), places=3)

    def test_query_narrows_and_widens(self):
        self.write(CROSS)
        self.good("sweep", "small.toml")
        query = ("query", "results/small.db", "-m", "sessions.started,sync.bytes")
        wide = self.good(*query, "--where", "chain.release=all", "--format", "wide").splitlines()
        self.assertEqual(wide[0].split(), ["chain.length", "n", "sessions.started", "[sessions]",
                                           "+-", "sync.bytes", "[bytes]", "+-"])
        self.assertEqual([line.split()[:4] for line in wide[1:]],
                         [[str(n), "2", "40.000", "0.000"] for n in (1, 2, 3)])
        rows = list(csv.DictReader(io.StringIO(self.good(
            *query, "--where", "chain.length=2", "--format", "csv"))))
        self.assertEqual({row["chain.release"] for row in rows}, {"immediate", "all"})
        pooled = list(csv.DictReader(io.StringIO(self.good(
            *query, "--by", "chain.length", "--format", "csv"))))
        self.assertEqual({(row["n"], row["half_width_95"]) for row in pooled}, {("4", "")})

    def test_precision_adds_runs_until_it_is_reached(self):
        self.write("[sweep.cross]\nchain.length = [1, 2]\n")
        metric = "sync.bytes_per_session"
        self.good("sweep", "small.toml", "--precision", "4%", "--metric", metric)
        rows = list(csv.DictReader(io.StringIO(self.good(
            "query", "results/small.db", "-m", metric, "--format", "csv"))))
        for row in rows:
            self.assertGreaterEqual(int(row["n"]), 3)
            self.assertLessEqual(float(row["half_width_95"]), 0.04 * float(row["mean"]))
        self.assertGreater(max(int(row["n"]) for row in rows), 3, "nothing was to be added")
        done = self.sweep("--precision", "0.001%", "--max-replications", "6", "--metric", metric)
        self.assertEqual(done.returncode, 2)
        self.assertIn("not to 0.00 %", done.stderr)

    def test_verify_finds_what_was_changed(self):
        self.write("replications = 2\n")
        self.good("sweep", "small.toml")
        self.assertIn("2 runs made again, 0 different",
                      self.good("verify", "results/small.db", "--all"))
        with sqlite3.connect(self.path / "results/small.db") as database:
            database.execute("UPDATE scalar SET value = value + 1 WHERE metric = (SELECT id FROM "
                             "metric WHERE name = 'sync.bytes' AND kind = 'scalar') AND run = "
                             "(SELECT id FROM result WHERE replication = 1)")
        database.close()
        done = self.run_program("verify", "results/small.db", "--all")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.count("DIFFERENT"), 1)
        self.assertIn("sync.bytes: ", done.stdout)

    # Bad input

    def test_bad_sweeps_are_refused_with_their_place(self):
        lines = SCENARIO.count("\n")
        for sweep, place, message in (
                ("replications = 0\n", (1, 16), "expected an integer from 1 to 10000"),
                ("replicatons = 2\n", (1, 1), "did you mean 'replications'?"),
                ("[sweep.cross]\nchain.length = []\n", (2, 16), "expected a list of 1 to"),
                ("[sweep.cross]\nchain.length = [1, 1]\n", (1, 1),
                 "chain.length = 1 stands there twice"),
                ("[[sweep.zip]]\nchain.length = [1, 2, 1]\nsync.window = [3, 3, 3]\n", (1, 1),
                 "chain.length = 1, sync.window = 3 stands there twice"),
                ("[sweep.cross]\nchain.length = {from = 3, to = 1}\n", (2, 16), "a range goes up"),
                ("[sweep.cross]\nsim.stop = {from = \"1ms\", to = \"2ms\"}\n", (2, 12),
                 "needs a step"),
                ("[sweep.cross]\nchain.length = {from = 1, to = 3, stp = 1}\n", (2, 16),
                 "unknown key 'stp'"),
                ("[[sweep.zip]]\nchain.length = [1, 2]\nsync.window = [1]\n", (1, 1),
                 "chain.length has 2 values, sync.window has 1"),
                ("where = [\"chain.length < \"]\n", (1, 10), "expected \"KEY OP VALUE\""),
                ("where = [\"chain.lenght < 3\"]\n", (1, 10), "did you mean 'chain.length'?"),
                ("where = [\"chain.release < 3\"]\n", (1, 10), "have no order"),
                ("where = [\"chain.length > 3\"]\n", None, "leaves no point"),
                ("[sweep.cross]\nchain.lenght = [1, 2]\n", None, "did you mean 'length'?"),
                ("[sweep.cross]\nchain.length = [1, 99]\n", None, "chain.length=99: "),
                ("[sweep.cross]\na = {from = 1, to = 400}\nb = {from = 1, to = 400}\n", (0, 1),
                 "more than 100000 points")):
            with self.subTest(sweep=sweep):
                self.write(sweep)
                done = self.sweep("--dry-run")
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(message, done.stderr)
                if place is not None:
                    self.assertTrue(
                        done.stderr.startswith(
                            f"small.toml:{lines + place[0]}:{place[1]}: error: "), done.stderr)

    def test_bad_options_are_refused(self):
        self.write(CROSS)
        for arguments, message in (
                (("-s", "chain.length=2"), "chain.length: this key is swept"),
                (("--replications", "x"), "--replications x: expected 1 to 10000"),
                (("--replications", "0"), "expected 1 to 10000"),
                (("--precision", "2"), "expected a percentage such as 2%"),
                (("--precision", "2%", "--metric", "sessions.lots"),
                 "did you mean 'sessions.lost'?"),
                (("--metric", "sessions.lost"), "requires --precision"),
                (("--fail-fast", "--keep-going"), "excludes")):
            with self.subTest(arguments=arguments):
                done = self.sweep(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(message, done.stderr)

    def test_what_is_no_campaign_is_refused(self):
        self.write("")
        with sqlite3.connect(self.path / "other.db") as database:
            database.execute("CREATE TABLE t (x)")
        database.close()
        (self.path / "text.db").write_text("hello" * 1000)
        self.good("sweep", "small.toml", "--database", "newer.db")
        with sqlite3.connect(self.path / "newer.db") as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        for name, message in (("other.db", "is an SQLite database, but no campaign"),
                              ("text.db", "file is not a database"),
                              ("newer.db", "use a newer one"),
                              ("/proc/no/such.db", "/proc/no")):
            with self.subTest(name=name):
                done = self.sweep("--database", name)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(message, done.stderr)
        done = self.run_program("query", "missing.db", "SELECT 1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no such campaign", done.stderr)

    def test_queries_that_cannot_be(self):
        self.write("")
        self.good("sweep", "small.toml")
        for arguments, message in ((("selec",), "syntax error"),
                                   (("DELETE FROM run",), "readonly"),
                                   ((), "either SQL or --metric"),
                                   (("-m", "sessions.lots"), "did you mean 'sessions.lost'?"),
                                   (("-m", "trace.digest"), "there is none"),
                                   (("-m", "sessions.lost", "--by", "x"), "there is none"),
                                   (("-m", "sessions.lost", "--where", "x"), "expected KEY=VALUE"),
                                   (("-m", "sessions.lost", "--where", "x=1"), "there is none"),
                                   (("SELECT 1", "--format", "wide"), "is for --metric")):
            with self.subTest(arguments=arguments):
                done = self.run_program("query", "results/small.db", *arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn(message, done.stderr)
        for run in ("zz", ""):
            done = self.run_program("show", "results/small.db", run)
            self.assertEqual(done.returncode, 0 if run == "" else 2, done.stdout + done.stderr)


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
