"""Shares of independent trials, with exact limits: many at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shipworthy.stats.clusters import check_confidence


class Shares(NamedTuple):
    """Shares in [0, 1] with their limits, an array each. Without trials the share is NaN, the limits 0 and 1."""

    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def exact_shares(hits: ArrayLike, trials: ArrayLike, *, confidence: float = 0.95) -> Shares:
    """Return shares of independent trials with two-sided limits that cover at least as often as `confidence` says.

    Args:
        hits: whole numbers, one a share; `trials` alike, none below its hits.
        confidence: in [0.5, 1).

    Raises:
        ValueError: counts that are none, or a confidence out of range.

    Source: Clopper and Pearson 1934. Wrong to use where trials depend on one another: sessions of one person, attempts
    of one sample. For those see `shipworthy.stats.interval.rate_interval`.

    >>> found = exact_shares([0, 3], [59, 1_000])
    >>> [round(float(x), 4) for x in (found.high[0], found.low[1], found.high[1])]
    [0.0606, 0.0006, 0.0087]
    """
    from scipy.special import betaincinv

    check_confidence(confidence)
    x, n = np.atleast_1d(np.asarray(hits, float)), np.atleast_1d(np.asarray(trials, float))
    if x.shape != n.shape or not (np.all(x >= 0) and np.all(x <= n) and np.all(x == np.floor(x))):
        raise ValueError("hits and trials must be whole numbers, as many of either, and 0 <= hits <= trials")
    if not np.all(n == np.floor(n)) or not np.all(np.isfinite(n)):
        raise ValueError("trials must be whole numbers")
    tail = (1 - confidence) / 2
    low = np.where(x > 0, betaincinv(np.maximum(x, 1), n - x + 1, tail), 0.0)
    high = np.where(x < n, betaincinv(x + 1, np.maximum(n - x, 1), 1 - tail), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(n > 0, x / n, np.nan)
    return Shares(share, low, high)
