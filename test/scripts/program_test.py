# SPDX-License-Identifier: GPL-2.0-only
"""What the tests share that use the program `flowchain` from outside."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TIMEOUT_SECONDS = 120


class ProgramTest(unittest.TestCase):
    """Each test has a folder of its own with the scenario first.toml in it."""

    PROGRAM = ""
    SCENARIO = ""  # of the derived class

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        self.file = self.folder / "first.toml"
        self.file.write_text(self.SCENARIO, encoding="utf-8")

    def flowchain(self, *arguments, **options):
        return subprocess.run(
            [self.PROGRAM, *arguments],
            cwd=self.folder,
            text=True,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_SECONDS,
            check=False,
            **options,
        )

    def expect(self, code, *arguments, **options):
        done = self.flowchain(*arguments, **options)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def result(self, folder="results/first"):
        return json.loads((self.folder / folder / "result.json").read_text(encoding="utf-8"))


def main(usage):
    """Run the tests of the program that the command line names."""
    if len(sys.argv) < 2 or not pathlib.Path(sys.argv[1]).is_file():
        sys.exit(usage)
    ProgramTest.PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
