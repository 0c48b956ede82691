"""The median of independent numbers, with an interval that holds for every distribution."""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.clusters import check_confidence


class MedianInterval(NamedTuple):
    """A median and its two-sided interval, in the numbers' unit.

    Attributes:
        low, high: minus and plus infinity where there are too few numbers to say.
        n: how many numbers.
    """

    median: float
    low: float
    high: float
    n: int


def median_interval(values: ArrayLike, *, confidence: float = 0.95) -> MedianInterval:
    """Return the median of independent numbers, between two of them in order.

    The interval leaves out as many numbers at each end as a fair coin would fall on that side with a chance of at most
    half of ``1 - confidence``: exact or wider for every distribution, ties included (Conover, Practical Nonparametric
    Statistics, 1999, section 3.2). For the times of paired attempts, whose means have no bound. Wrong to use where the
    numbers hang together: give one a cluster.

    Args:
        values: at least one number; none of them NaN.
        confidence: in [0.5, 1).

    Raises:
        ValueError: no numbers, a NaN among them, or a confidence outside [0.5, 1).

    >>> median_interval(range(1, 21))
    MedianInterval(median=10.5, low=6.0, high=15.0, n=20)
    """
    tail = (1 - check_confidence(confidence)) / 2
    found = np.sort(np.asarray(values, dtype=np.float64))
    n = found.size
    if found.ndim != 1 or n == 0 or np.isnan(found).any():
        raise ValueError("a median is of at least one number, and of no NaN")
    out, below = 0, 0
    while (below := below + comb(n, out)) <= tail * 2**n:
        out += 1
    low, high = (found[out - 1], found[n - out]) if out else (-np.inf, np.inf)
    return MedianInterval(float(np.median(found)), float(low), float(high), n)
