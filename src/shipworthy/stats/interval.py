"""A rate with its interval, from clustered counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from shipworthy.stats.clusters import check_confidence, check_design_effect, counts, effective, limits

Side = Literal["two", "upper", "lower"]


@dataclass(frozen=True, slots=True)
class RateInterval:
    """A rate in [0, 1] with its limits.

    Attributes:
        low, high: the limits. One-sided intervals have the other limit at 0 or 1.
        clusters: those with at least one trial.
        design_effect: variance relative to independent trials, after the floor.
        n_eff: independent trials the data are worth; at most ``trials / design_effect``.
    """

    rate: float
    low: float
    high: float
    hits: int
    trials: int
    clusters: int
    design_effect: float
    n_eff: float
    confidence: float
    side: Side


def rate_interval(
    hits: ArrayLike,
    trials: ArrayLike,
    *,
    confidence: float = 0.95,
    side: Side = "two",
    min_design_effect: float = 1.0,
) -> RateInterval:
    """Return a rate and its Clopper-Pearson interval on the effective number of trials.

    Args:
        hits: whole numbers, one a cluster (a sample with all its attacks and attempts).
        trials: same length; clusters without trials are left out.
        confidence: in [0.5, 1); of the whole interval, so each limit of a two-sided one misses with half the rest.
        side: ``two``; ``upper`` bounds the rate from above only, ``lower`` from below only.
        min_design_effect: never assume less dependence than this; pass the planned ``1 + (attempts - 1) * icc``.

    Raises:
        ValueError: bad counts (see `counts`), confidence, side or design effect.

    Source: Korn and Graubard, Survey Methodology 24 (1998) 193-201, with Satterthwaite degrees of freedom and a
    zero-hit limit (docs/explanation/statistics.md has the measured coverage). Exact Clopper-Pearson where every
    cluster has one trial.

    Wrong to use when clusters depend on one another (paraphrases counted as separate samples), when the samples were
    picked after seeing their outcome, and for claims about attacks that were not run: attacks are fixed here.

    >>> r = rate_interval([0] * 59, [1] * 59, side="upper")
    >>> round(r.high, 4)
    0.0495
    """
    check_confidence(confidence)
    if side not in ("two", "upper", "lower"):
        raise ValueError(f"side must be 'two', 'upper' or 'lower'; got {side!r}")
    floor = check_design_effect(min_design_effect)
    x, n = counts(hits, trials)
    tail = (1 - confidence) / (2 if side == "two" else 1)
    e = effective(x, n, tail, floor)
    low, high = limits(e, tail)
    return RateInterval(
        rate=float(e.rate),
        low=0.0 if side == "upper" else float(low),
        high=1.0 if side == "lower" else float(high),
        hits=int(x.sum()),
        trials=int(n.sum()),
        clusters=x.size,
        design_effect=float(e.design_effect),
        n_eff=float(e.n),
        confidence=float(confidence),
        side=side,
    )
