# SPDX-License-Identifier: GPL-2.0-only
"""What figures a campaign allows, and the numbers of each, as tidy tables.

A figure is made of the campaign's axes and of the metrics that its runs have: none is drawn for
numbers that are not there. `report` draws them with Vega-Lite, `figures` with matplotlib.
"""

import shlex
from dataclasses import dataclass, field

import pandas

from . import statistics, units
from .layout import find_layout, in_words, with_axes

COSTS = [
    "latency.first_packet.mean",
    "latency.release.mean",
    "latency.chain.mean",
    "sync.bytes_per_session",
]
BENEFITS = [
    "sessions.lost",
    "sessions.broken",
    "exposure.mean",
    "vulnerability.below_two.total",
]
OTHERS = [
    "latency.first_packet.p99",
    "failover.detection_time",
    "failover.recovery_time",
    "disruption.sessions",
    "tables.bytes_per_session",
]
# The way of a first packet, one part after the other; the rest is the way from the release on.
PARTS = [
    ("accelerator", "To and in the accelerator"),
    ("manager", "To and in the first manager"),
    ("service", "Service node and back"),
    ("release", "Until the release"),
]
REST = "From the release to the far side"


@dataclass
class Figure:
    """One figure's numbers and words. `columns` names the columns of `table` that a reader may
    want, with their headings; `sql` yields what the table was computed from."""

    id: str
    kind: str  # 'sweep', 'parts', 'distribution', 'timeline'
    title: str
    caption: str
    table: pandas.DataFrame
    columns: dict
    sql: str
    command: str
    scale: units.Scale = units.Scale("")
    metric: str = ""
    notes: list = field(default_factory=list)


def commands(campaign, figure_id, sql="", metric=""):
    """The commands that print a figure's numbers: as they are drawn, and as the runs gave them."""
    path = shlex.quote(str(campaign.path))
    found = ["PYTHONPATH=analysis /usr/bin/python3 -m flowchain_analysis data "
             f"{path} {shlex.quote(figure_id)}"]
    if metric:
        found.append(f"flowchain query {path} --metric {shlex.quote(metric)}")
    if sql:
        found.append(f"flowchain query {path} {shlex.quote(sql)}")
    return "\n".join(found)


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


def scalar_sql(*names):
    """The SELECT that yields metrics at every point and replication."""
    wanted = ", ".join(_quoted(name) for name in names)
    return ("SELECT p.label, r.replication, d.name, s.value, d.unit FROM result r "
            "JOIN point p ON p.id = r.point JOIN scalar s ON s.run = r.id "
            f"JOIN metric d ON d.id = s.metric WHERE d.name IN ({wanted}) "
            "AND d.kind = 'scalar' ORDER BY p.id, r.replication")


def _axis_columns(layout):
    return {axis.key: axis.key for axis in layout.axes}


def sweep_figure(campaign, layout, name):
    """A metric along the swept keys, with the interval of its mean; None if there is nothing to
    draw: no such metric, no swept key, or the same number everywhere."""
    metric = campaign.metric(name)
    if metric is None or layout.x is None or metric["type"] == "text":
        return None
    summary = campaign.summary(name, precision=0.02).reset_index()
    if summary.empty or (summary["mean"].nunique() < 2 and summary["low"].nunique() < 2):
        return None
    scale = units.scale_of(metric["unit"], summary["mean"].abs().max())
    for column in ("mean", "low", "high"):
        summary[column] = summary[column] / scale.divisor
    title = units.metric_name(name)
    return Figure(
        id=name, kind="sweep", title=title, metric=name, scale=scale,
        caption=f"{units.metric_meaning(name, metric['meaning'])}. Mean over replications; "
        "the band is the 95 % Student t interval of that mean.",
        table=summary,
        columns={**_axis_columns(layout), "n": "n", "mean": scale.title("mean"),
                 "low": scale.title("95 % low"), "high": scale.title("95 % high"),
                 "needed": "runs for ±2 %"},
        sql=scalar_sql(name), command=commands(campaign, name, scalar_sql(name), name))


def constant_metrics(campaign, names):
    """Of those metrics the ones that are one and the same number in every run, with that number."""
    found = {}
    for name in names:
        values = campaign.values_of(name)["value"]
        if len(values) and values.nunique() == 1:
            found[name] = float(values.iloc[0])
    return found


def parts_table(campaign):
    """Mean time of a first packet in each part of its way, at each point: point, part, place, mean
    (ns), n; and the labels of the points that cannot be stacked.

    A part's mean is over the sessions that it was measured for. Means add up only if those are the
    same sessions for all parts, so a point counts if in each of its runs all numbers of sessions
    are equal. The rest is the mean of the whole less the means of the parts.
    """
    names = ["first_packet", *(part for part, _ in PARTS)]
    means = [f"latency.{name}.mean" for name in names]
    counts = [f"latency.{name}.count" for name in names]
    wide = campaign.wide(means + counts)
    labels = campaign.points()["label"]
    if any(column not in wide for column in means + counts):
        return pandas.DataFrame(columns=["point", "part", "place", "mean", "n"]), []
    rows, left_out = [], []
    for point, runs in wide.groupby("point"):
        sessions = runs[counts]
        rest = runs[means[0]] - runs[means[1:]].sum(axis=1)
        if (sessions.isna().any(axis=None) or (sessions.nunique(axis=1) != 1).any()
                or (sessions == 0).any(axis=None) or (rest < -1).any()):
            left_out.append(labels[point])
            continue
        for place, (part, title) in enumerate(PARTS):
            rows.append({"point": point, "part": title, "place": place,
                         "mean": runs[f"latency.{part}.mean"].mean(), "n": len(runs)})
        rows.append({"point": point, "part": REST, "place": len(PARTS),
                     "mean": max(0.0, rest.mean()), "n": len(runs)})
    return pandas.DataFrame(rows, columns=["point", "part", "place", "mean", "n"]), left_out


