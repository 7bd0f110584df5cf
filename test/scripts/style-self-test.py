#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Plants one breach of each rule in a small tree and sees style-test.py find it, and only it."""

import importlib.util
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
SPEC = importlib.util.spec_from_file_location("style_test", HERE / "style-test.py")
style = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(style)

CPP = f"// {style.LICENCE}\n"
HASH = f"# {style.LICENCE}\n"


def header(name, body=""):
    guard = f"FLOWCHAIN_{name.upper().replace('-', '_')}_H"
    return f"{CPP}#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


CLEAN = {
    "model/wire/wire-part.h": header("wire-part"),
    "model/core/core-part.h": header("core-part", '#include "wire-part.h"'),
    "model/fabric/fabric-part.h": header("fabric-part", '#include "core-part.h"'),
    "model/shell-part.h": header("shell-part", '#include "fabric-part.h"'),
    "helper/helper-part.h": header("helper-part", '#include "shell-part.h"'),
    "scenarios/runner/main.cc": CPP + '#include "helper-part.h"\n#include <iostream>\n',
    "model/core/core-part.cc": CPP + '// steady_clock in a comment\nauto s = "random_device";\n',
    "test/core/core-test.cc": CPP + '#include "core-part.h"\n#include <random>\n',
    "test/scripts/run.sh": "#!/bin/sh\n" + HASH,
    "CMakeLists.txt": HASH,
    "doc/notes.md": "not looked at\t \n",
}
LONG = "/" * 101

# path, text, line, words of the message
PLANTED = [
    ("model/wire/a.cc", CPP + '#include "core-part.h"\n', 2, "wire must not include core-part.h"),
    ("model/core/a.cc", CPP + '#include "fabric-part.h"\n', 2, "core must not include"),
    ("model/core/a.cc", CPP + "#include <ns3/simulator.h>\n", 2, "pure layer core must not"),
    ("model/core/a.cc", CPP + "\n#include <random>\n", 3, "pure layer core must not"),
    ("model/wire/a.cc", CPP + "#include <fstream>\n", 2, "pure layer wire must not"),
    ("model/core/a.cc", CPP + "auto t = std::chrono::steady_clock::now();\n", 2, "steady_clock"),
    ("model/core/a.cc", CPP + "/* x */ int r = rand();\n", 2, "must not use rand("),
    ("model/core/a.cc", CPP + "void F() { ns3::Simulator::Now(); }\n", 2, "must not use ns3::"),
    ("model/fabric/a.cc", CPP + '#include "helper-part.h"\n', 2, "fabric must not include"),
    ("model/fabric/a.cc", CPP + '#include "shell-part.h"\n', 2, "fabric must not include"),
    ("model/a.cc", CPP + '#include "helper-part.h"\n', 2, "shell must not include"),
    ("test/wire/a.cc", CPP + '#include "core-part.h"\n', 2, "test/wire must not include"),
    ("test/core/a.cc", CPP + '#include "helper-part.h"\n', 2, "test/core must not include"),
    ("helper/a.cc", CPP + "#include <ns3/core-module.h>\n", 2, "include single headers"),
    ("helper/a.cc", CPP + '#include "model/shell-part.h"\n', 2, "bare file name"),
    ("helper/a.cc", CPP + "std::poisson_distribution<int> d;\n", 2, "std::poisson_distribution"),
    ("helper/a.cc", CPP + "std::ranges::unique(x);\n", 2, "does not compile with clang 14"),
    ("test/sim/wire-part.h", header("wire-part"), 1, "the name of model/wire/wire-part.h too"),
    ("helper/b.h", CPP + "#pragma once\n", 1, "no include guard FLOWCHAIN_B_H"),
    ("helper/a.cc", "int x;\n", 1, "not the licence"),
    ("test/scripts/a.py", "#!/usr/bin/env python3\nx = 1\n", 1, "not the licence"),
    ("scenarios/a.toml", "[sim]\n", 1, "not the licence"),
    ("helper/CMakeLists.txt", "project(x)\n", 1, "not the licence"),
    ("helper/a.cc", CPP + LONG + "\n", 2, "101 characters"),
    ("helper/a.cc", CPP + "int x; \n", 2, "blanks at the end"),
    ("helper/a.cc", CPP + "\tint x;\n", 2, "a tab"),
    ("helper/a.cc", CPP + "// TO" + "DO: later\n", 2, "work left over"),
    ("analysis/a.py", HASH + "x = 1  # FIX" + "ME\n", 2, "work left over"),
    ("helper/a.cc", CPP + "\n" * 600, 601, "more than 600 lines"),
]


class StyleSelfTest(unittest.TestCase):
    def breaches(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                file = pathlib.Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            return style.check_tree(folder)

    def test_clean_tree_has_no_breach(self):
        self.assertEqual(self.breaches(CLEAN), [])

    def test_each_planted_breach_is_found(self):
        for path, text, line, words in PLANTED:
            with self.subTest(path=path, words=words):
                found = self.breaches({**CLEAN, path: text})
                self.assertEqual(len(found), 1, found)
                where, what = found[0].split(": ", 1)
                self.assertEqual(where, f"{path}:{line}")
                self.assertIn(words, what)

    def test_empty_tree_is_no_success(self):
        self.assertEqual(len(self.breaches({"CMakeLists.txt": HASH})), 1)


if __name__ == "__main__":
    unittest.main()
