"""The geometric mean of times, with an interval on the logarithm: for times that are long now and then."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, isfinite, log, sqrt
from typing import NamedTuple

from shipworthy.stats.clusters import check_confidence

FEWEST = 5
"""Values below which no mean is given: two or three points are shown as points."""


class GeometricMean(NamedTuple):
    """A geometric mean with its two-sided interval, in the values' unit, of `n` values."""

    mean: float
    low: float
    high: float
    n: int


def geometric_mean(values: Sequence[float], *, confidence: float = 0.95) -> GeometricMean | None:
    """Return the geometric mean, with Student's t on the logarithms; None under `FEWEST` values.

    It is the median where the logarithms are symmetric, and not the arithmetic mean. Wrong to use where a value may be
    0, where some times are not over yet (they are censored: leaving them out flatters), or where they hang together.

    Args:
        values: above 0.
        confidence: in [0.5, 1).

    Raises:
        ValueError: a value is not above 0, or the confidence is out of its range.

    >>> found = geometric_mean([10, 20, 40, 20, 20])
    >>> round(found.mean, 1), found.n
    (20.0, 5)
    """
    from scipy.special import stdtrit

    check_confidence(confidence)
    if not all(isfinite(value) and value > 0 for value in values):
        raise ValueError("a time is a number above 0")
    if (n := len(values)) < FEWEST:
        return None
    logs = [log(value) for value in values]
    middle = sum(logs) / n
    spread = sqrt(sum((one - middle) ** 2 for one in logs) / (n - 1))
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * spread / sqrt(n)
    return GeometricMean(exp(middle), exp(middle - half), exp(middle + half), n)
