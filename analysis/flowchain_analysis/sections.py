# SPDX-License-Identifier: GPL-2.0-only
"""The sections of the report that show results, from the sweeps to the timeline."""

from html import escape

import numpy as np

from . import distributions, figures, html, units, vega

POINTS_MAX = 60  # points whose distributions are in the page
SAMPLES_MAX = 150_000  # of all timelines in the page
SERIES_MAX = 12
EVENTS_MAX = 200
QUANTILES = (0.5, 0.9, 0.99, 0.999)
# Kinds of events that are done to the network, and those that must not happen.
FAULTS = {
    "clock",
    "crash",
    "cut",
    "impair",
    "leaf",
    "link",
    "partition",
    "pause",
    "slow",
    "spine",
    "suspect",
    "violation",
}


class Page:
    """What the page's script needs, gathered while the sections are made."""

    def __init__(self, campaign, layout):
        self.campaign = campaign
        self.layout = layout
        self.points = campaign.points()
        self.data = {"specs": {}, "distributions": {}, "timelines": {}}

    def add(self, identifier, spec):
        """Keep a specification; returns its name."""
        self.data["specs"][identifier] = spec
        return identifier

    def place(self, row):
        """What a row of a figure's table has of the axes: series, choice0..., the panel's label."""
        layout = self.layout
        found = {f"choice{i}": axis.label(row[axis.key]) for i, axis in enumerate(layout.choices)}
        found["series"] = layout.colour.label(row[layout.colour.key]) if layout.colour else ""
        found["panel"] = layout.panel.label(row[layout.panel.key]) if layout.panel else ""
        return found


def choices(page):
    """Selects for the axes that have no other place in the figures."""
    chosen = [html.select(f"choice-{i}", axis.name, [(v, v) for v in axis.labels],
                          f'data-choice="choice{i}"')
              for i, axis in enumerate(page.layout.choices)]
    return f'<div class="controls">{"".join(chosen)}</div>' if chosen else ""


def colour_legend(page):
    """What the colours of the sweeps are."""
    colour = page.layout.colour
    return html.legend(colour.name, colour.labels) if colour else ""


def sweep_card(page, figure):
    """A metric along the swept keys, a panel for each value of the layout's panel axis."""
    layout = page.layout
    rows = []
    for row in figure.table.to_dict("records"):
        low, high = vega.number_or_none(row["low"]), vega.number_or_none(row["high"])
        text = "one replication" if low is None else (
            f"{units.short(low)} to {vega.text_of(high, figure.scale)}")
        rows.append({"x": layout.x.shown(row[layout.x.key]), "label": row["label"], "n": row["n"],
                     "mean": row["mean"], "low": low, "high": high, "interval_text": text,
                     "mean_text": vega.text_of(row["mean"], figure.scale), **page.place(row)})
    plots = []
    ends = vega.extents(layout, rows)
    for value in dict.fromkeys(row["panel"] for row in rows):
        own = [row for row in rows if row["panel"] == value]
        name = page.add(f"{figure.id}-{value}", vega.sweep(figure, layout, own, ends))
        heading = f"{layout.panel.name}: {value}" if layout.panel else ""
        label = f"{figure.scale.title(figure.title)} against {layout.x.title}. {heading}"
        plots.append(html.plot(name, "sweep", label, heading))
    numbers = html.frame(figure.table, figure.columns, figure.scale.title(figure.title))
    return html.figure(figure.id, figure.title, plots, figure.caption, numbers, figure.command,
                       figure.notes)


def constants(page, names):
    """A sentence on the metrics that are the same everywhere, which no figure is drawn of."""
    words = []
    for name, value in figures.constant_metrics(page.campaign, names).items():
        metric = page.campaign.metric(name)
        scale = units.scale_of(metric["unit"], value)
        words.append(f"{units.metric_name(name).lower()}: "
                     f"{vega.text_of(value / scale.divisor, scale)}")
    if not words or page.layout.x is None:
        return ""
    return ('<p class="note">The same in every run, so not drawn: '
            f"{escape('; '.join(words))}.</p>")


