"""A rate with its interval, from clustered counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from shipworthy.stats.clusters import check_confidence, counts
from shipworthy.stats.sample_rates import Bound, check_bound, share_limits

Side = Literal["two", "upper", "lower"]


@dataclass(frozen=True, slots=True)
class RateInterval:
    """A rate in [0, 1] with its limits.

    Attributes:
        rate: mean over clusters of the share of hits; ``hits / trials`` where all clusters are of one size.
        low, high: the limits. One-sided intervals have the other limit at 0 or 1.
        hits, trials: over all clusters; `clusters` those with at least one trial.
    """

    rate: float
    low: float
    high: float
    hits: int
    trials: int
    clusters: int
    confidence: float
    side: Side


def rate_interval(
    hits: ArrayLike,
    trials: ArrayLike,
    *,
    confidence: float = 0.95,
    side: Side = "two",
    bound: Bound = "gaffke",
) -> RateInterval:
    """Return the mean over clusters of their share of hits, with an interval that assumes no law of the shares.

    Args:
        hits: whole numbers, one a cluster (a sample with all its attacks and attempts).
        trials: same length; clusters without trials are left out.
        confidence: in [0.5, 1); of the whole interval, so each limit of a two-sided one misses with half the rest.
        side: ``two``; ``upper`` bounds the rate from above only, ``lower`` from below only.
        bound: ``gaffke``, whose coverage is conjectured and simulated, or ``proved``, wider and a theorem; ``anytime``
            also where the number of clusters was not chosen beforehand.

    Raises:
        ValueError: bad counts (see `counts`), confidence, side or bound.

    Source: Gaffke 2005; Learned-Miller and Thomas, arXiv 1905.06208 (`shipworthy.stats.sample_rates`;
    docs/explanation/statistics.md has the measured error rates). Exact Clopper-Pearson where every cluster has one
    trial. ``proved``: `shipworthy.stats.betting`.

    Wrong to use when clusters depend on one another (paraphrases counted as separate samples), when the samples were
    picked after seeing their outcome, for the rate over attempts where clusters differ in size, and for claims about
    attacks that were not run: attacks are fixed here.

    >>> r = rate_interval([0] * 59, [1] * 59, side="upper")
    >>> round(r.high, 4)
    0.0495
    """
    check_confidence(confidence)
    if side not in ("two", "upper", "lower"):
        raise ValueError(f"side must be 'two', 'upper' or 'lower'; got {side!r}")
    check_bound(bound)
    x, n = counts(hits, trials)
    tail = (1 - confidence) / (2 if side == "two" else 1)
    shares = x / n
    low, high = share_limits(shares, tail, bound)
    return RateInterval(
        rate=float(shares.mean()),
        low=0.0 if side == "upper" else low,
        high=1.0 if side == "lower" else high,
        hits=int(x.sum()),
        trials=int(n.sum()),
        clusters=x.size,
        confidence=float(confidence),
        side=side,
    )
