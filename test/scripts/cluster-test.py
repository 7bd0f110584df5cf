#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests campaigns that are handed out, without a cluster: a shell runs the printed commands; what
Slurm would say is said by made-up commands. slurm-test.py has a real one.

usage: cluster-test.py PROGRAM [unittest options]
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

from program_test import ProgramTest, main

RUNS = 6

# Made-up commands of Slurm: sbatch gives ids from 71 on until none are left, as $FAKE/ids says;
# the queue is the text in $FAKE/queue.
FAKE = {
    "sbatch": """#!/bin/sh
echo "$*" >>"$FAKE/calls"
read -r id rest <"$FAKE/ids"
echo "$rest" >"$FAKE/ids"
[ -n "$id" ] && echo "$id;somewhere" && exit 0
echo "sbatch: error: Batch job submission failed: over the limit" >&2
exit 1
""",
    "squeue": """#!/bin/sh
if grep -qs forgotten "$FAKE/queue"; then
    echo "slurm_load_jobs error: Invalid job id specified" >&2 # as Slurm 22.05 says
    exit 1
fi
[ -e "$FAKE/queue" ] && cat "$FAKE/queue" && exit 0
echo "slurm_load_jobs error: Unable to contact slurm controller" >&2
exit 1
""",
    "scancel": """#!/bin/sh
echo "scancel $*" >>"$FAKE/calls"
""",
    "scontrol": """#!/bin/sh
echo "MaxArraySize            = 2"
""",
}


