"""How many samples a criterion on a mean needs before it can be expected to decide."""

from __future__ import annotations

from math import ceil, isfinite, log
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

from shipworthy.stats.betting import bets
from shipworthy.stats.clusters import Floats, check_confidence
from shipworthy.stats.mean import check_range
from shipworthy.stats.power import MOST

_POINTS = 1000


def required_clusters_for_mean(
    limit: float,
    mean: float,
    deviation: float,
    *,
    low: float,
    high: float,
    power: float = 0.8,
    confidence: float = 0.95,
) -> int | None:
    """Return about how many clusters `mean_test` needs to decide, if the truth is what was observed.

    Args:
        limit: of the criterion, within the range.
        mean, deviation: to assume for the cluster means: those observed, or a guess made beforehand. The mean's side
            of the limit says whether the test is to pass or to fail; both need the same number.
        low, high: the range of the values; for a margin on a difference, ``low - high`` and ``high - low``.
        power: chance to decide, in (0, 1).
        confidence: of the criterion's bound, in [0.5, 1).

    Returns:
        The number of clusters; None where the mean is at the limit, or above a million.

    Raises:
        ValueError: an argument out of range.

    An approximation: cluster means are taken as beta distributed with that mean and deviation, and the logarithm of
    the bettor's capital as normal. ``tests/statistics`` measures what power the number gives. Wrong to trust below
    about 30 clusters, for a deviation that comes from a handful of them, and where a rare value far from the others
    makes up most of the deviation.

    >>> required_clusters_for_mean(0.7, 0.75, 0.15, low=0, high=1)
    125
    """
    if not 0 < power < 1:
        raise ValueError(f"power must lie strictly between 0 and 1; got {power}")
    design = _design(limit, (mean, deviation), (low, high), 1 - check_confidence(confidence))
    if design is None:
        return None
    z = float(ndtri(power))

    def enough(clusters: int) -> bool:
        return design.capital(clusters, z) >= design.goal

    high_end = 2
    while not enough(high_end):
        if high_end >= MOST:
            return None
        high_end = min(2 * high_end, MOST)
    low_end = max(1, ceil(high_end / 2))
    while high_end - low_end > 1:
        middle = (low_end + high_end) // 2
        low_end, high_end = (low_end, middle) if enough(middle) else (middle, high_end)
    return high_end


def achieved_power_for_mean(
    clusters: int,
    limit: float,
    mean: float,
    deviation: float,
    *,
    low: float,
    high: float,
    confidence: float = 0.95,
) -> float:
    """Return about the chance in [0, 1] to decide with this many clusters; else as `required_clusters_for_mean`.

    Raises:
        ValueError: an argument out of range.

    >>> round(achieved_power_for_mean(125, 0.7, 0.75, 0.15, low=0, high=1), 2)
    0.8
    """
    if clusters < 1:
        raise ValueError(f"clusters must be at least 1; got {clusters}")
    design = _design(limit, (mean, deviation), (low, high), 1 - check_confidence(confidence))
    if design is None:
        return 0.0
    # The capital falls as the power asked for grows: find where it just reaches its goal.
    least, most = -8.0, 8.0
    if design.capital(clusters, least) < design.goal:
        return 0.0
    for _ in range(40):
        middle = (least + most) / 2
        least, most = (middle, most) if design.capital(clusters, middle) >= design.goal else (least, middle)
    return float(ndtr(least))


class _Design(NamedTuple):
    """A limit to bet against on [0, 1], and the values assumed, with their chances."""

    edge: float
    values: Floats
    chances: Floats
    tail: float

    @property
    def goal(self) -> float:
        return log(1 / self.tail)

    def capital(self, clusters: int, z: float) -> float:
        """Return the logarithm of the capital that is exceeded with probability ``ndtr(z)``."""
        capital = -np.inf
        for weight, bet in bets(self.edge, clusters, self.tail):
            gain = np.log(np.maximum(1 + bet * (self.edge - self.values), 1e-300))
            average = float(self.chances @ gain)
            error = float(self.chances @ (gain - average) ** 2) ** 0.5
            capital = np.logaddexp(capital, log(weight) + clusters * average - z * clusters**0.5 * error)
        return float(capital)


def _design(limit: float, assumed: tuple[float, float], between: tuple[float, float], tail: float) -> _Design | None:
    """Return the design if its values are in range; None where the mean is at the limit or nothing can decide."""
    (mean, deviation), (low, high) = assumed, between
    width = check_range(low, high)
    for name, value in (("limit", limit), ("mean", mean)):
        if not low <= value <= high:
            raise ValueError(f"{name} must lie in the range of the values, {low:g} to {high:g}; got {value}")
    if not (isfinite(deviation) and 0 <= deviation <= width):
        raise ValueError(f"deviation must lie between 0 and {width:g}, the width of the range; got {deviation}")
    # A mean above its limit is one of misses below it: the bets know one direction only.
    edge, centre = (limit - low, mean - low) if mean <= limit else (high - limit, high - mean)
    edge, centre = edge / width, centre / width
    if centre >= edge or edge >= 1:
        return None
    return _Design(edge, *_law(centre, deviation / width), tail)


def _law(mean: float, deviation: float) -> tuple[Floats, Floats]:
    """Return points on [0, 1] with their chances: the beta distribution with this mean and deviation, in quantiles."""
    most = mean * (1 - mean)
    if deviation**2 >= 0.999 * most:
        return np.array([0.0, 1.0]), np.array([1 - mean, mean])
    if deviation <= 1e-6:
        return np.array([mean]), np.ones(1)
    size = most / deviation**2 - 1
    middles = (np.arange(_POINTS) + 0.5) / _POINTS
    return betaincinv(mean * size, (1 - mean) * size, middles), np.full(_POINTS, 1 / _POINTS)
