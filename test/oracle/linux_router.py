# SPDX-License-Identifier: GPL-2.0-only
"""Linux as a NAT router between two links, in three network namespaces of its own.

    [inside]  link ---- inside  [router]  outside ---- link  [outside]

The ends have no addresses: packets are put on the links, and taken from them, with raw sockets. The
namespace of the caller is not changed in any way.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
COMMAND_SECONDS = 10
ARRIVAL_SECONDS = 3

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4
IPV4 = b"\x08\x00"

EXTERNAL = "192.0.2.1"
ROUTER_MAC = "02:00:00:00:01:01"
# No interface has it, so the kernels of the ends leave alone what the raw sockets are to get.
HOST_MAC = "02:00:00:00:02:02"

# MASQUERADE --random-fully: the ports change, and the ICMP identifier. What it lets through is what
# RFC 5382 and RFC 4787 (address- and port-dependent filtering) ask for, and nothing is answered by
# the router itself.
RULES = """\
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -i inside -o outside -m conntrack --ctstate NEW -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
-A POSTROUTING -o outside -j MASQUERADE --random-fully
COMMIT
"""


class Unavailable(Exception):
    """This system cannot do it, or does not let us; says why."""


class Broken(Exception):
    """What this system can do did not work."""


def run(*command, stdin="", failure=Broken):
    """Run a command; `failure` is Unavailable where this system may be unable to do it."""
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            env=dict(os.environ, PATH=SYSTEM_PATH, LC_ALL="C"),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise failure(f"{' '.join(command)}: {error}") from error
    if done.returncode != 0:
        raise failure(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


@contextlib.contextmanager
def entered(namespace):
    """Be in a named network namespace. Sockets that are made there stay there."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(handle):
        if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise Broken(f"setns: {os.strerror(ctypes.get_errno())}")

    with open("/proc/self/ns/net", "rb") as home:
        with open(f"/run/netns/{namespace}", "rb") as there:
            enter(there)
        try:
            yield
        finally:
            enter(home)


def set_options(options):
    """Write to /proc/sys/net, of the namespace that we are in."""
    for name, value in options.items():
        path = pathlib.Path("/proc/sys/net") / name
        try:
            path.write_text(f"{value}\n", encoding="ascii")
        except FileNotFoundError as error:
            # Without IPv6 in the kernel there is none to switch off.
            if not name.startswith("ipv6"):
                raise Broken(f"{path}: {error}") from error
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}") from error


def await_link(namespace, link):
    """Until then the kernel throws away what is sent."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while " state UP " not in run("ip", "-n", namespace, "link", "show", "dev", link):
        if time.monotonic() > deadline:
            raise Broken(f"the link {link} of {namespace} does not come up")
        time.sleep(0.01)


class Link:
    """The raw socket at the far end of one of the router's links."""

    def __init__(self, namespace):
        try:
            with entered(namespace):
                self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        except OSError as error:
            raise Unavailable(f"raw socket: {error.strerror}") from error
        self._socket.bind(("link", ETH_P_ALL))
        self._ethernet = bytes.fromhex((ROUTER_MAC + HOST_MAC).replace(":", "")) + IPV4

    def frame_of(self, packet):
        """The Ethernet frame in which an IPv4 packet is sent."""
        return self._ethernet + packet

    def send(self, packet):
        self._socket.send(self.frame_of(packet))

    def receive(self, seconds=ARRIVAL_SECONDS):
        """The next IPv4 packet from the router; None if there is none in time."""
        self._socket.settimeout(seconds)
        try:
            frame, address = self._socket.recvfrom(65536)
            while address[2] == PACKET_OUTGOING:
                frame, address = self._socket.recvfrom(65536)
        except (TimeoutError, BlockingIOError):
            return None
        if frame[12:14] != IPV4:
            raise Broken(f"the router sent a frame that is not IPv4: {frame.hex()}")
        return frame[14:]

    def close(self):
        self._socket.close()


class LinuxRouter:
    """with LinuxRouter("10.1.0.0/24") as router: ... router.inside.send(...)"""

    def __init__(self, inside_prefix):
        self._inside_prefix = inside_prefix
        self._namespaces = {
            side: f"flowchain-{os.getpid()}-{side}" for side in ("router", "inside", "outside")
        }
        self._made = []
        self._links = []

    def __enter__(self):
        try:
            self._check_rights()
            self._make_namespaces()
            self._make_links()
            self._make_rules()
            self.inside, self.outside = (self._open(side) for side in ("inside", "outside"))
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_):
        self._remove()

    @staticmethod
    def _check_rights():
        if os.geteuid() != 0:
            raise Unavailable("network namespaces need root")
        for program, package in (("ip", "iproute2"), ("iptables-restore", "iptables")):
            if shutil.which(program, path=SYSTEM_PATH) is None:
                raise Unavailable(f"no {program} (Debian package {package})")

    def _make_namespaces(self):
        for side, name in self._namespaces.items():
            # Noted first, so that it is removed also if the command is interrupted.
            self._made.append(name)
            run("ip", "netns", "add", name, failure=Unavailable)
            options = {"ipv4/ip_forward": 1 if side == "router" else 0}
            for group in ("all", "default"):
                options[f"ipv4/conf/{group}/rp_filter"] = 0
                options[f"ipv6/conf/{group}/disable_ipv6"] = 1
            with entered(name):
                set_options(options)

    def _make_links(self):
        router = self._namespaces["router"]
        for side, address, neighbour in (
            ("inside", "192.168.255.1", "192.168.255.2"),
            ("outside", EXTERNAL, "192.0.2.2"),
        ):
            end = self._namespaces[side]
            veth = f"link add {side} address {ROUTER_MAC} type veth peer name link netns {end}"
            run("ip", "-n", router, *veth.split(), failure=Unavailable)
            run("ip", "-n", router, "address", "add", f"{address}/24", "dev", side)
            run("ip", "-n", end, "link", "set", "dev", "link", "up")
            run("ip", "-n", router, "link", "set", "dev", side, "up")
            static = f"neighbour add {neighbour} lladdr {HOST_MAC} nud permanent dev {side}"
            run("ip", "-n", router, *static.split())
            prefix = self._inside_prefix if side == "inside" else "default"
            run("ip", "-n", router, "route", "add", prefix, "via", neighbour)

        for side, name in self._namespaces.items():
            for link in ("inside", "outside") if side == "router" else ("link",):
                await_link(name, link)

    def _make_rules(self):
        router = self._namespaces["router"]
        restore = ("ip", "netns", "exec", router, "iptables-restore")
        run(*restore, stdin=RULES, failure=Unavailable)
        with entered(router):
            # A connection begins with a SYN: Linux by default takes up any that it sees.
            set_options({"netfilter/nf_conntrack_tcp_loose": 0})

    def _open(self, side):
        link = Link(self._namespaces[side])
        self._links.append(link)
        return link

    def _remove(self):
        # A signal has to wait until all is gone.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._remove_all()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _remove_all(self):
        for link in self._links:
            link.close()
        left = []
        for name in self._made:
            # The links go with their namespaces.
            with contextlib.suppress(Broken):
                run("ip", "netns", "delete", name)
            if os.path.exists(f"/run/netns/{name}"):
                left.append(name)
        self._made = []
        if left:
            raise Broken(f"namespaces that could not be removed: {' '.join(left)}")