def sweeps(page, identifier, title, found, names, lead=""):
    """A section of sweep cards."""
    body = "".join(sweep_card(page, figure) for figure in found)
    if body:
        body = f'{lead}{colour_legend(page)}<div class="cards">{body}</div>'
    return html.section(identifier, title, body + constants(page, names))


def difference_section(page, names):
    """Table of what one step along x changes."""
    table = figures.differences(page.campaign, page.layout, names)
    if table.empty:
        return ""
    x = page.layout.x
    per = f"per additional {_one(x)}" if x.numeric else f"to {x.labels[0]}"
    headings = ["Metric", "With", "From", "To", f"Difference {per}", "± (95 %)", "Unit",
                "Relative (%)", "n pairs", "Variance ratio"]
    rows = []
    for row in table.itertuples():
        half = (row.high - row.low) / 2
        relative = None if row.relative is None else row.relative * 100
        rows.append([row.name, row.group or "–", row[4], row.to, row.difference, half, row.unit,
                     relative, row.n, "over 10⁶" if row.ratio > 1e6 else row.ratio])
    rows = [[html.plain(value) for value in row] for row in rows]
    words = ("Replication r of every point runs with the same seed (common random numbers), so "
             "each difference is the mean over pairs with equal seeds, with Student's t interval; "
             "± is its half-width. Variance ratio: of independent runs over that of the pairs. "
             "The interval covers what the seed changes, and nothing else of the model.")
    command = figures.commands(page.campaign, "differences", figures.scalar_sql(*names))
    table = html.table(headings, rows, f"Differences {per}", {4, 5, 7, 8, 9})
    title = "What each additional manager changes" if x.key == "chain.length" else (
        f"What each step of {units.key_name(x.key)} changes" if x.numeric else
        f"What another {units.key_name(x.key).lower()} than {x.labels[0]} changes")
    body = (f'<figure id="figure-differences"><p>{escape(words)}</p>{table}<div class="more">'
            f"<details><summary>Command</summary><pre tabindex=0><code>{escape(command)}</code>"
            '</pre></details><button type="button" data-save="csv">CSV</button></div></figure>')
    return html.section("differences", title, body)


def _one(axis):
    """The thing that a numeric axis counts, in the singular."""
    if axis.scale.unit == "flow managers":
        return "flow manager"
    return f"{units.key_name(axis.key)} of 1 {axis.scale.unit}".strip()


def parts_section(page, found):
    """Stacked parts of the first packet's time."""
    cards = []
    for figure in found:
        layout = page.layout
        names = [title for _, title in figures.PARTS] + [figures.REST]
        rows = []
        for row in figure.table.to_dict("records"):
            bar = layout.x.label(row[layout.x.key]) if layout.x else "mean"
            rows.append({"bar": bar, "part": row["part"], "start": row["start"],
                         "end": row["start"] + row["mean"], "label": row["label"],
                         "mean_text": vega.text_of(row["mean"], figure.scale), **page.place(row)})
        order = {label: i for i, label in enumerate(layout.x.labels)} if layout.x else {}
        rows.sort(key=lambda row: order.get(row["bar"], 0))
        ends = vega.extents(layout, rows, lambda own: [0, max(row["end"] for row in own)])
        plots = []
        for series, panel in dict.fromkeys((row["series"], row["panel"]) for row in rows):
            own = [row for row in rows if (row["series"], row["panel"]) == (series, panel)]
            spec = vega.parts(figure, layout, own, names, ends)
            heads = [f"{axis.name}: {value}" for axis, value in
                     ((layout.colour, series), (layout.panel, panel)) if axis]
            heading = ", ".join(heads)
            name = page.add(f"parts-{series}-{panel}", spec)
            plots.append(html.plot(name, "parts", f"{figure.title}. {heading}", heading))
        numbers = html.frame(figure.table, figure.columns, figure.title)
        cards.append(html.figure(figure.id, figure.title, plots, figure.caption, numbers,
                                 figure.command, figure.notes,
                                 html.legend("", names, "bar")))
    return html.section("parts", "Where the first packet's time goes", "".join(cards))


