"""Times until something happened, where for some of them it has not happened yet: quantiles with intervals."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shipworthy.stats.clusters import check_confidence
from shipworthy.stats.median import median_interval


class SurvivalCurve(NamedTuple):
    """The share for which it has not happened yet, after each time at which it happened for some.

    Attributes:
        times: in the unit of what was given, rising; `share` after each, in [0, 1], with its limits `low` and `high`.
    """

    times: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class TimeQuantile(NamedTuple):
    """The time by which it has happened for a share of all, in the unit of what was given.

    Attributes:
        value: infinity where it has not happened for that many.
        low, high: its limits; infinity where the data do not say.
        happened: for how many; `waiting` those for which it has not yet.
    """

    value: float
    low: float
    high: float
    happened: int
    waiting: int


def survival_curve(times: ArrayLike, happened: ArrayLike, *, confidence: float = 0.95) -> SurvivalCurve:
    """Return the product-limit estimate with pointwise limits.

    Args:
        times: until it happened, or until now where it has not: at least one, finite, none below 0.
        happened: whether it did, one a time.
        confidence: in [0.5, 1), of each point by itself.

    Raises:
        ValueError: times that are none, lengths that differ, or a confidence out of range.

    Source: Kaplan and Meier 1958; variance by Greenwood; limits on the scale of the logarithm of minus the logarithm
    (Borgan and Liestøl 1990), which stay within [0, 1]. Wrong to use where waiting has to do with how long it would
    still take (the hard cases are given up), and rough below about ten events.

    >>> curve = survival_curve([1, 2, 2, 4], [True, True, False, True])
    >>> curve.times.tolist(), curve.share.round(3).tolist()
    ([1.0, 2.0, 4.0], [0.75, 0.5, 0.0])
    """
    z = NormalDist().inv_cdf(1 - (1 - check_confidence(confidence)) / 2)
    t, d = _given(times, happened)
    moments = np.unique(t[d])
    at_risk = np.array([np.count_nonzero(t >= moment) for moment in moments], float)
    events = np.array([np.count_nonzero((t == moment) & d) for moment in moments], float)
    share = np.cumprod(1 - events / at_risk)
    low, high = np.zeros_like(share), np.ones_like(share)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(events / (at_risk * (at_risk - events))))
        inside = (share > 0) & (share < 1)
        width = np.where(inside, z * spread / -np.log(np.where(inside, share, 0.5)), 0.0)
        low = np.where(inside, share ** np.exp(width), np.where(share >= 1, 1.0, 0.0))
        # Once all have had it nothing bounds the share from above but what was there before it.
        before = np.concatenate([[1.0], share[:-1]])
        high = np.where(inside, share ** np.exp(-width), np.where(share >= 1, 1.0, before))
    return SurvivalCurve(moments, share, low, high)


def time_quantile(
    times: ArrayLike, happened: ArrayLike, quantile: float = 0.5, *, confidence: float = 0.95
) -> TimeQuantile:
    """Return by when it has happened for a share of all, with limits.

    The median of times that are all known has exact limits (`median_interval`); any other the times at which the
    limits of the curve cross.

    Args:
        times, happened, confidence: as for `survival_curve`.
        quantile: the share, in (0, 1).

    Raises:
        ValueError: as for `survival_curve`, or a quantile out of range.

    Source: Brookmeyer and Crowley 1982.

    >>> time_quantile([1, 2, 3, 4, 5], [True] * 5)
    TimeQuantile(value=3.0, low=-inf, high=inf, happened=5, waiting=0)
    >>> time_quantile([1, 9], [True, False]).value
    1.0
    >>> time_quantile([1, 9], [True, False], 0.9).value
    inf
    """
    if not 0 < quantile < 1:
        raise ValueError(f"a quantile lies between 0 and 1; got {quantile}")
    t, d = _given(times, happened)
    if quantile == 0.5 and d.all():
        exact = median_interval(t, confidence=confidence)
        return TimeQuantile(exact.median, exact.low, exact.high, t.size, 0)
    curve = survival_curve(t, d, confidence=confidence)

    def crossing(share: NDArray[np.float64]) -> float:
        below = np.flatnonzero(share <= 1 - quantile + 1e-12)
        return float(curve.times[below[0]]) if below.size else math.inf

    count = int(d.sum())
    return TimeQuantile(crossing(curve.share), crossing(curve.low), crossing(curve.high), count, t.size - count)


def _given(times: ArrayLike, happened: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    t, d = np.asarray(times, float), np.asarray(happened, bool)
    if t.ndim != 1 or t.shape != d.shape or t.size == 0:
        raise ValueError("times and happened must be two lists of the same length, of at least one")
    if not np.isfinite(t).all() or (t < 0).any():
        raise ValueError("times must be finite and not below 0")
    return t, d
