#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares the tables of doc/flowchain.rst with the source and with a result: attributes, kinds of
messages, drop reasons, members of result.json; and every path that it names with the tree.

usage: doc-test.py PROGRAM
"""

import pathlib
import re
import sys
import tempfile

from scenario_runs import SOURCE, Run, Tally

APPLICATIONS = ("node", "accelerator", "flow-manager", "service-node", "controller")
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


def main():
    tally = Tally()
    documented = tables()

    def compare(title, names):
        there = documented.get(title, [])
        tally.check(bool(names), f"the source has no names for the table {title}")
        tally.check(sorted(there) == sorted(names), f"{title}: {set(there) ^ set(names)} differ")

    for application in APPLICATIONS:
        compare(*attributes_of(application))
    compare("Reasons", [r for r in reasons() if r not in ("none", "end-of-run")])
    compare("Kinds of messages", kinds())
    with tempfile.TemporaryDirectory() as folder:
        run = Run(sys.argv[1], SOURCE / "scenarios/chain/length-1.toml", folder)
    compare("result.json", list(run.json))

    for document in ("README.md", "doc/flowchain.rst", "scenarios/README.md"):
        for path in re.findall(r"`([\w./-]+)`", source_text(document)):
            if path.split("/")[0] in FOLDERS and "/" in path:
                tally.check((SOURCE / path).exists(), f"{document} names {path}")
    tally.finish()


if __name__ == "__main__":
    main()
