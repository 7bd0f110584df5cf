# SPDX-License-Identifier: GPL-2.0-only
"""IPv4 packets as bytes: made, read and given another tuple. Checksums are always summed anew."""

import collections
import ipaddress
import struct

ICMP, TCP, UDP = 1, 6, 17
PROTOCOL_NAMES = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP"}
ETHERNET_SIZE = 14
ECHO_REPLY, ECHO_REQUEST = 0, 8
SYN, ACK = 0x02, 0x10

# Where the checksum is in the transport header.
CHECKSUM_OFFSET = {ICMP: 2, TCP: 16, UDP: 6}


FIELDS = ("protocol", "source", "source_port", "destination", "destination_port")


class Key(collections.namedtuple("Key", FIELDS)):
    """A five-tuple; an ICMP echo has its identifier as the port of the side that asks, else 0."""

    def reversed(self):
        return Key(
            self.protocol,
            self.destination,
            self.destination_port,
            self.source,
            self.source_port,
        )

    def __str__(self):
        return (
            f"{PROTOCOL_NAMES[self.protocol]} {self.source}:{self.source_port} -> "
            f"{self.destination}:{self.destination_port}"
        )


def checksum(data):
    """RFC 1071, of all of `data`."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def header_size(packet):
    return (packet[0] & 0x0F) * 4


def key_of(packet):
    size = header_size(packet)
    protocol = packet[9]
    source, destination = (str(ipaddress.IPv4Address(packet[i : i + 4])) for i in (12, 16))
    if protocol == ICMP:
        kind, identifier = struct.unpack_from("!BxxxH", packet, size)
        ports = (identifier, 0) if kind == ECHO_REQUEST else (0, identifier)
    else:
        ports = struct.unpack_from("!HH", packet, size)
    return Key(protocol, source, ports[0], destination, ports[1])


def with_sums(packet, udp_without=False):
    """The packet with its checksums set right; `udp_without`: with no UDP checksum."""
    size = header_size(packet)
    protocol = packet[9]
    header, segment = bytearray(packet[:size]), bytearray(packet[size:])
    header[10:12] = b"\0\0"
    header[10:12] = checksum(bytes(header)).to_bytes(2, "big")
    at = CHECKSUM_OFFSET[protocol]
    segment[at : at + 2] = b"\0\0"
    pseudo = b"" if protocol == ICMP else packet[12:20] + struct.pack("!HH", protocol, len(segment))
    value = checksum(pseudo + bytes(segment))
    if protocol == UDP:
        value = 0 if udp_without else value or 0xFFFF
    segment[at : at + 2] = value.to_bytes(2, "big")
    return bytes(header + segment)


def with_key(packet, key):
    """The packet with the addresses and ports of `key`, otherwise the same."""
    size = header_size(packet)
    changed = bytearray(packet)
    for at, address in ((12, key.source), (16, key.destination)):
        changed[at : at + 4] = ipaddress.IPv4Address(address).packed
    if key.protocol == ICMP:
        asking = key.source_port if packet[size] == ECHO_REQUEST else key.destination_port
        struct.pack_into("!H", changed, size + 4, asking)
    else:
        struct.pack_into("!HH", changed, size, key.source_port, key.destination_port)
    without = key.protocol == UDP and packet[size + 6 : size + 8] == b"\0\0"
    return with_sums(bytes(changed), without)


def make(key, payload=b"", ttl=64, flags=ACK, icmp_type=ECHO_REQUEST, udp_without=False):
    """A packet with the tuple `key`."""
    if key.protocol == TCP:
        segment = struct.pack("!HHIIBBHHH", 0, 0, 1000, 2000, 5 << 4, flags, 8192, 0, 0)
    elif key.protocol == UDP:
        segment = struct.pack("!HHHH", 0, 0, 8 + len(payload), 0)
    else:
        segment = struct.pack("!BBHHH", icmp_type, 0, 0, 0, 1)
    segment += payload
    header = struct.pack("!BBHHHBBH8x", 0x45, 0, 20 + len(segment), 1, 0, ttl, key.protocol, 0)
    return with_sums(with_key(header + segment, key), udp_without)


def checksum_of(packet):
    """What the transport header's checksum field says."""
    at = header_size(packet) + CHECKSUM_OFFSET[packet[9]]
    return int.from_bytes(packet[at : at + 2], "big")


def with_flipped_byte(packet, at):
    """The packet with one byte wrong; its checksums are left as they were."""
    return packet[:at] + bytes([packet[at] ^ 0x5A]) + packet[at + 1 :]


def read_capture(path):
    """The IPv4 packets of a classic pcap file with Ethernet frames, in order."""
    data = path.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    packets = []
    at = 24
    while at < len(data):
        captured, length = struct.unpack_from(order + "8xII", data, at)
        frame = data[at + 16 : at + 16 + captured]
        at += 16 + captured
        if captured != length or frame[12:14] != b"\x08\x00":
            raise ValueError(f"packet {len(packets) + 1} is cut short or not IPv4")
        total = int.from_bytes(frame[16:18], "big")
        packets.append(frame[ETHERNET_SIZE : ETHERNET_SIZE + total])
    return packets
