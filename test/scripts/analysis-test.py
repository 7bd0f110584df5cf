#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests analysis/: statistics against tables and closed forms, what is read from a database, what
is drawn of it.

usage: analysis-test.py FLOWCHAIN
"""

import contextlib
import doctest
import math
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
import unittest
import warnings

import numpy as np

from campaign_database import SCENARIO, CampaignDatabase

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "analysis"))

import flowchain_analysis  # noqa: E402
from flowchain_analysis import distributions, figures, layout, paper  # noqa: E402
from flowchain_analysis import statistics, tables, topology, units, vega  # noqa: E402
from flowchain_analysis.campaign import Campaign, CampaignError  # noqa: E402

FLOWCHAIN = None


class StatisticsTest(unittest.TestCase):
    def test_student_intervals_against_the_table_of_the_t_distribution(self):
        # Upper 2.5 % points as any table of Student's t prints them.
        for degrees, quantile in ((1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042)):
            n = degrees + 1
            values = np.arange(n, dtype=float)
            deviation = math.sqrt(n * (n + 1) / 12)  # of 0, 1, ..., n - 1
            found = statistics.mean_interval(values)
            self.assertAlmostEqual(found.half_width * math.sqrt(n) / deviation, quantile, 3)
            self.assertAlmostEqual(found.estimate, (n - 1) / 2)

    def test_few_values_give_no_interval(self):
        self.assertEqual(statistics.mean_interval([]).n, 0)
        one = statistics.mean_interval([3.0])
        self.assertEqual(one.estimate, 3.0)
        self.assertTrue(math.isnan(one.low) and math.isnan(one.high))
        same = statistics.mean_interval([0.1] * 3)
        self.assertEqual((same.estimate, same.low, same.high), (0.1, 0.1, 0.1))

    def test_wrong_values_are_refused(self):
        for values in ([1.0, math.nan], [1.0, math.inf], [[1.0, 2.0]]):
            with self.assertRaises(ValueError):
                statistics.mean_interval(values)
        with self.assertRaises(ValueError):
            statistics.mean_interval([1.0, 2.0], 95)
        with self.assertRaises(ValueError):
            statistics.paired_difference([1.0, 2.0], [1.0])

    def test_student_interval_covers_the_mean_as_often_as_it_says(self):
        random = np.random.default_rng(1)
        covered = sum(i.low <= 10 <= i.high for i in
                      (statistics.mean_interval(random.normal(10, 3, 5)) for _ in range(4000)))
        self.assertAlmostEqual(covered / 4000, 0.95, delta=0.0104)  # three standard errors

    def test_ranks_of_quantile_intervals_against_the_table(self):
        # Median: Conover, Practical Nonparametric Statistics, table of binomial intervals; the
        # coverages are sums of binomial probabilities: 1 - 2 x 11 / 1024 for n = 10.
        self.assertEqual(statistics.quantile_ranks(10, 0.5)[:2], (2, 9))
        self.assertAlmostEqual(statistics.quantile_ranks(10, 0.5)[2], 1 - 22 / 1024)
        self.assertEqual(statistics.quantile_ranks(20, 0.5)[:2], (6, 15))
        self.assertEqual(statistics.quantile_ranks(6, 0.5)[:2], (1, 6))
        self.assertIsNone(statistics.quantile_ranks(5, 0.5))  # at most 1 - 2 / 32 = 93.75 %
        self.assertIsNone(statistics.quantile_ranks(100, 0.99))

    def test_quantile_interval_covers_the_quantile_as_often_as_it_says(self):
        random = np.random.default_rng(2)
        for n, probability in ((15, 0.5), (60, 0.9)):
            true = -math.log(1 - probability)
            found = [statistics.quantile_interval(random.exponential(1, n), probability)
                     for _ in range(3000)]
            covered = sum(i.low <= true <= i.high for i in found) / 3000
            self.assertGreaterEqual(found[0].confidence, 0.95)
            self.assertAlmostEqual(covered, found[0].confidence, delta=0.012)

    def test_bootstrap(self):
        random = np.random.default_rng(3)
        values = random.normal(5, 1, 60)
        found = statistics.bootstrap_interval(values)
        student = statistics.mean_interval(values)
        self.assertEqual(found, statistics.bootstrap_interval(values))
        self.assertAlmostEqual(found.half_width / student.half_width, 1, delta=0.08)
        self.assertEqual(statistics.bootstrap_interval([2.0, 2.0]).half_width, 0)
        skewed = statistics.bootstrap_interval([0, 0, 0, 0, 0, 0, 0, 9, 1, 0])
        self.assertGreaterEqual(skewed.low, 0)
        self.assertLess(statistics.mean_interval([0, 0, 0, 0, 0, 0, 0, 9, 1, 0]).low, 0)
        median = statistics.bootstrap_interval(values, np.median)
        self.assertTrue(median.low <= np.median(values) <= median.high)

    def test_bootstrap_covers_the_mean(self):
        random = np.random.default_rng(4)
        resamples, statistics.RESAMPLES = statistics.RESAMPLES, 499
        try:
            covered = sum(i.low <= 0 <= i.high for i in
                          (statistics.bootstrap_interval(random.normal(0, 1, 30))
                           for _ in range(400)))
        finally:
            statistics.RESAMPLES = resamples
        self.assertAlmostEqual(covered / 400, 0.94, delta=0.035)

    def test_pairs_cancel_what_they_share(self):
        shared = np.array([3.0, -7.0, 11.0, 2.0])
        found = statistics.paired_difference(shared + 1, shared + 6)
        self.assertEqual((found.estimate, found.low, found.high), (5, 5, 5))
        # Differences -2, 10 and 1 of pairs that are in no order: 3 +- 4.303 x 6.245 / sqrt 3.
        found = statistics.paired_difference([5.0, 1.0, 4.0], [3.0, 11.0, 5.0])
        self.assertAlmostEqual(found.estimate, 3)
        self.assertAlmostEqual(found.half_width, 4.3027 * math.sqrt(39 / 3), 3)
        own = np.array([0.1, -0.1, 0.1, -0.1])
        # var(a) + var(a + own) over var(own), by hand: a and own as above
        ratio = (np.var(shared, ddof=1) + np.var(shared + own, ddof=1)) / np.var(own, ddof=1)
        self.assertAlmostEqual(statistics.variance_ratio(shared, shared + own), ratio)
        self.assertGreater(ratio, 1000)

    def test_replications_needed_is_the_first_number_that_does(self):
        values = [9.0, 10.0, 11.0, 10.0]
        n = statistics.replications_needed(values, 0.02)
        deviation = math.sqrt(2 / 3)

        def half(count):
            return statistics.stats.t.ppf(0.975, count - 1) * deviation / math.sqrt(count)

        self.assertLessEqual(half(n), 0.2)
        self.assertGreater(half(n - 1), 0.2)
        self.assertEqual(statistics.replications_needed([5.0, 5.0], 0.02), 2)
        self.assertIsNone(statistics.replications_needed([5.0], 0.02))
        self.assertIsNone(statistics.replications_needed([-1.0, 1.0], 0.02))

    def test_warm_up_ends_where_the_level_changes(self):
        random = np.random.default_rng(5)
        samples = np.concatenate((np.full(100, 20.0), np.zeros(900))) + random.normal(0, 1, 1000)
        self.assertEqual(statistics.warm_up_end(samples), 100)
        self.assertIsNone(statistics.warm_up_end([1.0] * 10))


class DatabaseTest(unittest.TestCase):
    """Campaigns with chosen numbers."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def path(self, name="made-up.db"):
        return self.folder / name

    def campaign(self, name="made-up.db"):
        campaign = Campaign(self.path(name))
        self.addCleanup(campaign.close)
        return campaign

    def chain_lengths(self):
        """Lengths 1 to 3 under two release rules, two replications: latency 10, 12, 15 us under
        "chain" and 2 more under "all", the second replication 1 us more than the first."""
        made = CampaignDatabase(self.path(), axes=("chain.length", "chain.release"))
        for length, latency in ((1, 10), (2, 12), (3, 15)):
            for rule, more in (("chain", 0), ("all", 2)):
                point = made.point(length, rule)
                for replication in range(2):
                    mean = (latency + more + replication + 0.01 * length * replication) * 1000.0
                    made.run(point, replication, [
                        ("latency.first_packet.mean", "ns", mean), ("sessions.lost", "sessions", 0),
                        ("sync.bytes_per_session", "millibytes", 1000 * length),
                        ("trace.digest", "hex", "abc")])
        made.close()
        return self.campaign()


