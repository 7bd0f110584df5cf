#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The catalogue of failures: every position in the lists of doc/failures.rst has its scenario,
which says so, every scenario of scenarios/failures/ is in a list, and the tables are what
`flowchain catalogue` prints. With FLOWCHAIN_REWRITE_GOLDEN=1 in the environment they are rewritten.

usage: catalogue-test.py PROGRAM
"""

import csv
import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from scenario_runs import SOURCE, Run, Tally

DOCUMENT = SOURCE / "doc" / "failures.rst"
FOLDER = SOURCE / "scenarios" / "failures"
SOURCES = ("seed", "SmartSwitch", "design", "papers")
STORY_LINES = 2
PROMPT = "   $ flowchain catalogue "
REWRITE = os.environ.get("FLOWCHAIN_REWRITE_GOLDEN") == "1"


def listed_positions():
    """{file name: (source, position)} of the document's lists"""
    found = {}
    source = position = None
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if title := re.match(r"\.\. list-table:: Positions: (\S+)$", line):
            source = title[1]
        elif line and not line.startswith(" "):
            source = None
        elif source is not None and (cell := re.match(r"   \* - (.+)$", line)):
            position = cell[1]
        elif source is not None and (cell := re.match(r"     - ``([\w-]+\.toml)``$", line)):
            found[cell[1]] = (source, position)
    return found


def check_positions(tally):
    listed = listed_positions()
    there = {path.name for path in FOLDER.glob("*.toml")}
    tally.check({source for source, _ in listed.values()} == set(SOURCES), "a list is missing")
    tally.check(not there - set(listed), f"{DOCUMENT.name} lacks {sorted(there - set(listed))}")
    tally.check(not set(listed) - there, f"there is no {sorted(set(listed) - there)}")
    for name in sorted(there & set(listed)):
        head = (FOLDER / name).read_text(encoding="utf-8").split("\n\n", 1)[0].splitlines()
        source, position = listed[name]
        wanted = f"# Catalogue: {source}: {position}"
        tally.check(head[1] == wanted, f"{name} should say in its second line: {wanted}")
        story = head[2:]
        tally.check(0 < len(story) <= STORY_LINES and all(line.startswith("# ") for line in story),
                    f"{name} has no story of one or two lines behind that")


def catalogue(program, *arguments):
    return subprocess.run([program, "catalogue", *arguments], cwd=SOURCE, capture_output=True,
                          text=True, check=False)


def check_tables(tally, program):
    """Each command in the document has its table behind it, from one ruler to the next but one."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    commands = [i for i, line in enumerate(lines) if line.startswith(PROMPT)]
    tally.check(len(commands) == 2, f"{DOCUMENT.name} has {len(commands)} tables")
    for command in reversed(commands):
        arguments = shlex.split(lines[command].removeprefix(PROMPT))
        done = catalogue(program, *arguments)
        tally.check(done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stderr}")
        begin = next(i for i in range(command, len(lines)) if lines[i].startswith("==="))
        end = begin
        while lines[end] != "":
            end += 1
        wanted = done.stdout.splitlines()
        tally.check(REWRITE or lines[begin:end] == wanted,
                    f"`flowchain catalogue {shlex.join(arguments)}` prints:\n{done.stdout}")
        lines[begin:end] = wanted
    if REWRITE:
        DOCUMENT.write_text("\n".join(lines) + "\n", encoding="utf-8")


SMALL = """
[sim]
stop = "50ms"
[controller]
heartbeat_interval = "1ms"
detection_timeout = "3ms"
[group]
count = 2
[[service]]
[[accelerator]]
[[workload]]
kind = "sessions"
sessions = 40
rate = 1000
packets = 10
gap = "1ms"
[[failure]]
"""
FILES = {
    "b-crash.toml": SMALL + 'node = "service[0]"\nat = "10ms"\n',
    "c-step.toml": SMALL + 'node = "session[0].owner"\non = "chain.send#1"\n',
    "a-third.toml": SMALL + 'node = "session[0].third"\nat = "10ms"\n',
}
METRICS = {
    "failures.struck [failures]": "failures.struck",
    "sessions.lost [sessions]": "sessions.lost",
    "sessions.broken [sessions]": "sessions.broken",
    "disruption.max [ns]": "disruption.max",
    "sessions.packet_gap [ns]": "sessions.packet_gap",
}


def check_command(tally, program, folder):
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    arguments = [str(folder), "--schemes", "chain,none", "-j", "1", "--format"]
    done = catalogue(program, *arguments, "csv")
    tally.check(done.returncode == 0, done.stderr)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    found = {(row["scenario"], row["scheme"]): row for row in rows}
    tally.check([row["scenario"] for row in rows] == sorted(row["scenario"] for row in rows),
                f"scenarios are in the order of their names: {rows}")
    outcomes = {key: row["outcome"] for key, row in found.items()}
    tally.check(outcomes == {
        ("a-third", "chain"): outcomes["a-third", "chain"], ("a-third", "none"): "impossible",
        ("b-crash", "chain"): "ok", ("b-crash", "none"): "lost",
        ("c-step", "chain"): "ok", ("c-step", "none"): "not hit"}, f"outcomes: {outcomes}")
    tally.check("no third manager" in found["a-third", "none"]["reason"], "it says why")

    # Each number is that of the run alone.
    for (name, scheme), row in found.items():
        if row["outcome"] == "impossible":
            tally.check(all(row[column] == "" for column in METRICS), f"{row} has numbers")
            continue
        run = Run(program, folder / f"{name}.toml", folder, "-s", f"chain.scheme={scheme}")
        for column, metric in METRICS.items():
            value = run.json["metrics"].get(metric, {}).get("value", "")
            tally.check(row[column] == "" if value == "" else float(row[column]) == float(value),
                        f"{name} under {scheme}: {metric} is {row[column]}, not {value}")

    printed = json.loads(catalogue(program, *arguments, "json").stdout)
    tally.check([run["outcome"] for run in printed["runs"]] == [row["outcome"] for row in rows],
                f"json has the same outcomes: {printed}")
    matrix = catalogue(program, *arguments, "csv", "--matrix", "outcome").stdout.splitlines()
    tally.check(matrix[0] == "scenario,chain,none" and matrix[2] == "b-crash,ok,lost", matrix)


def check_errors(tally, program, folder):
    def fails(words, *arguments):
        done = catalogue(program, *arguments)
        tally.check(done.returncode == 2 and words in done.stderr,
                    f"{arguments}: {done.returncode} {done.stderr}")

    fails("did you mean 'chain'", str(folder), "--schemes", "chian")
    fails("stands there twice", str(folder), "--schemes", "chain,chain")
    fails("there is no scenario in it", str(folder / "empty"))
    fails("No such file", str(folder / "nowhere"))
    (folder / "d-wrong.toml").write_text("[sim]\nstopp = 1\n", encoding="utf-8")
    fails("d-wrong.toml:2", str(folder))


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    tally = Tally()
    check_positions(tally)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "empty").mkdir()
        check_command(tally, program, folder)
        check_errors(tally, program, folder)
    check_tables(tally, program)
    tally.finish()


if __name__ == "__main__":
    main()
