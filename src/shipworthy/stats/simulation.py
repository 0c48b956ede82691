"""Error rates of the tests, measured: draw clustered attempts with a known truth and count the wrong answers.

Used by ``tests/statistics`` and ``bench/error_rates.py``; open to anybody who doubts a default for a design of theirs.
The draws go through the very functions that decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from shipworthy.stats.clusters import Floats
from shipworthy.stats.paired import Pairs, changes, rise_limit
from shipworthy.stats.sample_rates import lower_limits, table, upper_limits, upper_within

_BATCH = 1_000_000
"""Clusters drawn at a time; bounds memory to about 100 MB."""


class Design(NamedTuple):
    """How attempts are clustered, and the law of how weak each cluster is.

    Attributes:
        clusters: number with `attempts` each.
        icc: correlation of attempts within a cluster, in [0, 1], under a beta law; at 1, each is wholly weak or sound.
        drift: share of clusters whose weakness is drawn afresh for the second run, in [0, 1].
        background: instead of the beta law, the share of the rate that is a low chance of a hit in every cluster, in
            [0, 1]; the rest comes from a few wholly weak ones.
        large: further clusters, with `large_attempts` each.
    """

    clusters: int
    attempts: int
    icc: float
    drift: float = 0.5
    background: float | None = None
    large: int = 0
    large_attempts: int = 1

    @property
    def sizes(self) -> Floats:
        """Attempts of each cluster."""
        return np.repeat([float(self.attempts), float(self.large_attempts)], [self.clusters, self.large])


def coverage(
    design: Design, rate: float, *, replicates: int, seed: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return how often the two-sided interval contains the true rate, and its mean width."""
    tail = (1 - confidence) / 2
    inside, width = 0, 0.0
    for x, n in one_run(design, rate, replicates, seed):
        shares, counts = table(x / n)
        low, high = lower_limits(shares, counts, tail, 1e-6), upper_limits(shares, counts, tail, 1e-6)
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
    verdict: Literal["pass", "fail"] = "pass",
    confidence: float = 0.95,
) -> float:
    """Return how often `threshold_test` (at most) gives a verdict; with ``rate == limit`` each is wrong."""
    alpha, found = 1 - confidence, 0
    for x, n in one_run(design, rate, replicates, seed):
        shares, counts = table(x / n)
        if verdict == "fail":
            shares, held = 1 - shares, 1 - limit
        else:
            held = limit
        found += int(upper_within(shares, counts, held, alpha).sum())
    return found / replicates


class EachAttack(NamedTuple):
    """How often a condition on each of several attacks gives an answer, in [0, 1].

    Attributes:
        ships: every attack's upper bound meets the limit; wrong where one attack's rate is at it.
        fails: some attack's lower bound is above the limit; wrong where none of the rates is.
        misses: some attack's upper bound is below its own true rate.
    """

    ships: float
    fails: float
    misses: float


def each_attack(
    design: Design,
    rates: Sequence[float],
    limit: float,
    *,
    replicates: int,
    seed: int,
    confidence: float,
    alike: bool = False,
) -> EachAttack:
    """Return how often a limit on each attack's rate is met, failed, and how often a bound is wrong.

    Args:
        design: of the attempts of one attack.
        rates: the true rate of each attack.
        confidence: of each attack's one-sided bound.
        alike: whether the same clusters are weak under every attack; else they are drawn anew for each.
    """
    alpha, ships, fails, misses = 1 - confidence, 0, 0, 0
    runs = [one_run(design, rate, replicates, seed + (0 if alike else k)) for k, rate in enumerate(rates)]
    for drawn in zip(*runs, strict=True):
        tables = [table(x / n) for x, n in drawn]
        ships += int(np.all([upper_within(v, w, limit, alpha) for v, w in tables], axis=0).sum())
        fails += int(np.any([upper_within(1 - v, w, 1 - limit, alpha) for v, w in tables], axis=0).sum())
        wrong = [upper_within(v, w, rate, alpha) for (v, w), rate in zip(tables, rates, strict=True) if rate > 0]
        misses += int(np.any(wrong, axis=0).sum())
    return EachAttack(ships / replicates, fails / replicates, misses / replicates)


def passes_paired(
    design: Design,
    rate: float,
    rise: float,
    margin: float,
    *,
    replicates: int,
    seed: int,
    verdict: Literal["pass", "fail"] = "pass",
    method: Literal["recovery", "t"] = "recovery",
    confidence: float = 0.95,
) -> float:
    """Return how often `noninferiority_test` gives a verdict; with ``rise == margin`` each is wrong.

    Args:
        rate: true rate of the old run, in [0, 1]; the new run's is ``rate + rise``.
        method: ``t`` puts Student's t on the cluster differences instead, to show what it would have done.
    """
    from scipy.special import stdtrit

    alpha, found = 1 - confidence, 0
    for pairs in _two_runs(design, rate, rise, replicates, seed):
        d = changes(pairs)
        sign = 1.0 if verdict == "pass" else -1.0
        if method == "t":
            error = d.std(-1, ddof=1) / np.sqrt(d.shape[-1])
            high = sign * d.mean(-1) + stdtrit(d.shape[-1] - 1, confidence) * error
        else:
            values, counts = table(d)
            high = rise_limit(sign * values, counts, alpha)
        found += int((high <= sign * margin).sum())
    return found / replicates


def _batches(design: Design, replicates: int, seed: int) -> Iterator[tuple[np.random.Generator, tuple[int, int]]]:
    rng = np.random.default_rng(seed)
    done, size = 0, max(1, _BATCH // design.sizes.size)
    while done < replicates:
        rows = min(size, replicates - done)
        yield rng, (rows, design.sizes.size)
        done += rows


def one_run(design: Design, rate: float, replicates: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
    """Yield the hits and the attempts of each cluster, shape (replicates, clusters), a batch at a time."""
    for rng, shape in _batches(design, replicates, seed):
        n = np.broadcast_to(design.sizes, shape)
        yield rng.binomial(n.astype(int), _weakness(rng, shape, rate, design)).astype(np.float64), n


def _two_runs(design: Design, rate: float, rise: float, replicates: int, seed: int) -> Iterator[Pairs]:
    """Two paired runs. The rise is an independent new weakness on top of the old one, so both rates are exact."""
    added = rise / (1 - rate)
    for rng, shape in _batches(design, replicates, seed):
        old = _weakness(rng, shape, rate, design)
        fresh = _weakness(rng, shape, rate, design)
        kept = np.where(rng.random(shape) < design.drift, fresh, old)
        new = 1 - (1 - kept) * (1 - _weakness(rng, shape, added, design))
        n = np.broadcast_to(design.sizes, shape)
        size = n.astype(int)
        yield Pairs(
            rng.binomial(size, new).astype(np.float64), n,
            rng.binomial(size, old).astype(np.float64), n,
        )  # fmt: skip


def _weakness(rng: np.random.Generator, shape: tuple[int, int], rate: float, design: Design) -> Floats:
    """Chance of a hit in each cluster, with mean `rate`."""
    icc = design.icc
    if design.background is not None:
        low = rate * design.background
        return np.where(rng.random(shape) < (rate - low) / (1 - low), 1.0, low)
    if rate in (0.0, 1.0) or icc == 0.0:
        return np.full(shape, rate)
    if icc == 1.0:
        return (rng.random(shape) < rate).astype(np.float64)
    scale = (1 - icc) / icc
    return rng.beta(rate * scale, (1 - rate) * scale, shape)
