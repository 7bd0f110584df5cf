# SPDX-License-Identifier: GPL-2.0-only
"""Figures for a paper, with matplotlib: the same numbers as in the report, one file for each."""

import re

import matplotlib

matplotlib.use("Agg")
# pylint: disable=wrong-import-position
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

from . import distributions, figures, units  # noqa: E402
from .campaign import CampaignError  # noqa: E402
from .layout import in_words  # noqa: E402
from .sections import FAULTS  # noqa: E402

FORMATS = ("pdf", "svg", "png")
COLUMN = 3.5  # inches: one column of a two-column page
# Okabe and Ito (2008), without yellow, which vanishes on paper.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]
DASHES = ["-", "--", ":", "-.", (0, (5, 5)), (0, (6, 2, 1, 2, 1, 2))]
MARKERS = ["o", "s", "^", "D", "P", "v"]
CURVES_MAX = 8
STYLE = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "lines.linewidth": 1.2, "lines.markersize": 3.5,
    "axes.grid": True, "grid.linewidth": 0.4, "grid.color": "#d0d0d0", "axes.linewidth": 0.6,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "flowchain",
    "savefig.bbox": "tight", "savefig.dpi": 200,
}


def style(place):
    """Colour, dash and marker of the place-th curve, as in the report."""
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": DASHES[place % len(DASHES)],
            "marker": MARKERS[place % len(MARKERS)]}


def _panels(layout, table):
    """(words, rows) for each panel: each combination of the axes that are neither x nor colour."""
    keys = [axis for axis in layout.groups if axis is not layout.colour]
    if not keys:
        return [("", table)]
    names = [axis.key for axis in keys]
    found = []
    for _, rows in table.groupby(names if len(names) > 1 else names[0], sort=False):
        first = rows.iloc[0]
        found.append((in_words(keys, first), rows))
    return found


def _draw_sweep(axes, layout, figure, rows):
    x, colour = layout.x, layout.colour
    groups = [(None, rows)] if colour is None else [
        (value, rows[rows[colour.key] == value]) for value in colour.values]
    for place, (value, own) in enumerate(groups):
        if own.empty:
            continue
        own = own.assign(_place=[x.values.index(v) for v in own[x.key]]).sort_values("_place")
        at = (own[x.key].to_numpy(dtype=float) / x.scale.divisor if x.numeric
              else own["_place"].to_numpy(dtype=float) + 0.12 * (place - (len(groups) - 1) / 2))
        look = style(place)
        if not x.numeric:
            look["linestyle"] = "none"
        label = None if value is None else colour.label(value)
        axes.errorbar(at, own["mean"], yerr=[own["mean"] - own["low"], own["high"] - own["mean"]],
                      capsize=2, elinewidth=0.8, clip_on=False, label=label, **look)
        if x.numeric:
            axes.fill_between(at, own["low"], own["high"], color=look["color"], alpha=0.2, lw=0)
    if x.numeric:
        shown = [x.shown(v) for v in x.values]
        if min(shown) > 0 and max(shown) / min(shown) >= 50:
            axes.set_xscale("log")
        elif len(shown) <= 8:
            axes.set_xticks(shown)
    else:
        axes.set_xticks(range(len(x.values)), x.labels, rotation=30, ha="right")
    axes.set_xlabel(x.title)
    return len(groups)


def sweep(figure, layout):
    """A metric along the swept keys."""
    panels = _panels(layout, figure.table)
    drawing, grid = _grid(len(panels), 2.2)
    low, high = units.value_ends(figure.table[["low", "mean", "high"]].stack().tolist())
    for axes, (words, rows) in zip(grid, panels):
        curves = _draw_sweep(axes, layout, figure, rows)
        axes.set_ylabel(_lines(figure.scale.title(figure.title)))
        axes.set_title(words)
        axes.set_ylim(low, high + 0.03 * (high - low))
    if curves > 1:
        grid[0].legend(title=layout.colour.title, title_fontsize=7, loc="lower left",
                       bbox_to_anchor=(0, 1.08 if panels[0][0] else 1), ncol=3)
    return drawing


