# SPDX-License-Identifier: GPL-2.0-only
"""A drawing of a run's network: spines, leaves, the nodes on them, and the way of one session."""

import math
from dataclasses import dataclass
from html import escape

ROWS_MAX = 9  # nodes drawn below one leaf
FAN_OUT_MAX = 7  # arrows of the fan-out
COLUMN = 230
BOX_WIDTH = 124
BOX_HEIGHT = 30
ROW = 64
TOP = 118


@dataclass
class Node:
    """A node of the scenario, as `flowchain check` lists them."""

    name: str
    kind: str  # 'client', 'server', 'accelerator', 'manager', 'service', 'controller'
    leaf: int
    group: int = 0
    role: str = ""
    x: float = 0
    y: float = 0
    drawn: bool = False


def nodes_of(scenario):
    """All nodes with their leaves, dealt one by one in this order (scenarios/README.md)."""
    topology, services = scenario["topology"], scenario["service"]
    found = []

    def add(kind, count, prefix="", each=0):
        for i in range(count):
            found.append(Node(f"{prefix}{kind}[{i}]", kind, len(found) % topology["leaves"],
                              i // each if each else 0))

    add("client", topology["clients"])
    add("server", topology["servers"])
    for service in services:
        prefix = f"{service['name']}." if len(services) > 1 else ""
        group = {**scenario["group"], **service.get("group", {})}
        accelerators = service.get("accelerator") or scenario.get("accelerator") or [{"count": 1}]
        add("accelerator", sum(a.get("count", 1) for a in accelerators), prefix)
        add("manager", group["count"] * group["managers"], prefix, group["managers"])
        add("service", service["nodes"], prefix)
    found.append(Node("controller", "controller", len(found) % topology["leaves"]))
    return found


def chain_of(scenario):
    """The first service's chain: length, place (from 1) of the second manager, release rule; None
    for schemes without a chain."""
    service = scenario["service"][0]
    chain = {**scenario["chain"], **service.get("chain", {})}
    if scenario["chain"]["scheme"] != "chain":
        return None
    group = {**scenario["group"], **service.get("group", {})}
    length = min(chain["length"], group["managers"])
    position = chain["position"]
    return length, length if position == "tail" else min(int(position), length), chain["release"]


def steps_of(scenario, nodes):
    """The way of a new session: (number, from, to, words), and sets the nodes' roles. The first
    manager and service node are examples: in a run a hash of the five-tuple selects them."""
    by = {kind: [n for n in nodes if n.kind == kind] for kind in
          ("client", "server", "accelerator", "manager", "service")}
    client, server, accelerator = by["client"][0], by["server"][0], by["accelerator"][0]
    prefix = accelerator.name.removesuffix("accelerator[0]")
    by["manager"] = [n for n in by["manager"] if n.name.startswith(prefix)]
    own = [n for n in by["manager"] if n.group == 0]
    service, others = by["service"][0], by["service"][1:scenario["service"][0]["nodes"]]
    length, place, rule = chain_of(scenario)
    chain = own[:length]
    first, second = chain[0], chain[place - 1]
    third = (own[length:] or by["manager"][len(own):] or chain[-1:])[0]
    names = {}
    for node in chain:
        names[node.name] = ["intermediate"]
    for node, role in ((first, "first"), (second, "second"), (third, "third")):
        roles = [r for r in names.get(node.name, []) if r != "intermediate"]
        names[node.name] = [*roles, role]
    for node in nodes:
        node.role = ", ".join(names.get(node.name, []))
    service.role = "first"
    release = {"immediate": "at once", "chain": "when the chain has the state",
               "all": "when chain, fan-out and reverse entry are acknowledged",
               "tail": "by the last replica"}[rule]
    steps = [("1", client, accelerator, "A packet without a flow entry comes to the accelerator."),
             ("2", accelerator, first, "The accelerator selects the first flow manager."),
             ("3", first, service, "It asks a service node, which makes the session state and "
              "returns it with the packet.")]
    words = "The state goes down the chain, manager by manager."
    for i, (a, b) in enumerate(zip(chain, chain[1:])):
        steps.append(("4", a, b, words if i == 0 else ""))
    for i, node in enumerate(others[:FAN_OUT_MAX]):
        words = "The second manager fans it out to the other service nodes."
        steps.append(("5", second, node, words if i == 0 else ""))
    if third is not first:
        steps.append(("6", first, third, "The third manager, which the accelerator will select for "
                      "the reverse direction, gets the reverse entry."))
    releaser = chain[-1] if rule == "tail" else first
    steps.append(("7", releaser, server, f"The packet is released, {release}; the accelerator gets "
                  "the flow entry."))
    return steps


def _place(nodes, leaves):
    """Positions below the leaves; nodes in a role are drawn first. Returns the nodes left out, by
    leaf, and the number of rows."""
    order = {"client": 0, "accelerator": 1, "manager": 2, "service": 3, "server": 4,
             "controller": 5}
    hidden, rows = {}, 0
    for leaf in range(leaves):
        own = [n for n in nodes if n.leaf == leaf]
        own.sort(key=lambda n: (not n.role and n.kind in ("manager", "service"), order[n.kind]))
        shown = own[:ROWS_MAX]
        shown.sort(key=lambda n: order[n.kind])
        hidden[leaf] = len(own) - len(shown)
        rows = max(rows, len(shown) + (1 if hidden[leaf] else 0))
        for row, node in enumerate(shown):
            node.drawn = True
            node.x, node.y = COLUMN * (leaf + 0.5), TOP + 74 + ROW * row
    return hidden, rows


def _box(x, y, text, css, sub=""):
    w, h = BOX_WIDTH, BOX_HEIGHT + (6 if sub else 0)
    svg = (f'<g class="{css}"><rect x="{x - w / 2:.0f}" y="{y - h / 2:.0f}" width="{w}" '
           f'height="{h}" rx="5"/>')
    if sub:
        return (svg + f'<text x="{x:.0f}" y="{y - 2:.0f}">{escape(text)}</text>'
                f'<text class="role" x="{x:.0f}" y="{y + 12:.0f}">{escape(sub)}</text></g>')
    return svg + f'<text x="{x:.0f}" y="{y + 5:.0f}">{escape(text)}</text></g>'


class _Router:
    """Ways of arrows between the boxes: along the channels between columns and the gaps between
    rows, each in a lane of its own, so that none crosses a box."""

    def __init__(self, count):
        self.count = max(1, count)
        self.used = {}

    def _port(self, node):
        """Height at which the next arrow leaves or reaches a box."""
        place = self.used.get(node.name, 0)
        self.used[node.name] = place + 1
        return node.y + (0, -9, 9, -5, 5, -13, 13)[place % 7]

    def _lane(self, room, index):
        return room * ((index + 0.5) / self.count - 0.5)

    def way(self, a, b, index):
        """Corners from box to box."""
        y1, y2 = self._port(a), self._port(b)
        half = BOX_WIDTH / 2
        across = self._lane(COLUMN - BOX_WIDTH - 24, index)
        side = 1 if b.x > a.x or (a.x == b.x and index % 2 == 0) else -1
        out = a.x + side * COLUMN / 2 + across
        start, end = (a.x + side * half, y1), (b.x - side * (half + 2), y2)
        if a.x == b.x:
            near = a.x + side * (half + 14 + abs(across) / 3)
            return [start, (near, y1), (near, y2), (b.x + side * (half + 2), y2)]
        if abs(b.leaf - a.leaf) == 1:
            return [start, (out, y1), (out, y2), end]
        gap = b.y + (ROW / 2 if b.y < a.y else -ROW / 2)
        gap += self._lane(ROW - BOX_HEIGHT - 14, index)
        into = b.x - side * COLUMN / 2 + across
        return [start, (out, y1), (out, gap), (into, gap), (into, y2), end]


def _arrow(step, corners, taken):
    """The arrow with its step's number on its longest straight part, clear of those in `taken`."""
    path = "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in corners)
    parts = list(zip(corners, corners[1:]))
    a, b = max(parts, key=lambda part: math.dist(*part))
    places = [(a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]))
              for t in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9)]
    x, y = next((p for p in places if all(math.dist(p, q) > 19 for q in taken)), places[0])
    taken.append((x, y))
    return (f'<g class="step s{step}"><path d="{path}" marker-end="url(#head)"/></g>',
            f'<g class="step s{step}"><circle cx="{x:.0f}" cy="{y:.0f}" r="8.5"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}">{step}</text></g>')


