#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs each scenario twice: it must end well, all its expectations hold, and both results must be
equal byte by byte but for the object "run". Without scenarios: every one under scenarios/ that has
no planted defect.

usage: scenario-test.py PROGRAM [SCENARIO...]
"""

import pathlib
import sys
import tempfile

from scenario_runs import SOURCE, Run, Tally


def check(tally, program, scenario):
    with tempfile.TemporaryDirectory() as folder:
        runs = [Run(program, scenario, folder) for _ in range(2)]
    for run in runs:
        tally.check(run.code == 0, f"{scenario} ends well: {run.output()}")
        tally.check(bool(run.json.get("expectations")), f"{scenario} expects something")
    tally.check(
        runs[0].digest() is not None and runs[0].digest() == runs[1].digest(),
        f"{scenario} has one digest: {runs[0].digest()} and {runs[1].digest()}",
    )
    tally.check(
        runs[0].reproducible_text() == runs[1].reproducible_text(),
        f"{scenario} has one result",
    )


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    defects = SOURCE / "scenarios" / "defects"  # these are to fail, see defects-test.py
    scenarios = sys.argv[2:] or sorted(path for path in (SOURCE / "scenarios").rglob("*.toml")
                                       if path.parent != defects)
    tally = Tally()
    for scenario in scenarios:
        check(tally, program, scenario)
    tally.finish()


if __name__ == "__main__":
    main()
