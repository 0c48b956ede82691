"""Two runs on the same samples: the difference, its interval, and the test that it is not worse than a margin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd, lcm
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.betting import upper_limit
from shipworthy.stats.clusters import Floats, check_confidence, counts
from shipworthy.stats.criterion import TestVerdict
from shipworthy.stats.sample_rates import Bound, check_bound, lower_limits, table, upper_limits

DRAWS = 20_000
"""Random relabellings where the exact distribution is out of reach."""
_REACH = 200_000
"""Sum of the steps up to which it is worked out."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The change of a rate between two runs, in [-1, 1], or of a mean, in its unit; positive: the new run has more.

    Attributes:
        rose, fell: clusters whose rate or mean went up, down.
        p_value: of "the runs are exchangeable", two-sided, by relabelling whole clusters.
    """

    difference: float
    low: float
    high: float
    p_value: float
    clusters: int
    rose: int
    fell: int
    confidence: float


@dataclass(frozen=True, slots=True)
class NoninferiorityTest:
    """What a non-inferiority test found.

    Attributes:
        verdict: ``pass`` when the bound on the worsening is at most the margin, ``fail`` when its opposite bound is
            above the margin, ``inconclusive`` otherwise.
        bound: one-sided upper bound of the worsening (rise or fall) at `confidence`; `opposite` the lower one.
        difference, low, high: new minus old with its two-sided interval at the same confidence.
    """

    verdict: TestVerdict
    bound: float
    opposite: float
    margin: float
    worse: Literal["higher", "lower"]
    difference: float
    low: float
    high: float
    clusters: int
    rose: int
    fell: int
    confidence: float


class Pairs(NamedTuple):
    """Counts of two runs on the same clusters: new hits and trials, old hits and trials."""

    x1: Floats
    n1: Floats
    x0: Floats
    n0: Floats


def _pairs(hits: ArrayLike, trials: ArrayLike, old_hits: ArrayLike, old_trials: ArrayLike) -> Pairs:
    lengths = [np.size(np.asarray(v)) for v in (hits, trials, old_hits, old_trials)]
    if len(set(lengths)) != 1:
        raise ValueError(f"the runs must list the same clusters in the same order; got lengths {lengths}")
    new, old = np.asarray(trials), np.asarray(old_trials)
    if new.ndim == 1 and ((new > 0) != (old > 0)).any():
        at = int(np.argmax((new > 0) != (old > 0)))
        raise ValueError(f"cluster {at} has trials in one run only; leave it out of both, or run it in both")
    return Pairs(*counts(hits, trials), *counts(old_hits, old_trials, "old "))


def changes(pairs: Pairs) -> Floats:
    """Return each cluster's share of hits in the new run less that in the old one, in [-1, 1]."""
    change: Floats = pairs.x1 / pairs.n1 - pairs.x0 / pairs.n0
    return change


def difference_limits(values: Floats, weights: Floats, tail: float) -> tuple[Floats, Floats, Floats]:
    """Return the mean change over clusters and its limits, each missing with probability `tail`.

    The change is split into what rose and what fell. Both are shares in [0, 1], so each gets the limits of
    `sample_rates`; they are joined by the method of variance estimates recovery (Zou and Donner 2008; Newcombe 1998
    for binary pairs) with their observed correlation. With nothing that fell, the upper limit is the one of what rose,
    and with no change at all that of no hit on so many clusters: where Student's t would say "zero, surely". Putting
    Gaffke's limit on the changes themselves, as numbers in [-1, 1], was measured to be valid too and much weaker
    (decision 0010).

    Args:
        values: the distinct changes, shape (k,); `weights` clusters that show each, shape (..., k).
    """
    difference, high = _rise(values, weights, tail)
    return difference, -_rise(-values, weights, tail)[1], high


def rise_limit(values: Floats, weights: Floats, tail: float) -> Floats:
    """Return the upper limit of `difference_limits` alone, to 1e-5: for simulations."""
    return _rise(values, weights, tail, 1e-5)[1]


