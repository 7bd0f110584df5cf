#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks the rules of the source tree that a compiler does not: which layer may include which, what
the pure layers may use, names, licence lines, lengths. Prints "file:line: rule" for each breach.

usage: style-test.py [ROOT]
"""

import pathlib
import re
import sys

LINE_MAX = 100
FILE_LINES_MAX = 600
FOLDERS = ("model", "helper", "examples", "scenarios", "test", "analysis", ".ci")
CODE = {".h", ".cc"}
LICENSED = CODE | {".py", ".sh", ".cmake", ".toml"}

# Folder to layer; the longest match counts.
LAYERS = {
    "model/wire": "wire",
    "model/core": "core",
    "model/fabric": "fabric",
    "model": "shell",
    "helper": "helper",
    "scenarios/runner": "runner",
    "examples": "examples",
    "test/wire": "test/wire",
    "test/core": "test/core",
    "test/sim": "test/sim",
}
BELOW = {
    "wire": {"wire"},
    "core": {"wire", "core"},
    "fabric": {"wire", "core", "fabric"},
    "shell": {"wire", "core", "fabric", "shell"},
    "helper": {"wire", "core", "fabric", "shell", "helper"},
    "runner": {"wire", "core", "fabric", "shell", "helper", "runner"},
    "examples": {"wire", "core", "fabric", "shell", "helper", "examples"},
    "test/wire": {"wire", "test/wire"},
    "test/core": {"wire", "core", "test/core"},
    "test/sim": {"wire", "core", "fabric", "shell", "helper", "test/sim"},
}
PURE = {"wire", "core"}
PRODUCT = {"wire", "core", "fabric", "shell", "helper", "runner"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
UMBRELLA = re.compile(r"^ns3/(.*-module|singleton|simulation-singleton|des-metrics)\.h$")
IMPURE_HEADERS = {
    "random", "iostream", "fstream", "ostream", "istream", "cstdio", "stdio.h", "ctime", "time.h",
    "filesystem", "thread", "mutex", "future", "unistd.h", "sys/time.h", "fmt/core.h",
    "fmt/format.h", "fmt/ostream.h",
}
IMPURE_CODE = re.compile(
    r"\b(system_clock|steady_clock|high_resolution_clock|random_device|mt19937(_64)?|getenv|"
    r"gettimeofday|clock_gettime|s?rand\s*\(|printf\s*\(|ns3::)"
)
DISTRIBUTION = re.compile(r"\bstd::\w+_distribution\b")
# Debian 12's clang cannot compile the subrange that they return.
SUBRANGE = re.compile(r"\bstd::ranges::(unique|remove|remove_if|partition|rotate)\b")
# In two parts, so that this file keeps the rule itself.
LEFT_OVER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
LICENCE = "SPDX-License-Identifier: GPL-2.0-only"


def layer_of(path):
    """The layer of a relative path, or None."""
    for folder in sorted(LAYERS, key=len, reverse=True):
        if path.startswith(folder + "/"):
            return LAYERS[folder]
    return None


def without_comments(text):
    """The C++ text with comments and string literals blanked, line by line as before."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)

    def blank(match):
        found = match.group()
        return '""' if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return token.sub(blank, text)


def source_files(root):
    """Relative paths of all files the rules are about, sorted."""
    files = [p for p in root.iterdir() if p.is_file()]
    for folder in FOLDERS:
        if (root / folder).is_dir():
            files += [p for p in (root / folder).rglob("*") if p.is_file()]
    names = (p.relative_to(root).as_posix() for p in files)
    return sorted(n for n in names if not {"__pycache__", "node_modules"} & set(n.split("/")))


def check_text(path, text):
    """Rules for every licensed file."""
    lines = text.split("\n")
    if LICENCE not in "\n".join(lines[: 2 if lines[0].startswith("#!") else 1]):
        yield 1, f"the first line is not the licence ({LICENCE})"
    if len(lines) - 1 > FILE_LINES_MAX:
        yield len(lines) - 1, f"the file has more than {FILE_LINES_MAX} lines"
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_MAX:
            yield number, f"the line has {len(line)} characters, more than {LINE_MAX}"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "\t" in line and not path.endswith("Makefile"):
            yield number, "a tab"
        if LEFT_OVER.search(line):
            yield number, f"work left over: {LEFT_OVER.search(line).group()}"


def check_guard(path, text):
    """An include guard that is made of the file's name."""
    name = pathlib.PurePosixPath(path).stem.upper().replace("-", "_")
    guard = f"FLOWCHAIN_{name}_H"
    if f"#ifndef {guard}\n#define {guard}\n" not in text:
        yield 1, f"no include guard {guard}"


def check_includes(path, text, layer, header_layers):
    """Which layer includes what."""
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, name = match.groups()
        if UMBRELLA.match(name):
            yield number, f"<{name}> does not compile as C++20; include single headers"
        if layer in PURE and (name.startswith("ns3/") or name in IMPURE_HEADERS):
            yield number, f"the pure layer {layer} must not include <{name}>"
        if quote == '"' and "/" in name:
            yield number, f'"{name}": own headers are included by bare file name'
        own = header_layers.get(name)
        if own is not None and layer in BELOW and own not in BELOW[layer]:
            yield number, f"{layer} must not include {name}, which belongs to {own}"


def check_code(text, layer):
    """What the code of a layer must not use."""
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        match = IMPURE_CODE.search(line)
        if layer in PURE and match:
            yield number, f"the pure layer {layer} must not use {match.group().strip()}"
        match = DISTRIBUTION.search(line)
        if layer in PRODUCT and match:
            yield number, f"{match.group()} differs between standard libraries"
        match = SUBRANGE.search(line)
        if match:
            yield number, f"{match.group()} does not compile with clang 14"


def check_tree(root):
    """All breaches under `root` as "file:line: text"."""
    root = pathlib.Path(root)
    breaches = []
    files = source_files(root)
    header_layers = {}
    header_paths = {}
    for path in files:
        if path.endswith(".h"):
            name = path.rsplit("/", 1)[-1]
            if name in header_paths:
                breaches.append(f"{path}:1: the name of {header_paths[name]} too")
            header_paths.setdefault(name, path)
            if layer_of(path) is not None:
                header_layers.setdefault(name, layer_of(path))
    for path in files:
        suffix = pathlib.PurePosixPath(path).suffix
        if suffix not in LICENSED and not path.endswith("CMakeLists.txt"):
            continue
        text = (root / path).read_text(encoding="utf-8")
        layer = layer_of(path)
        found = list(check_text(path, text))
        if suffix == ".h":
            found += check_guard(path, text)
        if suffix in CODE:
            found += check_includes(path, text, layer, header_layers)
            found += check_code(text, layer)
        breaches += [f"{path}:{number}: {what}" for number, what in sorted(found)]
    if not header_layers:
        breaches.append(f"{root}: no headers found, is this the source tree?")
    return breaches


def main():
    default = pathlib.Path(__file__).resolve().parent.parent.parent
    breaches = check_tree(sys.argv[1] if len(sys.argv) > 1 else default)
    print("\n".join(breaches) if breaches else "style: no breach")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
