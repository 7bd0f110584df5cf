#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests campaigns on a real Slurm of one node, which the test starts on the loopback interface:
submit, cancel mid-way, resume, collect; the result is that of a sweep on this machine.

Exit code 77: skipped, the reason is printed. Needs root, and Debian's packages slurm-wlm and munge.

usage: slurm-test.py PROGRAM [unittest options]
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

SKIPPED = 77
PATIENCE_SECONDS = 120
DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "sinfo", "setpriv")
PROGRAM = ""
CLUSTER = None
RUNS = 48
RUNS_OF_TASK = 4
ARRAY_MAX = 5

CONFIGURATION = """ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=30
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
MaxArraySize={array_max}
NodeName=node CPUs=2 RealMemory=400 NodeHostname=localhost NodeAddr=127.0.0.1 Port={node_port}
PartitionName=all Nodes=node Default=YES MaxTime=INFINITE State=UP
"""

# A run takes about a quarter of a second.
SCENARIO = """# SPDX-License-Identifier: GPL-2.0-only
[sim]
stop = "1s"

[[service]]

[[accelerator]]

[[workload]]
kind = "sessions"
sessions = 4000
rate = 4000

[sweep]
replications = 4
[sweep.cross]
chain.length = [1, 2, 3]
chain.release = ["immediate", "all"]
"workload[0].rate" = [4000, 5000]
"""


class NoCluster(Exception):
    """Slurm cannot run here; the reason."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, daemons=()):
    """Wait until condition() is true."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        for daemon in daemons:
            if daemon.poll() is not None:
                raise NoCluster(f"{daemon.args[3]} has ended: {daemon.returncode}")
        if time.monotonic() > end:
            raise TimeoutError(f"not within {PATIENCE_SECONDS} s: {what}")
        time.sleep(0.1)


