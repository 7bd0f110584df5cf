#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares the model's NAT44 with Linux's, packet by packet, on a real capture.

Each packet of the capture goes through a Linux router that translates sources (MASQUERADE); what
comes out on the other side must be, byte for byte behind the Ethernet header, what the model makes
of the same packet. The model is told the endpoint that Linux gave to a session when the session is
opened, nothing else. Packets from outside are addressed to that endpoint. Then some packets that
both must refuse. Linux draws its ports at random; a failure prints them.

usage: linux-nat-test.py REWRITE-CAPTURE CAPTURE

Exit code 77: skipped, since this system cannot do it or does not let us.
"""

import collections
import ipaddress
import os
import pathlib
import signal
import subprocess
import sys

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import ipv4_packet as ipv4
from ipv4_packet import ICMP, TCP, UDP, Key
from linux_router import EXTERNAL, Broken, LinuxRouter, Unavailable

SKIPPED = 77
TEST_SECONDS = 40
FAULTS_SHOWN = 5

INSIDE = "10.1.0.0/24"
CLIENT, SERVER, STRANGER = "10.1.0.1", "198.51.100.1", "198.51.100.77"

# From scenarios/data/README.md: packets and conversations.
HELD = {TCP: (1842, 99), UDP: (675, 25), ICMP: (10, 1)}

# Of the packets that are made here; no conversation of the capture is the same. Linux does not give
# out UNUSED_PORT, since a port above 1023 gets another one above 1023.
PROBE = Key(UDP, CLIENT, 2000, SERVER, 7)
UNUSED_PORT = 999


class Failure(Exception):
    """A check that does not hold."""


def is_inside(address):
    return ipaddress.IPv4Address(address) in ipaddress.IPv4Network(INSIDE)


# What Linux did with a packet: `arrived` is None where it must not; then `reason` is what the model
# has to say. `external` is the endpoint of a session that the packet opened.
Passage = collections.namedtuple("Passage", "what outward sent arrived external reason")


class LinuxRun:
    """Sends packets through the router and notes what becomes of them."""

    def __init__(self, router):
        self._router = router
        self._probes = 0
        self.passages = []
        self.bindings = {}

    def _links(self, outward):
        links = (self._router.inside, self._router.outside)
        return links if outward else links[::-1]

    def forward(self, what, packet):
        """A packet with the addresses that the client knows; must come out on the other side."""
        key = ipv4.key_of(packet)
        outward = is_inside(key.source)
        flow = key if outward else key.reversed()
        opens = flow not in self.bindings
        if not outward:
            if opens:
                raise Failure(f"{what}: {key} is from outside and belongs to no session")
            address, port = self.bindings[flow]
            key = key._replace(destination=address, destination_port=port)
            packet = ipv4.with_key(packet, key)
        near, far = self._links(outward)
        near.send(packet)
        arrived = far.receive()
        if arrived is None:
            raise Failure(f"{what}: Linux did not forward {key}: {packet.hex()}")
        if opens:
            given = ipv4.key_of(arrived)
            self.bindings[flow] = (given.source, given.source_port)
        external = self.bindings[flow] if opens else None
        self.passages.append(Passage(what, outward, packet, arrived, external, None))

    def probe(self, what):
        """A packet each way in a conversation that works; they are the next to arrive."""
        for key in (PROBE, PROBE.reversed()):
            self._probes += 1
            payload = self._probes.to_bytes(4, "big")
            self.forward(what, ipv4.make(key, payload))
            if not self.passages[-1].arrived.endswith(payload):
                raise Failure(f"{what}: Linux sent {self.passages[-1].arrived.hex()}")

    def refuse(self, what, packet, reason):
        """A packet as it is; must neither come out nor be answered."""
        outward = is_inside(ipv4.key_of(packet).source)
        self._links(outward)[0].send(packet)
        self.passages.append(Passage(what, outward, packet, None, None, reason))
        self.probe(f"behind {what}")

    def check_silence(self):
        for link in self._links(True):
            rest = link.receive(seconds=0.05)
            if rest is not None:
                raise Failure(f"Linux sent a packet that nobody waits for: {rest.hex()}")


def replay(run, packets):
    for number, packet in enumerate(packets, 1):
        run.forward(f"packet {number} of the capture", packet)


def forward_made_packets(run):
    """What the capture does not hold."""
    without = PROBE._replace(source_port=2001)
    for size in (0, 1, 2, 33):
        for key in (without, without.reversed()):
            run.forward(
                f"UDP without checksum, {size} bytes",
                ipv4.make(key, b"\xa5" * size, udp_without=True),
            )
    for ttl in (2, 255):
        for key in (PROBE, PROBE.reversed()):
            run.forward(f"UDP with TTL {ttl}", ipv4.make(key, b"odd", ttl=ttl))
    for size in (0, 1, 1472):
        echo = Key(ICMP, CLIENT, 4321, SERVER, 0)
        run.forward(f"echo request, {size} bytes", ipv4.make(echo, bytes(size)))
        reply = ipv4.make(echo.reversed(), bytes(size), icmp_type=ipv4.ECHO_REPLY)
        run.forward(f"echo reply, {size} bytes", reply)


def forward_edge_sums(run):
    """Packets whose transport checksum comes to 0 before or after translation: UDP sends 0xffff."""
    for flow, options in (
        (PROBE, {}),
        (Key(TCP, CLIENT, 2002, SERVER, 80), {"flags": ipv4.SYN}),
        (Key(ICMP, CLIENT, 4322, SERVER, 0), {}),
    ):
        name = ipv4.PROTOCOL_NAMES[flow.protocol]
        run.forward(f"{name} before edge sums", ipv4.make(flow, **options))
        address, port = run.bindings[flow]
        translated = flow._replace(source=address, source_port=port)
        for when, key in (("before", flow), ("after", translated)):
            # This word makes the sum of all words 0xffff, whose complement is 0.
            word = ipv4.checksum_of(ipv4.make(key, b"\0\0", **options))
            packet = ipv4.make(flow, word.to_bytes(2, "big"), **options)
            run.forward(f"{name}, sum 0 {when}", packet)
            passage = run.passages[-1]
            edge = passage.sent if when == "before" else passage.arrived
            if ipv4.checksum_of(edge) != (0xFFFF if flow.protocol == UDP else 0):
                raise Failure(f"{name}, sum 0 {when}: it is not in {edge.hex()}")


def refuse_packets(run):
    """Both refuse them, and the model says why."""
    run.probe("the first probe")
    address, port = run.bindings[PROBE]
    tcp_flow = next(flow for flow in run.bindings if flow.protocol == TCP)
    tcp_address, tcp_port = run.bindings[tcp_flow]

    def unused(protocol):
        return Key(protocol, SERVER, 80, EXTERNAL, UNUSED_PORT)

    data, syn = b"refuse me", ipv4.SYN
    live = Key(UDP, SERVER, 7, address, port)
    live_tcp = Key(TCP, STRANGER, 80, tcp_address, tcp_port)
    # An identifier may be any number; but the stranger was never asked.
    to_nobody = Key(ICMP, STRANGER, 0, EXTERNAL, UNUSED_PORT)
    reply = ipv4.make(to_nobody, data, icmp_type=ipv4.ECHO_REPLY)
    request = ipv4.make(Key(ICMP, SERVER, 5, EXTERNAL, 0), data)
    for what, packet in (
        ("TCP from outside, no SYN, no session", ipv4.make(unused(TCP), data)),
        ("TCP from outside, SYN", ipv4.make(unused(TCP), flags=syn)),
        ("TCP from outside, SYN and ACK, no session", ipv4.make(unused(TCP), flags=syn | ipv4.ACK)),
        ("TCP to a session's port, another remote address", ipv4.make(live_tcp, data)),
        ("UDP from outside", ipv4.make(unused(UDP), data)),
        (
            "UDP to a session's port, another remote address",
            ipv4.make(live._replace(source=STRANGER), data),
        ),
        (
            "UDP to a session's port, another remote port",
            ipv4.make(live._replace(source_port=8), data),
        ),
        ("UDP from inside to the router", ipv4.make(Key(UDP, CLIENT, 9, address, port), data)),
        ("UDP straight to an inside address", ipv4.make(Key(UDP, SERVER, 9, CLIENT, 9), data)),
        ("echo request from outside", request),
        ("echo reply to nobody", reply),
    ):
        run.refuse(what, packet, "no-binding")
    no_session = Key(TCP, CLIENT, UNUSED_PORT, SERVER, 80)
    run.refuse("TCP from inside, no SYN, no session", ipv4.make(no_session, data), "no-session")
    for side, key in (("inside", PROBE), ("outside", live)):
        good = ipv4.make(key, data)
        for place, at in (("the IPv4 header", 4), ("the UDP payload", 30)):
            wrong = ipv4.with_flipped_byte(good, at)
            run.refuse(f"from {side}, one byte of {place} wrong", wrong, "malformed")
        expired = ipv4.make(key, data, ttl=1)
        run.refuse(f"from {side}, TTL 1", expired, "ttl-exceeded")


def run_linux(packets):
    with LinuxRouter(INSIDE) as router:
        # On one processor what is sent first arrives first.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        run = LinuxRun(router)
        replay(run, packets)
        replayed = len(run.passages)
        forward_made_packets(run)
        forward_edge_sums(run)
        refuse_packets(run)
        run.check_silence()
        lines = []
        for passage in run.passages:
            frame = (router.inside if passage.outward else router.outside).frame_of(passage.sent)
            lines.append(" ".join([frame.hex(), *map(str, passage.external or ())]))
    return run, replayed, lines


def ask_model(program, lines):
    done = subprocess.run(
        [program, INSIDE, f"{EXTERNAL}/32"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=TEST_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Failure(f"{program}: exit code {done.returncode}: {done.stderr.strip()}")
    answers = done.stdout.splitlines()
    if len(answers) != len(lines):
        raise Failure(f"{program}: {len(answers)} answers to {len(lines)} packets")
    return answers


def fault_of(passage, answer):
    """What is different in the model; None if nothing is."""
    word, _, rest = answer.partition(" ")
    where = f"{passage.what}, {ipv4.key_of(passage.sent)}"
    if passage.arrived is None:
        fine = word == "drop" and rest == passage.reason
        return None if fine else f"{where}: Linux refuses it; model: {answer}, not {passage.reason}"
    if word != "packet":
        return f"{where}: Linux forwards it; model: {answer}"
    model = bytes.fromhex(rest)[ipv4.ETHERNET_SIZE :]
    if model == passage.arrived:
        return None
    pairs = enumerate(zip(model, passage.arrived))
    at = next((i for i, (a, b) in pairs if a != b), min(len(model), len(passage.arrived)))
    return (
        f"{where}: byte {at} of the IPv4 packet differs\n"
        f"  sent  {passage.sent.hex()}\n  Linux {passage.arrived.hex()}\n  model {model.hex()}"
    )


def check_capture(packets):
    """The reader has found what the capture's description says. Returns counts by direction."""
    keys = [ipv4.key_of(packet) for packet in packets]
    flows = {key if is_inside(key.source) else key.reversed() for key in keys}
    for protocol, held in HELD.items():
        found = tuple(sum(k.protocol == protocol for k in some) for some in (keys, flows))
        if found != held:
            name = ipv4.PROTOCOL_NAMES[protocol]
            raise Failure(f"{name}: packets, conversations {found} in the capture, not {held}")
    return collections.Counter((key.protocol, is_inside(key.source)) for key in keys)


