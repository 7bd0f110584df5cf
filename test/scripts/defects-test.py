#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Known errors are planted in the protocol: whoever checks it must find them.

With a scenario of scenarios/defects/: it must violate the invariant that its head names, say in its
report and result that it has a planted defect, and violate nothing without the defect.
Without one: what the commands of doc/defects.rst print must be what stands there. With
FLOWCHAIN_REWRITE_GOLDEN=1 in the environment it is rewritten.

usage: defects-test.py PROGRAM [scenarios/defects/NAME.toml]
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from scenario_runs import SOURCE, Run, Tally

DOCUMENT = SOURCE / "doc" / "defects.rst"
FOLDER = SOURCE / "scenarios" / "defects"
INDENT = "   "
PROMPT = INDENT + "$ flowchain defects "
INVARIANT_VIOLATED = 3
TIMEOUT_SECONDS = 900


def documented():
    """Names of the defects in the document's table."""
    rows = (re.match(INDENT + r"([a-z-]+)  +[a-z]+  +\d", line)
            for line in DOCUMENT.read_text(encoding="utf-8").splitlines())
    return {row[1] for row in rows if row}


def check_scenario(tally, program, scenario):
    defect = scenario.stem
    head = re.search(r"^# ([a-z]+) at ", scenario.read_text(encoding="utf-8"), re.M)
    invariant = head[1] if head else "no invariant"
    with tempfile.TemporaryDirectory() as folder:
        planted = Run(program, scenario, folder)
        sound = Run(program, scenario, folder, "-s", "sim.defects=[]")
    tally.check(planted.code == INVARIANT_VIOLATED, f"{defect} is not found: {planted.output()}")
    first = (planted.json.get("violations") or [""])[0]
    tally.check(first.startswith(f"{invariant} at "), f"{defect} violates {invariant}: {first}")
    named = planted.json.get("scenario", {}).get("planted_defects")
    tally.check(named == [defect], f"{defect}: the result names {named}")
    lines = planted.stdout.splitlines() or [""]
    for line in (lines[0], lines[-2]):
        tally.check(line.startswith("DEFECTS"), f"{defect}: the report is silent: {line}")
    tally.check(sound.code == 0, f"without {defect} nothing is violated: {sound.output()}")
    tally.check("DEFECTS" not in sound.stdout, f"without {defect} the report says there is one")


def check_document(tally, program):
    rewrite = os.environ.get("FLOWCHAIN_REWRITE_GOLDEN") == "1"
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    commands = [i for i, line in enumerate(lines) if line.startswith(PROMPT)]
    tally.check(len(commands) == 2, f"{DOCUMENT.name} shows {len(commands)} commands")
    for begin in reversed(commands):
        arguments = shlex.split(lines[begin].removeprefix(PROMPT))
        done = subprocess.run([program, "defects", *arguments], cwd=SOURCE, capture_output=True,
                              text=True, timeout=TIMEOUT_SECONDS, check=False)
        tally.check(done.returncode == 0, f"exit code {done.returncode}: {done.stderr}")
        wanted = [(INDENT + line).rstrip() for line in done.stdout.splitlines()]
        end = begin + 1
        while end < len(lines) and lines[end].startswith(INDENT):
            end += 1
        tally.check(rewrite or lines[begin + 1:end] == wanted,
                    f"{shlex.join(arguments)} prints:\n{done.stdout}")
        lines[begin + 1:end] = wanted
    if rewrite:
        DOCUMENT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = documented()
    there = {path.stem for path in FOLDER.glob("*.toml")}
    tally.check(names == there, f"without a scenario or a row: {sorted(names ^ there)}")


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    tally = Tally()
    if len(sys.argv) > 2:
        check_scenario(tally, program, pathlib.Path(sys.argv[2]).resolve())
    else:
        check_document(tally, str(program))
    tally.finish()


if __name__ == "__main__":
    main()