class LoaderTest(DatabaseTest):
    def refused(self, path, words):
        with self.assertRaises(CampaignError) as caught:
            Campaign(path)
        self.assertIn(words, str(caught.exception))
        self.assertIn(str(path), str(caught.exception))

    def test_files_that_are_no_campaign_are_refused(self):
        self.refused(self.path("none.db"), "no such file")
        self.path("text.db").write_text("no database " * 100, encoding="utf-8")
        self.refused(self.path("text.db"), "not a campaign's database")
        with sqlite3.connect(self.path("other.db")) as database:
            database.execute("CREATE TABLE t (x)")
        self.refused(self.path("other.db"), "not of a campaign")
        CampaignDatabase(self.path()).close()
        with sqlite3.connect(self.path()) as database:
            database.execute("PRAGMA user_version = 2")
        self.refused(self.path(), "version 2 of the tables; this program reads 1")

    def test_nothing_can_be_written(self):
        campaign = self.chain_lengths()
        with self.assertRaises(CampaignError):
            campaign.query("DELETE FROM run RETURNING id")

    def test_a_database_in_a_folder_that_may_not_be_written_to(self):
        self.chain_lengths().close()
        with contextlib.closing(sqlite3.connect(self.path())) as database:
            database.execute("PRAGMA journal_mode = WAL")
        self.path().chmod(0o444)
        self.folder.chmod(0o555)
        self.addCleanup(self.folder.chmod, 0o755)
        child = os.fork()  # not a program of its own: the source may be readable by root only
        if child == 0:
            code = 1
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                with Campaign(self.path()) as campaign:
                    code = 0 if len(campaign.members()) == 12 else 2
            finally:
                os._exit(code)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)

    def test_tables(self):
        campaign = self.chain_lengths()
        self.assertEqual(campaign.name, "made-up")
        self.assertEqual(campaign.axes, ["chain.length", "chain.release"])
        self.assertEqual(list(campaign.points()["chain.length"]), [1, 1, 2, 2, 3, 3])
        wide = campaign.wide()
        self.assertEqual(len(wide), 12)
        self.assertEqual(wide["latency.first_packet.mean"].dtype, float)
        self.assertEqual(set(wide["trace.digest"]), {"abc"})
        summary = campaign.summary("latency.first_packet.mean")
        self.assertEqual(list(summary["n"]), [2] * 6)
        self.assertAlmostEqual(summary["mean"].iloc[0], 10505)
        # t(0.975, 1) x s / sqrt 2, s = 1010 / sqrt 2
        self.assertAlmostEqual(summary["high"].iloc[0], 10505 + 12.7062 * 505, 1)

    def test_failed_and_missing_runs_are_members_but_have_no_numbers(self):
        made = CampaignDatabase(self.path(), axes=("chain.length",))
        point = made.point(1)
        made.run(point, 0, [("sessions.lost", "sessions", 4)])
        made.run(point, 1, status="failed")
        made.execute("INSERT INTO member VALUES ('later', ?, 2)", point)
        made.close()
        campaign = self.campaign()
        self.assertEqual(list(campaign.members()["status"]), ["done", "failed", "missing"])
        self.assertEqual(len(campaign.runs()), 1)
        self.assertEqual(campaign.summary("sessions.lost")["n"].iloc[0], 1)

    def test_values_with_units(self):
        made = CampaignDatabase(self.path(), axes=("topology.host_delay", "mixed"))
        made.run(made.point(("10us", 10000.0), ("off", None)), 0)
        made.run(made.point(("2ms", 2e6), ("5", 5.0)), 0)
        made.close()
        campaign = self.campaign()
        self.assertEqual(list(campaign.points()["topology.host_delay"]), [10000, 2000000])
        self.assertEqual(list(campaign.points()["mixed"]), ["off", 5])
        self.assertEqual(list(campaign.values()["topology.host_delay"]), ["10us", "2ms"])
        axes = layout.find_axes(campaign)
        self.assertEqual([axis.key for axis in axes], ["topology.host_delay"])  # in step
        self.assertEqual(axes[0].together, ["mixed"])
        self.assertEqual(axes[0].scale, units.Scale("ms", 1e6))


