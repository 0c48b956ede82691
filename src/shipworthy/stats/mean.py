"""A mean of numbers on a known range, from clustered values: its interval, and the test against a limit.

The *estimand* is the mean over clusters of the cluster's own mean: each sample counts once, however many attempts were
scored on it. The printed mean is the same average of the clusters seen. The mean over attempts is another number where
clusters differ in size; no bound here speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, log
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.clusters import Floats, check_confidence, whole
from shipworthy.stats.criterion import TestVerdict
from shipworthy.stats.interval import Side

_SHARES = 3.0 ** -np.arange(7)
"""Guesses at the variance, as shares of the largest one possible at the mean; a bet is sized for each of them."""
_WEIGHTS = np.arange(1.0, 8.0) ** -0.75 / (np.arange(1.0, 8.0) ** -0.75).sum()
_STEPS = 60
_NEAR = 1e-8


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
) -> MeanInterval:
    """Return the mean over clusters with a betting interval that holds for any distribution on the range.

    Args:
        totals: sum of a cluster's values, one entry a cluster.
        counts: number of values, same length; clusters without values are left out.
        low, high: the range that every value lies in, known before the data were seen.
        confidence: in [0.5, 1); of the whole interval, so each limit of a two-sided one misses with half the rest.
        side: ``two``; ``upper`` bounds the mean from above only, ``lower`` from below only.

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
    return MeanInterval(
        mean=mean,
        low=float(low) if side == "upper" else max(low, min(mean, high - width * upper_limit(1 - scaled, tail))),
        high=float(high) if side == "lower" else min(high, max(mean, low + width * upper_limit(scaled, tail))),
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
) -> MeanTest:
    """Test whether the mean over clusters is at most (or at least) a limit.

    The chance to pass when the true mean is exactly at the limit is at most ``1 - confidence`` for every distribution
    on the range; so is the chance to fail. A point estimate never decides.

    Args:
        totals, counts, low, high: as in `mean_interval`.
        limit: in the unit of the values, within the range.
        must: ``at_most`` compares the upper bound with the limit, ``at_least`` the lower bound.

    Raises:
        ValueError: bad values, counts, range, confidence, limit or `must`.

    Wrong to use repeatedly while data come in, as `threshold_test` is.

    >>> mean_test([4.0, 3.5, 3.0, 4.5] * 25, [5] * 100, 0.65, low=0, high=1, must="at_least").verdict
    'pass'
    """
    check_range(low, high)
    if not low <= limit <= high:
        raise ValueError(f"limit must lie in the range of the values, {low:g} to {high:g}; got {limit}")
    if must not in ("at_most", "at_least"):
        raise ValueError(f"must is 'at_most' or 'at_least'; got {must!r}")

    def interval(side: Side) -> MeanInterval:
        return mean_interval(totals, counts, low=low, high=high, confidence=confidence, side=side)

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


def bets(limit: float, clusters: int, tail: float) -> Iterator[tuple[float, float]]:
    """Yield the weights of the mixture with their bets: the money staked on each cluster, in units of capital.

    For independent numbers of variance s2 the best fixed bet against ``mean >= limit`` is about
    ``sqrt(2 log(1 / tail) / (clusters * s2))``. The variance is not known beforehand, so capital is split over guesses
    from the largest variance possible at the limit, ``limit * (1 - limit)``, down to a 729th of it. The hyperbolic
    tangent keeps a bet below ``1 / (1 - limit)``, so that no outcome can cost more than what was staked.

    Args:
        limit: in (0, 1).
    """
    ratio = 2 * log(1 / tail) * (1 - limit) / (clusters * limit)
    for weight, share in zip(_WEIGHTS, _SHARES, strict=True):
        yield float(weight), float(np.tanh(np.sqrt(ratio / share))) / (1 - limit)


def log_capital(y: Floats, limit: float, tail: float) -> Floats:
    """Return the logarithm of what betting against ``mean >= limit`` has made of one unit of capital.

    Each bet multiplies the capital by ``1 + bet * (limit - y)`` at every cluster: never negative, and at most 1 on
    average if the mean is at least the limit. Bets are fixed before the data, so the product over independent clusters,
    and any fixed mixture of such products, is also at most 1 on average. By Markov's inequality it reaches ``1 / tail``
    with probability at most `tail`: then, and only then, the limit is ruled out.

    A product does not depend on the order of its factors. Each factor falls in `y`, and grows in `limit`: the bet's
    logarithmic slope in the limit lies between ``1 / (1 - limit) - 1 / (2 limit (1 - limit))`` and ``1 / (1 - limit)``,
    so ``bet * (limit - y)`` never falls. The limits that are not ruled out are therefore an interval.

    Args:
        y: cluster means on [0, 1], shape (..., clusters).
        limit: in (0, 1).
        tail: in (0, 0.5].
    """
    gap = limit - y
    capital = np.full(y.shape[:-1], -np.inf)
    with np.errstate(divide="ignore"):  # a stake lost whole is a logarithm of minus infinity
        for weight, bet in bets(limit, y.shape[-1], tail):
            # The bet's cap may be passed by a rounding error; a factor is never negative.
            gain = np.log(np.maximum(1 + bet * gap, 0.0)).sum(-1)
            capital = np.logaddexp(capital, log(weight) + gain)
    return capital


def upper_limit(y: Floats, tail: float) -> float:
    """Return the upper limit of the mean of cluster means on [0, 1], missing with probability at most `tail`.

    The root of ``log_capital = log(1 / tail)``, by regula falsi with the Illinois step; the end of the bracket that is
    ruled out is returned, so the tolerance errs on the safe side.
    """
    y = y[np.argsort(y, kind="stable")]  # the same sum, to the last digit, whatever the order of the clusters
    goal = log(1 / tail)
    mean = float(y.mean())
    below, above = max(mean, 1e-12), 1.0 - 1e-12
    if mean >= above:
        return 1.0
    missing, spare = -goal, float(log_capital(y, above, tail)) - goal  # at the mean, capital is at most 1
    if spare < 0:
        return 1.0
    kept = 0
    for step in range(_STEPS):
        if above - below <= _NEAR:
            break
        # Every fifth step halves the bracket, for capital that is as flat as it is steep.
        share = 0.5 if step % 5 == 4 or not isfinite(spare) else missing / (missing - spare)
        middle = below + (above - below) * min(max(share, 1e-6), 1 - 1e-6)
        found = float(log_capital(y, middle, tail)) - goal
        if found >= 0:
            above, spare = middle, found
            missing, kept = (missing / 2 if kept > 0 else missing), 1
        else:
            below, missing = middle, found
            spare, kept = (spare / 2 if kept < 0 else spare), -1
    return above
