# SPDX-License-Identifier: GPL-2.0-only
"""Statistics of independent replications.

One replication gives one number for a metric. Replications of a point have different seeds and are
independent of each other; sessions within one replication are not. All intervals here are therefore
taken over replications, never over the sessions of a run.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
BOOTSTRAP_SEED = 20010  # any fixed number: the same data must give the same interval
RESAMPLES = 9999
REPLICATIONS_MAX = 1_000_000


@dataclass(frozen=True)
class Interval:
    """An estimate with a confidence interval.

    `low` and `high` are NaN where the data say nothing about the spread (fewer than two
    replications). `confidence` is what is promised, or what is reached where a method cannot reach
    the asked one exactly.
    """

    n: int
    estimate: float
    low: float
    high: float
    confidence: float = CONFIDENCE

    @property
    def half_width(self):
        """Half of the interval's length, in the unit of the values."""
        return (self.high - self.low) / 2


def _values(values):
    array = np.asarray(values, dtype=float)
    if array.ndim != 1:
        raise ValueError("one number for each replication is needed")
    if not np.all(np.isfinite(array)):
        raise ValueError("a replication's value is missing or infinite")
    return array


def _confidence(confidence):
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence}")


def mean_interval(values, confidence=CONFIDENCE):
    """Mean with Student's t interval (Law, Simulation Modeling and Analysis, 4.5).

    Exact for normal values; close for means over many sessions by the central limit theorem.

    >>> i = mean_interval([1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09], 0.90)
    >>> round(i.estimate, 2), round(i.half_width, 2)
    (1.34, 0.24)
    """
    _confidence(confidence)
    array = _values(values)
    n = len(array)
    if n == 0:
        return Interval(0, math.nan, math.nan, math.nan, confidence)
    mean = float(np.mean(array))
    if n == 1:
        return Interval(1, mean, math.nan, math.nan, confidence)
    if np.ptp(array) == 0:
        return Interval(n, float(array[0]), float(array[0]), float(array[0]), confidence)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * np.std(array, ddof=1) / math.sqrt(n))
    return Interval(n, mean, mean - half, mean + half, confidence)


def bootstrap_interval(values, statistic=np.mean, confidence=CONFIDENCE, seed=BOOTSTRAP_SEED):
    """Any statistic with a bootstrap interval: BCa (Efron 1987), where BCa has no value the
    percentile interval.

    `statistic` takes an array and `axis`. For skewed metrics, such as numbers of lost sessions,
    where Student's interval may reach below zero. With fewer than about ten replications it is too
    short; prefer mean_interval() there.
    """
    _confidence(confidence)
    array = _values(values)
    n = len(array)
    if n == 0:
        return Interval(0, math.nan, math.nan, math.nan, confidence)
    estimate = float(statistic(array, axis=-1))
    if n == 1:
        return Interval(1, estimate, math.nan, math.nan, confidence)
    if np.ptp(array) == 0:
        return Interval(n, estimate, estimate, estimate, confidence)

    def interval(method):
        with np.errstate(all="ignore"):
            found = stats.bootstrap((array,), statistic, n_resamples=RESAMPLES, vectorized=True,
                                    confidence_level=confidence, method=method,
                                    random_state=np.random.default_rng(seed))
        return found.confidence_interval

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        bounds = interval("BCa")
    if not (math.isfinite(bounds.low) and math.isfinite(bounds.high)):
        bounds = interval("percentile")
    return Interval(n, estimate, float(bounds.low), float(bounds.high), confidence)