def _rise(values: Floats, weights: Floats, tail: float, near: float = 1e-11) -> tuple[Floats, Floats]:
    clusters = weights.sum(-1)
    up, down = np.maximum(values, 0.0), np.maximum(-values, 0.0)
    rose, fell = (weights * up).sum(-1) / clusters, (weights * down).sum(-1) / clusters
    rose_high = _once(upper_limits, up, weights, tail, near)
    fell_low = np.minimum(_once(lower_limits, down, weights, tail, near), fell)
    a, b = up - rose[..., None], down - fell[..., None]
    scale = np.sqrt((weights * a**2).sum(-1) * (weights * b**2).sum(-1))
    correlation = np.where(scale > 0, (weights * a * b).sum(-1) / np.where(scale > 0, scale, 1.0), 0.0)
    one, other = rose_high - rose, fell - fell_low
    reach = np.sqrt(np.maximum(one**2 + other**2 - 2 * correlation * one * other, 0.0))
    difference = rose - fell
    return difference, np.minimum(difference + reach, 1.0)


def _once(limits: Callable[..., Floats], values: Floats, weights: Floats, tail: float, near: float) -> Floats:
    """Return the limits of each row; of rows that are the same once values are merged, they are worked out once."""
    distinct, merged = _merged(values, weights)
    if merged.ndim == 1:
        return limits(distinct, merged, tail, near)
    rows, place = np.unique(merged, axis=0, return_inverse=True)
    found: Floats = limits(distinct, rows, tail, near)[place.reshape(-1)]
    return found


