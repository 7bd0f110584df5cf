#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests ./flowchain-setup with a made-up package system: nothing is installed or built."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parent.parent.parent / "flowchain-setup"

# Each notes its call; dpkg-query knows every package but those in $MISSING.
DPKG_QUERY = """#!/bin/bash
for package; do :; done
[[ " $MISSING " == *" $package "* ]] && exit 1
printf installed
"""
NOTE_CALL = """#!/bin/bash
echo "$(basename "$0") $DEBIAN_FRONTEND $*" >>"$CALLS"
exit "${APT_RESULT:-0}"
"""
SUDO = """#!/bin/bash
echo "sudo $*" >>"$CALLS"
exit 1
"""


class SetupTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.calls = self.folder / "calls"
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        # A source tree that has what reports draw with.
        self.source = self.folder / "source"
        self.libraries = self.source / "analysis" / "node_modules" / ".package-lock.json"
        self.libraries.parent.mkdir(parents=True)
        self.script = pathlib.Path(shutil.copy(SETUP, self.source))
        (self.source / "analysis" / "package-lock.json").write_text("{}", encoding="utf-8")
        os.utime(self.source / "analysis" / "package-lock.json", (0, 0))
        self.libraries.write_text("{}", encoding="utf-8")
        for name, text in (
            ("dpkg-query", DPKG_QUERY),
            ("apt-get", NOTE_CALL),
            ("cmake", NOTE_CALL),
            ("ninja", NOTE_CALL),
            ("npm", NOTE_CALL),
            ("sudo", SUDO),
        ):
            program = self.programs / name
            program.write_text(text, encoding="utf-8")
            program.chmod(0o755)

    def setup(self, *arguments, missing="", command=(), **environment):
        return subprocess.run(
            [*(command or (self.script,)), *arguments],
            env={
                "PATH": f"{self.programs}:{os.environ['PATH']}",
                "MISSING": missing,
                "CALLS": str(self.calls),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    def called(self):
        return self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []

    def test_nothing_is_called_if_all_is_there(self):
        done = self.setup("--no-build", "--tests")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.called(), [])

    def test_builds_the_program(self):
        done = self.setup()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            [" ".join(call.split()[:4]) for call in self.called()],
            [
                "cmake --preset release -DFLOWCHAIN_TESTS=ON",
                f"ninja -C {self.source}/build flowchain",
            ],
        )

    def test_brings_what_reports_draw_with(self):
        self.libraries.unlink()
        done = self.setup("--no-build")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.called(), [
            f"npm  ci --ignore-scripts --no-audit --no-fund --prefix {self.source}/analysis"])

    def test_builds_without_what_reports_draw_with(self):
        self.libraries.unlink()
        (self.programs / "npm").write_text("#!/bin/bash\nexit 1\n", encoding="utf-8")
        done = self.setup()
        self.assertEqual(done.returncode, 0)
        self.assertIn("'flowchain report' does not work", done.stderr)
        self.assertIn("built", done.stdout)

    def test_builds_the_program_without_what_tests_need(self):
        done = self.setup(missing="tshark")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("-DFLOWCHAIN_TESTS=OFF", self.called()[0])

    def test_builds_all_for_the_tests(self):
        done = self.setup("--tests")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.called()[1].endswith("build all"), self.called())

    def test_a_failed_build_fails(self):
        done = self.setup(APT_RESULT="3")
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("built", done.stdout)

    def test_unknown_option(self):
        done = self.setup("--fast")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "flowchain-setup: no option '--fast'; try --help\n")

    def test_help_names_the_options(self):
        done = self.setup("--help")
        for option in ("--no-build", "--tests", "--help"):
            self.assertIn(option, done.stdout)
        self.assertEqual(self.called(), [])

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_root_installs_what_is_missing(self):
        done = self.setup("--no-build", "--tests", missing="libfmt-dev tshark")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            self.called(),
            [
                "apt-get noninteractive -y update",
                "apt-get noninteractive -y install --no-install-recommends libfmt-dev tshark",
            ],
        )

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_a_failed_installation_fails(self):
        done = self.setup("--no-build", missing="libfmt-dev", APT_RESULT="100")
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get update failed", done.stderr)

    def test_without_rights_it_says_what_to_do(self):
        # A copy in a folder that everybody may read and write: the source folder may be private.
        command = (shutil.copy(SETUP, self.folder),)
        if os.geteuid() == 0:
            command = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command)
            self.folder.chmod(0o777)
        done = self.setup("--no-build", "--tests", missing="libfmt-dev tshark", command=command)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(
            done.stderr,
            "flowchain-setup: these packages are missing: libfmt-dev tshark\n"
            "Only root may install them:\n"
            "  sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y"
            " --no-install-recommends libfmt-dev tshark\n",
        )
        self.assertEqual(self.called(), ["sudo -n true"])


if __name__ == "__main__":
    unittest.main()