def parts_figure(campaign, layout):
    """Where the first packet's time goes; None if no point can be stacked."""
    table, left_out = parts_table(campaign)
    if table.empty:
        return None
    points = campaign.points()
    table = with_axes(layout, table, points)
    scale = units.duration_scale(table.groupby("point")["mean"].sum().max())
    table["mean"] = table["mean"] / scale.divisor
    table["start"] = table.groupby("point")["mean"].cumsum() - table["mean"]
    names = [f"latency.{n}.{s}" for n in ("first_packet", *(p for p, _ in PARTS))
             for s in ("mean", "count")]
    notes = []
    if left_out:
        notes.append("Not stacked, as the parts were not all measured for the same sessions "
                     "(packets lost or sent again on the way, or a scheme that has not all parts), "
                     "so that their means do not add up: " + "; ".join(left_out) + ".")
    return Figure(
        id="first-packet-parts", kind="parts", title="Where the first packet's time goes",
        caption="Mean time of a session's first packet in each part of its way, which add up to "
        "the mean of the whole; mean over replications. Where service nodes wait for each other "
        "before they answer, that is in “Service node and back”.",
        table=table, scale=scale,
        columns={**_axis_columns(layout), "part": "part", "mean": scale.title("mean"), "n": "n"},
        sql=scalar_sql(*names), notes=notes,
        command=commands(campaign, "first-packet-parts", scalar_sql(*names)))


def sweep_figures(campaign, layout, names):
    """Those of the metrics that can be drawn."""
    found = (sweep_figure(campaign, layout, name) for name in names)
    return [figure for figure in found if figure is not None]


def differences(campaign, layout, names):
    """What one step along x changes: for each metric, each combination of the other axes and each
    neighbouring pair of x, or of its first value and another one if they are no numbers, the mean
    difference over replications with the same seed (common random numbers). Along a numeric axis it
    is divided by the length of the step. Columns: metric, name, group, from, to, n, difference,
    low, high, ratio (variance_ratio()), unit, relative."""
    rows = []
    if layout.x is None:
        return pandas.DataFrame()
    x = layout.x
    points = campaign.points()
    for name in names:
        metric = campaign.metric(name)
        values = campaign.values_of(name)
        if metric is None or values.empty:
            continue
        scale = units.scale_of(metric["unit"], values["value"].abs().max())
        table = values.pivot(index="replication", columns="point", values="value")
        for group, ids in _groups(points, layout):
            pairs = zip(ids, ids[1:]) if x.numeric else ((ids[0], other) for other in ids[1:])
            for first, second in pairs:
                if first not in table or second not in table:
                    continue
                both = table[[first, second]].dropna()
                step = 1.0
                if x.numeric:
                    step = x.shown(points[x.key][second]) - x.shown(points[x.key][first])
                factor = 1 / (scale.divisor * step)
                a, b = both[first] * factor, both[second] * factor
                found = statistics.paired_difference(a, b)
                base = both[first].mean() / scale.divisor
                rows.append({
                    "metric": name, "name": units.metric_name(name), "group": group,
                    "from": x.label(points[x.key][first]), "to": x.label(points[x.key][second]),
                    "n": found.n, "difference": found.estimate, "low": found.low,
                    "high": found.high, "ratio": statistics.variance_ratio(a, b),
                    "unit": scale.unit, "relative": found.estimate / base if base else None})
    return pandas.DataFrame(rows)


def _groups(points, layout):
    """(words, ids of points in order of x) for each combination of the other axes."""
    x = layout.x
    others = [axis.key for axis in layout.groups]
    order = points.assign(_place=[x.values.index(v) for v in points[x.key]])
    order = order.sort_values("_place", kind="stable")
    if not others:
        return [("", list(order.index))]
    found = []
    for _, rows in order.groupby(others if len(others) > 1 else others[0], sort=False):
        first = rows.iloc[0]
        found.append((in_words(layout.groups, first), list(rows.index)))
    return found


def all_figures(campaign):
    """Everything that can be drawn of a campaign, by section: costs, benefits, others, parts;
    before that the layout. Distributions and timelines are in distributions.py."""
    layout = find_layout(campaign)
    parts = parts_figure(campaign, layout)
    return layout, {
        "costs": sweep_figures(campaign, layout, COSTS),
        "benefits": sweep_figures(campaign, layout, BENEFITS),
        "others": sweep_figures(campaign, layout, OTHERS),
        "parts": [parts] if parts else [],
    }
