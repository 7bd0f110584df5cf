#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests `flowchain explore` from outside: forked runs are those that `flowchain run` makes alone,
crashes lose a session exactly where the protocol says so, a kill loses no finished point.

usage: explore-test.py PROGRAM [unittest options]
"""

import json
import signal
import subprocess
import time

import program_test

SCENARIO = """# SPDX-License-Identifier: GPL-2.0-only
[sim]
stop = "60ms"

[controller]
heartbeat_interval = "2ms"
detection_timeout = "6ms"

[topology]
fabric_delay = "100us"

[[service]]

[[accelerator]]

[[workload]]
kind = "sessions"
sessions = 10
rate = 1000.0
packets = 4
gap = "5ms"
"""
SESSION = 3


class ExploreTest(program_test.ProgramTest):
    SCENARIO = SCENARIO

    def explore(self, *arguments, code=0):
        done = self.expect(code, "explore", "first.toml", "--format", "json", *arguments)
        return json.loads(done.stdout)

    def test_forks_are_the_runs_that_are_made_alone(self):
        kinds = set()
        for chosen, extra in ((["--max-points", "20"], []),
                              (["--max-points", "10"], ["--recover-after", "9ms"]),
                              (["--events", "release,write", "--max-points", "8"], [])):
            found = self.explore("--session", str(SESSION), "--results", "forks", "--output",
                                 f"out{len(extra)}", *chosen, *extra)
            for point in found["tried"]:
                kinds.add(point["kind"])
                number, node = point["boundary"], point["node"]
                self.expect(0, "run", "first.toml", "--quiet", "--crash-at", str(number),
                            "--crash-node", node, "--results", "alone", *extra)
                fork = self.result(f"forks/{number}-{node}")
                alone = self.result("alone")
                for result in (fork, alone):
                    for volatile in ("run", "build"):
                        del result[volatile]
                    toml = result["scenario"].pop("toml").splitlines()
                    result["toml"] = [line for line in toml if not line.startswith("directory")]
                self.assertEqual(fork, alone, point["text"])
                self.assertEqual(alone["metrics"]["trace.digest"]["value"], point["digest"])
                self.assertEqual(alone["scenario"]["crash_point"]["boundary"], number)
        self.assertEqual(kinds, {"send", "receive", "write", "release"})

    def steps(self, found):
        """The owner, and the first boundaries of the steps in which the packets are released and
        in which another service node stores the state. Another node's crash within a step comes
        at the step's end."""
        everything = found["tried"]
        owner = next(p for p in everything
                     if p["kind"] == "receive" and p["what"] == "process")["text"]
        owner = owner.split(", ")[1].split(" gets ")[0]
        times = [next(p["time"] for p in everything if p["kind"] == "release"),
                 next(p["time"] for p in everything
                      if p["kind"] == "receive" and p["what"] == "fan-out")]
        release, write = (min(p["boundary"] for p in everything
                              if p["kind"] == "receive" and p["time"] == time) for time in times)
        return owner, release, write

    def test_immediate_release_loses_until_another_node_has_the_state(self):
        found = self.explore("--session", str(SESSION), "-s", "chain.release=immediate")
        owner, release, write = self.steps(found)
        self.assertLess(release, write)
        owned = [p for p in found["tried"] if p["node"] == owner]
        losing = [p["boundary"] for p in owned if release <= p["boundary"] < write]
        self.assertGreater(len(losing), 3)
        for point in found["tried"]:
            expected = 1 if point["node"] == owner and release <= point["boundary"] < write else 0
            self.assertEqual(point["sessions.lost"], expected, point["text"])
        self.assertEqual(sum(row["losing"] for row in found["table"]), len(losing))

    def test_release_after_all_loses_nothing(self):
        found = self.explore("--session", str(SESSION), "-s", "chain.release=all")
        owner, release, write = self.steps(found)
        self.assertLess(write, release)
        self.assertEqual({p["sessions.lost"] for p in found["tried"]}, {0})
        self.assertEqual(found["points"], len(found["tried"]) + found["same"] + found["down"])

    def test_a_kill_loses_no_finished_point(self):
        arguments = ["--session", str(SESSION), "-j", "1"]
        whole = self.explore(*arguments, "--output", "whole.jsonl")
        output = self.folder / "part.jsonl"
        process = subprocess.Popen(
            [self.PROGRAM, "explore", "first.toml", *arguments, "--output", "part.jsonl"],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not output.exists() or output.read_bytes().count(b"\n") < 5:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = output.read_text()
        self.assertLess(before.count("\n"), len(whole["tried"]))
        with output.open("a") as file:
            file.write('{"boundary":1,"no')  # a line that was being written
        self.assertEqual(self.explore(*arguments, "--output", "part.jsonl"), whole)
        self.assertTrue(output.read_text().startswith(before[:before.rindex("\n") + 1]))
        lines = output.read_text().splitlines()
        self.assertEqual(len(lines), len(set(lines)))
        self.assertEqual(len(lines), len(whole["tried"]) + 1)

    def test_explained_messages_come_in_the_order_of_the_protocol(self):
        lines = self.expect(0, "explain", "first.toml", str(SESSION)).stdout.splitlines()
        messages = [line.split(": ")[1].split(",")[0] for line in lines if " -> " in line
                    and ", arrives" in line]
        order = [messages.index(kind) for kind in ("packet-in", "process", "state", "chain",
                                                   "fan-out", "fan-out-done", "entry")]
        self.assertEqual(order, sorted(order))
        self.assertEqual(messages.count("fan-out"), 3)  # all service nodes but the first
        release = next(i for i, line in enumerate(lines) if "releases the packets" in line)
        self.assertEqual(sum("stores a copy" in line for line in lines[:release]), 3 + 4)
        diagram = self.expect(0, "explain", "first.toml", str(SESSION), "--format", "mermaid")
        self.assertTrue(diagram.stdout.startswith("sequenceDiagram\n"))
        client = lines[0].split(", ")[1].split(" ")[0]
        self.assertEqual(lines, self.expect(0, "explain", "first.toml", client).stdout.splitlines())
        self.assertIn("no client has this address",
                      self.expect(2, "explain", "first.toml", "10.9.9.9:1").stderr)
        self.assertIn("the run has 10 sessions",
                      self.expect(2, "explain", "first.toml", "10").stderr)

    def test_choice_of_boundaries_and_nodes(self):
        found = self.explore("--window", "3ms:5ms", "--events", "write,release", "--node",
                             "manager[0]")
        self.assertEqual({p["node"] for p in found["tried"]}, {"manager[0]"})
        self.assertEqual({p["kind"] for p in found["tried"]}, {"write", "release"})
        for point in found["tried"]:
            self.assertTrue(3e6 <= float(point["time"]) <= 5e6)

    def test_what_cannot_be_done(self):
        for error, arguments in (
                ("no such boundary", ["--window", "59ms:60ms", "--events", "release"]),
                ("ends before it begins", ["--window", "5ms:4ms"]),
                ("expected FROM:TO", ["--window", "5ms"]),
                ("no such node", ["--node", "manager[9]"]),
                ("expected send, receive", ["--events", "sleep"])):
            done = self.expect(2, "explore", "first.toml", *arguments)
            self.assertIn(error, done.stderr)
        self.explore("--max-points", "1", "--output", "mine")
        done = self.expect(2, "explore", "first.toml", "-s", "chain.length=2", "--output", "mine")
        self.assertIn("another scenario", done.stderr)
        done = self.expect(2, "run", "first.toml", "--crash-at", "99999", "--crash-node",
                           "manager[0]")
        self.assertIn("the run has only", done.stderr)
        self.expect(2, "run", "first.toml", "--crash-at", "9")


if __name__ == "__main__":
    program_test.main(__doc__)
