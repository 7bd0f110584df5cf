#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs one of the shipped campaigns as a user does: sweep, query, report. No run may fail
or violate an invariant, and the tables that doc/findings.rst shows must be what `flowchain query`
prints. With FLOWCHAIN_REWRITE_GOLDEN=1 in the environment they are rewritten.

usage: campaign-test.py PROGRAM scenarios/campaigns/NAME.toml
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

from scenario_runs import SOURCE, Tally

INDENT = "   "
# Whose figures for papers are made: a page each, they take longer than all the runs.
FIGURES_OF = "detection"
# Where tables are shown, what they are indented by, and how their commands begin.
DOCUMENTS = (
    (SOURCE / "doc" / "findings.rst", INDENT, INDENT + "$ flowchain "),
    (SOURCE / "README.md", "", "$ ./build/scenarios/flowchain "),
)
TIMEOUT_SECONDS = 600


def run(tally, program, folder, arguments, codes=(0,)):
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True,
                          timeout=TIMEOUT_SECONDS, check=False)
    tally.check(done.returncode in codes,
                f"{shlex.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def blocks(lines, name, prompt):
    """(command line, first line of its output, line behind it) of each query of the campaign."""
    found = []
    for i, line in enumerate(lines):
        if line.startswith(prompt + "query") and f" results/{name}.db " in line:
            end = i + 1
            while end < len(lines) and lines[end].strip() not in ("", "```"):
                end += 1
            found.append((line.removeprefix(prompt), i + 1, end))
    return found


def check_document(tally, program, folder, name, document, indent, prompt):
    """@returns how many tables it shows of the campaign"""
    rewrite = os.environ.get("FLOWCHAIN_REWRITE_GOLDEN") == "1"
    lines = document.read_text(encoding="utf-8").splitlines()
    found = blocks(lines, name, prompt)
    for command, begin, end in reversed(found):
        printed = run(tally, program, folder, shlex.split(command))
        wanted = [(indent + line).rstrip() for line in printed.splitlines()]
        tally.check(rewrite or lines[begin:end] == wanted,
                    f"{document.name}: `flowchain {command}` prints:\n{printed}")
        lines[begin:end] = wanted
    if rewrite:
        document.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(found)


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    scenario = pathlib.Path(sys.argv[2]).resolve()
    name = scenario.stem
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        # An expectation that fails is a finding: the document speaks of it.
        run(tally, program, folder, ["sweep", str(scenario), "-j", "1", "--quiet"], (0, 1))
        printed = run(tally, program, folder, ["status", f"results/{name}.db"], (0, 1))
        tally.check("violated in 0 runs" in printed, printed)
        shown = [check_document(tally, program, folder, name, *document) for document in DOCUMENTS]
        tally.check(shown[0] > 0, f"{DOCUMENTS[0][0].name} shows no table of {name}")
        have = subprocess.run(["/usr/bin/python3", "-c", "import pandas, scipy, matplotlib"],
                              capture_output=True, check=False)
        if have.returncode != 0 or not (SOURCE / "analysis" / "node_modules").exists():
            tally.skip(f"report of {name}: it needs pandas, scipy, matplotlib and vega")
        else:
            run(tally, program, folder, ["report", f"results/{name}.db"])
            page = (pathlib.Path(folder) / "results" / f"{name}.html").read_text(encoding="utf-8")
            tally.check("<figure" in page, "the report has no figure")
            if name == FIGURES_OF:
                run(tally, program, folder, ["figures", f"results/{name}.db"])
                made = (pathlib.Path(folder) / "results" / f"{name}-figures").glob("*.pdf")
                tally.check(list(made), "no figure for a paper")
    tally.finish()


if __name__ == "__main__":
    main()