def _switches(topology, leaves):
    spines = min(topology["spines"], 12)
    width = COLUMN * leaves
    at = [width * (i + 0.5) / spines for i in range(spines)]
    lines, boxes = [], []
    for x in at:
        for leaf in range(leaves):
            lines.append(f'<path class="link" d="M{x:.0f} 44L{COLUMN * (leaf + 0.5):.0f} '
                         f'{TOP - 14}"/>')
    for i, x in enumerate(at):
        boxes.append(_box(x, 28, f"spine {i}", "switch"))
    for leaf in range(leaves):
        boxes.append(_box(COLUMN * (leaf + 0.5), TOP, f"leaf {leaf}", "switch"))
    return lines, boxes


def drawing(scenario):
    """(SVG, list of (number, words), note): the network of a resolved scenario with one session's
    way on it; only the network for schemes without a chain."""
    topology = scenario["topology"]
    nodes = nodes_of(scenario)
    leaves = min(topology["leaves"], 8)
    has_chain = chain_of(scenario) is not None
    steps = steps_of(scenario, nodes) if has_chain else []
    hidden, rows = _place(nodes, leaves)
    lines, boxes = _switches(topology, leaves)
    for leaf in range(leaves):
        own = [n for n in nodes if n.drawn and n.leaf == leaf]
        if own:
            lines.append(f'<path class="link" d="M{COLUMN * (leaf + 0.5):.0f} {TOP + 15}V'
                         f'{max(n.y for n in own):.0f}"/>')
        for node in own:
            role = " r-" + node.role.split(", ")[-1] if node.role else ""
            boxes.append(_box(node.x, node.y, node.name, f"node {node.kind}{role}", node.role))
        if hidden[leaf]:
            y = TOP + 74 + ROW * len(own)
            boxes.append(f'<text class="more" x="{COLUMN * (leaf + 0.5):.0f}" y="{y:.0f}">'
                         f'and {hidden[leaf]} more</text>')
    shown = [step for step in steps if step[1].drawn and step[2].drawn]
    router = _Router(len(shown))
    taken = []
    arrows = [_arrow(number, router.way(a, b, i), taken)
              for i, (number, a, b, _) in enumerate(shown)]
    width, height = COLUMN * leaves, TOP + 60 + ROW * rows
    note = ""
    if topology["leaves"] > leaves or topology["spines"] > 12:
        note = f"Drawn: {leaves} of {topology['leaves']} leaves."
    if not has_chain:
        note += f" The scheme {scenario['chain']['scheme']} has no chain of flow managers."
    svg = (f'<svg class="topology" viewBox="0 0 {width} {height}" width="{width}" '
           f'height="{height}" role="img" aria-labelledby="topology-title topology-text">'
           '<title id="topology-title">Topology</title><desc id="topology-text">'
           f"{escape(description(scenario, nodes))}</desc>"
           '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
           'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
           + "".join([*lines, *boxes, *(way for way, _ in arrows), *(sign for _, sign in arrows)])
           + "</svg>")
    words = [(number, text) for number, _, _, text in steps if text]
    return svg, words, note.strip()


def description(scenario, nodes):
    """The drawing in words."""
    topology = scenario["topology"]
    roles = [f"{n.name} on leaf {n.leaf} is {n.role}" for n in nodes
             if n.kind == "manager" and n.role]
    return (f"{topology['leaves']} leaves, {topology['spines']} spines, {len(nodes)} nodes. "
            + "; ".join(roles))