def check_translation(run, packets):
    """Linux has translated all conversations, and the ports of nearly all."""
    flows = {flow: run.bindings[flow] for flow in map(ipv4.key_of, packets) if flow in run.bindings}
    moved = sum(port != flow.source_port for flow, (_, port) in flows.items())
    if any(address != EXTERNAL for address, _ in flows.values()):
        raise Failure("Linux has given out an address that is not external")
    if len(flows) != sum(conversations for _, conversations in HELD.values()):
        raise Failure(f"Linux has translated {len(flows)} conversations")
    if moved < len(flows) - 2:
        raise Failure(f"Linux has changed the ports of only {moved} of {len(flows)} conversations")
    print(f"{len(flows)} conversations, {moved} of them with another port or identifier")


def compare(program, packets):
    held = check_capture(packets)
    run, replayed, lines = run_linux(packets)
    check_translation(run, packets)
    answers = ask_model(program, lines)
    faults = []
    equal = collections.Counter()
    for number, (passage, answer) in enumerate(zip(run.passages, answers)):
        fault = fault_of(passage, answer)
        if fault is not None:
            faults.append(fault)
        elif number < replayed:
            equal[ipv4.key_of(passage.sent).protocol, passage.outward] += 1
    for protocol, outward in sorted(held):
        count, all_of = equal[protocol, outward], held[protocol, outward]
        way = "outward" if outward else "inward"
        print(f"{ipv4.PROTOCOL_NAMES[protocol]:4} {way:7} {count} of {all_of} packets are equal")
    made = run.passages[replayed:]
    refused = sum(passage.arrived is None for passage in made)
    print(f"made for this test: {len(made) - refused} forwarded, {refused} refused")
    if faults or equal != held:
        shown = "\n".join(faults[:FAULTS_SHOWN])
        raise Failure(f"{len(faults)} packets differ, the first of them:\n{shown}")


def give_up(number, _):
    # With the exception everything that was made is removed.
    for other in (signal.SIGALRM, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    name = signal.Signals(number).name
    raise Failure("too slow" if number == signal.SIGALRM else f"ended by {name}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for number in (signal.SIGALRM, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, give_up)
    signal.alarm(TEST_SECONDS)
    try:
        compare(sys.argv[1], ipv4.read_capture(pathlib.Path(sys.argv[2])))
    except Unavailable as reason:
        print(f"skipped: {reason}")
        return SKIPPED
    except (Failure, Broken) as fault:
        print(f"FAIL {fault}")
        return 1
    print("Linux and the model agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
