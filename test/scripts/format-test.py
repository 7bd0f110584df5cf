#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares scenarios/README.md with what the program `flowchain` reads: every section and key,
every default, every range and choice.

usage: format-test.py PROGRAM
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

from scenario_runs import SOURCE, Tally

README = SOURCE / "scenarios/README.md"
MINIMAL = """
[sim]
stop = "1s"
[[service]]
[[service]]
kind = "lb"
[[service.vip]]
address = "192.0.2.1"
[[service.backend]]
address = "198.51.100.1"
drain_at = "1ms"
restore_at = "2ms"
[[accelerator]]
[[workload]]
service = "nat"
kind = "replay"
file = "capture.pcap"
[[workload]]
service = "nat"
kind = "sessions"
sessions = 1
rate = 1
[[failure]]
node = "nat.service[0]"
at = "1ms"
recover_after = "1ms"
[[failure]]
kind = "pause"
node = "nat.service[0]"
at = "3ms"
recover_after = "1ms"
[[failure]]
kind = "slow"
node = "nat.service[0]"
factor = 2
at = "1ms"
recover_after = "1ms"
[[failure]]
kind = "clock"
node = "nat.service[0]"
factor = 2
at = "1ms"
recover_after = "1ms"
[[failure]]
kind = "cut"
node = "nat.service[0]"
at = "1ms"
recover_after = "1ms"
[[failure]]
kind = "partition"
between = ["nat.manager[*]", "controller"]
at = "1ms"
recover_after = "1ms"
[[failure]]
kind = "spine"
spine = 0
at = "1ms"
recover_after = "1ms"
[[failure]]
kind = "leaf"
leaf = 0
at = "1ms"
recover_after = "1ms"
[[failure]]
kind = "impair"
node = "nat.service[0]"
at = "1ms"
recover_after = "1ms"
loss = "1%"
duplicate = "1%"
reorder = "1%"
reorder_delay = "1us"
corrupt = "1%"
extra_delay = "1us"
jitter = "1us"
[[failure]]
kind = "drain"
node = "nat.service[1]"
at = "1ms"
[[failure]]
kind = "upgrade"
node = "nat.service[2]"
at = "1ms"
recover_after = "1ms"
[[failure]]
kind = "add"
node = "nat.service[3]"
at = "1ms"
[[failure]]
kind = "suspect"
node = "nat.manager[0]"
at = "1ms"
[[failure]]
node = "nat.manager[1]"
on = "release#1"
delay = "0s"
[[failure]]
node = "nat.manager[2]"
mtbf = "100ms"
mttr = "1ms"
until = "500ms"
[[link]]
node = "nat.service[0]"
until = "1s"
loss = "1%"
duplicate = "1%"
reorder = "1%"
reorder_delay = "1us"
corrupt = "1%"
delay = "1us"
jitter = "1us"
[[link]]
leaf = 0
spine = 0
until = "1s"
loss = "1%"
duplicate = "1%"
reorder = "1%"
reorder_delay = "1us"
corrupt = "1%"
delay = "1us"
jitter = "1us"
[[expect]]
metric = "sessions.lost"
equals = 0
known = "why"
"""
# Sections whose keys depend on their kind, with the kinds in the order of MINIMAL.
KINDS = {
    "service": ["nat", "lb"],
    "workload": ["replay", "sessions"],
    "failure": [
        "crash",
        "pause",
        "slow",
        "clock",
        "cut",
        "partition",
        "spine",
        "leaf",
        "impair",
        "drain",
        "upgrade",
        "add",
        "suspect",
    ],
}
# Keys of a failure that stand in MINIMAL for its first kind only.
WHEN = {"on", "delay", "mtbf", "mttr", "until"}
NEEDS = {"delay": "on=release#1", "mttr": "mtbf=1s", "until": "mtbf=1s"}
HEADING = re.compile(r"^### `\[+([\w.]+)\]+`(?: with `kind = \"(\w+)\"`)?$")
COMPARISONS = {"equals", "at_most", "at_least"}
FAR_OUT = {
    "integer": "-1",
    "integer or text": "99",
    "size": "99999999",
    "decimal": "-1.0",
    "duration": '"1000001s"',
    "rate": '"0bps"',
    "text": '"no such thing"',
}
# What a message says of a value that is none of those possible.
RANGE = re.compile(r"is out of range, (.*)$|is not possible \(([^)]*)\)", re.M)


