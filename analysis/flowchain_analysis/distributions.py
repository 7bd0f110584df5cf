# SPDX-License-Identifier: GPL-2.0-only
"""Distributions of durations, from the bins of histograms, and what happened over time."""

import numpy as np
import pandas
from scipy import stats

from . import statistics

STEPS_MAX = 160  # steps of a curve that is drawn


def _thinned(cumulative, total):
    """Indices of at most about STEPS_MAX steps, dense where either tail of the curve is: evenly in
    probability and evenly in the logarithm of what is above."""
    n = len(cumulative)
    if n <= STEPS_MAX:
        return np.arange(n)
    half = STEPS_MAX // 2
    above = total - cumulative
    even = np.searchsorted(cumulative, np.linspace(0, total, half))
    floor = max(1, above[above > 0].min()) if (above > 0).any() else 1
    tail = np.searchsorted(-above, -np.geomspace(total, floor, half))
    return np.unique(np.clip(np.concatenate(([0, n - 1], even, tail)), 0, n - 1))


def distribution(bins, confidence=statistics.CONFIDENCE):
    """Cumulative distribution of a duration at a point, from Campaign.bins(), over all of its
    replications together: value (ns, upper end of a bin, at most 0.39 % above the true value), cdf,
    low, high, above (the number of values over `value`), count. It begins at the lower end of the
    first bin with a share of 0.

    low, high: Student t interval over the replications' own curves, as sessions of one run are not
    independent; NaN with a single replication.
    """
    if bins.empty:
        return pandas.DataFrame(columns=["value", "cdf", "low", "high", "above", "count"])
    table = bins.pivot_table(index="upper", columns="replication", values="count", aggfunc="sum",
                             fill_value=0).sort_index()
    counts = table.to_numpy(dtype=float)
    cumulative = counts.cumsum(axis=0)
    total = counts.sum()
    pooled = cumulative.sum(axis=1)
    chosen = _thinned(pooled, total)
    own = np.vstack((np.zeros(counts.shape[1]), cumulative[chosen] / cumulative[-1]))
    replications = own.shape[1]
    at_most = np.concatenate(([0.0], pooled[chosen]))
    values = np.concatenate(([bins["lower"].min()], table.index.to_numpy(dtype=float)[chosen]))
    cdf = at_most / total
    if replications > 1:
        half = (stats.t.ppf((1 + confidence) / 2, replications - 1) * own.std(axis=1, ddof=1)
                / np.sqrt(replications))
        low, high = np.clip(cdf - half, 0, 1), np.clip(cdf + half, 0, 1)
    else:
        low = high = np.full(len(cdf), np.nan)
    return pandas.DataFrame({"value": values, "cdf": cdf, "low": low, "high": high,
                             "above": (total - at_most).astype(int), "count": int(total)})


def quantiles(bins, probabilities, confidence=statistics.CONFIDENCE):
    """Quantiles of a duration at a point, from Campaign.bins(): probability, n (replications),
    mean, low, high (ns): the mean over the replications' own quantiles with Student's t interval. A
    replication's quantile is the upper end of the bin that holds it."""
    runs = [(run["count"].to_numpy().cumsum(), run["upper"].to_numpy(dtype=float))
            for _, run in bins.groupby("replication")]
    rows = []
    for probability in probabilities:
        own = []
        for cumulative, upper in runs:
            rank = max(1, int(np.ceil(probability * cumulative[-1] - 1e-9)))
            own.append(upper[int(np.searchsorted(cumulative, rank))])
        found = statistics.mean_interval(own, confidence)
        rows.append({"probability": probability, "n": found.n, "mean": found.estimate,
                     "low": found.low, "high": found.high})
    return pandas.DataFrame(rows)


def distribution_metrics(campaign):
    """Names and meanings of the distributions that any run has values of, in dictionary order."""
    table = campaign.query("""
        SELECT d.name, d.meaning FROM metric d WHERE d.kind = 'histogram' AND EXISTS
            (SELECT 1 FROM histogram h JOIN member m ON m.run = h.run
             WHERE h.metric = d.id AND h.count > 0) ORDER BY d.id""")
    return dict(zip(table["name"], table["meaning"]))


def timeline_runs(campaign):
    """The first done replication of each point that has series: point, run, label, seed."""
    return campaign.query("""
        SELECT r.point, r.id AS run, p.label, r.seed, min(r.replication) AS replication
        FROM result r JOIN point p ON p.id = r.point
        WHERE EXISTS (SELECT 1 FROM series s WHERE s.run = r.id)
        GROUP BY r.point ORDER BY r.point""")


def thinned_series(times, values, most=400):
    """At most about `most` samples: of each stretch the lowest and the highest, so that no dip or
    peak is lost."""
    if len(times) <= most:
        return times, values
    keep = []
    for stretch in np.array_split(np.arange(len(times)), most // 2):
        part = values[stretch]
        keep += [stretch[int(part.argmin())], stretch[int(part.argmax())]]
    keep = np.unique([0, *keep, len(times) - 1])
    return times[keep], values[keep]