def distribution_section(page):
    """CDF and CCDF of any recorded duration at chosen points."""
    campaign = page.campaign
    metrics = distributions.distribution_metrics(campaign)
    if not metrics:
        return ""
    points = list(page.points["label"].items())[:POINTS_MAX]
    labels = [label for _, label in points]
    rows = []
    for name in metrics:
        curves, largest = {}, 0
        for point, label in points:
            bins = campaign.bins(name, point)
            table = distributions.distribution(bins)
            if not table.empty:
                curves[label] = table
                largest = max(largest, table["value"].iloc[-1])
                found = distributions.quantiles(bins, QUANTILES)
                rows += [(name, label, row) for row in found.itertuples()]
        scale = units.duration_scale(largest)
        shown = {}
        for label, table in curves.items():
            curve = {"x": _rounded(table["value"] / scale.divisor, 6),
                     "cdf": _rounded(table["cdf"], 6),
                     "above": _rounded(table["above"] / table["count"], 9)}
            if not table["low"].isna().any():
                curve |= {"low": _rounded(table["low"], 6), "high": _rounded(table["high"], 6)}
            shown[label] = curve
        page.data["distributions"][name] = {"title": scale.title(name), "curves": shown}
    chosen = _chosen_at_first(page, points)
    boxes = "".join(
        f'<label><input type="checkbox" autocomplete="off" value="{escape(label)}"'
        f'{" checked" if label in chosen else ""}>{vega.legend_swatch(i, "curve")}'
        f"<span>{escape(label)}</span></label>" for i, label in enumerate(labels))
    controls = ('<div id="distribution-controls"><div class="controls">'
                + html.select("distribution-metric", "Duration",
                              [(name, f"{name}: {meaning}") for name, meaning in metrics.items()])
                + f"</div><fieldset><legend>Points</legend>{boxes}</fieldset></div>")
    plots = [html.plot(page.add(name, vega.distribution(complementary, labels)), "distribution",
                       title, title)
             for name, complementary, title in (("cdf", False, "Distribution (CDF)"),
                                                ("ccdf", True, "Tail (CCDF)"))]
    numbers = html.table(
        ["Duration", "Point", "Quantile", "n", "Mean (ns)", "95 % low (ns)", "95 % high (ns)"],
        [[name, label, row.probability, row.n, row.mean, row.low, row.high]
         for name, label, row in rows],
        "Quantiles: mean over the replications' own, with Student's t interval", {2, 3, 4, 5, 6})
    notes = []
    if len(page.points) > POINTS_MAX:
        notes.append(f"The first {POINTS_MAX} of {len(page.points)} points are here.")
    sql = ("SELECT p.label, r.replication, d.name, b.lower, b.upper, b.count FROM result r "
           "JOIN point p ON p.id = r.point JOIN histogram h ON h.run = r.id "
           "JOIN metric d ON d.id = h.metric JOIN bin b ON b.histogram = h.id "
           "ORDER BY d.id, p.id, r.replication, b.lower")
    body = controls + html.figure(
        "distribution", "Distribution of durations", plots,
        "All replications of a point together. The band of the CDF is the 95 % Student t interval "
        "over the replications' own curves. Values are upper ends of bins, at most "
        "0.39 % too high.",
        numbers, figures.commands(campaign, "distribution", sql), notes)
    return html.section("distributions", "Distributions", body)


def _chosen_at_first(page, points):
    """Labels of the points whose curves are shown until the reader says otherwise: up to six at
    the largest x, or, without other axes, of all."""
    x = page.layout.x
    last = [] if x is None else [label for point, label in points
                                 if page.points[x.key][point] == x.values[-1]]
    shown = last if len(last) > 1 else [label for _, label in points]
    places = np.linspace(0, len(shown) - 1, min(6, len(shown))).astype(int)
    return {shown[i] for i in places}


def _rounded(values, digits):
    """Plain numbers with `digits` significant digits, to keep the page small."""
    return [float(f"{value:.{digits}g}") for value in values]


