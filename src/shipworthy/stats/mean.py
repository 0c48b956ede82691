"""A mean of numbers on a known range, from clustered values: its interval, and the test against a limit.

The *estimand* is the mean over clusters of the cluster's own mean: each sample counts once, however many attempts were
scored on it. The printed mean is the same average of the clusters seen. The mean over attempts is another number where
clusters differ in size; no bound here speaks of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.betting import upper_limit
from shipworthy.stats.clusters import Floats, check_confidence, whole
from shipworthy.stats.criterion import TestVerdict
from shipworthy.stats.interval import Side


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean with its limits, in the unit of the values.

    Attributes:
        mean: over clusters, of the cluster's own mean.
        low, high: the limits. One-sided intervals have the other limit at the end of the range.
        lowest, highest: the range that every value lies in.
        deviation: standard deviation of the cluster means; 0 with one cluster.
        values: how many were scored; `clusters` those with at least one.
    """

    mean: float
    low: float
    high: float
    lowest: float
    highest: float
    deviation: float
    values: int
    clusters: int
    confidence: float
    side: Side


@dataclass(frozen=True, slots=True)
class MeanTest:
    """What a test of a mean against a limit found; fields as in `ThresholdTest`, in the unit of the values."""

    verdict: TestVerdict
    bound: float
    opposite: float
    limit: float
    must: Literal["at_most", "at_least"]
    interval: MeanInterval


def mean_interval(
    totals: ArrayLike,
    counts: ArrayLike,
    *,
    low: float,
    high: float,
    confidence: float = 0.95,
    side: Side = "two",
    anytime: bool = False,
) -> MeanInterval:
    """Return the mean over clusters with a betting interval that holds for any distribution on the range.

    Args:
        totals: sum of a cluster's values, one entry a cluster.
        counts: number of values, same length; clusters without values are left out.
        low, high: the range that every value lies in, known before the data were seen.
        confidence: in [0.5, 1); of the whole interval, so each limit of a two-sided one misses with half the rest.
        side: ``two``; ``upper`` bounds the mean from above only, ``lower`` from below only.
        anytime: whether the limits hold after every cluster at once: for data that are looked at while they come in.

    Raises:
        ValueError: values that are not finite or not in the range, bad counts, range, confidence or side.

    Source: the betting bounds of Waudby-Smith and Ramdas, JRSS B 86 (2024) 1-27, with their predictable bets replaced
    by a fixed mixture of fixed bets (decision 0110). The mixture makes the limits independent of the order of the
    clusters and monotone in every value; no seed is involved. `log_capital` says why it is valid.

    Wrong to use when clusters depend on one another, when the samples were picked after seeing their outcome, when the
    range was taken from the data, and for a mean over attempts where clusters differ in size. It is wider than
    Student's interval (by about six tenths), which is not valid here: see docs/explanation/statistics.md.

    >>> m = mean_interval([4.0, 3.5, 3.0, 4.5] * 25, [5] * 100, low=0, high=1)
    >>> round(m.mean, 3), round(m.low, 3), round(m.high, 3)
    (0.75, 0.71, 0.785)
    """
    check_confidence(confidence)
    if side not in ("two", "upper", "lower"):
        raise ValueError(f"side must be 'two', 'upper' or 'lower'; got {side!r}")
    width = check_range(low, high)
    means, n = cluster_means(totals, counts, low, high)
    scaled = to_unit(means, low, high)
    tail = (1 - confidence) / (2 if side == "two" else 1)
    mean = min(max(float(means.mean()), low), high)

    def limit_of(y: Floats) -> float:
        return upper_limit(y, tail, anytime=anytime)

    return MeanInterval(
        mean=mean,
        low=float(low) if side == "upper" else max(low, min(mean, high - width * limit_of(1 - scaled))),
        high=float(high) if side == "lower" else min(high, max(mean, low + width * limit_of(scaled))),
        lowest=float(low),
        highest=float(high),
        deviation=float(means.std(ddof=1)) if means.size > 1 else 0.0,
        values=int(n.sum()),
        clusters=means.size,
        confidence=float(confidence),
        side=side,
    )


