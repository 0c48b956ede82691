"""Two runs on the same samples: the difference, its interval, and the test that it is not worse than a margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.clusters import Floats, check_confidence, check_design_effect, counts, effective, limits
from shipworthy.stats.criterion import TestVerdict

DRAWS = 20_000
"""Random relabellings where the exact distribution is out of reach."""


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


def difference_limits(
    pairs: Pairs, tail: float, floor: float = 1.0, weight: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return the difference of two paired clustered rates and its limits, each missing with probability `tail`.

    The difference is split into what rose and what fell. Both parts are rates of clustered, bounded quantities, so
    each gets limits on its effective number of trials (`effective`, `limits`); they are joined by the method of
    variance estimates recovery (Zou and Donner 2008; Newcombe 1998 for binary pairs) with their estimated
    correlation. With nothing that fell, the upper limit is the Clopper-Pearson one of what rose, and with no change
    at all it is that of zero hits in the effective number of clusters: where Student's t would say "zero, surely".

    Arrays have shape (..., clusters); `weight` as in `effective`.
    """

    def add(values: Floats) -> Floats:
        result: Floats = np.sum(values if weight is None else values * weight, axis=-1)
        return result

    big1, big0 = add(pairs.n1)[..., None], add(pairs.n0)[..., None]
    total = (big1 + big0) / 2
    size = (pairs.n1 / big1 + pairs.n0 / big0) / 2 * total
    change = (pairs.x1 / big1 - pairs.x0 / big0) * total
    up, down = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    rose, fell = effective(up, size, tail, floor, weight), effective(down, size, tail, floor, weight)
    rose_low, rose_high = limits(rose, tail)
    fell_low, fell_high = limits(fell, tail)
    a, b = up - size * rose.rate[..., None], down - size * fell.rate[..., None]
    scale = np.sqrt(add(a**2) * add(b**2))
    correlation = np.where(scale > 0, add(a * b) / np.where(scale > 0, scale, 1.0), 0.0)

    def reach(one: Floats, other: Floats) -> Floats:
        squared: Floats = one**2 + other**2 - 2 * correlation * one * other
        return np.sqrt(np.maximum(squared, 0.0))

    difference = rose.rate - fell.rate
    low = difference - reach(rose.rate - rose_low, fell_high - fell.rate)
    high = difference + reach(rose_high - rose.rate, fell.rate - fell_low)
    return difference, np.maximum(low, -1.0), np.minimum(high, 1.0)


def paired_difference(
    hits: ArrayLike,
    trials: ArrayLike,
    old_hits: ArrayLike,
    old_trials: ArrayLike,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> PairedDifference:
    """Return how a rate changed between two runs on the same clusters: interval and p-value.

    Args:
        hits, trials: of the new run, one entry a cluster.
        old_hits, old_trials: of the old run, the same clusters in the same order.
        confidence: of the two-sided interval, in [0.5, 1).
        seed: of the random relabellings; the p-value is exact, without them, where both runs have the same number of
            trials in each cluster.

    Raises:
        ValueError: bad counts or confidence; the runs do not list the same clusters.

    The p-value swaps the two runs' counts in whole clusters (sign-flip test). It is the one to use for alarms, with
    `holm` over many metrics. Wrong to use as evidence of *no* change: for that, `noninferiority_test`.

    >>> paired_difference([1] * 8 + [0] * 40, [1] * 48, [0] * 48, [1] * 48).p_value
    0.0078125
    """
    tail = (1 - check_confidence(confidence)) / 2
    pairs = _pairs(hits, trials, old_hits, old_trials)
    difference, low, high = difference_limits(pairs, tail)
    rose, fell = _moved(pairs)
    return PairedDifference(
        float(difference), float(low), float(high), _relabel(pairs, seed), pairs.x1.size, rose, fell, float(confidence)
    )


def noninferiority_test(
    hits: ArrayLike,
    trials: ArrayLike,
    old_hits: ArrayLike,
    old_trials: ArrayLike,
    margin: float,
    *,
    worse: Literal["higher", "lower"] = "higher",
    confidence: float = 0.95,
    min_design_effect: float = 1.0,
) -> NoninferiorityTest:
    """Test that a rate is not worse than in a baseline run by more than a margin, on the same clusters.

    The chance to pass when the true worsening is exactly the margin is at most ``1 - confidence``, also at low rates
    and with few changed clusters, where the t bound on paired differences passes too often (measured in
    ``tests/statistics``; decision 0010).

    Args:
        hits, trials: of the new run; `old_hits`, `old_trials` of the baseline.
        margin: in (0, 1].
        worse: ``higher`` for a rate of harm, ``lower`` for a rate of help.
        min_design_effect: least design effect of what rose and of what fell. The default, 1, is right in general: the
            dependence left *after* pairing is smaller than the planned one and is estimated.

    Raises:
        ValueError: bad counts, margin, `worse`, confidence or design effect; the runs do not list the same clusters.

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
    floor = check_design_effect(min_design_effect)
    pairs = _pairs(hits, trials, old_hits, old_trials)
    difference, low, high = difference_limits(pairs, alpha / 2, floor)
    _, lower, upper = difference_limits(pairs, alpha, floor)
    bound, opposite = (float(upper), float(lower)) if worse == "higher" else (-float(lower), -float(upper))
    verdict: TestVerdict = "pass" if bound <= margin else "fail" if opposite > margin else "inconclusive"
    rose, fell = _moved(pairs)
    return NoninferiorityTest(
        verdict, bound, opposite, float(margin), worse, float(difference), float(low), float(high),
        pairs.x1.size, rose, fell, float(confidence),
    )  # fmt: skip


def _moved(pairs: Pairs) -> tuple[int, int]:
    change = pairs.x1 * pairs.n0 - pairs.x0 * pairs.n1
    return int((change > 0).sum()), int((change < 0).sum())


def _relabel(pairs: Pairs, seed: int) -> float:
    """Two-sided p-value over all ways to swap the two runs within clusters."""
    if (pairs.n1 == pairs.n0).all():
        return _sign_flip(np.abs(pairs.x1 - pairs.x0), abs(float((pairs.x1 - pairs.x0).sum())))
    rng = np.random.default_rng(seed)

    def gap(x1: Floats, n1: Floats, x0: Floats, n0: Floats) -> Floats:
        result: Floats = np.abs(x1.sum(-1) / n1.sum(-1) - x0.sum(-1) / n0.sum(-1))
        return result

    seen = gap(*pairs) - 1e-12
    extreme, done = 0, 0
    while done < DRAWS:
        rows = min(DRAWS - done, max(1, 2_000_000 // pairs.x1.size))
        swap = rng.random((rows, pairs.x1.size)) < 0.5
        drawn = gap(
            np.where(swap, pairs.x0, pairs.x1), np.where(swap, pairs.n0, pairs.n1),
            np.where(swap, pairs.x1, pairs.x0), np.where(swap, pairs.n1, pairs.n0),
        )  # fmt: skip
        extreme += int((drawn >= seen).sum())
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
