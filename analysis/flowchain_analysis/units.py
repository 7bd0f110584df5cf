# SPDX-License-Identifier: GPL-2.0-only
"""How numbers and swept keys are shown: units that suit their size, names for axes."""

import math
import re
from dataclasses import dataclass

DURATIONS = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)]
# The last part of a key to what it counts, for keys whose values carry no unit.
COUNTED = {
    "length": "flow managers",
    "managers": "flow managers",
    "position": "place in the chain",
    "nodes": "nodes",
    "count": "nodes",
    "spines": "switches",
    "leaves": "switches",
    "clients": "hosts",
    "servers": "hosts",
    "rate": "sessions/s",
    "sessions": "sessions",
    "packets": "packets",
    "payload": "bytes",
    "reply": "bytes",
    "window": "messages",
    "cores": "cores",
    "queue": "frames",
    "queue_limit": "frames",
    "seed": "number",
}
NAMES = {
    "chain.length": "Chain length",
    "chain.release": "Release rule",
    "chain.scheme": "Scheme",
    "chain.position": "Position of the second manager",
}
METRIC_NAMES = {
    "latency.first_packet.mean": "Mean first-packet latency",
    "latency.first_packet.p50": "Median first-packet latency",
    "latency.first_packet.p99": "99th percentile of the first-packet latency",
    "latency.release.mean": "Mean latency until the release",
    "latency.chain.mean": "Mean synchronisation latency of the chain",
    "latency.fan_out.mean": "Mean latency of the fan-out",
    "sync.bytes_per_session": "Synchronisation traffic per session",
    "sync.messages_per_session": "Synchronisation messages per session",
    "sessions.lost": "Sessions lost",
    "sessions.broken": "Sessions broken",
    "exposure.mean": "Sessions with a single copy, mean over the run",
    "exposure.released.peak": "Released sessions with a single copy, most at once",
    "vulnerability.window.total": "Time with fewer copies than promised, all sessions",
    "vulnerability.below_two.total": "Time with a single copy, all sessions",
    "failover.detection_time": "Time to detect a failure, longest",
    "failover.recovery_time": "Time to recover from a failure, longest",
    "disruption.sessions": "Sessions disrupted",
    "tables.bytes_per_session": "Memory of all tables per session",
}


# In place of the dictionary's words, where those speak of another metric or of another unit.
MEANINGS = {
    "sync.messages_per_session": "Messages but heartbeats and views, for each session started",
    "sync.bytes_per_session":
        "Bytes of all messages but heartbeats and views, outer headers included, for each session "
        "started",
}


@dataclass(frozen=True)
class Scale:
    """Show value / divisor, in `unit` (empty: a pure number)."""

    unit: str
    divisor: float = 1.0

    def title(self, name):
        """Name and unit, for an axis or a column."""
        return f"{name} ({self.unit})" if self.unit else name


def duration_scale(nanoseconds):
    """The unit in which a duration of about this size is short to read."""
    size = abs(nanoseconds) if math.isfinite(nanoseconds) else 0
    for unit, divisor in reversed(DURATIONS):
        if size >= divisor:
            return Scale(unit, divisor)
    return Scale("ns")


def rate_scale(bits):
    """The unit in which a rate of about so many bit/s is short to read."""
    for unit, divisor in (("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)):
        if abs(bits) >= divisor:
            return Scale(unit, divisor)
    return Scale("bit/s")


def scale_of(unit, largest):
    """Scale for a metric of the dictionary's `unit` whose largest value is `largest`."""
    if unit == "ns":
        return duration_scale(largest)
    if unit == "session-us":
        for shown, divisor in (("session-seconds", 1e6), ("session-ms", 1e3)):
            if abs(largest) >= divisor:
                return Scale(shown, divisor)
        return Scale("session-µs")
    if unit in ("bit/s", "bps"):
        return rate_scale(largest)
    if unit == "permille":
        return Scale("%", 10.0)
    if unit.startswith("milli") and len(unit) > 5:
        return Scale(unit[5:], 1000.0)
    return Scale("" if unit == "1" else unit)


def metric_name(name):
    """In words where there are some."""
    return METRIC_NAMES.get(name, name)


def metric_meaning(name, meaning):
    """What the metric is, as a sentence without its full stop."""
    meaning = MEANINGS.get(name, meaning)
    return meaning[:1].upper() + meaning[1:]


def key_name(key):
    """In words where there are some."""
    return NAMES.get(key, key)


def key_scale(key, texts, largest):
    """Scale of a swept numeric key, whose values were written as `texts`; `largest` is a number as
    in the database: durations in ns, percentages in percent, rates in bit/s."""
    text = next(iter(texts), "")
    if re.fullmatch(r"[\d.]+\s*(ps|ns|us|ms|s|min|h)", text):
        return duration_scale(largest)
    if text.endswith("%"):
        return Scale("%")
    if text.endswith("bps"):
        return rate_scale(largest)
    return Scale(COUNTED.get(key.rsplit(".", 1)[-1], ""))


def value_ends(values):
    """Ends of an axis of these values: from zero, unless differences between 0.1 % and 15 % were
    hardly to be seen then."""
    low, high = min(values), max(values)
    if low > 0 and 0.001 < (high - low) / high < 0.15:
        margin = (high - low) * 0.05
        return [low - margin, high + margin]
    return [0, 1] if low == high == 0 else [min(0, low), max(0, high)]


def short(value, digits=4):
    """A number with `digits` significant digits, thousands apart, no exponent where it is readable
    without one; a dash for what is not known."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, str):
        return value
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e15 or size < 1e-6:
        return f"{value:.{digits - 1}e}"
    if float(value).is_integer():
        return f"{int(value):,}".replace("-", "−")
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")
