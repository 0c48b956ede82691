"""Clustered counts: what goes in, and how much fewer independent trials it is worth.

All sums run over the last axis, so that one call serves one data set (shape ``(clusters,)``) or a whole simulation
(shape ``(replicates, clusters)``); the simulations in ``tests/statistics`` therefore run the code that decides.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincinv, stdtrit

Floats = NDArray[np.float64]


def counts(hits: ArrayLike, trials: ArrayLike, what: str = "") -> tuple[Floats, Floats]:
    """Check per-cluster counts and return them as floats, without the clusters that have no trials.

    Raises:
        ValueError: not one-dimensional, of different length, not whole numbers, negative, more hits than trials, or
            no trial at all.
    """
    x, n = whole(hits, f"{what}hits"), whole(trials, f"{what}trials")
    if x.shape != n.shape:
        raise ValueError(f"{what}hits has {x.size} clusters and {what}trials {n.size}; give one entry a cluster")
    if (x > n).any():
        at = int(np.argmax(x > n))
        raise ValueError(f"cluster {at} has more {what}hits ({x[at]:.0f}) than {what}trials ({n[at]:.0f})")
    if not n.sum():
        raise ValueError(f"no {what}trials at all: there is nothing to estimate")
    return x[n > 0], n[n > 0]


def whole(values: ArrayLike, name: str) -> Floats:
    """Return whole, non-negative numbers, one entry a cluster, as floats.

    Raises:
        ValueError: not one-dimensional, or entries that are not such numbers.
    """
    given: NDArray[Any] = np.asarray(values)
    if given.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, one entry a cluster; got shape {given.shape}")
    if given.size and given.dtype.kind not in "iufb":
        raise ValueError(f"{name} must be numbers; got {given.dtype}")
    array = given.astype(np.float64)
    if not np.isfinite(array).all() or (array != np.floor(array)).any():
        raise ValueError(f"{name} must be whole numbers")
    if (array < 0).any():
        raise ValueError(f"{name} must not be negative")
    return array


def check_confidence(confidence: float) -> float:
    """Return `confidence` if it lies in [0.5, 1).

    Raises:
        ValueError: it does not; 95 written for 0.95 is the usual reason.
    """
    if not 0.5 <= confidence < 1:
        raise ValueError(f"confidence must lie in [0.5, 1); got {confidence}")
    return float(confidence)


def check_design_effect(value: float) -> float:
    """Return `value` if it is a finite number of at least 1.

    Raises:
        ValueError: it is not.
    """
    if not (np.isfinite(value) and value >= 1):
        raise ValueError(f"min_design_effect must be a finite number of at least 1; got {value}")
    return float(value)


class Effective(NamedTuple):
    """A clustered rate as an equivalent number of independent trials; every field has the leading shape."""

    rate: Floats
    design_effect: Floats
    n: Floats
    n_zero: Floats
    """What the data would be worth with no hit at all: the effective number of clusters."""


def effective(x: Floats, n: Floats, tail: float, floor: float = 1.0, weight: Floats | None = None) -> Effective:
    """Estimate the rate, the design effect and the effective number of trials.

    The variance is the cluster-robust one of the ratio estimator; the design effect its ratio to the binomial
    variance, kept within [max(1, floor), max(largest cluster, floor)]. The effective number is then shrunk by the
    squared ratio of normal to Student quantiles (Korn and Graubard 1998), with Satterthwaite degrees of freedom taken
    from the kurtosis of the cluster residuals: with few clusters hit the variance itself is poorly known, and without
    this the bound was measured to miss 5.5 to 6.7 % of the time instead of 5 %.

    With no hit (or nothing but hits) the data say nothing about the design effect; the worst is taken, each cluster
    worth one trial (Kish's number where clusters differ in size).

    Args:
        x: hits, shape (..., clusters); need not be whole (the positive parts of differences are passed here).
        n: trials, same shape, positive.
        tail: probability of missing on one side, in (0, 0.5].
        floor: least design effect, >= 1.
        weight: how many clusters look like each entry, shape (..., entries); None: every entry is one cluster.
    """

    def add(values: Floats) -> Floats:
        result: Floats = np.sum(values if weight is None else values * weight, axis=-1)
        return result

    clusters = add(np.ones_like(x))
    total, hit = add(n), add(x)
    rate = np.minimum(hit / total, 1.0)
    kish = add(n**2) / total
    largest = np.maximum(n.max(-1), floor)
    one_sided = (hit <= 0) | (hit >= total)
    squares = (x - n * rate[..., None]) ** 2
    s2, s4 = add(squares), add(squares**2)
    binomial = np.where(one_sided, 1.0, rate * (1 - rate) * total)
    others = np.maximum(clusters - 1, 1.0)
    raw = np.where(clusters > 1, s2 * clusters / others / binomial, np.inf)
    spread = s4 - s2**2 / clusters
    freedom = np.clip(2 * s2**2 / np.maximum(spread, 1e-12 * (1 + s4)), 1.0, others)
    raw = np.where(one_sided, kish, raw)
    shrink = np.where(one_sided, 1.0, _quantile_ratio(total, freedom, tail))
    low = max(1.0, floor)
    return Effective(
        rate=rate,
        design_effect=np.clip(raw, low, largest),
        n=total / np.clip(raw / shrink, low, largest),
        n_zero=total / np.maximum(kish, floor),
    )


def _quantile_ratio(total: Floats, freedom: Floats, tail: float) -> Floats:
    if tail == 0.5:  # both quantiles are zero; the ratio's limit is one
        return np.ones_like(total)
    ratio = (stdtrit(np.maximum(total - 1, 1.0), 1 - tail) / stdtrit(freedom, 1 - tail)) ** 2
    shrink: Floats = np.minimum(ratio, 1.0)
    return shrink


def limits(e: Effective, tail: float) -> tuple[Floats, Floats]:
    """Return the Clopper-Pearson limits on the effective number of trials, each missing with probability `tail`.

    No data may look safer than data without a single hit: the upper limit is never below the one for zero hits in
    `n_zero` trials, and the lower one never above its mirror image. (One hit lets the design effect be estimated at 1,
    and would otherwise give a *lower* upper limit than no hit.)
    """
    k = e.rate * e.n
    upper = np.where(e.rate >= 1, 1.0, betaincinv(k + 1, np.maximum(e.n - k, 1e-9), 1 - tail))
    lower = np.where(e.rate <= 0, 0.0, betaincinv(np.maximum(k, 1e-9), e.n - k + 1, tail))
    edge = tail ** (1 / e.n_zero)
    return (
        np.minimum(np.minimum(lower, edge), e.rate),
        np.maximum(np.maximum(upper, 1 - edge), e.rate),
    )


def upper_within(e: Effective, tail: float, limit: float) -> NDArray[np.bool_]:
    """Return whether the upper limit of `limits` is at most `limit`, without computing it: ten times as fast.

    Args:
        limit: in (0, 1).
    """
    k = e.rate * e.n
    below = betainc(k + 1, np.maximum(e.n - k, 1e-9), limit) >= 1 - tail
    inside: NDArray[np.bool_] = below & (e.rate <= limit) & (1 - tail ** (1 / e.n_zero) <= limit)
    return inside
