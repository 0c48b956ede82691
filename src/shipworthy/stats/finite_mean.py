"""The mean over all of a small population, from those of it that answered."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.clusters import check_confidence


class FiniteMean(NamedTuple):
    """A mean and its two-sided limits, in the values' unit; `n` values of a population of `population`."""

    mean: float
    low: float
    high: float
    n: int
    population: int


def finite_mean(values: ArrayLike, population: int, *, low: float, high: float, confidence: float = 0.95) -> FiniteMean:
    """Return the mean of values drawn without replacement from a population of known size, with Student's limits.

    Args:
        values: at least one, each between `low` and `high`.
        population: how many there are in all; not fewer than `values`.
        low, high: the range of a value. Limits stay in it, and are all of it where one value is all there is. Where all
            values are alike, limits rest on the share of others that is still likely (Clopper and Pearson).
        confidence: in [0.5, 1).

    Raises:
        ValueError: no values, values out of range, or a population that is smaller.

    Source: Cochran, Sampling Techniques, 1977, sections 2.6 and 2.7. Student's limits lean on values that are not too
    skewed; for a release use `mean_interval`, which leans on nothing. Wrong to use where those who are in had a say in
    it (who answers a survey), as if they stood for those who are not.

    >>> finite_mean([5, 4, 4, 3], 4, low=1, high=5)
    FiniteMean(mean=4.0, low=4.0, high=4.0, n=4, population=4)
    """
    from scipy.special import stdtrit

    tail = (1 - check_confidence(confidence)) / 2
    found = np.asarray(values, float)
    n = found.size
    if found.ndim != 1 or n == 0 or not ((found >= low) & (found <= high)).all():
        raise ValueError(f"a mean is of at least one value, each from {low:g} to {high:g}")
    if population < n:
        raise ValueError(f"{n:,} values cannot come from a population of {population:,}")
    mean = float(found.mean())
    if population == n:
        return FiniteMean(mean, mean, mean, n, population)
    if n == 1:
        return FiniteMean(mean, float(low), float(high), n, population)
    if float(found.min()) == float(found.max()):
        # No spread to go by: at most so many others differ, each by as much as it could.
        others = min(1 - tail ** (1 / n), 1 - n / population)
        return FiniteMean(mean, mean - others * (mean - low), mean + others * (high - mean), n, population)
    error = math.sqrt(float(found.var(ddof=1)) / n * (1 - n / population)) * float(stdtrit(n - 1, 1 - tail))
    return FiniteMean(mean, max(float(low), mean - error), min(float(high), mean + error), n, population)