class FigureTest(DatabaseTest):
    def test_axes_find_their_places(self):
        found = layout.find_layout(self.chain_lengths())
        self.assertEqual((found.x.key, found.colour.key), ("chain.length", "chain.release"))
        self.assertEqual(found.x.title, "Chain length (flow managers)")
        self.assertIsNone(found.panel)

    def test_figures_exist_only_for_numbers_that_do(self):
        campaign = self.chain_lengths()
        found, sections = figures.all_figures(campaign)
        self.assertEqual([f.id for f in sections["costs"]],
                         ["latency.first_packet.mean", "sync.bytes_per_session"])
        self.assertEqual(sections["benefits"], [])  # the same number everywhere
        self.assertEqual(figures.constant_metrics(campaign, figures.BENEFITS),
                         {"sessions.lost": 0.0})
        latency = sections["costs"][0]
        self.assertEqual(latency.scale, units.Scale("µs", 1e3))
        self.assertAlmostEqual(latency.table["mean"].iloc[0], 10.505)
        self.assertEqual(len(campaign.query(latency.sql)), 12)
        self.assertEqual(tables.names(campaign),
                         ["latency.first_packet.mean", "sync.bytes_per_session", "differences"])
        self.assertIn("mean (µs)", tables.table(campaign, "latency.first_packet.mean"))
        with self.assertRaises(CampaignError):
            tables.table(campaign, "sessions.lost")
        self.assertIsNone(figures.sweep_figure(campaign, found, "trace.digest"))

    def test_differences_are_of_pairs_and_for_one_unit_of_x(self):
        made = CampaignDatabase(self.path(), axes=("chain.length",))
        for length, latency in ((1, 10), (4, 22)):  # 4 us for each manager
            point = made.point(length)
            for replication, noise in enumerate((0, 5, -3)):
                made.run(point, replication, [("latency.release.mean", "ns",
                                               (latency + noise) * 1000.0)])
        made.close()
        campaign = self.campaign()
        found = figures.differences(campaign, layout.find_layout(campaign), figures.COSTS)
        row = found.iloc[0]
        self.assertEqual((row["from"], row["to"], row["n"], row["unit"]), ("1", "4", 3, "µs"))
        self.assertAlmostEqual(row["difference"], 4)
        self.assertAlmostEqual(row["high"] - row["low"], 0)

    def test_differences_without_an_order_are_to_the_first_value(self):
        made = CampaignDatabase(self.path(), axes=("chain.scheme",))
        for scheme, latency in (("chain", 10), ("none", 4), ("mesh", 13)):
            point = made.point(scheme)
            for replication in range(2):
                made.run(point, replication, [("latency.release.mean", "ns", latency * 1000.0)])
        made.close()
        campaign = self.campaign()
        found = figures.differences(campaign, layout.find_layout(campaign), figures.COSTS)
        self.assertEqual([tuple(row) for row in found[["from", "to", "difference"]].to_numpy()],
                         [("chain", "none", -6), ("chain", "mesh", 3)])

    def test_panels_share_the_ends_of_their_values_for_each_choice(self):
        made = layout.Layout([], choices=[layout.Axis("k", False, ["a", "b"], ["a", "b"],
                                                      units.Scale(""))])
        rows = [{"choice0": "a", "mean": 5, "low": 4, "high": 6},
                {"choice0": "a", "mean": 1, "low": None, "high": None},
                {"choice0": "b", "mean": 100, "low": 99, "high": 102},
                {"choice0": "b", "mean": 101, "low": -3, "high": 103}]
        self.assertEqual(vega.extents(made, rows), {"a": [0, 6], "b": [-3, 103]})
        close = vega.extents(made, rows[2:3])["b"]  # 3 % apart: not from zero
        self.assertTrue(95 < close[0] < 99 and 102 < close[1] < 104)

    def parts(self, counts):
        made = CampaignDatabase(self.path(), axes=("chain.length",))
        for length in (1, 2):
            scalars = [("latency.first_packet.mean", "ns", 20000.0)]
            scalars += [(f"latency.{part}.mean", "ns", 4000.0) for part, _ in figures.PARTS]
            names = ["first_packet", *(part for part, _ in figures.PARTS)]
            scalars += [(f"latency.{name}.count", "sessions", n)
                        for name, n in zip(names, counts[length - 1])]
            made.run(made.point(length), 0, scalars)
        made.close()
        return figures.parts_table(self.campaign())

    def test_parts_add_up_to_the_whole(self):
        table, left_out = self.parts([[50] * 5, [50] * 5])
        self.assertEqual(left_out, [])
        self.assertEqual(list(table.groupby("point")["mean"].sum()), [20000.0, 20000.0])
        self.assertEqual(table[table["part"] == figures.REST]["mean"].iloc[0], 4000)

    def test_parts_of_different_sessions_are_not_stacked(self):
        table, left_out = self.parts([[50] * 5, [50, 50, 49, 50, 50]])
        self.assertEqual(left_out, ["chain.length=2"])
        self.assertEqual(set(table["point"]), {1})

    def test_distribution_from_bins(self):
        made = CampaignDatabase(self.path(), axes=("chain.length",))
        point = made.point(1)
        made.run(point, 0, histograms=[("latency.release", [(1.0, 2.0, 3), (5.0, 6.0, 1)])])
        made.run(point, 1, histograms=[("latency.release", [(1.0, 2.0, 1), (8.0, 9.0, 3)])])
        made.close()
        campaign = self.campaign()
        bins = campaign.bins("latency.release", point)
        table = distributions.distribution(bins)
        self.assertEqual(list(table["value"]), [1, 2, 6, 9])
        self.assertEqual(list(table["cdf"]), [0, 0.5, 0.625, 1])
        self.assertEqual(list(table["above"]), [8, 4, 3, 0])
        # at 2: shares 0.75 and 0.25, so 0.5 +- 12.7 x 0.354 / 1.41: all of [0, 1]
        self.assertEqual((table["low"][1], table["high"][1]), (0, 1))
        found = distributions.quantiles(bins, [0.5, 0.75, 1])
        self.assertEqual(list(found["mean"]), [(2 + 9) / 2, (2 + 9) / 2, (6 + 9) / 2])

    def test_distributions_of_one_value_or_of_zeros_are_drawn(self):
        made = CampaignDatabase(self.path(), axes=("chain.length",))
        for length, bins in ((1, [(0.0, 0.0, 5)]), (2, [(7.0, 7.0, 5)]), (3, [])):
            made.run(made.point(length), 0, histograms=[("latency.release", bins),
                                                        ("latency.chain", [(8.0, 8.0, 1)])])
        made.close()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            paths = list(paper.write(self.campaign(), self.folder / "out", ["svg"]))
        self.assertEqual(len(paths), 4)

    def test_thinning_keeps_the_extremes(self):
        values = np.zeros(100_000)
        values[54_321], values[77_777] = 9, -9
        times, kept = distributions.thinned_series(np.arange(100_000.0), values)
        self.assertLess(len(times), 500)
        self.assertEqual(list(times[kept == 9]) + list(times[kept == -9]), [54321, 77777])
        cumulative = np.arange(1.0, 100_001.0)
        chosen = distributions._thinned(cumulative, 100_000.0)
        self.assertLess(len(chosen), 200)
        self.assertIn(99_999, chosen)
        self.assertIn(99_998, chosen)  # one in 100,000 above

    def test_paper_figures_are_files_that_do_not_change(self):
        campaign = self.chain_lengths()
        texts = []
        for folder in ("a", "b"):
            paths = list(paper.write(campaign, self.folder / folder, ["pdf", "svg"]))
            texts.append([path.read_bytes() for path in paths])
        self.assertEqual([path.name for path in paths],
                         [f"{stem}.{kind}" for stem in ("latency-first_packet-mean",
                                                        "sync-bytes_per_session")
                          for kind in ("pdf", "svg")])
        self.assertEqual(texts[0], texts[1])
        self.assertIn(b"Chain length (flow managers)", texts[0][1])

    def test_numbers_are_readable(self):
        for value, text in ((0.0, "0"), (1234567.0, "1,234,567"), (12.3456, "12.35"),
                            (-0.00123456, "−0.001235"), (float("nan"), "–"), (1e-9, "1.000e-09"),
                            (100.0, "100"), (20.0, "20")):
            self.assertEqual(units.short(value), text)
        self.assertEqual(units.scale_of("millibytes", 5), units.Scale("bytes", 1000))
        self.assertEqual(units.scale_of("ns", 2.5e9), units.Scale("s", 1e9))


