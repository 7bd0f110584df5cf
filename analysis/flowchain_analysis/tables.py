# SPDX-License-Identifier: GPL-2.0-only
"""The numbers behind each figure, by the figure's name."""

import pandas

from . import distributions, figures
from .campaign import CampaignError


def names(campaign):
    """Of all figures that the campaign allows."""
    layout, found = figures.all_figures(campaign)
    listed = [figure.id for group in found.values() for figure in group]
    if layout.x is not None:
        listed.append("differences")
    if distributions.distribution_metrics(campaign):
        listed.append("distribution")
    if not distributions.timeline_runs(campaign).empty:
        listed.append("timeline")
    return listed


def table(campaign, name):
    """A figure's numbers. Those of a sweep are in the unit that its column names.

    :raises CampaignError: there is no such figure"""
    if name == "distribution":
        return _distributions(campaign)
    if name == "timeline":
        return _timelines(campaign)
    layout, found = figures.all_figures(campaign)
    if name == "differences":
        return figures.differences(campaign, layout, figures.COSTS + figures.BENEFITS)
    for figure in (figure for group in found.values() for figure in group):
        if figure.id == name:
            return figure.table[list(figure.columns)].rename(columns=figure.columns)
    raise CampaignError(f"{campaign.path}: no figure '{name}'; there are "
                        + ", ".join(names(campaign)))


def _distributions(campaign):
    parts = []
    for metric in distributions.distribution_metrics(campaign):
        for point, label in campaign.points()["label"].items():
            curve = distributions.distribution(campaign.bins(metric, point))
            curve.insert(0, "name", metric)
            curve.insert(0, "point", label)
            parts.append(curve)
    return _joined(parts)


def _timelines(campaign):
    parts = []
    for run in distributions.timeline_runs(campaign).itertuples():
        series = campaign.series(run.run)
        series.insert(0, "seed", run.seed)
        series.insert(0, "point", run.label)
        parts.append(series)
    return _joined(parts)


def _joined(parts):
    parts = [part for part in parts if not part.empty]
    return pandas.concat(parts, ignore_index=True) if parts else pandas.DataFrame()
