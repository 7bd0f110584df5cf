#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does what README says first, and checks what it promises: with the chain nothing is lost, without
it sessions break, and tshark has nothing to object to in any packet on any link.

usage: quickstart-test.py PROGRAM
"""

import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile

from scenario_runs import SOURCE, Run, Tally

COMMAND = "./flowchain-setup && ./build/scenarios/flowchain run scenarios/quickstart.toml"
SCENARIO = "scenarios/quickstart.toml"

# The capture (scenarios/data/README.md): 99 TCP and 25 UDP conversations and one ping.
CAPTURE_SESSIONS = 99 + 25 + 1
CAPTURE_PACKETS = 2527
# The generator: 20 packets each way, 3 to open, 3 to close.
GENERATED_SESSIONS = 2000
GENERATED_PACKETS = GENERATED_SESSIONS * (2 * 20 + 6)

PROGRAM_IN_README = "./build/scenarios/flowchain"
OUTPUT_IN_README = re.compile(r"^```text\n\$ ([^\n]*)\n(.*?)^```$", re.M | re.S)

NANOSECOND_MAGIC = 0xA1B23C4D
CHECKSUMS = ["-oip.check_checksum:TRUE", "-otcp.check_checksum:TRUE", "-oudp.check_checksum:TRUE"]
OBJECTIONS = (
    "ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0 || "
    "icmp.checksum.status==0 || _ws.malformed || _ws.expert.severity==error"
)


def check_readme(tally, program, folder):
    """Each line of output in README is what its command prints; "..." stands for others."""
    readme = (SOURCE / "README.md").read_text(encoding="utf-8")
    tally.check(f"\n{COMMAND}\n" in readme, f"README has the command {COMMAND}")
    examples = OUTPUT_IN_README.findall(readme)
    tally.check(len(examples) == 2, f"README shows two runs: {len(examples)}")
    for command, output in examples:
        words = shlex.split(command)
        tally.check(words[0] == PROGRAM_IN_README, f"README runs the program: {command}")
        done = subprocess.run(
            [program, *words[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        printed = done.stdout.splitlines()
        for line in output.splitlines():
            tally.check(line == "..." or line in printed, f"{command} does not print: {line}")


def check_with_chain(tally, run):
    tally.check(run.code == 0, f"exit code 0: {run.output()}")
    sessions = CAPTURE_SESSIONS + GENERATED_SESSIONS
    packets = CAPTURE_PACKETS + GENERATED_PACKETS
    for metric, value in (
        ("sessions.started", sessions),
        ("sessions.established", sessions),
        ("sessions.completed", sessions),
        ("sessions.lost", 0),
        ("sessions.broken", 0),
        ("packets.injected", packets),
        ("packets.delivered", packets),
        ("packets.dropped", 0),
        ("packets.in_flight", 0),
        ("observer.violations", 0),
    ):
        tally.check(run.metric(metric) == value, f"{metric} is {run.metric(metric)}, not {value}")


def check_without_chain(tally, run):
    tally.check(run.code == 1, f"without the chain an expectation fails: {run.output()}")
    tally.check(run.metric("sessions.lost") > 0, "without the chain sessions are lost")
    tally.check(run.metric("sessions.broken") > 0, "without the chain sessions break")
    tally.check(
        run.metric("packets.dropped.no-session") > 0, "packets come to nodes without the session"
    )


def pcap_fault(file):
    """What is wrong with the file's times, or None; and how many packets it has."""
    data = file.read_bytes()
    if struct.unpack_from("<I", data)[0] != NANOSECOND_MAGIC:
        return "the times are not in nanoseconds", 0
    offset, last, count = 24, (0, 0), 0
    while offset < len(data):
        seconds, nanoseconds, length, _ = struct.unpack_from("<IIII", data, offset)
        if (seconds, nanoseconds) < last:
            return f"packet {count + 1} is earlier than the one before it", count
        last = (seconds, nanoseconds)
        offset += 16 + length
        count += 1
    return None if offset == len(data) else "the last packet is cut short", count


def tshark(file, filter_text, *options):
    """The numbers of the frames that the filter shows."""
    done = subprocess.run(
        ["tshark", "-n", "-r", file, *CHECKSUMS, *options]
        + ["-Y", filter_text, "-T", "fields", "-e", "frame.number"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"tshark cannot read {file}: {done.stderr}")
    return [int(line) for line in done.stdout.split()]


def damage_first_packet(file, copy):
    """A copy of the capture whose first packet has another byte in its IPv4 header."""
    data = bytearray(file.read_bytes())
    data[24 + 16 + 14 + 8] ^= 0x10  # the TTL, without repairing the checksum
    copy.write_bytes(data)


def check_captures(tally, folder):
    files = sorted(folder.glob("*.pcap"))
    # 2 clients, 2 servers, 2 accelerators, 3 managers, 4 service nodes, controller; 4 x 2 links.
    tally.check(len(files) == 14 + 8, f"a capture for every node and link: {len(files)}")
    for file in files:
        fault, count = pcap_fault(file)
        tally.check(fault is None, f"{file.name}: {fault}")
        tally.check(count > 0, f"{file.name} is empty")
    if shutil.which("tshark") is None:
        tally.skip("what tshark says: it is not installed")
        return
    copy = folder / "damaged.pcap"
    damage_first_packet(folder / "service-0.pcap", copy)
    tally.check(tshark(copy, OBJECTIONS) == [1], "tshark objects to a damaged packet")
    copy.unlink()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objections = pool.map(lambda file: tshark(file, OBJECTIONS), files)
        for file, frames in zip(files, objections):
            tally.check(not frames, f"{file.name}: tshark objects to frames {frames[:10]}")
    for file in files:
        if file.name.startswith(("manager", "service")):
            geneve = tshark(file, "geneve")
            tally.check(bool(geneve), f"{file.name} has no Geneve packet")
            tally.check(
                tshark(file, "udp.dstport==6081") == geneve, f"{file.name}: not all are Geneve"
            )


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    tally = Tally()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / "scenarios").symlink_to(SOURCE / "scenarios")
        check_readme(tally, program, folder)

        def run(name, *options):
            return Run(program, SCENARIO, f"results/{name}", *options, cwd=folder)

        chain = run("quickstart")
        check_with_chain(tally, chain)
        check_without_chain(tally, run("none", "-s", "chain.scheme=none"))
        captured = run("captured", "--pcap", "all")
        check_with_chain(tally, captured)
        tally.check(captured.digest() == chain.digest(), "capturing does not change the run")
        check_captures(tally, folder / "results/captured")
    tally.finish()


if __name__ == "__main__":
    main()