def _lines(title, width=34):
    """A long title in two lines."""
    if len(title) <= width:
        return title
    middle = title.rfind(" ", 0, width)
    return title[:middle] + "\n" + title[middle + 1:]


def _grid(count, height):
    columns = min(2, count)
    rows = -(-count // columns)
    drawing, grid = plt.subplots(rows, columns, figsize=(COLUMN * columns, height * rows),
                                 squeeze=False, layout="constrained")
    flat = list(grid.flat)
    for axes in flat[count:]:
        axes.set_visible(False)
    return drawing, flat


def parts(figure, layout):
    """Stacked bars, one for each point."""
    table = figure.table
    labels = list(dict.fromkeys(table["label"]))
    keys = [axis for axis in layout.axes]
    shown = {}
    for row in table.to_dict("records"):
        shown[row["label"]] = ", ".join(axis.label(row[axis.key]) for axis in keys) or row["label"]
    drawing, (axes,) = _grid(1, max(1.6, 0.19 * len(labels) + 0.9))
    names = list(dict.fromkeys(table["part"]))
    hatches = ["", "///", "...", "xxx", "\\\\\\"]
    for place, name in enumerate(names):
        own = table[table["part"] == name].set_index("label").reindex(labels)
        axes.barh(range(len(labels)), own["mean"], left=own["start"], height=0.72, label=name,
                  color=COLOURS[place % len(COLOURS)], edgecolor="white", linewidth=0.3,
                  hatch=hatches[place % len(hatches)])
    axes.set_yticks(range(len(labels)), [shown[label] for label in labels])
    axes.invert_yaxis()
    axes.set_ylabel(_lines(", ".join(units.key_name(axis.key).lower() for axis in keys)))
    axes.set_xlabel(figure.scale.title("Mean time"))
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncol=2)
    return drawing


def curves_of(campaign, layout, name):
    """(words, curve) of a distribution at up to CURVES_MAX points that have values of it."""
    points = campaign.points()
    axes = layout.axes
    found = []
    for point, row in points.iterrows():
        table = distributions.distribution(campaign.bins(name, point))
        if not table.empty:
            words = ", ".join(axis.label(row[axis.key]) for axis in axes) or row["label"]
            found.append((words, table))
    places = {int(i) for i in np.linspace(0, len(found) - 1, min(CURVES_MAX, len(found)))}
    return [found[i] for i in sorted(places)]


def distribution(layout, name, curves, complementary):
    """P(X <= x), or P(X > x) with logarithmic axes, of curves_of()."""
    scale = units.duration_scale(max(table["value"].iloc[-1] for _, table in curves))
    drawing, (axes,) = _grid(1, 2.4 + 0.07 * len(curves))
    for place, (label, table) in enumerate(curves):
        look = {**style(place), "marker": None}
        x = table["value"] / scale.divisor
        if complementary:
            # A logarithm has no place for none above: the last share holds up to the maximum.
            above = (table["above"] / table["count"]).replace(0, np.nan).ffill()
            axes.step(x, above, where="post", label=label, **look)
        else:
            axes.step(x, table["cdf"], where="post", label=label, **look)
            axes.fill_between(x, table["low"], table["high"], step="post", color=look["color"],
                              alpha=0.2, lw=0)
    positive = min((t["value"][t["value"] > 0].min() for _, t in curves), default=1) / scale.divisor
    if any((table["value"] <= 0).any() for _, table in curves):
        axes.set_xscale("symlog", linthresh=positive if positive == positive else 1)
    else:
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:g}"))
    low, high = axes.get_xlim()
    if low > 0 and high / low < 5:  # no room for other labels than those between powers of ten
        axes.xaxis.set_minor_locator(matplotlib.ticker.MaxNLocator(5))
        axes.xaxis.set_minor_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:g}"))
        axes.xaxis.set_major_formatter(matplotlib.ticker.NullFormatter())
    else:
        axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    if complementary:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, 1)
    axes.set_xlabel(scale.title(name))
    axes.set_ylabel("Share of values above" if complementary else "Share of values up to")
    title = ", ".join(units.key_name(axis.key).lower() for axis in layout.axes)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=2, title=title or None,
                title_fontsize=7)
    return drawing


