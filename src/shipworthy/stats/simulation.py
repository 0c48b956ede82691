"""Error rates of the tests, measured: draw clustered attempts with a known truth and count the wrong answers.

Used by ``tests/statistics`` and ``bench/error_rates.py``; open to anybody who doubts a default for a design of theirs.
The draws go through the very functions that decide. Truth is beta-binomial, except for ``mixture``, where a few
clusters are wholly weak and the rest wholly sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from shipworthy.stats.clusters import Floats, effective, limits
from shipworthy.stats.paired import Pairs, difference_limits

_BATCH = 1_000_000
"""Clusters drawn at a time; bounds memory to about 100 MB."""


class Design(NamedTuple):
    """How attempts are clustered.

    Attributes:
        icc: correlation of attempts within a cluster, in [0, 1]; 1 is the mixture of wholly weak and wholly sound.
        drift: share of clusters whose weakness is drawn afresh for the second run, in [0, 1].
    """

    clusters: int
    attempts: int
    icc: float
    drift: float = 0.5

    @property
    def design_effect(self) -> float:
        """``1 + (attempts - 1) * icc``."""
        return 1 + (self.attempts - 1) * self.icc


def coverage(
    design: Design, rate: float, *, replicates: int, seed: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return how often the two-sided interval contains the true rate, and its mean width. No floor is applied."""
    tail = (1 - confidence) / 2
    inside, width = 0, 0.0
    for x, n in _one_run(design, rate, replicates, seed):
        low, high = limits(effective(x, n, tail), tail)
        inside += int(((low <= rate) & (rate <= high)).sum())
        width += float((high - low).sum())
    return inside / replicates, width / replicates


def passes(
    design: Design,
    rate: float,
    limit: float,
    *,
    replicates: int,
    seed: int,
    floor: float = 1.0,
    confidence: float = 0.95,
) -> float:
    """Return how often `threshold_test` (at most) passes; with ``rate == limit``, how often it wrongly ships."""
    alpha, passed = 1 - confidence, 0
    for x, n in _one_run(design, rate, replicates, seed):
        passed += int((limits(effective(x, n, alpha, floor), alpha)[1] <= limit).sum())
    return passed / replicates


def passes_paired(
    design: Design,
    rate: float,
    rise: float,
    margin: float,
    *,
    replicates: int,
    seed: int,
    method: Literal["recovery", "t"] = "recovery",
    confidence: float = 0.95,
) -> float:
    """Return how often `noninferiority_test` passes; with ``rise == margin``, how often it wrongly ships.

    Args:
        rate: true rate of the old run, in [0, 1]; the new run's is ``rate + rise``.
        method: ``t`` puts Student's t on the cluster differences instead, to show what it would have done.
    """
    from scipy.special import stdtrit

    alpha, passed = 1 - confidence, 0
    for pairs in _two_runs(design, rate, rise, replicates, seed):
        if method == "t":
            d = (pairs.x1 - pairs.x0) / design.attempts
            error = d.std(-1, ddof=1) / np.sqrt(design.clusters)
            high = d.mean(-1) + stdtrit(design.clusters - 1, confidence) * error
        else:
            high = difference_limits(pairs, alpha)[2]
        passed += int((high <= margin).sum())
    return passed / replicates


def _batches(design: Design, replicates: int, seed: int) -> Iterator[tuple[np.random.Generator, tuple[int, int]]]:
    rng = np.random.default_rng(seed)
    done, size = 0, max(1, _BATCH // design.clusters)
    while done < replicates:
        rows = min(size, replicates - done)
        yield rng, (rows, design.clusters)
        done += rows


def _one_run(design: Design, rate: float, replicates: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
    for rng, shape in _batches(design, replicates, seed):
        x = rng.binomial(design.attempts, _weakness(rng, shape, rate, design.icc)).astype(np.float64)
        yield x, np.full(shape, float(design.attempts))


def _two_runs(design: Design, rate: float, rise: float, replicates: int, seed: int) -> Iterator[Pairs]:
    """Two paired runs. The rise is an independent new weakness on top of the old one, so both rates are exact."""
    added = rise / (1 - rate)
    for rng, shape in _batches(design, replicates, seed):
        old = _weakness(rng, shape, rate, design.icc)
        fresh = _weakness(rng, shape, rate, design.icc)
        kept = np.where(rng.random(shape) < design.drift, fresh, old)
        new = 1 - (1 - kept) * (1 - _weakness(rng, shape, added, design.icc))
        n = np.full(shape, float(design.attempts))
        yield Pairs(
            rng.binomial(design.attempts, new).astype(np.float64), n,
            rng.binomial(design.attempts, old).astype(np.float64), n,
        )  # fmt: skip


def _weakness(rng: np.random.Generator, shape: tuple[int, int], rate: float, icc: float) -> Floats:
    """Chance of a hit in each cluster, with mean `rate`."""
    if rate in (0.0, 1.0) or icc == 0.0:
        return np.full(shape, rate)
    if icc == 1.0:
        return (rng.random(shape) < rate).astype(np.float64)
    scale = (1 - icc) / icc
    return rng.beta(rate * scale, (1 - rate) * scale, shape)
