#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes resets.pcap: 40 TCP connections, one each millisecond, that end with a RST after a request
and its reply; the client sends it in the even ones, the server in the odd ones.

usage: make-resets.py FILE
"""

import struct
import sys

SYN, RST, PSH, ACK = 2, 4, 8, 16
CONNECTIONS = 40
START = 1_700_000_000  # s
STEP = 1000  # us between two packets of a connection


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(source, destination, sequence, acknowledged, flags, data=b""):
    """Source and destination are pairs of address and port."""

    def tcp(check):
        return struct.pack(
            "!HHIIBBHHH",
            *(source[1], destination[1], sequence, acknowledged, 0x50, flags, 65535, check, 0),
        )

    def ip(check):
        return struct.pack(
            "!BBHHHBBH4s4s",
            *(0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, check, source[0], destination[0]),
        )

    pseudo = source[0] + destination[0] + struct.pack("!HH", 6, 20 + len(data))
    ethernet = bytes.fromhex("020000000002020000000001") + b"\x08\x00"
    return ethernet + ip(checksum(ip(0))) + tcp(checksum(pseudo + tcp(0) + data)) + data


def connection(number):
    client = (bytes([10, 2, 0, 1 + number % 4]), 40000 + number)
    server = (bytes([198, 51, 100, 1 + number % 2]), 80)
    ask, reply = b"request".ljust(100, b"."), b"reply".ljust(200, b".")
    c, s = 1000 * (number + 1), 5000 * (number + 1)  # initial sequence numbers
    packets = [
        segment(client, server, c, 0, SYN),
        segment(server, client, s, c + 1, SYN | ACK),
        segment(client, server, c + 1, s + 1, ACK),
        segment(client, server, c + 1, s + 1, PSH | ACK, ask),
        segment(server, client, s + 1, c + 101, PSH | ACK, reply),
    ]
    if number % 2 == 0:
        packets.append(segment(client, server, c + 101, s + 201, RST | ACK))
    else:
        packets.append(segment(server, client, s + 201, c + 101, RST | ACK))
    return [(1000 * number + STEP * i, packet) for i, packet in enumerate(packets)]


def main():
    packets = sorted(
        (packet for number in range(CONNECTIONS) for packet in connection(number)),
        key=lambda timed: timed[0],
    )
    with open(sys.argv[1], "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for time, packet in packets:
            seconds, rest = divmod(time, 1_000_000)
            file.write(struct.pack("<IIII", START + seconds, rest, len(packet), len(packet)))
            file.write(packet)


if __name__ == "__main__":
    main()
