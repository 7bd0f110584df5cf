#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares the tables of doc/flowchain.rst with the source and with a result: attributes, kinds of
messages, drop reasons, members of result.json, histograms, time series; the tests and classes of
doc/claims.rst with the source; the folders in scenarios/README.md, and every path in a document,
with the tree.

usage: doc-test.py PROGRAM
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from scenario_runs import SOURCE, Run, Tally

DOCUMENTS = ("README.md", "scenarios/README.md", *sorted(
    p.relative_to(SOURCE).as_posix() for p in (SOURCE / "doc").glob("*.rst")))
APPLICATIONS = (
    "node", "accelerator", "replica", "flow-manager", "service-node", "controller", "edge")
FOLDERS = ("analysis", "doc", "examples", "helper", "model", "scenarios", "test")


def tables():
    """{title: names in the first column}"""
    found = {}
    names = None
    for line in (SOURCE / "doc/flowchain.rst").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. list-table::"):
            names = found.setdefault(line.removeprefix(".. list-table::").strip(), [])
        elif names is not None and (row := re.match(r"   \* - ``([^`]+)``$", line)):
            names.append(row[1])
        elif line and not line.startswith(" "):
            names = None
    return found


def source_text(path):
    return (SOURCE / path).read_text(encoding="utf-8")


def attributes_of(application):
    text = source_text(f"model/{application}-application.cc")
    name = re.search(r'TypeId\("([^"]+)"\)', text)[1]
    return name, re.findall(r'AddAttribute\(\s*"(\w+)"', text)


def reasons():
    listed = source_text("model/core/drop-reason.cc").split("NAMES = {", 1)[1].split("}", 1)[0]
    return re.findall(r'"([a-z-]+)"', listed)


def kinds():
    function = source_text("model/wire/sync-message-names.cc").split("ToString(MessageKind", 1)[1]
    return re.findall(r'return "([a-z-]+)"', function.split("invalid")[0])


def metrics_of_kind(program, kind):
    listed = subprocess.run([program, "metrics"], check=True, capture_output=True, text=True).stdout
    fields = [line.split() for line in listed.splitlines()]
    return [name for name, its_kind, *_ in fields if its_kind == kind]


def claim_rows():
    """The rows of the tables of doc/claims.rst: lists of four cells"""
    rows = []
    for line in source_text("doc/claims.rst").splitlines():
        if match := re.match(r"   (\* -|  -) (.*)$", line):
            if match[1] == "* -":
                rows.append([])
            rows[-1].append(match[2])
        elif re.match(r"       \S", line) and rows:
            rows[-1][-1] += " " + line.strip()
    return [row for row in rows if row[0] not in ("Claim", "Paragraph")]


def check_claims(tally):
    rows = claim_rows()
    wanted = [str(n) for n in range(1, 9)] + [f"[{n:04}]" for n in range(5, 13)]
    for name in wanted:
        tally.check(any(row[0] == name for row in rows), f"doc/claims.rst has no row for {name}")
    code = "".join(p.read_text() for p in sorted((SOURCE / "model").rglob("*.h")))
    tests = "".join(p.read_text() for p in sorted((SOURCE / "test").rglob("*-test.cc")))
    known = set(re.findall(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)", tests))
    named = set()
    for row in rows:
        tally.check(len(row) == 4, f"doc/claims.rst: the row of {row[0]} has {len(row)} cells")
        for name in re.findall(r"``([A-Z]\w+)(?:::\w+)?``", row[2]):
            tally.check(re.search(rf"\b{name}\b", code), f"doc/claims.rst: no {name} in model/")
        found = re.findall(r"``(\w+)\.(\w+)``", row[-1])
        tally.check(found or row[-1] == "none", f"doc/claims.rst: {row[0]} names no test")
        for test in found:
            tally.check(test in known, f"doc/claims.rst: there is no test {'.'.join(test)}")
        named.update(found)
    for test in sorted(known - named):
        tally.check(test[0] != "Claims", f"doc/claims.rst does not name {'.'.join(test)}")


def check_folders(tally):
    there = {p.parent.relative_to(SOURCE / "scenarios").as_posix() + "/"
             for p in (SOURCE / "scenarios").rglob("*.toml")} - {"./"}
    named = set(re.findall(r"^\| `([\w/]+/)` \|", source_text("scenarios/README.md"), re.M))
    tally.check(there <= named, f"scenarios/README.md does not name {sorted(there - named)}")


def main():
    tally = Tally()
    documented = tables()

    def compare(title, names):
        there = documented.get(title, [])
        tally.check(sorted(there) == sorted(names), f"{title}: {set(there) ^ set(names)} differ")

    for application in APPLICATIONS:
        compare(*attributes_of(application))
    tally.check(documented.keys() >= {"Reasons", "Kinds of messages", "result.json"}, "no tables")
    compare("Reasons", [r for r in reasons() if r not in ("none", "end-of-run")])
    compare("Kinds of messages", kinds())
    with tempfile.TemporaryDirectory() as folder:
        run = Run(sys.argv[1], SOURCE / "scenarios/chain/length-1.toml", folder)
    compare("result.json", list(run.json))
    compare("Histograms", metrics_of_kind(sys.argv[1], "histogram"))
    compare("Series", metrics_of_kind(sys.argv[1], "series"))

    check_claims(tally)
    check_folders(tally)
    for document in DOCUMENTS:
        for path in re.findall(r"`([\w./-]+)`", source_text(document)):
            if path.split("/")[0] in FOLDERS and "/" in path:
                tally.check((SOURCE / path).exists(), f"{document} names {path}")
    tally.finish()


if __name__ == "__main__":
    main()