def _merged(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the same table with one entry for each distinct value."""
    distinct, code = np.unique(values, return_inverse=True)
    return distinct, np.stack([weights[..., code == k].sum(-1) for k in range(distinct.size)], -1)


def change_limits(change: Floats, tail: float, bound: Bound = "gaffke") -> tuple[float, float, float]:
    """Return the mean of one data set's changes and its limits, each missing with probability `tail`.

    Args:
        change: one a cluster, in [-1, 1], shape (clusters,).
        bound: ``gaffke`` for `difference_limits`, ``proved`` for betting on the changes as numbers in [-1, 1].
    """
    if bound == "proved":
        scaled, mean = (change + 1) / 2, float(change.mean())
        low, high = 1 - 2 * upper_limit(1 - scaled, tail), 2 * upper_limit(scaled, tail) - 1
        return mean, max(-1.0, min(low, mean)), min(1.0, max(high, mean))
    difference, low_, high_ = difference_limits(*table(change), tail)
    return float(difference), float(low_), float(high_)


def paired_difference(
    hits: ArrayLike,
    trials: ArrayLike,
    old_hits: ArrayLike,
    old_trials: ArrayLike,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> PairedDifference:
    """Return how a rate, the mean over clusters, changed between two runs on the same clusters: interval and p-value.

    Args:
        hits, trials: of the new run, one entry a cluster.
        old_hits, old_trials: of the old run, the same clusters in the same order.
        confidence: of the two-sided interval, in [0.5, 1).
        seed: of the random relabellings; the p-value is exact, without them, where the clusters' sizes have a small
            common multiple.

    Raises:
        ValueError: bad counts or confidence; the runs do not list the same clusters.

    The p-value swaps the two runs' counts in whole clusters (sign-flip test). It is the one to use for alarms, with
    `holm` over many metrics. Wrong to use as evidence of *no* change: for that, `noninferiority_test`.

    >>> paired_difference([1] * 8 + [0] * 40, [1] * 48, [0] * 48, [1] * 48).p_value
    0.0078125
    """
    tail = (1 - check_confidence(confidence)) / 2
    pairs = _pairs(hits, trials, old_hits, old_trials)
    change = changes(pairs)
    difference, low, high = change_limits(change, tail)
    rose, fell = _moved(pairs)
    return PairedDifference(difference, low, high, relabel(pairs, seed), change.size, rose, fell, float(confidence))


def noninferiority_test(
    hits: ArrayLike,
    trials: ArrayLike,
    old_hits: ArrayLike,
    old_trials: ArrayLike,
    margin: float,
    *,
    worse: Literal["higher", "lower"] = "higher",
    confidence: float = 0.95,
    bound: Bound = "gaffke",
) -> NoninferiorityTest:
    """Test that a rate is not worse than in a baseline run by more than a margin, on the same clusters.

    The rate is the mean over clusters of their share of hits, so each cluster counts once.

    The chance to pass when the true worsening is exactly the margin is at most ``1 - confidence``, also at low rates
    and with few changed clusters, where the t bound on paired differences passes too often (measured in
    ``tests/statistics``; decision 0010).

    Args:
        hits, trials: of the new run; `old_hits`, `old_trials` of the baseline.
        margin: in (0, 1].
        worse: ``higher`` for a rate of harm, ``lower`` for a rate of help.
        bound: ``gaffke``, measured to keep its promise, or ``proved``, wider and a theorem.

    Raises:
        ValueError: bad counts, margin, `worse`, confidence or bound; the runs do not list the same clusters.

    Wrong to use with a baseline chosen because it looked good, or bad, on these same samples.

    >>> same = [0] * 60
    >>> noninferiority_test(same, [1] * 60, same, [1] * 60, 0.05).verdict
    'pass'
    """
    if not 0 < margin <= 1:
        raise ValueError(f"margin must be above 0 and at most 1; got {margin}")
    if worse not in ("higher", "lower"):
        raise ValueError(f"worse is 'higher' or 'lower'; got {worse!r}")
    alpha = 1 - check_confidence(confidence)
    check_bound(bound)
    pairs = _pairs(hits, trials, old_hits, old_trials)
    change = changes(pairs)
    difference, low, high = change_limits(change, alpha / 2, bound)
    _, lower, upper = change_limits(change, alpha, bound)
    reached, opposite = (upper, lower) if worse == "higher" else (-lower, -upper)
    verdict: TestVerdict = "pass" if reached <= margin else "fail" if opposite > margin else "inconclusive"
    rose, fell = _moved(pairs)
    return NoninferiorityTest(
        verdict, reached, opposite, float(margin), worse, difference, low, high,
        pairs.x1.size, rose, fell, float(confidence),
    )  # fmt: skip


def _moved(pairs: Pairs) -> tuple[int, int]:
    change = pairs.x1 * pairs.n0 - pairs.x0 * pairs.n1
    return int((change > 0).sum()), int((change < 0).sum())


def relabel(pairs: Pairs, seed: int) -> float:
    """Return the two-sided p-value over all ways to swap the two runs within clusters: random signs on the changes.

    Exact where the changes are whole multiples of one small fraction; else from `DRAWS` seeded draws of the signs.
    """
    change = pairs.x1 * pairs.n0 - pairs.x0 * pairs.n1
    unit = lcm(*{int(a * b) for a, b in zip(pairs.n1, pairs.n0, strict=True)})
    if unit < 2**40:
        steps = np.abs(change) * (unit / (pairs.n1 * pairs.n0))
        if common := gcd(*(int(step) for step in np.rint(steps))):
            steps = np.rint(steps / common)
        if steps.sum() <= _REACH:
            signed = np.sign(change) * steps
            return _sign_flip(steps, abs(float(signed.sum())))
    steps = change / (pairs.n1 * pairs.n0)
    rng, seen = np.random.default_rng(seed), abs(float(steps.sum())) - 1e-9
    extreme, done = 0, 0
    while done < DRAWS:
        rows = min(DRAWS - done, max(1, 2_000_000 // steps.size))
        sums = np.where(rng.random((rows, steps.size)) < 0.5, steps, -steps).sum(-1)
        extreme += int((np.abs(sums) >= seen).sum())
        done += rows
    return (extreme + 1) / (DRAWS + 1)


def _sign_flip(steps: Floats, seen: float) -> float:
    """Exact probability that independent signs on whole-number steps sum to at least `seen` in absolute value."""
    moving = steps[steps > 0].astype(int)
    if not moving.size or seen == 0:
        return 1.0
    reach = int(moving.sum())
    chance = np.zeros(2 * reach + 1)
    chance[reach] = 1.0
    # Convolve with (x^-step + x^step) / 2. The mass stays within the reach, so rolling never wraps around.
    for step in moving:
        chance = (np.roll(chance, step) + np.roll(chance, -step)) / 2
    sums = np.arange(-reach, reach + 1)
    return float(min(1.0, chance[np.abs(sums) >= seen].sum()))