def timeline_section(page):
    """Series and events of a run: the first replication of each point."""
    campaign = page.campaign
    runs = distributions.timeline_runs(campaign)
    if runs.empty:
        return ""
    options, shown, names, budget = [], {}, {}, SAMPLES_MAX
    for run in runs.itertuples():
        series = campaign.series(run.run)
        data, end = {}, 0.0
        for name, samples in series.groupby("name", sort=False):
            times, values = distributions.thinned_series(
                samples["time_ns"].to_numpy() / 1e9, samples["value"].to_numpy(dtype=float))
            names.setdefault(name, samples["unit"].iloc[0])
            data[name] = {"t": _rounded(times, 9), "v": values}
            end = max(end, float(times[-1]))
            budget -= len(times)
        if budget < 0:
            break
        shown[str(run.point)] = {"series": data, "end": end,
                                 "events": _events(campaign.events(run.run))}
        options.append((run.point, f"{run.label}, seed {run.seed}"))
    flat = [name for name in names if all(
        not run["series"][name]["v"].any() for run in shown.values() if name in run["series"])]
    names = {name: unit for name, unit in names.items() if name not in flat}
    names = dict(list(names.items())[:SERIES_MAX])
    scales = {name: units.scale_of(unit, max((np.nanmax(np.abs(run["series"][name]["v"]))
                                              for run in shown.values() if name in run["series"]),
                                             default=0)) for name, unit in names.items()}
    for run in shown.values():
        run["series"] = {name: {"t": s["t"], "v": _rounded(s["v"] / scales[name].divisor, 6)}
                         for name, s in run["series"].items() if name in names}
    page.data["timelines"] = shown
    plots = []
    for i, name in enumerate(names):
        spec = vega.timeline(name, scales[name].unit, i == len(names) - 1)
        plots.append(html.plot(page.add(f"timeline-{name}", spec), "timeline",
                               f"{name} over simulated time", scales[name].title(name),
                               f'data-series="{escape(name)}"'))
    controls = f'<div class="controls">{html.select("timeline-run", "Run", options)}</div>'
    legend = ('<ul class="legend"><li><svg class="swatch c1" width="34" height="14" '
              'aria-hidden="true"><path d="M17 0v14" stroke="currentColor" stroke-width="2"/></svg>'
              '<span>failure, numbered as under Data</span></li><li><svg class="swatch c2" '
              'width="34" height="14" aria-hidden="true"><path d="M17 0v14" stroke="currentColor" '
              'stroke-width="2" stroke-dasharray="3 3"/></svg><span>other event</span></li></ul>')
    notes = []
    if len(shown) < len(runs):
        notes.append(f"The first {len(shown)} of {len(runs)} points are here.")
    if flat:
        notes.append(f"Always 0, so not drawn: {', '.join(flat)}.")
    numbers = ('<div class="scroll" tabindex="0" role="region" aria-label="Events"><table><caption '
               'class="note">Events of the run</caption><thead><tr><th scope="col">Mark</th><th '
               'scope="col">Time (s)</th><th scope="col">Kind</th><th scope="col">Node</th>'
               '<th scope="col">Detail</th></tr></thead><tbody id="timeline-events"></tbody>'
               "</table></div>")
    sql = ("SELECT r.point, r.seed, d.name, d.unit, x.time_ns, x.value FROM result r "
           "JOIN series s ON s.run = r.id JOIN metric d ON d.id = s.metric "
           "JOIN sample x ON x.series = s.id ORDER BY r.point, r.replication, d.id, x.time_ns")
    card = html.figure(
        "timeline", "Over time, with failures", plots,
        "Samples of one run, the first replication of a point. Where there are more than 400, the "
        "lowest and the highest of each stretch are drawn.",
        numbers, figures.commands(campaign, "timeline", sql), notes, legend)
    card = card.replace('<div class="panels">', '<div class="stack">')
    return html.section("timeline", "Failover timeline", controls + card)


def _events(table):
    """For the page's script; faults are numbered."""
    found, number = [], 0
    for event in table.head(EVENTS_MAX).itertuples():
        is_fault = event.kind in FAULTS
        number += is_fault
        found.append({"t": event.time_ns / 1e9, "kind": event.kind or "", "node": event.node or "",
                      "detail": event.detail or "", "fault": "fault" if is_fault else "other",
                      "number": str(number) if is_fault else ""})
    return found
