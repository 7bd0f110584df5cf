#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The catalogue of failures: every position in the lists of doc/failures.rst has its scenario,
which says so, and every scenario of scenarios/failures/ is in a list.

usage: catalogue-test.py PROGRAM
"""

import re

from scenario_runs import SOURCE, Tally

DOCUMENT = SOURCE / "doc" / "failures.rst"
FOLDER = SOURCE / "scenarios" / "failures"
SOURCES = ("seed", "SmartSwitch", "design", "papers")
STORY_LINES = 2


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


def main():
    tally = Tally()
    check_positions(tally)
    tally.finish()


if __name__ == "__main__":
    main()