def quantile_interval(values, probability, confidence=CONFIDENCE):
    """A quantile of independent values, with the interval between two order statistics whose
    coverage is at least `confidence` whatever the distribution (David & Nagaraja, Order Statistics,
    7.1): the number of values below the quantile is binomial.

    The shortest such pair in ranks. NaN as a bound where no order statistic is far enough out: too
    few values. The values must be independent: one for each replication.

    >>> quantile_interval(range(1, 11), 0.5).low, quantile_interval(range(1, 11), 0.5).high
    (2.0, 9.0)
    """
    _confidence(confidence)
    if not 0 < probability < 1:
        raise ValueError(f"a quantile's probability lies between 0 and 1, not {probability}")
    array = np.sort(_values(values))
    n = len(array)
    if n == 0:
        return Interval(0, math.nan, math.nan, math.nan, confidence)
    estimate = float(np.quantile(array, probability))
    ranks = quantile_ranks(n, probability, confidence)
    if ranks is None:
        return Interval(n, estimate, math.nan, math.nan, confidence)
    low, high, coverage = ranks
    return Interval(n, estimate, float(array[low - 1]), float(array[high - 1]), coverage)


def quantile_ranks(n, probability, confidence=CONFIDENCE):
    """Ranks (from 1) of the order statistics of quantile_interval(), their coverage; or None.

    P(X_(low) <= quantile < X_(high)) = P(low <= B < high) with B binomial (n, probability).
    """
    below = stats.binom.cdf(np.arange(-1, n), n, probability)  # below[k] = P(B <= k - 1)
    best = None
    for low in range(1, n):
        needed = below[low] + confidence
        high = max(low + 1, int(np.searchsorted(below, needed - 1e-12)))
        if high > n:
            break
        coverage = float(below[high] - below[low])
        key = (high - low, -coverage)
        if best is None or key < best[0]:
            best = (key, (low, high, coverage))
    return None if best is None else best[1]


def paired_difference(first, second, confidence=CONFIDENCE):
    """Mean of `second` - `first` with Student's t interval over the pairs.

    For two points whose replication r ran with the same seed (common random numbers): what the
    seed does to both cancels out, so the interval is shorter than that of independent runs.
    """
    a, b = _values(first), _values(second)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} replications cannot be paired")
    return mean_interval(b - a, confidence)


def variance_ratio(first, second):
    """By how much common random numbers shortened the paired comparison: variance of the difference
    of independent runs over that of the pairs (above 1: they helped); NaN where undefined."""
    a, b = _values(first), _values(second)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} replications cannot be paired")
    if len(a) < 2:
        return math.nan
    paired = np.var(b - a, ddof=1)
    return float((np.var(a, ddof=1) + np.var(b, ddof=1)) / paired) if paired > 0 else math.nan


def replications_needed(values, relative, confidence=CONFIDENCE):
    """Fewest replications with which the t interval's half-width is at most `relative` (0.02: 2 %)
    of the mean, if the spread stays as it is in these values (Law, 9.4.1); never fewer than 2.

    None where it cannot be told: fewer than two values, a mean of zero, or more than a million.
    """
    _confidence(confidence)
    if relative <= 0:
        raise ValueError("a precision is greater than zero")
    array = _values(values)
    if len(array) < 2:
        return None
    if np.ptp(array) == 0:
        return 2
    wanted = relative * abs(float(np.mean(array)))
    if wanted == 0:
        return None
    deviation = float(np.std(array, ddof=1))

    def enough(n):
        return stats.t.ppf((1 + confidence) / 2, n - 1) * deviation / math.sqrt(n) <= wanted

    low, high = 1, 2
    while not enough(high):
        low, high = high, 2 * high
        if high > REPLICATIONS_MAX:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def warm_up_end(samples, batch=5):
    """Where the transient of a series ends, by MSER-5 (White 1997): the number of leading samples
    whose removal minimises the standard error of the mean of the rest.

    None if that is more than half of the series: it is too short to tell. Compare the time of that
    sample with the scenario's sim.warmup.
    """
    array = _values(samples)
    means = array[: len(array) // batch * batch].reshape(-1, batch).mean(axis=1)
    if len(means) < 4:
        return None
    errors = [np.var(means[d:]) / (len(means) - d) for d in range(len(means) - 2)]
    best = int(np.argmin(errors))
    return None if best > len(means) // 2 else best * batch