class TopologyTest(unittest.TestCase):
    def test_nodes_are_where_the_simulation_puts_them(self):
        for name in ("quickstart.toml", "services/two-nats.toml", "scale/four-groups.toml"):
            printed = subprocess.run([FLOWCHAIN, "check", ROOT / "scenarios" / name],
                                     stdout=subprocess.PIPE, text=True, check=True).stdout
            listed = re.findall(r"^# (\S+) +172\.[\d.]+ +(\d+)", printed, re.M)
            found = topology.nodes_of(tomllib.loads(printed))
            self.assertEqual([(n.name, str(n.leaf)) for n in found], listed, name)

    def test_roles(self):
        scenario = tomllib.loads(SCENARIO)
        nodes = topology.nodes_of(scenario)
        steps = topology.steps_of(scenario, nodes)
        roles = {node.name: node.role for node in nodes if node.role}
        self.assertEqual(roles["manager[0]"], "first")
        self.assertEqual(roles["manager[1]"], "intermediate")
        self.assertEqual(roles["manager[2]"], "second, third")
        self.assertEqual([(n, a.name, b.name) for n, a, b, _ in steps if n in "45"],
                         [("4", "manager[0]", "manager[1]"), ("4", "manager[1]", "manager[2]"),
                          ("5", "manager[2]", "service[1]")])

    def test_schemes_without_a_chain_have_no_roles(self):
        scenario = tomllib.loads(SCENARIO.replace('"chain"', '"mesh"'))
        svg, steps, note = topology.drawing(scenario)
        self.assertEqual(steps, [])
        self.assertIn("The scheme mesh has no chain", note)
        self.assertIn("service[1]", svg)


class ExampleTest(DatabaseTest):
    def test_examples_of_the_docstrings(self):
        self.chain_lengths()
        found = doctest.testmod(flowchain_analysis, extraglobs={"database": self.path()})
        self.assertEqual(found.failed, 0)
        self.assertGreater(found.attempted, 8)
        found = doctest.testmod(statistics)
        self.assertEqual(found.failed, 0)
        self.assertGreater(found.attempted, 2)


if __name__ == "__main__":
    FLOWCHAIN = sys.argv.pop(1)
    unittest.main()
