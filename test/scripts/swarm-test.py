#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests `flowchain swarm` from outside: the scheme keeps its promises in many random schedules, a
schedule that is written out gives the same run, none can end the others.

usage: swarm-test.py PROGRAM [unittest options]
"""

import json
import pathlib
import signal
import subprocess
import time

import program_test

SMALL = pathlib.Path(__file__).resolve().parents[2] / "scenarios/swarm/small.toml"
SEEDS = 250


class SwarmTest(program_test.ProgramTest):
    SCENARIO = SMALL.read_text(encoding="utf-8")

    def swarm(self, *arguments, code=0):
        done = self.expect(code, "swarm", "first.toml", "--format", "json", *arguments)
        return json.loads(done.stdout)

    def outcomes(self, file):
        lines = (self.folder / file).read_text().splitlines()
        return {outcome["seed"]: outcome for outcome in map(json.loads, lines[1:])}

    def test_chain_and_all_keep_every_promise(self):
        found = self.swarm("--seeds", str(SEEDS), "--output", "out.jsonl")
        self.assertEqual(found["violating"], {})
        self.assertEqual(found["schedules"], SEEDS)
        # Each kind is in for half of the seeds, and several strike in most of them.
        for kind in ("crash", "pause", "slow", "clock", "cut", "partition", "spine", "leaf",
                     "drain", "upgrade", "add", "suspect"):
            self.assertGreater(found["failures"].get(kind, 0), 10, kind)
        self.assertGreater(sum(found["failures"].values()), 2 * SEEDS)
        self.assertGreater(found["link_frames_lost"], found["link_frames"] // 1000)
        outcomes = self.outcomes("out.jsonl")
        self.assertEqual(sum(o["packets"] for o in outcomes.values()), found["packets"])
        self.assertEqual({o["simulated_ps"] for o in outcomes.values()}, {200 * 10**9})
        self.assertEqual(len({o["digest"] for o in outcomes.values()}), SEEDS)

    def test_what_others_do_not_promise_is_no_violation(self):
        schemes = ("none", "mesh", "pass-through", "fan-out", "ring", "pair", "store", "director",
                   "direction-pairs")
        rules = ("immediate", "chain", "tail")
        for setting in [f"chain.scheme={name}" for name in schemes] + [f"chain.release={name}"
                                                                       for name in rules]:
            found = self.swarm("--seeds", "10", "-s", setting)
            self.assertEqual(found["violating"], {}, setting)
            self.assertEqual(found["schedules"], 10)

    def test_a_written_schedule_is_the_same_run(self):
        self.swarm("--seeds", "40", "--first", "1000", "--output", "out.jsonl")
        for seed, outcome in self.outcomes("out.jsonl").items():
            name = f"seed-{seed}"
            text = self.expect(0, "swarm", "first.toml", "--write", str(seed)).stdout
            self.assertIn(f"flowchain swarm first.toml --write {seed}", text.splitlines()[1])
            (self.folder / f"{name}.toml").write_text(text)
            self.expect(0, "run", f"{name}.toml", "--quiet", "--results", name)
            metrics = self.result(name)["metrics"]
            self.assertEqual(metrics["trace.digest"]["value"], outcome["digest"], name)
            self.assertEqual(metrics["packets.injected"]["value"], outcome["packets"], name)

    def test_the_outcome_depends_on_nothing_but_the_seed(self):
        arguments = ["--seeds", "30", "--first", "500"]
        one = self.swarm(*arguments, "-j", "1", "--output", "one")
        two = self.swarm(*arguments, "-j", "2", "--output", "two")
        del one["rate"], two["rate"]
        self.assertEqual(one, two)
        digests = [{s: o["digest"] for s, o in self.outcomes(f).items()} for f in ("one", "two")]
        self.assertEqual(*digests)
        other = self.swarm("--seeds", "1", "--first", "529", "--output", "three")
        self.assertEqual(other["schedules"], 1)
        self.assertEqual(self.outcomes("three")[529]["digest"], digests[0][529])

    def test_a_kill_loses_no_finished_schedule(self):
        arguments = ["--seeds", "60", "-j", "1"]
        whole = self.swarm(*arguments)
        output = self.folder / "part"
        process = subprocess.Popen(
            [self.PROGRAM, "swarm", "first.toml", *arguments, "--output", "part"],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not output.exists() or output.read_bytes().count(b"\n") < 5:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = output.read_text()
        self.assertLess(before.count("\n"), 61)
        again = self.swarm(*arguments, "--output", "part")
        self.assertTrue(output.read_text().startswith(before[:before.rindex("\n") + 1]))
        del whole["rate"], again["rate"]
        self.assertEqual(again, whole)
        done = self.expect(2, "swarm", "first.toml", "-s", "chain.length=2", "--output", "part")
        self.assertIn("another scenario", done.stderr)

    def test_a_run_without_an_end_does_not_end_the_others(self):
        def lines(*arguments):
            done = self.expect(3, "swarm", "first.toml", "--seeds", "4", "-j", "2", *arguments)
            self.assertIn("4, seeds 1 to 4", done.stdout)
            self.assertIn("no end of the run in", done.stdout)
            return [line for line in done.stdout.splitlines() if line.startswith("seed ")]

        failing = lines("-s", "topology.frames_max=3")
        self.assertEqual(len(failing), 4)
        for seed, line in enumerate(failing, start=1):
            self.assertRegex(line, f"^seed {seed}: .*frames.*--write {seed} > seed-{seed}.toml")
        # At every second seed the detector is slower in a longer run, and it does come to its end.
        hanging = lines("-s", "sim.stop=20000s", "--limit", "1")
        self.assertRegex(hanging[0], r"^seed \d+: no end within 1 s of wall-clock time")

    def test_time_on_the_wall(self):
        found = self.swarm("--for", "1s")
        self.assertGreater(found["schedules"], 1)
        self.assertLess(found["rate"]["wall_seconds"], 30)
        self.assertIn("expected a time",
                      self.expect(2, "swarm", "first.toml", "--for", "soon").stderr)


if __name__ == "__main__":
    program_test.main(__doc__)