def mean_test(
    totals: ArrayLike,
    counts: ArrayLike,
    limit: float,
    *,
    low: float,
    high: float,
    must: Literal["at_most", "at_least"] = "at_most",
    confidence: float = 0.95,
    anytime: bool = False,
) -> MeanTest:
    """Test whether the mean over clusters is at most (or at least) a limit.

    The chance to pass when the true mean is exactly at the limit is at most ``1 - confidence`` for every distribution
    on the range; so is the chance to fail. A point estimate never decides.

    Args:
        totals, counts, low, high: as in `mean_interval`.
        limit: in the unit of the values, within the range.
        must: ``at_most`` compares the upper bound with the limit, ``at_least`` the lower bound.
        anytime: as in `mean_interval`.

    Raises:
        ValueError: bad values, counts, range, confidence, limit or `must`.

    Wrong to use repeatedly while data come in, as `threshold_test` is, but with `anytime`.

    >>> mean_test([4.0, 3.5, 3.0, 4.5] * 25, [5] * 100, 0.65, low=0, high=1, must="at_least").verdict
    'pass'
    """
    check_range(low, high)
    if not low <= limit <= high:
        raise ValueError(f"limit must lie in the range of the values, {low:g} to {high:g}; got {limit}")
    if must not in ("at_most", "at_least"):
        raise ValueError(f"must is 'at_most' or 'at_least'; got {must!r}")

    def interval(side: Side) -> MeanInterval:
        return mean_interval(totals, counts, low=low, high=high, confidence=confidence, side=side, anytime=anytime)

    upper, lower = interval("upper").high, interval("lower").low
    verdict: TestVerdict = "inconclusive"
    if must == "at_most":
        bound, opposite = upper, lower
        verdict = "pass" if upper <= limit else "fail" if lower > limit else "inconclusive"
    else:
        bound, opposite = lower, upper
        verdict = "pass" if lower >= limit else "fail" if upper < limit else "inconclusive"
    return MeanTest(verdict, bound, opposite, float(limit), must, interval("two"))


def check_range(low: float, high: float) -> float:
    """Return the width of a range.

    Raises:
        ValueError: an end that is not finite, or `low` not below `high`.
    """
    if not (isfinite(low) and isfinite(high) and low < high and isfinite(high - low)):
        raise ValueError(f"the range must be finite, with low below high; got {low} to {high}")
    return float(high) - float(low)


def cluster_means(
    totals: ArrayLike, counts: ArrayLike, low: float, high: float, what: str = ""
) -> tuple[Floats, Floats]:
    """Check per-cluster sums and return each cluster's mean and count, without the clusters that have no values.

    Raises:
        ValueError: not one-dimensional, of different length, not numbers, not finite, counts that are not whole, a
            sum that values of the range cannot have, or no value at all.
    """
    given, n = np.asarray(totals), whole(counts, f"{what}counts")
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iufb"):
        raise ValueError(f"{what}totals must be numbers, one entry a cluster; got {given.dtype} of shape {given.shape}")
    s = given.astype(np.float64)
    if s.shape != n.shape:
        raise ValueError(f"{what}totals has {s.size} clusters and {what}counts {n.size}; give one entry a cluster")
    if not np.isfinite(s).all():
        raise ValueError(f"{what}totals must be finite numbers")
    # A sum of values at an end of the range may miss it by rounding; more than that is a value outside.
    slack = 1e-9 * n * max(abs(low), abs(high), high - low)
    outside = (s < n * low - slack) | (s > n * high + slack)
    if outside.any():
        at = int(np.argmax(outside))
        raise ValueError(
            f"cluster {at}: {n[at]:.0f} values from {low:g} to {high:g} cannot have the {what}total {s[at]:g}"
        )
    if not n.sum():
        raise ValueError(f"no {what}values at all: there is nothing to estimate")
    kept = n > 0
    return np.clip(s[kept] / n[kept], low, high), n[kept]


def to_unit(values: Floats, low: float, high: float) -> Floats:
    """Return values of a range on [0, 1]."""
    scaled: Floats = np.clip((values - low) / (high - low), 0.0, 1.0)
    return scaled
