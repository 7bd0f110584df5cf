#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""At up to 10 % loss on any link no invariant falls: the quickstart, with its crash, for seeds of
which most take live nodes out, or break one, if the detection time does not adapt to the loss.

usage: loss-test.py PROGRAM
"""

import pathlib
import sys
import tempfile

from scenario_runs import SOURCE, Run, Tally

SCENARIO = SOURCE / "scenarios" / "quickstart.toml"
SEEDS = (8, 15, 32, 34, 54, 59, 63, 65, 67, 68, 75, 78)
VIOLATED = 3
LOSS = ("topology.loss=10%",)
EVERYTHING = (*LOSS, "topology.duplicate=10%", "topology.reorder=10%", "topology.corrupt=10%")
NOT_ADAPTED = (*LOSS, "controller.mistake_recurrence=1")


def run(program, folder, seed, settings):
    options = [word for setting in (*settings, f"sim.seed={seed}") for word in ("-s", setting)]
    return Run(program, SCENARIO, folder, *options)


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    tally = Tally()
    broken = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for seed in SEEDS:
            for settings in (LOSS, EVERYTHING):
                done = run(program, folder, seed, settings)
                what = f"seed {seed}, {' '.join(settings)}"
                # Hosts send nothing again, so sessions are broken, and that expectation fails.
                tally.check(done.code in (0, 1), f"{what}: {done.output()}")
                tally.check(done.metric("sessions.lost") == 0, f"{what}: no session is lost")
                tally.check(done.metric("run.view_epoch") == 2, f"{what}: the dead node alone goes")
            done = run(program, folder, seed, NOT_ADAPTED)
            broken += done.code == VIOLATED or done.metric("run.view_epoch") > 2
        tally.check(
            broken >= len(SEEDS) // 2, f"{broken} of {len(SEEDS)} seeds need a detector that adapts"
        )
    tally.finish()


if __name__ == "__main__":
    main()
