"""Test and retest: how much of what a suite measures is the samples, how much the attempts, how much the whole run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.clusters import Floats


class Retest(NamedTuple):
    """Several runs of one system on the same clusters.

    Attributes:
        icc: correlation of two attempts on one cluster, in [0, 1]: the `icc` that sample sizes are planned with.
        low, high: its 95 % interval, by drawing clusters again.
        run_deviation: standard deviation of a shift of the whole run, beyond what its attempts explain, in the unit of
            the levels; 0 where the runs differ no more than chance lets them.
        levels: each run's mean over clusters.
        runs, clusters: how many.
    """

    icc: float
    low: float
    high: float
    run_deviation: float
    levels: tuple[float, ...]
    runs: int
    clusters: int


def retest(totals: ArrayLike, trials: ArrayLike, *, squares: ArrayLike | None = None, seed: int = 0) -> Retest:
    """Return intra-cluster correlation and run-level spread from repeated runs.

    Args:
        totals: shape (runs, clusters): hits of an event, or the sum of a value.
        trials: same shape: scored attempts; every one at least 1.
        squares: of a value, the sum of squares; of an event left out: hits are their own squares.
        seed: of the draws behind the interval.

    Raises:
        ValueError: fewer than two runs or clusters, other shapes, or a cluster without a trial in a run.

    The icc is the one-way analysis of variance's (Fisher 1925; Donner and Koval, Biometrics 36, 1980, for clusters of
    different size), over all attempts of all runs on a cluster: what runs share of a cluster is the cluster. The run's
    variance is that of the runs' levels less what attempts within clusters explain (method of moments), never below 0.
    Wrong to use on runs of a deterministic target with the same seeds, or from the reply cache: they repeat themselves,
    and the icc is 1 whatever the suite is. With two or three runs the run's deviation is a rough guess.
    """
    x, n = np.asarray(totals, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    s = x if squares is None else np.asarray(squares, dtype=np.float64)
    if x.ndim != 2 or x.shape != n.shape or s.shape != x.shape or min(x.shape) < 2:
        raise ValueError(f"give two runs or more on two clusters or more, in one shape; got {x.shape} and {n.shape}")
    if not (np.isfinite(x).all() and np.isfinite(s).all() and (n >= 1).all()):
        raise ValueError("every cluster needs a scored attempt in every run, and finite sums")
    rng = np.random.default_rng(seed)
    draws = rng.integers(x.shape[1], size=(1000, x.shape[1]))
    drawn = [_icc(x.sum(0)[pick], n.sum(0)[pick], s.sum(0)[pick]) for pick in draws]
    low, high = np.quantile(drawn, (0.025, 0.975))
    levels = (x / n).mean(-1)
    # Within a cluster attempts differ; what that does to a run's mean over clusters is no shift of the run.
    mean = x.sum(0) / n.sum(0)
    within = (s.sum(0) - n.sum(0) * mean**2) / np.maximum(n.sum(0) - 1, 1)
    noise = (within / n).sum(-1) / x.shape[1] ** 2
    shift = max(0.0, float(levels.var(ddof=1) - noise.mean()))
    icc = _icc(x.sum(0), n.sum(0), s.sum(0))
    return Retest(
        icc, float(low), float(high), shift**0.5, tuple(map(float, levels)), x.shape[0], x.shape[1]
    )  # fmt: skip


def _icc(x: Floats, n: Floats, squares: Floats) -> float:
    """One-way analysis of variance, clipped to [0, 1]; 1 where nothing varies within clusters, 0 where nothing does."""
    clusters, total = x.size, n.sum()
    grand = x.sum() / total
    between = (n * (x / n - grand) ** 2).sum() / (clusters - 1)
    within = max(0.0, float((squares - x**2 / n).sum() / max(1.0, total - clusters)))
    size = (total - (n**2).sum() / total) / (clusters - 1)
    if between + (size - 1) * within <= 0:
        return 0.0
    return float(np.clip((between - within) / (between + (size - 1) * within), 0.0, 1.0))
