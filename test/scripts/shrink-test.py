#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests `flowchain shrink` from outside: of a scenario with much in it, what is left is what it
takes, and it is as bad as before; and what `known` says of an expectation.

usage: shrink-test.py PROGRAM [unittest options]
"""

import os
import re
import tomllib

import program_test

# Nobody has a copy, so that the crash of any service node with a session loses it. The rest is
# there to be left out.
SCENARIO = """# SPDX-License-Identifier: GPL-2.0-only
[sim]
stop = "200ms"
seed = 77

[topology]
loss = "0.1%"
duplicate = "1%"
leaves = 3

[[link]]
leaf = 1
delay = "127us"
from = "3ms"
until = "31ms"

[[link]]
node = "service[2]"
reorder = "5%"

[group]
count = 2

[chain]
scheme = "none"

[selection]
method = "maglev"
hash = "symmetric"

[sync]
window = 7
batch_count = 3

[controller]
heartbeat_interval = "2ms"
detection_timeout = "6ms"

[[service]]
nodes = 5

[[accelerator]]

[[workload]]
kind = "sessions"
sessions = 30
rate = 1017.0
packets = 4
gap = "4317us"

[[workload]]
kind = "sessions"
sessions = 10
rate = 1000.0
protocol = "udp"
start = "7ms"

[[failure]]
kind = "slow"
node = "manager[1]"
factor = 7.0
at = "11ms"
recover_after = "17ms"

[[failure]]
kind = "crash"
node = "accelerator[random(1)]"
mtbf = "60ms"
mttr = "3ms"

[[failure]]
kind = "cut"
node = "manager[5]"
at = "21ms"
recover_after = "4ms"

[[failure]]
kind = "crash"
node = "service[random(2)]"
at = "41273us"
recover_after = "9ms"

[[failure]]
kind = "suspect"
node = "manager[4]"
on = "store#12"

[[failure]]
kind = "partition"
between = ["manager[0]", "controller"]
at = "51ms"
recover_after = "9ms"

[[expect]]
metric = "sessions.completed"
at_least = 1

[[expect]]
metric = "sessions.lost"
equals = 0
"""


class ShrinkTest(program_test.ProgramTest):
    SCENARIO = SCENARIO

    def shrink(self, *arguments, code=0):
        return self.expect(code, "shrink", "first.toml", *arguments)

    def read(self, name):
        return tomllib.loads((self.folder / name).read_text())

    def test_what_is_left_is_what_it_takes(self):
        done = self.shrink("--expect", "-o", "small.toml")
        self.assertRegex(done.stdout, r"in all +failures 6 -> 1, links 2 -> 0, workloads 2 -> 1, "
                                      r"sessions 40 -> 1, nodes \d+ -> 3, keys \d+ -> \d+\n")
        small = self.read("small.toml")
        self.assertEqual(small["chain"], {"scheme": "none", "length": 1})
        self.assertEqual(len(small["failure"]), 1)
        crash = small["failure"][0]
        self.assertEqual(crash["node"], "service[0]")
        self.assertEqual(set(crash), {"at", "node"})
        self.assertRegex(crash["at"], r"^[1-9]0*[a-z]+$")  # one digit
        self.assertEqual(small["workload"][0]["sessions"], 1)
        self.assertEqual(set(small.get("topology", {})) - {"leaves", "spines", "clients",
                                                           "servers"}, set())
        for left_out in ("link", "selection", "sync", "controller"):
            self.assertNotIn(left_out, small)
        self.assertEqual(small["expect"], [{"metric": "sessions.lost", "equals": 0}])
        text = (self.folder / "small.toml").read_text()
        self.assertIn("# flowchain shrink first.toml --expect\n", text)
        self.assertIn("# fails: sessions.lost equals 0\n", text)
        run = self.expect(1, "run", "small.toml", "--results", "small")
        self.assertIn("FAIL sessions.lost equals 0: 1", run.stdout)
        # There is nothing left to leave out.
        again = self.expect(0, "shrink", "small.toml", "--expect", "-o", "again.toml")
        self.assertRegex(again.stdout, r"in all *\n")
        self.assertEqual(self.read("again.toml"), small)

    def test_the_result_does_not_depend_on_the_jobs(self):
        texts = set()
        for jobs in ("1", "3"):
            done = self.shrink("--expect", "-j", jobs, "-o", "small.toml")
            texts.add((done.stdout, (self.folder / "small.toml").read_text()))
        self.assertEqual(len(texts), 1)

    def test_a_bound_on_the_runs(self):
        done = self.shrink("--expect", "--max-runs", "10", "-o", "less.toml")
        self.assertRegex(done.stdout, r"runs +10 \(--max-runs\)")
        self.assertGreater(len(self.read("less.toml")["failure"]), 0)
        self.expect(1, "run", "less.toml", "--quiet", "--results", "less")

    def test_what_ends_a_run_can_be_shrunk(self):
        # Three frames at once are more than allowed: the run fails, whatever fails in it.
        done = self.shrink("-s", "topology.frames_max=2", "-o", "small.toml")
        small = self.read("small.toml")
        self.assertNotIn("failure", small)
        self.assertEqual(small["topology"]["frames_max"], 2)
        self.assertIn("frames", done.stdout.split("violates")[1])
        # ns-3 does not free the event that throws, which a sanitizer would tell.
        self.expect(2, "run", "small.toml", "--quiet",
                    env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"})

    def test_a_seed_of_a_swarm(self):
        self.expect(0, "swarm", "first.toml", "--write", "3", "--output-scenario", "three.toml")
        drawn = self.read("three.toml")
        done = self.shrink("--seed", "3", "-s", "topology.frames_max=2", "-o", "small.toml")
        if "failure" in drawn:
            self.assertIn(f"failures {len(drawn['failure'])} -> 0", done.stdout)
        self.assertEqual(self.read("small.toml")["topology"]["frames_max"], 2)

    def test_what_cannot_be_done(self):
        self.assertIn("violates nothing", self.shrink(code=2).stderr)
        self.file.write_text(re.sub(r"(?s)\[\[failure\]\].*?(?=\[\[expect\]\])", "", SCENARIO))
        self.assertIn("every expectation holds", self.shrink("--expect", code=2).stderr)
        self.assertIn("is not possible", self.shrink("-s", "chain.scheme=x", code=2).stderr)

    def test_an_expectation_that_is_known_to_fail(self):
        crash = re.sub(r"(?s)\[\[failure\]\].*?(?=\[\[failure\]\]\nkind = \"crash\"\nnode = "
                       r"\"service)", "", SCENARIO)
        self.file.write_text(crash + 'known = "nobody has a copy"\n')
        done = self.expect(0, "run", "first.toml", "--results", "known")
        self.assertRegex(done.stdout, r"known sessions.lost equals 0: \d+ \(nobody has a copy\)")
        result = self.result("known")
        self.assertEqual(result["expectations"][1]["known"], "nobody has a copy")
        self.assertFalse(result["expectations"][1]["holds"])
        # Nothing is lost without a failure, so that the mark must go.
        done = self.expect(1, "run", "first.toml", "--without-fault", "--results", "known")
        self.assertIn("FAIL sessions.lost equals 0: 0 (known to fail, but it holds)", done.stdout)


if __name__ == "__main__":
    program_test.main(__doc__)