class Cluster:
    """munge, Slurm's controller and one node, in a temporary folder, with free ports."""

    def __init__(self):
        if os.geteuid() != 0:
            raise NoCluster("slurmd must be started by root")
        path = os.environ.get("PATH", "") + ":/usr/sbin"
        self.programs = {name: shutil.which(name, path=path) for name in DAEMONS + COMMANDS}
        missing = [name for name, found in self.programs.items() if found is None]
        if missing:
            raise NoCluster(f"no {', '.join(missing)}: apt-get install slurm-wlm munge")
        self.temporary = tempfile.TemporaryDirectory(prefix="flowchain-slurm-")
        self.folder = pathlib.Path(self.temporary.name)
        self.daemons = []
        # What an outer Slurm says must not count here.
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SLURM", "SBATCH", "SQUEUE", "SCANCEL"))
        }
        self.environment["SLURM_CONF"] = str(self.folder / "slurm.conf")
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        folder = self.folder
        for name in ("state", "spool"):
            (folder / name).mkdir()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        (folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                folder=folder,
                controller_port=free_port(),
                node_port=free_port(),
                array_max=ARRAY_MAX,
            ),
            encoding="utf-8",
        )
        self.daemon("munged", "--foreground", "--force", f"--key-file={key}",
                    f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid",
                    f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed")
        wait_until((folder / "munge.socket").exists, "munge's socket", self.daemons)
        self.daemon("slurmctld", "-D")
        self.daemon("slurmd", "-D", "-N", "node")
        wait_until(lambda: "idle" in self.run("sinfo", "-h", "-o", "%T").stdout, "an idle node",
                   self.daemons)

    def daemon(self, name, *arguments):
        # It ends with this test, whatever ends that.
        with open(self.folder / f"{name}.out", "wb") as output:
            self.daemons.append(
                subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", self.programs[name], *arguments],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            )

    def run(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True,
                              timeout=PATIENCE_SECONDS, check=False)

    def queue(self):
        """States of the tasks that wait or run."""
        done = self.run("squeue", "-h", "-r", "-o", "%T")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.split()

    def log(self):
        """The ends of what the daemons have said."""
        texts = []
        for file in sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out")]):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            texts += [f"{file.name}: {line}" for line in lines[-8:]]
        return "\n".join(texts)

    def stop(self):
        if len(self.daemons) == len(DAEMONS):
            self.run("scancel", "--state=PENDING", "--user=root")
            self.run("scancel", "--user=root")
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.temporary.cleanup()


class SlurmTest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="a b%j")
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        (self.folder / "first.toml").write_text(SCENARIO, encoding="utf-8")

    def expect(self, code, *arguments):
        done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=CLUSTER.environment,
                              capture_output=True, text=True, timeout=PATIENCE_SECONDS,
                              check=False)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def shards(self):
        return list((self.folder / "c.db.shards").glob("*.db"))

    def runs_in_shards(self):
        """Ids of the runs, one for each time that it was made."""
        ids = []
        for shard in self.shards():
            database = sqlite3.connect(f"file:{shard}?mode=ro", uri=True)
            ids += [row[0] for row in database.execute("SELECT id FROM run")]
            database.close()
        return ids

    def signal_tasks(self, number):
        """Sends a signal to the tasks that run, and their runs. Returns each one's parent."""
        parents = {}
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                if words[0] == os.fsencode(PROGRAM) and os.fsencode(self.folder) in words[2]:
                    os.kill(int(process.name), number)
                    status = (process / "status").read_text(encoding="utf-8")
                    parents[process.name] = re.search(r"(?m)^PPid:\s+(\d+)$", status).group(1)
            except (OSError, IndexError):
                pass  # it has ended
        return parents

    def is_halted_half_way(self):
        """Halts a task that is in the middle of a run, until Slurm ends it."""
        parents = self.signal_tasks(signal.SIGSTOP)
        if parents.keys() & set(parents.values()):
            return True
        self.signal_tasks(signal.SIGCONT)
        return False

    def digest(self, text):
        return re.search(r"^digest +([0-9a-f]{16})$", text, re.M).group(1)

    def wait_for_queue(self):
        wait_until(lambda: not CLUSTER.queue(), "an empty queue")

    def test_cancelled_and_resumed_it_has_the_result_of_a_serial_sweep(self):
        serial = self.expect(0, "sweep", "first.toml", "-d", "serial.db", "-j", "1", "--quiet")
        serial = self.digest(self.expect(0, "sweep", "first.toml", "-d", "serial.db").stdout)

        # 12 tasks of 4 runs: arrays of 5, 5, 2.
        done = self.expect(0, "submit", "first.toml", "-d", "c.db", "--slurm",
                           "--runs-per-task", str(RUNS_OF_TASK), "--time", "10",
                           "--sbatch-option=--comment=a b")
        self.assertRegex(done.stdout, r"^12 tasks in 3 job arrays \(Slurm \d+, \d+, \d+\)$")
        scripts = sorted((self.folder / "c.db.jobs/1").glob("array-*.sh"))
        arrays = [re.search(r"--array=(\S+)", script.read_text()).group(1) for script in scripts]
        self.assertEqual(arrays, ["0-4", "0-4", "0-1"])
        first = re.search(r"Slurm (\d+)", done.stdout).group(1)
        self.assertIn("Comment=a b", CLUSTER.run("scontrol", "show", "job", first).stdout)

        # Tasks are cancelled that are in the middle of their runs, and all that wait.
        wait_until(lambda: len(self.shards()) >= 4 and self.is_halted_half_way(),
                   "four shards, and a task half-way")
        status = self.expect(2, "status", "c.db").stdout
        self.assertRegex(status, r"(?m)^runs +0 of 48 done$")
        self.assertRegex(status, r"(?m)^shards +\d+ more runs done")
        self.assertRegex(status, r"(?m)^job 1 .*: .*[12] running")
        again = self.expect(0, "resume", "c.db")
        self.assertIn(" 0 to hand out", again.stderr)
        done = self.expect(0, "cancel", "c.db")
        self.assertRegex(done.stdout, r"^\d+ tasks of [123] job arrays cancelled")
        self.wait_for_queue()
        half = set(self.runs_in_shards())
        self.assertGreaterEqual(len(half), 8)
        self.assertLess(len(half), RUNS)
        log = "".join(file.read_text() for file in (self.folder / "c.db.jobs/1/log").iterdir())
        self.assertIn("stopped by signal 15", log)

        # Only what is missing; arrays of 2 tasks, of which one may run.
        left = RUNS - len(half)
        tasks = -(-left // RUNS_OF_TASK)
        done = self.expect(0, "resume", "c.db", "--max-running", "1", "--array-max", "2")
        self.assertIn(f"{RUNS} runs, 0 in tasks that wait or run, {left} to hand out", done.stderr)
        self.assertRegex(done.stdout, rf"^{tasks} tasks in {(tasks + 1) // 2} job arrays")
        self.assertEqual(self.expect(2, "status", "c.db").stdout.count("none waits or runs"), 1)
        most = 0
        while states := CLUSTER.queue():
            most = max(most, states.count("RUNNING"))
            time.sleep(0.1)
        self.assertEqual(most, 1)

        self.assertEqual(sorted(self.runs_in_shards()), sorted(set(self.runs_in_shards())),
                         "a run was made twice")
        done = self.expect(0, "collect", "c.db")
        self.assertIn(" new runs from ", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^runs +48 of 48 done$")
        self.assertEqual(self.digest(done.stdout), serial)
        done = self.expect(0, "collect", "c.db")
        self.assertIn("0 new runs from ", done.stdout)
        self.assertEqual(self.digest(done.stdout), serial)
        done = self.expect(0, "resume", "c.db")
        self.assertIn(" 0 to hand out", done.stderr)
        self.assertEqual(self.digest(self.expect(0, "status", "c.db").stdout), serial)

    def test_what_slurm_refuses_is_said_in_its_words(self):
        done = self.expect(2, "submit", "first.toml", "-d", "c.db", "--slurm",
                           "--partition", "nowhere")
        self.assertIn("invalid partition specified: nowhere", done.stderr)
        self.assertIn("0 of 10 job arrays are submitted", done.stderr)
        self.assertIn("10 not submitted", self.expect(2, "status", "c.db").stdout)
        done = self.expect(0, "resume", "c.db", "--partition", "all", "--runs-per-task", "20")
        self.assertRegex(done.stdout, r"^3 tasks in 1 job arrays \(Slurm \d+\)")
        self.expect(0, "cancel", "c.db")
        self.wait_for_queue()
        self.assertRegex(self.expect(0, "cancel", "c.db").stdout, "^0 tasks of 0 job arrays")


def main():
    global PROGRAM, CLUSTER
    if len(sys.argv) < 2 or not pathlib.Path(sys.argv[1]).is_file():
        sys.exit(__doc__)
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    try:
        CLUSTER = Cluster()
    except NoCluster as error:
        print(f"skipped: {error}")
        sys.exit(SKIPPED)
    try:
        result = unittest.main(exit=False).result
        if not result.wasSuccessful():
            print(CLUSTER.log())
    finally:
        CLUSTER.stop()
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