class ClusterTest(ProgramTest):
    SCENARIO = """# SPDX-License-Identifier: GPL-2.0-only
[sim]
stop = "20ms"

[[service]]

[[accelerator]]

[[workload]]
kind = "sessions"
sessions = 10
rate = 2000

[sweep]
replications = 2
[sweep.cross]
chain.length = [1, 2, 3]
"""

    def digest(self, text):
        return re.search(r"^digest +([0-9a-f]{16})$", text, re.M).group(1)

    def serial(self):
        self.expect(0, "sweep", "first.toml", "-d", "serial.db", "--quiet")
        return self.digest(self.expect(0, "status", "serial.db").stdout)

    def submit(self, *options, runs_per_task="2"):
        """The commands."""
        done = self.expect(0, "submit", "first.toml", "-d", "c.db", "--print-commands",
                           "--runs-per-task", runs_per_task, *options)
        return done.stdout.splitlines()

    def shell(self, code, command):
        done = subprocess.run(["sh", "-c", command], cwd="/", capture_output=True, text=True,
                              timeout=200, check=False)
        self.assertEqual(done.returncode, code, (command, done.stdout, done.stderr))
        return done

    def edit(self, database, sql):
        with sqlite3.connect(self.folder / database) as connection:
            connection.executescript(sql)
        connection.close()

    def query(self, database, sql):
        connection = sqlite3.connect(self.folder / database)
        rows = connection.execute(sql).fetchall()
        connection.close()
        return rows

    # Commands for a shell

    def test_the_commands_make_what_a_sweep_makes(self):
        serial = self.serial()
        commands = self.submit()
        self.assertEqual(len(set(commands)), 3)
        for command in commands:
            self.assertIn("2 of 2 runs done", self.shell(0, command).stdout)
        for new in (RUNS, 0):
            done = self.expect(0, "collect", "c.db")
            self.assertIn(f"{new} new runs from 3 shards\n", done.stdout)
            self.assertEqual(self.digest(done.stdout), serial)
        self.expect(0, "status", "c.db")
        # A sweep has nothing left to do, and a shard is a campaign as any other.
        self.assertIn("6 of 6 done", self.expect(0, "sweep", "first.toml", "-d", "c.db").stdout)
        self.assertIn("2 of 2 done", self.expect(0, "status", "c.db.shards/1-0.db").stdout)

    def test_resume_hands_out_what_is_missing_and_nothing_else(self):
        serial = self.serial()
        commands = self.submit(runs_per_task="1")
        for command in commands[:4]:
            self.shell(0, command)
        self.assertIn("4 more runs done: flowchain collect c.db",
                      self.expect(2, "status", "c.db").stdout)
        done = self.expect(0, "resume", "c.db")
        self.assertIn("6 runs, 0 in tasks that wait or run, 2 to hand out", done.stderr)
        again = done.stdout.splitlines()
        self.assertEqual(len(again), 2)
        for command in again:
            self.shell(0, command)
        done = self.expect(0, "resume", "c.db")
        self.assertIn(" 0 to hand out", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.digest(self.expect(0, "status", "c.db").stdout), serial)

    def test_more_replications_are_handed_out_alone(self):
        self.expect(0, "sweep", "first.toml", "-d", "c.db", "--quiet")
        commands = self.submit("--replications", "+1")
        self.assertEqual(len(commands), 2)  # 3 runs
        for command in commands:
            self.shell(0, command)
        self.assertIn("9 of 9 done", self.expect(0, "collect", "c.db").stdout)

    def test_resume_keeps_to_the_replications_of_the_plan(self):
        self.assertEqual(len(self.submit("--replications", "1", runs_per_task="1")), 3)
        self.assertEqual(len(self.expect(0, "resume", "c.db").stdout.splitlines()), 3)
        self.submit("--replications", "4")
        self.assertIn("12 runs, ", self.expect(0, "resume", "c.db").stderr)

    def test_a_task_makes_what_was_submitted_wherever_it_is_moved_to(self):
        serial = self.serial()
        folder = self.folder / "it's here"
        folder.mkdir()
        shutil.move(self.file, folder)
        self.expect(0, "submit", "it's here/first.toml", "-d", "it's here/c.db",
                    "--print-commands", "--runs-per-task", "6")
        (folder / "first.toml").write_text("no scenario any more", encoding="utf-8")
        folder.rename(self.folder / "there")
        self.expect(0, "task", "there/c.db.jobs/1/task-0.json")
        self.assertEqual(self.digest(self.expect(0, "collect", "there/c.db").stdout), serial)

    def test_a_task_that_is_stopped_keeps_what_is_done_and_goes_on_there(self):
        # Runs of a second and more, so that it is stopped in one of them.
        command = self.submit("-s", "sim.stop=3s", "-s", "workload[0].rate=4000",
                              "-s", "workload[0].sessions=12000", runs_per_task="6")[0]
        with subprocess.Popen(["sh", "-c", "exec " + command], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as task:
            scratch = f"/proc/{task.pid}/fd"
            end = time.monotonic() + 60
            while not self.has_run(scratch) and time.monotonic() < end:
                time.sleep(0.05)
            task.send_signal(signal.SIGTERM)
            _, error = task.communicate(timeout=60)
        self.assertEqual(task.returncode, 2)
        self.assertIn("stopped by signal 15; runs that were done are kept", error)
        shard = "c.db.shards/1-0.db"
        before = self.query(shard, "SELECT id, started, wall_seconds FROM run")
        self.assertIn(len(before), range(1, RUNS))
        self.expect(2, "status", shard)
        self.shell(0, command)
        after = self.query(shard, "SELECT id, started, wall_seconds FROM run")
        self.assertEqual(len(after), RUNS)
        self.assertLess(set(before), set(after))

    def has_run(self, descriptors):
        """Whether the process has a database open that holds a run."""
        try:
            files = {os.readlink(f"{descriptors}/{name}") for name in os.listdir(descriptors)}
            file = next(name for name in files if name.endswith("/results.db"))
            return self.query(file, "SELECT count(*) FROM run")[0][0] > 0
        except (OSError, StopIteration, sqlite3.Error):
            return False

    # Shards that are not what they should be

    def test_a_damaged_shard_is_named_and_the_others_are_taken_in(self):
        commands = self.submit()
        for command in commands:
            self.shell(0, command)
        shard = self.folder / "c.db.shards/1-1.db"
        whole = shard.read_bytes()
        middle = len(whole) // 2
        damages = {
            "shorter": whole[: middle],
            "no database": b"nothing" * 1000,
            "empty": b"",
            "zeros inside": whole[:middle] + bytes(8192) + whole[middle + 8192 :],
        }
        for name, content in damages.items():
            with self.subTest(name):
                shutil.rmtree(self.folder / "d", ignore_errors=True)
                (self.folder / "d").mkdir()
                self.expect(0, "submit", "first.toml", "-d", "d/c.db", "--print-commands")
                shutil.copytree(self.folder / "c.db.shards", self.folder / "d/c.db.shards",
                                dirs_exist_ok=True)
                (self.folder / "d/c.db.shards/1-1.db").write_bytes(content)
                done = self.expect(2, "collect", "d/c.db")
                self.assertRegex(done.stderr, r"(?m)^not taken in: .*d/c\.db\.shards/1-1\.db: ")
                self.assertIn("4 new runs from 2 shards, 1 refused", done.stdout)
                self.assertIn("4 of 6 done", done.stdout)
        # The task replaces it.
        shard.write_bytes(damages["shorter"])
        self.assertIn("it will be replaced", self.shell(0, commands[1]).stderr)
        self.assertIn("6 of 6 done", self.expect(0, "collect", "c.db").stdout)

    def test_a_shard_of_another_campaign_or_build_is_refused(self):
        for command in self.submit():
            self.shell(0, command)
        self.expect(0, "sweep", "first.toml", "-d", "other.db", "-s", "sim.seed=9", "--quiet")
        shutil.copy(self.folder / "c.db.shards/1-0.db", self.folder / "build.db")
        self.edit("build.db", "UPDATE campaign SET value = '0123456789abcdef' "
                              "WHERE key IN ('id', 'build');"
                              "UPDATE run SET id = "
                              "iif(id LIKE 'f%', '0', 'f') || substr(id, 2);")
        done = self.expect(2, "collect", "c.db", "other.db", "build.db", "c.db.shards/1-2.db",
                           "nowhere.db")
        self.assertIn("not taken in: other.db: none of its 6 runs is of this campaign", done.stderr)
        self.assertRegex(done.stderr, r"build\.db: none of its 2 runs .*, build 0123456789abcdef\n")
        self.assertIn("nowhere.db: there is no such campaign", done.stderr)
        self.assertIn("2 new runs from 1 shards, 3 refused", done.stdout)
        self.assertIn("2 of 6 done", done.stdout)
        # Another machine's database of the same campaign is welcome.
        self.expect(0, "sweep", "first.toml", "-d", "same.db", "--quiet")
        self.assertIn("6 of 6 done", self.expect(0, "collect", "c.db", "same.db").stdout)

    def test_a_result_that_differs_is_refused(self):
        for command in self.submit(runs_per_task="6"):
            self.shell(0, command)
        self.expect(0, "collect", "c.db")
        self.edit("c.db.shards/1-0.db", "UPDATE run SET digest = '0badd16e57' WHERE id = "
                                        "(SELECT max(id) FROM run)")
        done = self.expect(2, "collect", "c.db")
        run = self.query("c.db", "SELECT max(id) FROM run")[0][0]
        self.assertIn(f"run {run} has digest 0badd16e57, but ", done.stderr)

    def test_another_build_makes_no_run_of_the_campaign(self):
        command = self.submit(runs_per_task="6")[0]
        job = self.folder / "c.db.jobs/1/job.json"
        text = job.read_text(encoding="utf-8")
        other = {**json.loads(text), "build": "0123456789abcdef"}
        job.write_text(json.dumps(other), encoding="utf-8")
        done = self.shell(2, command)
        self.assertIn("task-0.json: was submitted by build 0123456789abcdef", done.stderr)
        self.edit("c.db", "UPDATE campaign SET value = '0123456789abcdef' WHERE key = 'build'")
        done = self.expect(2, "resume", "c.db")
        self.assertIn("c.db: is of build 0123456789abcdef of flowchain, this is build ",
                      done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_run_that_would_be_another_one_is_not_made(self):
        command = self.submit(runs_per_task="6")[0]
        file = self.folder / "c.db.jobs/1/scenario.toml"
        file.write_text(self.SCENARIO.replace("2000", "3000"), encoding="utf-8")
        self.assertIn("would not be the one that was submitted", self.shell(2, command).stderr)
        self.assertFalse((self.folder / "c.db.shards/1-0.db").exists())
        for text, cause in (
            ('{"runs": 7}', "is no file that `flowchain submit` wrote"),
            ('{"task": 0, "runs": []}', "has no runs"),
        ):
            (self.folder / "c.db.jobs/1/task-0.json").write_text(text, encoding="utf-8")
            self.assertIn(f"task-0.json: {cause}", self.shell(2, command).stderr)

    # Slurm's commands

    def fake(self, ids):
        """The environment with made-up commands."""
        folder = self.folder / "fake"
        folder.mkdir(exist_ok=True)
        for name, text in FAKE.items():
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o755)
        (folder / "ids").write_text(ids + "\n", encoding="utf-8")
        (folder / "queue").write_text("", encoding="utf-8")
        self.queue = folder / "queue"
        self.calls = folder / "calls"
        return {**os.environ, "PATH": f"{folder}:/usr/bin:/bin", "FAKE": str(folder)}

    def test_without_slurm_it_says_what_to_install(self):
        environment = {**os.environ, "PATH": str(self.folder)}
        done = self.expect(2, "submit", "first.toml", "-d", "c.db", "--slurm", env=environment)
        self.assertIn("in PATH: Slurm's commands are in Debian's package slurm-client",
                      done.stderr)
        self.assertIn("--print-commands", done.stderr)
        self.assertFalse((self.folder / "c.db.jobs").exists())

    def test_one_way_must_be_said(self):
        for options in ((), ("--slurm", "--print-commands")):
            self.expect(2, "submit", "first.toml", "-d", "c.db", *options)
        self.expect(0, "sweep", "first.toml", "-d", "c.db", "--quiet")
        self.assertIn("nothing was submitted yet", self.expect(2, "resume", "c.db").stderr)
        for command in ("status", "cancel", "resume", "collect"):
            self.assertIn("nowhere.db: there is no such campaign",
                          self.expect(2, command, "nowhere.db").stderr)

    def test_options_that_hide_tasks_are_refused(self):
        for option in ("array=0-3", "--clusters=all", "-Mall"):
            done = self.expect(2, "submit", "first.toml", "-d", "c.db", "--slurm",
                               f"--sbatch-option={option}", env=self.fake("71"))
            self.assertIn("flowchain must know which tasks there are", done.stderr)
        self.assertFalse(self.calls.exists())

    def test_arrays_that_slurm_has_not_taken_are_submitted_by_resume(self):
        environment = self.fake("71 72")
        done = self.expect(2, "submit", "first.toml", "-d", "c.db", "--slurm", "--max-running", "3",
                           "--partition", "long", "--time", "1:00:00", "--sbatch-option", "mem=1G",
                           env=environment)
        self.assertIn("sbatch: error: Batch job submission failed: over the limit", done.stderr)
        self.assertIn("2 of 3 job arrays are submitted; `flowchain resume`", done.stderr)
        script = (self.folder / "c.db.jobs/1/array-1.sh").read_text(encoding="utf-8")
        for line in ("--array=0-1%3", "--partition=long", "--time=1:00:00", "--mem=1G"):
            self.assertIn(f"#SBATCH {line}\n", script)
        self.assertIn("/task-$((2 + SLURM_ARRAY_TASK_ID)).json\n", script)
        self.queue.write_text("71|1|RUNNING|None\n72|0|PENDING|JobHeldUser\n72|1|PENDING|x\n")
        status = self.expect(2, "status", "c.db", env=environment).stdout
        self.assertIn("6 tasks in 3 job arrays (Slurm 71, 72, 1 not submitted): "
                      "1 pending (JobHeldUser), 1 pending (x), 1 running\n", status)
        # Three tasks wait or run; task 0 has ended without a result.
        environment = self.fake("73 74")
        self.queue.write_text("71|1|RUNNING|None\n72|0|PENDING|JobHeldUser\n72|1|PENDING|x\n")
        done = self.expect(0, "resume", "c.db", env=environment)
        self.assertIn("6 runs, 3 in tasks that wait or run, 3 to hand out", done.stderr)
        self.assertEqual(done.stdout, "3 tasks in 2 job arrays (Slurm 73, 74)\n")
        script = (self.folder / "c.db.jobs/2/array-0.sh").read_text(encoding="utf-8")
        self.assertIn("#SBATCH --partition=long\n", script)
        dependencies = re.findall(r"--dependency=\S+", self.calls.read_text(encoding="utf-8"))
        self.assertEqual(dependencies[-2:], ["--dependency=afterany:71:72",
                                             "--dependency=afterany:73"])
        self.assertEqual(list((self.folder / "c.db.jobs").glob("*/*.part")), [])
        done = self.expect(0, "cancel", "c.db", env=environment)
        self.assertTrue(done.stdout.startswith("3 tasks of 2 job arrays cancelled"))
        self.assertTrue(self.calls.read_text(encoding="utf-8").endswith("scancel 71 72\n"))

    def test_nothing_is_submitted_twice_while_the_queue_is_not_known(self):
        environment = self.fake("71 72 73")
        self.expect(0, "submit", "first.toml", "-d", "c.db", "--slurm", env=environment)
        self.queue.write_text("forgotten", encoding="utf-8")
        status = self.expect(2, "status", "c.db", env=environment).stdout
        self.assertIn("none waits or runs", status)
        self.queue.unlink()
        done = self.expect(2, "resume", "c.db", env=environment)
        self.assertIn("squeue has failed: slurm_load_jobs error: Unable to contact slurm",
                      done.stderr)
        self.assertFalse((self.folder / "c.db.jobs/2").exists())
        done = self.expect(2, "status", "c.db", env=environment)
        self.assertIn("(Slurm 71, 72, 73): not known whether they wait or run", done.stdout)
        self.assertIn("Unable to contact slurm", done.stderr)


if __name__ == "__main__":
    main(__doc__)
