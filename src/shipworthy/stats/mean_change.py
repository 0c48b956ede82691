"""A mean of numbers on a known range in two runs on the same samples: the difference, and the test with a margin.

The estimand is the mean over clusters of the change of the cluster's own mean: each sample counts once, as in
`shipworthy.stats.mean`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.betting import upper_limit
from shipworthy.stats.clusters import Floats, check_confidence
from shipworthy.stats.criterion import TestVerdict
from shipworthy.stats.mean import check_range, cluster_means, to_unit
from shipworthy.stats.paired import DRAWS, NoninferiorityTest, PairedDifference

_ENUMERATED = 14
"""Clusters that moved up to which every relabelling is counted; beyond, `DRAWS` of them are drawn."""


def mean_difference(
    totals: ArrayLike,
    counts: ArrayLike,
    old_totals: ArrayLike,
    old_counts: ArrayLike,
    *,
    low: float,
    high: float,
    confidence: float = 0.95,
    seed: int = 0,
) -> PairedDifference:
    """Return how a mean changed between two runs on the same clusters: interval and p-value, in the values' unit.

    Args:
        totals, counts: of the new run, one entry a cluster.
        old_totals, old_counts: of the old run, the same clusters in the same order.
        low, high: the range that every value lies in, known before the data were seen.
        confidence: of the two-sided interval, in [0.5, 1).
        seed: of the random relabellings; the p-value is exact, without them, where at most 14 clusters moved.

    Raises:
        ValueError: bad values, counts, range or confidence; the runs do not list the same clusters.

    The interval is the one of `mean_interval` on the differences, which lie between ``low - high`` and
    ``high - low``. The p-value swaps the two runs in whole clusters (sign-flip test), as `paired_difference` does.
    Wrong to use as evidence of *no* change: for that, `mean_noninferiority_test`.

    >>> d = mean_difference([0.9] * 40, [1] * 40, [0.5] * 40, [1] * 40, low=0, high=1)
    >>> round(d.difference, 3), d.rose, d.p_value < 0.001
    (0.4, 40, True)
    """
    tail = (1 - check_confidence(confidence)) / 2
    change, width = _changes((totals, counts), (old_totals, old_counts), low, high)
    least, most = _limits(change, width, tail)
    return PairedDifference(
        _mean(change, width), least, most, _relabel(change, width, seed),
        change.size, *_moved(change, width), float(confidence),
    )  # fmt: skip


def mean_noninferiority_test(
    totals: ArrayLike,
    counts: ArrayLike,
    old_totals: ArrayLike,
    old_counts: ArrayLike,
    margin: float,
    *,
    low: float,
    high: float,
    worse: Literal["higher", "lower"] = "lower",
    confidence: float = 0.95,
) -> NoninferiorityTest:
    """Test that a mean is not worse than in a baseline run by more than a margin, on the same clusters.

    The chance to pass when the true worsening is exactly the margin is at most ``1 - confidence`` for every
    distribution on the range.

    Args:
        totals, counts, old_totals, old_counts, low, high: as in `mean_difference`.
        margin: in the unit of the values, above 0 and at most ``high - low``.
        worse: ``lower`` where high values are good, ``higher`` where low ones are.

    Raises:
        ValueError: bad values, counts, range, margin, `worse` or confidence; the runs do not list the same clusters.

    Wrong to use with a baseline chosen because it looked good, or bad, on these same samples.

    >>> same = [0.7, 0.8, 0.9, 0.6] * 50
    >>> mean_noninferiority_test(same, [1] * 200, same, [1] * 200, 0.05, low=0, high=1).verdict
    'pass'
    """
    if not 0 < margin <= check_range(low, high):
        raise ValueError(f"margin must be above 0 and at most {high - low:g}, the width of the range; got {margin}")
    if worse not in ("higher", "lower"):
        raise ValueError(f"worse is 'higher' or 'lower'; got {worse!r}")
    alpha = 1 - check_confidence(confidence)
    change, width = _changes((totals, counts), (old_totals, old_counts), low, high)
    least, most = _limits(change, width, alpha / 2)
    lower, upper = _limits(change, width, alpha)
    bound, opposite = (upper, lower) if worse == "higher" else (-lower, -upper)
    verdict: TestVerdict = "pass" if bound <= margin else "fail" if opposite > margin else "inconclusive"
    return NoninferiorityTest(
        verdict, bound, opposite, float(margin), worse, _mean(change, width), least, most,
        change.size, *_moved(change, width), float(confidence),
    )  # fmt: skip


def _changes(
    new: tuple[ArrayLike, ArrayLike], old: tuple[ArrayLike, ArrayLike], low: float, high: float
) -> tuple[Floats, float]:
    """Return each cluster's change, in [-width, width], and the width of the values' range."""
    width = check_range(low, high)
    lengths = [np.size(np.asarray(v)) for v in (*new, *old)]
    if len(set(lengths)) != 1:
        raise ValueError(f"the runs must list the same clusters in the same order; got lengths {lengths}")
    counts, old_counts = np.asarray(new[1]), np.asarray(old[1])
    if counts.ndim == old_counts.ndim == 1 and ((counts > 0) != (old_counts > 0)).any():
        at = int(np.argmax((counts > 0) != (old_counts > 0)))
        raise ValueError(f"cluster {at} has values in one run only; leave it out of both, or run it in both")
    change = cluster_means(*new, low, high)[0] - cluster_means(*old, low, high, "old ")[0]
    # Where nothing changed, two sums in different order may still differ in the last digit.
    return np.where(np.abs(change) <= 1e-12 * max(abs(low), abs(high)), 0.0, change), width


def _limits(change: Floats, width: float, tail: float) -> tuple[float, float]:
    scaled, mean = to_unit(change, -width, width), _mean(change, width)
    low = -width + 2 * width * (1 - upper_limit(1 - scaled, tail))
    high = -width + 2 * width * upper_limit(scaled, tail)
    return min(low, mean), max(high, mean)


def _mean(change: Floats, width: float) -> float:
    return min(max(float(change.mean()), -width), width)


def _moved(change: Floats, width: float) -> tuple[int, int]:
    return int((change > 1e-12 * width).sum()), int((change < -1e-12 * width).sum())


def _relabel(change: Floats, width: float, seed: int) -> float:
    """Two-sided p-value over ways to swap the two runs within clusters: independent signs on the changes."""
    steps = np.sort(np.abs(change[np.abs(change) > 1e-12 * width]))
    if not steps.size:
        return 1.0
    seen = abs(float(change.sum())) - 1e-9 * width
    if steps.size <= _ENUMERATED:
        return float((np.abs(_signed_sums(steps)) >= seen).mean())
    # A random byte gives eight clusters their signs at once: its 256 sums are looked up, not added up.
    rng = np.random.default_rng(seed)
    drawn = np.zeros(DRAWS)
    for first in range(0, steps.size, 8):
        eight = _signed_sums(steps[first : first + 8])
        drawn += eight[rng.integers(eight.size, size=DRAWS)]
    return (int((np.abs(drawn) >= seen).sum()) + 1) / (DRAWS + 1)


def _signed_sums(steps: Floats) -> Floats:
    """Return the sums under every choice of signs, shape (2 ** steps,)."""
    sums = np.zeros(1)
    for step in steps:
        sums = np.concatenate([sums + step, sums - step])
    return sums
