# SPDX-License-Identifier: GPL-2.0-only
"""What the tests that run whole scenarios share."""

import json
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
RUN_OBJECT = '\n  "run": {'
TIMEOUT_SECONDS = 600


class Tally:
    """Counts checks; prints those that fail."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL {what}", flush=True)
        return holds

    def skip(self, what):
        self.skipped += 1
        print(f"skipped: {what}", flush=True)

    def finish(self):
        """Print the counts, and end the program."""
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed or not self.passed else 0)


class Run:
    """One run of a scenario: exit code, what it printed, its result."""

    def __init__(self, program, scenario, folder, *options, cwd=None):
        command = [program, "run", scenario, "--results", folder, *options]
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        self.code = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr
        file = pathlib.Path(cwd or ".") / folder / "result.json"
        # Nothing is there if the run was refused; what it printed then says why.
        self.text = file.read_text(encoding="utf-8") if file.exists() else ""
        self.json = json.loads(self.text) if self.text else {"metrics": {}}

    def metric(self, name):
        """The value of a metric, or None."""
        return self.json["metrics"].get(name, {}).get("value")

    def digest(self):
        return self.metric("trace.digest")

    def reproducible_text(self):
        """The result but for the object "run", which says how long it took and where."""
        return self.text.split(RUN_OBJECT)[0]

    def output(self):
        return f"exit code {self.code}\n{self.stdout}{self.stderr}"