def timeline(campaign, run):
    """All series of a run over each other, with its events."""
    series, events = campaign.series(run.run), campaign.events(run.run)
    groups = list(series.groupby("name", sort=False))[:8]
    drawing, grid = plt.subplots(len(groups), 1, figsize=(COLUMN, 0.5 + 0.85 * len(groups)),
                                 squeeze=False, sharex=True, layout="constrained")
    for axes, (name, samples) in zip(grid.flat, groups):
        values = samples["value"].to_numpy(dtype=float)
        scale = units.scale_of(samples["unit"].iloc[0], float(np.nanmax(np.abs(values))))
        axes.step(samples["time_ns"] / 1e9, values / scale.divisor, where="post",
                  color=COLOURS[0], lw=0.9)
        axes.set_ylabel(scale.title(name + "\n"), fontsize=6)
        if values.min() >= 0:
            axes.set_ylim(bottom=0)
        for event in events.head(60).itertuples():
            fault = event.kind in FAULTS
            axes.axvline(event.time_ns / 1e9, color=COLOURS[1] if fault else COLOURS[6],
                         lw=1.0 if fault else 0.5, ls="-" if fault else ":")
    end = max(samples["time_ns"].max() for _, samples in groups)
    for row, (time_ns, label) in enumerate(fault_labels(events[events["kind"].isin(FAULTS)], end)):
        # Neighbours stand at different heights.
        grid.flat[0].annotate(label, (time_ns / 1e9, 1.02 + 0.16 * (row % 3)),
                              xycoords=("data", "axes fraction"), fontsize=6, ha="center",
                              va="bottom")
    grid.flat[-1].set_xlabel("Simulated time (s)")
    return drawing


def fault_labels(faults, end_ns):
    """(time, label) of faults, those that are closer than 2 % of the run as one: "9 x crash"."""
    labels = []
    cluster = []
    for event in [*faults.sort_values("time_ns").itertuples(), None]:
        if cluster and (event is None or event.time_ns - cluster[0].time_ns > 0.02 * end_ns):
            kinds = {}
            for member in cluster:
                kinds.setdefault(member.kind, []).append(member.node)
            parts = [f"{kind} {nodes[0]}".strip() if len(nodes) == 1 else f"{len(nodes)} x {kind}"
                     for kind, nodes in kinds.items()]
            labels.append((cluster[0].time_ns, ", ".join(parts)))
            cluster = []
        if event is not None:
            cluster.append(event)
    return labels[:12]


def drawings(campaign):
    """(name, drawing) of every figure that the campaign allows, one after the other."""
    layout, found = figures.all_figures(campaign)
    for figure in found["costs"] + found["benefits"] + found["others"]:
        yield figure.id, sweep(figure, layout)
    for figure in found["parts"]:
        yield figure.id, parts(figure, layout)
    for name in distributions.distribution_metrics(campaign):
        curves = curves_of(campaign, layout, name)
        yield f"{name}-cdf", distribution(layout, name, curves, False)
        yield f"{name}-ccdf", distribution(layout, name, curves, True)
    for run in distributions.timeline_runs(campaign).itertuples():
        yield f"timeline-{run.label}", timeline(campaign, run)


def write(campaign, folder, formats=("pdf", "svg")):
    """Write all figures; yields the files' paths.

    :raises CampaignError: there is nothing to draw"""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with matplotlib.rc_context(STYLE):
        for name, drawing in drawings(campaign):
            stem = re.sub(r"[^A-Za-z0-9_.=-]+", "-", name).replace(".", "-")
            for kind in formats:
                path = folder / f"{stem}.{kind}"
                # Without dates: the same numbers give the same file.
                metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[kind]
                drawing.savefig(path, format=kind, metadata=metadata)
                yield path
            plt.close(drawing)
            count += 1
    if count == 0:
        raise CampaignError(f"{campaign.path}: nothing to draw: no swept key, no distribution")