def documented():
    """{(section, kind or None): {key: [meaning, type, default, range]}}"""
    sections = {}
    keys = None
    for line in README.read_text(encoding="utf-8").splitlines():
        heading = HEADING.match(line)
        if line.startswith("#"):
            keys = sections.setdefault(heading.groups(), {}) if heading else None
        elif keys is not None and line.startswith("| `"):
            key, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            keys[key.strip("`")] = cells
    return sections


class Format:
    def __init__(self, program, folder, tally):
        self.program = program
        self.tally = tally
        self.file = folder / "scenario.toml"
        self.file.write_text(MINIMAL, encoding="utf-8")
        (folder / "capture.pcap").write_bytes(b"")

    def check(self, *overrides):
        options = [word for override in overrides for word in ("-s", override)]
        return subprocess.run(
            [self.program, "check", self.file, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    def resolved(self):
        """{(section, kind or None): {key: value}} with all defaults."""
        sections = {}
        for name, tables in tomllib.loads(self.check().stdout).items():
            for table in tables if isinstance(tables, list) else [tables]:
                kind = table["kind"] if name in KINDS else None
                # A [[link]] is a node's or one of switches: together they have all keys.
                keys = sections.setdefault((name, kind), {})
                for key, value in table.items():
                    if isinstance(value, list) and value and isinstance(value[0], dict):
                        sections[f"{name}.{key}", None] = value[0]
                    else:
                        keys[key] = value
        return sections

    def compare_keys(self, documents, resolved):
        for name, kinds in KINDS.items():
            common = documents.pop((name, None))
            for kind in kinds:
                documents[name, kind] = common | documents[name, kind]
        self.tally.check(
            documents.keys() == resolved.keys(),
            f"sections differ: {documents.keys() ^ resolved.keys()}",
        )
        for section in documents.keys() & resolved.keys():
            keys = set(documents[section])
            if section == ("expect", None):
                keys -= COMPARISONS - {"equals"}
            differing = keys ^ set(resolved[section])
            if section[0] == "failure" and section[1] != KINDS["failure"][0]:
                differing -= WHEN
            if section == ("failure", "impair"):
                differing -= {"leaf", "spine"}  # instead of a node
            self.tally.check(not differing, f"keys of {section} differ: {differing}")

    def compare_default(self, path, default, value):
        text = re.fullmatch(r"`(.*)`", default)
        if text is None or "<" in default:
            return  # required, absent, or explained
        try:
            expected = tomllib.loads(f"x = {text[1]}")["x"]
        except tomllib.TOMLDecodeError:
            expected = None
        self.tally.check(expected == value, f"default of {path} is {value}, not {default}")

    def compare_range(self, path, kind, limits):
        if kind not in FAR_OUT or (kind == "text" and not limits):
            return
        place, _, key = path.rpartition(".")
        needed = [place + "." + NEEDS[key]] if place.startswith("failure") and key in NEEDS else []
        done = self.check(f"{path}={FAR_OUT[kind]}", *needed)
        match = RANGE.search(done.stderr)
        if match is None and limits.startswith("0 "):
            match = RANGE.search(self.check(f"{path}=9999999999").stderr)
        found = (match[1] or match[2]) if match else done.stderr
        self.tally.check(found == limits, f"range of {path} is {found}, not {limits}")


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        scenario = Format(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(folder), tally)
        resolved = scenario.resolved()
        documents = documented()
        scenario.compare_keys(documents, resolved)
        places = {
            (name, kind): f"{name}[{i}]"
            for name, kinds in KINDS.items()
            for i, kind in enumerate(kinds)
        }
        places["service.vip", None] = "service[1].vip[0]"
        places["service.backend", None] = "service[1].backend[0]"
        lists = {"link", "accelerator", "expect"}
        for section, keys in documents.items():
            name = section[0]
            place = places.get(section, name + "[0]" if name in lists else name)
            for key, (_, kind, default, limits) in keys.items():
                path = f"{place}.{key}"
                chosen = key == "kind" and section[1] != KINDS[name][0]
                if key in resolved.get(section, {}) and not chosen:
                    scenario.compare_default(path, default, resolved[section][key])
                if name != "expect":
                    scenario.compare_range(path, kind, limits)
    tally.finish()


if __name__ == "__main__":
    main()
