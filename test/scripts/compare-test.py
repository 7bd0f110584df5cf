#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests `flowchain compare` from outside: the table against single runs, variants that fail, exit
codes, messages, files.

usage: compare-test.py PROGRAM [unittest options]
"""

import csv
import io
import json
import os

from program_test import ProgramTest, main

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
rate = 2000
packets = 4
gap = "10ms"

[[failure]]
node = "service[2]"
at = "15ms"

[[expect]]
metric = "sessions.completed"
equals = 41
"""
PAIR = ("--schemes", "chain,none")


class CompareTest(ProgramTest):
    SCENARIO = SCENARIO

    def compare(self, *arguments, code=0):
        return self.expect(code, "compare", "first.toml", *arguments)

    def json(self, *arguments, code=0):
        return json.loads(self.compare(*arguments, "--format", "json", code=code).stdout)

    # Numbers

    def test_every_number_is_that_of_a_run_of_its_own(self):
        rows = self.json(*PAIR, "--vary", "sim.seed=1,7", "--metrics", "trace.digest")["variants"]
        self.assertEqual(
            [tuple(row["values"].values()) for row in rows],
            [("chain", "1"), ("chain", "7"), ("none", "1"), ("none", "7")],
        )
        for row in rows:
            options = [o for item in row["values"].items() for o in ("-s", "=".join(item))]
            self.expect(1, "run", "first.toml", "--quiet", *options)
            single = self.result()["metrics"]
            self.assertGreater(len(row["metrics"]), 5)
            for name, value in row["metrics"].items():
                self.assertEqual(value, single[name]["value"], (row["name"], name))

    def test_steady_rows_stand_beside_those_with_the_fault(self):
        rows = self.json(*PAIR, "--steady")["variants"]
        self.assertEqual([row["faults"] for row in rows], [False, True, False, True])
        lost = [row["metrics"]["sessions.lost"] for row in rows]
        self.assertEqual(lost[:3], [0, 0, 0])
        self.assertGreater(lost[3], 0)
        without = self.json(*PAIR, "--without-fault")["variants"]
        self.assertEqual([row["metrics"] for row in without], [r["metrics"] for r in rows[::2]])
        with_fault = self.json(*PAIR, "--with-fault")["variants"]
        self.assertEqual([r["metrics"] for r in with_fault], [r["metrics"] for r in rows[1::2]])

    def test_all_schemes_are_compared_if_none_is_named(self):
        text = self.expect(2, "check", "first.toml", "-s", "chain.scheme=x").stderr
        schemes = text.split("(")[1].split(")")[0].split(", ")
        rows = self.json()["variants"]
        self.assertEqual(sorted(r["values"]["chain.scheme"] for r in rows), sorted(schemes))
        rows = self.json("-s", "chain.scheme=none")["variants"]
        self.assertEqual([row["values"] for row in rows], [{}])

    def test_the_output_does_not_depend_on_the_number_of_jobs(self):
        arguments = (*PAIR, "--vary", "chain.length=1,2,3", "--steady")
        for form in ("text", "csv", "json"):
            outputs = {
                self.compare(*arguments, "--format", form, "--jobs", jobs).stdout
                for jobs in ("1", "2", "5")
            }
            self.assertEqual(len(outputs), 1, form)

    # Formats

    def test_the_three_formats_say_the_same(self):
        arguments = (*PAIR, "--steady", "--metrics", "run.events")
        document = self.json(*arguments)
        rows = list(csv.reader(io.StringIO(self.compare(*arguments, "--format", "csv").stdout)))
        text = self.compare(*arguments).stdout.splitlines()
        units = {c["metric"]: c["unit"] for c in document["columns"]}
        self.assertTrue(all(c["meaning"] for c in document["columns"]))
        heading = [f"{name} [{unit}]" for name, unit in units.items()]
        self.assertEqual(rows[0], ["chain.scheme", "run", *heading, "outcome", "error"])
        for number, variant in enumerate(document["variants"]):
            row = dict(zip(rows[0], rows[number + 1], strict=True))
            self.assertEqual(row["chain.scheme"], variant["values"]["chain.scheme"])
            self.assertEqual(row["run"], "fault" if variant["faults"] else "steady")
            for name, value in variant["metrics"].items():
                self.assertEqual(float(row[f"{name} [{units[name]}]"]), value)
            words = text[number + 3].split()
            self.assertEqual(words[:2], [row["chain.scheme"], row["run"]])
            microseconds = variant["metrics"]["latency.first_packet.p50"] / 1000
            self.assertAlmostEqual(float(words[2]), microseconds, delta=0.00051)
            self.assertEqual(words[-1], "ok")
            self.assertEqual(int(words[-2]), variant["metrics"]["run.events"])

    # Variants that fail

    def test_an_impossible_combination_keeps_its_row(self):
        arguments = ("-s", "chain.scheme=chain", "--vary", "chain.length=1,3")
        arguments += ("--vary", "chain.position=1,2")
        rows = self.json(*arguments, code=2)["variants"]
        self.assertEqual([r["outcome"] for r in rows], ["ok", "impossible", "ok", "ok"])
        self.assertEqual(rows[1]["metrics"], {})
        self.assertIn("chain.position", rows[1]["error"])
        text = self.compare(*arguments, code=2).stdout
        self.assertIn("\nimpossible chain.length=1, chain.position=2: -s chain.position: ", text)

    def test_a_run_that_fails_keeps_its_row(self):
        # So few frames that no run can go on.
        rows = self.json(*PAIR, "--vary", "topology.frames_max=3,4000000", code=2)["variants"]
        self.assertEqual([r["outcome"] for r in rows], ["failed", "ok", "failed", "ok"])
        self.assertTrue(rows[0]["error"])
        self.assertEqual(rows[0]["metrics"], {})

    def test_expectations_are_not_judged(self):
        self.expect(1, "run", "first.toml", "--quiet")
        self.compare(*PAIR)

    # Command line

    def test_bad_input(self):
        for arguments, words in (
            (("--schemes", "chian"), "\"chian\" is not possible"),
            (("--schemes", "chian"), "did you mean 'chain'?"),
            (("--schemes", "none,none"), "none stands there twice"),
            (("--vary", "chain.lenght=1,2"), "unknown key, did you mean 'length'?"),
            (("--vary", "chain.length=1,9"), "9 is out of range, 1 to 8"),
            (("--vary", "chain.length"), "expected section.key=value"),
            (("--vary", "chain.length=1,,2"), "a value is empty"),
            (("--vary", "sim.seed=1", "--vary", "sim.seed=2"), "sim.seed: is varied twice"),
            (("--vary", "chain.scheme=none", "--schemes", "none"), "varied twice"),
            (("-s", "chain.scheme=none", "--schemes", "none"), "exclude each other"),
            (("--metrics", "sessions.lots"), "did you mean 'sessions.lost'?"),
            (("--metrics", "sessions.lost"), "a column already"),
            (("--steady", "--without-fault"), "--without-fault excludes --steady"),
            (("--format", "xml"), "xml"),
            (("--jobs", "0"), "--jobs"),
            (("--vary", "sim.seed=" + ",".join(map(str, range(501)))), "more than 1000 variants"),
        ):
            with self.subTest(arguments=arguments):
                done = self.compare(*arguments, code=2)
                self.assertIn(words, done.stderr)
                self.assertEqual(done.stdout, "")
        done = self.expect(2, "compare", "none.toml")
        self.assertEqual(done.stderr, "none.toml: No such file or directory\n")

    def test_steady_wants_a_failure(self):
        self.file.write_text(SCENARIO.split("[[failure]]", maxsplit=1)[0], encoding="utf-8")
        done = self.compare("--steady", code=2)
        self.assertEqual(
            done.stderr, "first.toml: has no [[failure]] to compare with a steady run\n"
        )

    def test_a_comma_in_quotation_marks_separates_nothing(self):
        rows = self.json("-s", "chain.scheme=none", "--vary", 'service[0].name="a,b",c')["variants"]
        self.assertEqual([row["values"]["service[0].name"] for row in rows], ['"a,b"', "c"])

    # Files

    def test_results_are_stored(self):
        rows = self.json(*PAIR, "--steady", "--output", "out")["variants"]
        self.assertEqual(sorted(os.listdir(self.folder / "out")), sorted(r["name"] for r in rows))
        for row in rows:
            result = self.result(f"out/{row['name']}")
            for name, value in row["metrics"].items():
                self.assertEqual(result["metrics"][name]["value"], value)
            self.assertEqual("[[failure]]" in result["scenario"]["toml"], row["faults"])

    def test_nothing_is_written_without_being_asked(self):
        self.compare(*PAIR, "-s", 'output.pcap=["all"]')
        self.assertEqual(os.listdir(self.folder), ["first.toml"])


if __name__ == "__main__":
    main(__doc__)
