"""Error rates of the tests on means, measured: draw clustered values with a known mean and count the wrong answers.

Used by ``tests/statistics`` and ``bench/error_rates.py``. Values lie on [0, 1]. The draws go through `log_capital`,
which decides for `mean_test`, `mean_interval` and `mean_noninferiority_test` alike: a limit is ruled out when the
capital reaches ``1 / tail``, and the interval is what is not ruled out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import Literal, NamedTuple

import numpy as np

from shipworthy.stats.betting import log_capital
from shipworthy.stats.clusters import Floats
from shipworthy.stats.mean import to_unit

_BATCH = 500_000
"""Clusters drawn at a time; bounds memory to about 100 MB."""

Law = Literal["beta", "skewed", "two_point", "background", "unequal"]
LAWS: tuple[Law, ...] = ("beta", "skewed", "two_point", "background", "unequal")


class MeanDesign(NamedTuple):
    """How values are drawn.

    Attributes:
        law: of the clusters' own means, all with exactly the mean asked for. ``beta`` (size 5); ``skewed``: beta of
            size 0.5, most of it near the ends; ``two_point``: 0 or 1; ``background``: a few clusters at 1 (a third of
            the mean) and the others a little above 0; ``unequal``: half of the clusters, the worse half, has 20 times
            as many values as the other.
        values: in a cluster (in a small one, for ``unequal``), drawn as 0 or 1 around the cluster's own mean.
    """

    clusters: int
    values: int = 5
    law: Law = "beta"


def mean_coverage(design: MeanDesign, mean: float, *, replicates: int, seed: int, confidence: float = 0.95) -> float:
    """Return how often the two-sided interval of `mean_interval` contains the true mean."""
    tail, inside = (1 - confidence) / 2, 0
    for y in _one_run(design, mean, replicates, seed):
        out = (log_capital(y, mean, tail) >= log(1 / tail)) | (log_capital(1 - y, 1 - mean, tail) >= log(1 / tail))
        inside += int((~out).sum())
    return inside / replicates


def mean_passes(
    design: MeanDesign,
    mean: float,
    limit: float,
    *,
    replicates: int,
    seed: int,
    method: Literal["betting", "hoeffding", "t"] = "betting",
    confidence: float = 0.95,
) -> float:
    """Return how often `mean_test` (at most) passes; with ``mean == limit``, how often it wrongly ships.

    Args:
        method: ``hoeffding`` or ``t`` puts that upper bound instead, to show what it would have done.
    """
    from scipy.special import stdtrit

    alpha, passed = 1 - confidence, 0
    for y in _one_run(design, mean, replicates, seed):
        if method == "betting":
            passed += int((log_capital(y, limit, alpha) >= log(1 / alpha)).sum())
            continue
        if method == "hoeffding":
            reach = np.sqrt(log(1 / alpha) / (2 * design.clusters))
        else:
            reach = stdtrit(design.clusters - 1, confidence) * y.std(-1, ddof=1) / np.sqrt(design.clusters)
        passed += int((y.mean(-1) + reach <= limit).sum())
    return passed / replicates


def mean_passes_paired(
    design: MeanDesign,
    mean: float,
    rise: float,
    margin: float,
    *,
    replicates: int,
    seed: int,
    confidence: float = 0.95,
) -> float:
    """Return how often `mean_noninferiority_test` passes; with ``rise == margin``, how often it wrongly ships.

    Args:
        mean: true mean of the old run; the new run's is ``mean + rise``: what is missing to 1 shrinks in every cluster.
    """
    alpha, passed = 1 - confidence, 0
    kept = 1 - rise / (1 - mean)
    for rng, shape in _batches(design, replicates, seed):
        old, n = _cluster_means(rng, shape, mean, design)
        change = _seen(rng, 1 - (1 - old) * kept, n) - _seen(rng, old, n)
        y = to_unit(change, -1.0, 1.0)
        passed += int((log_capital(y, (margin + 1) / 2, alpha) >= log(1 / alpha)).sum())
    return passed / replicates


def _batches(design: MeanDesign, replicates: int, seed: int) -> Iterator[tuple[np.random.Generator, tuple[int, int]]]:
    rng = np.random.default_rng(seed)
    done, size = 0, max(1, _BATCH // design.clusters)
    while done < replicates:
        rows = min(size, replicates - done)
        yield rng, (rows, design.clusters)
        done += rows


def _one_run(design: MeanDesign, mean: float, replicates: int, seed: int) -> Iterator[Floats]:
    for rng, shape in _batches(design, replicates, seed):
        yield _seen(rng, *_cluster_means(rng, shape, mean, design))


def _seen(rng: np.random.Generator, means: Floats, n: Floats) -> Floats:
    drawn: Floats = rng.binomial(n.astype(np.int64), means) / n
    return drawn


def _cluster_means(
    rng: np.random.Generator, shape: tuple[int, int], mean: float, design: MeanDesign
) -> tuple[Floats, Floats]:
    """Draw the clusters' own means, and how many values each has."""
    n = np.full(shape, float(design.values))
    if design.law == "two_point":
        return (rng.random(shape) < mean).astype(np.float64), n
    if design.law == "background":
        weak = mean / 3
        return np.where(rng.random(shape) < weak, 1.0, (mean - weak) / (1 - weak)), n
    size = 0.5 if design.law == "skewed" else 5.0
    drawn = rng.beta(size * mean, size * (1 - mean), shape)
    if design.law == "unequal":
        n[drawn > np.median(drawn, axis=-1, keepdims=True)] *= 20
    return drawn, n
