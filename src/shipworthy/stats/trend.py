"""Does a rate or mean rise or fall over several versions of a system, measured on the same clusters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shipworthy.stats.clusters import Floats, check_confidence
from shipworthy.stats.paired import change_limits

DRAWS = 20_000
"""Random signs behind a p-value; its error is at most 0.0016 near 5 %."""


class VersionTrend(NamedTuple):
    """A linear trend.

    Attributes:
        slope, low, high: change a version, with its two-sided interval.
        p_value: two-sided, of "the versions are exchangeable within each cluster".
        clusters: that all versions have.
    """

    slope: float
    low: float
    high: float
    p_value: float
    clusters: int


def version_trend(levels: Floats, *, confidence: float = 0.95, width: float = 1.0, seed: int = 0) -> VersionTrend:
    """Return the linear trend over versions, from each cluster's level in each of them.

    Args:
        levels: shape (versions, clusters), versions in order of time; each in a range of `width`.
        confidence: of the interval, in [0.5, 1).
        seed: of the random signs.

    Raises:
        ValueError: fewer than two versions, no cluster, numbers that are not finite, bad confidence or width.

    Each cluster gives one number, the slope of its own line by least squares; the mean of these is the trend. With
    exchangeable versions a cluster's numbers might as well stand in the reverse order, which turns the sign of its
    slope: the p-value is by random signs, the interval that of a paired change (Gaffke's bound on what rose and what
    fell). Wrong to use for a jump in one version, which a line shows badly: compare neighbours (`paired_difference`).
    What moves a whole run moves all its clusters: with it, a trend over few versions may be chance (`run_shift`).

    >>> import numpy as np
    >>> round(version_trend(np.array([[0.0] * 40, [0.5] * 40, [1.0] * 40])).slope, 3)
    0.5
    """
    y = np.asarray(levels, dtype=np.float64)
    tail = (1 - check_confidence(confidence)) / 2
    if y.ndim != 2 or y.shape[0] < 2 or not y.shape[1] or not np.isfinite(y).all():
        raise ValueError(f"levels must be finite, of two versions or more by one cluster or more; got {y.shape}")
    if not width > 0 or y.max() - y.min() > width * (1 + 1e-9):
        raise ValueError(f"the levels do not lie in a range of width {width}")
    step = np.arange(y.shape[0]) - (y.shape[0] - 1) / 2
    contrast = step / (step**2).sum()
    # The steepest line that a cluster can have: what rises from one end of the range to the other, all at once.
    steepest = width * np.abs(contrast).sum() / 2
    slopes = contrast @ y / steepest
    slope, low, high = change_limits(np.clip(slopes, -1.0, 1.0), tail)
    return VersionTrend(
        float(slope * steepest), float(low * steepest), float(high * steepest), _by_signs(slopes, seed), y.shape[1]
    )


def _by_signs(values: Floats, seed: int) -> float:
    moved = values[np.abs(values) > 1e-12]
    if not moved.size:
        return 1.0
    rng, reached, seen = np.random.default_rng(seed), 0, abs(moved.sum()) - 1e-9
    for _ in range(20):
        signs = rng.integers(0, 2, (DRAWS // 20, moved.size)) * 2.0 - 1
        reached += int((np.abs(signs @ moved) >= seen).sum())
    return (1 + reached) / (1 + DRAWS)
