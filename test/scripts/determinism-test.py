#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The quickstart has one digest and one set of metrics, whatever runs it: two runs, runs side by
side, every scheduler of ns-3, both fabrics, and every other build that is named. Prints a table.

usage: determinism-test.py PROGRAM [NAME=OTHER_PROGRAM...]
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

from scenario_runs import SOURCE, Run, Tally

QUICKSTART = SOURCE / "scenarios/quickstart.toml"
SCHEDULERS = ("quaternary-heap", "priority-queue", "map", "heap", "calendar", "list")
# One event a hop or several; everything else must be the same.
EVENTS = "run.events"


def metrics_of(run):
    return {name: m["value"] for name, m in run.json["metrics"].items() if name != EVENTS}


def schedulers_of(program):
    """All that a scenario may name, from the message for one that it may not."""
    done = subprocess.run(
        [program, "check", QUICKSTART, "-s", "sim.scheduler=none"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return re.search(r"is not possible \((.*)\)", done.stderr)[1].split(", ")


class Table:
    def __init__(self, tally):
        self.tally = tally
        self.first = None
        print(f"{'run':<28} {'events':>10}  digest")

    def add(self, name, run):
        print(f"{name:<28} {run.metric(EVENTS) or '-':>10}  {run.digest()}", flush=True)
        if not self.tally.check(run.code == 0 and run.digest(), f"{name}: {run.output()}"):
            return
        self.first = self.first or run
        self.tally.check(run.digest() == self.first.digest(), f"{name}: another digest")
        differing = [
            metric
            for metric, value in metrics_of(run).items()
            if metrics_of(self.first).get(metric) != value
        ]
        self.tally.check(not differing, f"{name}: other values of {', '.join(differing)}")


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    others = [argument.split("=", 1) for argument in sys.argv[2:]]
    tally = Tally()
    table = Table(tally)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)

        def run(name, used=program, *options):
            return Run(used, QUICKSTART, folder / name.replace(" ", "-"), *options)

        table.add("first", run("first"))
        table.add("second", run("second"))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            names = [f"side by side {i}" for i in range(4)]
            for name, done in zip(names, pool.map(run, names)):
                table.add(name, done)
        for scheduler in schedulers_of(program):
            name = f"scheduler {scheduler}"
            table.add(name, run(name, program, "-s", f"sim.scheduler={scheduler}"))
        for fabric in ("lean", "point-to-point"):
            name = f"fabric {fabric}"
            table.add(name, run(name, program, "-s", f"topology.fabric={fabric}"))
        for name, other in others:
            table.add(f"build {name}", run(name, pathlib.Path(other).resolve()))
        other_seed = run("another seed", program, "-s", "sim.seed=2")
        tally.check(
            other_seed.digest() not in (None, table.first and table.first.digest()),
            "another seed has another digest, so the digest says something",
        )
    tally.finish()


if __name__ == "__main__":
    main()
