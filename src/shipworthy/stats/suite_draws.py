"""Hits of one metric on one suite, drawn many times over: every test that looks at the suite is given the same draws.

A cluster has *cells*: groups of its trials that some test, or the S1 rule, looks at apart from the others (one attack's
attempts; those on samples of severity S1). All trials of a cluster share its weakness, which is drawn from the
beta law of the beta-binomial model. Only clusters with a hit are kept, so that a large suite costs what its hits cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.clusters import Floats
from shipworthy.stats.power import beta_binomial, two_runs

Ints = NDArray[np.int64]
DRAWS = 2000
_MOST_FOUND = 2_000_000
"""Clusters with a hit, over all draws, that are aimed at; beyond it fewer draws are made."""
_FEWEST = 200


class Block(NamedTuple):
    """Clusters that are alike: how many, and how many trials each has in every cell."""

    clusters: int
    cells: tuple[int, ...]


class HitLaw(NamedTuple):
    """What is assumed of the hits.

    Attributes:
        rate: chance of a hit in a trial, in [0, 1]; of the cells with scale 1.
        icc: correlation of two trials of one cluster, in [0, 1].
        scales: of each cell, by what its rate is lower, in (0, 1]. Hits there are thinned, which lowers the ICC, too.
        stability: share of clusters whose weakness is the same in an old run, in [0, 1].
    """

    rate: float
    icc: float
    scales: tuple[float, ...]
    stability: float = 0.5


class SuiteDraws(NamedTuple):
    """Hits in all draws; clusters that have none, in either run, are left out.

    Attributes:
        row: of each cluster kept, which draw it is in; `block` which kind it is; shape (found,).
        new: hits in each cell, shape (found, cells); `old` those of the old run, where one was drawn.
    """

    blocks: tuple[Block, ...]
    draws: int
    row: Ints
    block: Ints
    new: Ints
    old: Ints | None

    def table(self, cells: Sequence[bool], *, change: bool = False) -> tuple[Floats, Floats]:
        """Return the distinct shares of hits in some cells, shape (k,), and how many clusters show each, (draws, k).

        Args:
            cells: which to look at. A cluster with no trial in any of them is left out.
            change: the change from the old run to the new instead.

        Raises:
            ValueError: a change is asked for, and no old run was drawn.
        """
        if change and self.old is None:
            raise ValueError("no old run was drawn: ask for pairs")
        seen = np.asarray(cells, dtype=bool)
        trials = np.array([sum(np.asarray(b.cells)[seen]) for b in self.blocks], dtype=np.float64)
        there = trials[self.block] > 0
        hits = self.new[there][:, seen].sum(-1)
        if change and self.old is not None:
            hits = hits - self.old[there][:, seen].sum(-1)
        shares = np.round(hits / trials[self.block[there]], 12)
        values, code = np.unique(np.append(shares, 0.0), return_inverse=True)
        k = values.size
        flat = np.bincount(self.row[there] * k + code[:-1], minlength=self.draws * k)
        weights = flat.reshape(self.draws, k).astype(np.float64)
        clusters = sum(b.clusters for b, n in zip(self.blocks, trials, strict=True) if n)
        weights[:, code[-1]] += clusters - weights.sum(-1)
        return values, weights

    def without(self, cells: Sequence[bool]) -> NDArray[np.bool_]:
        """Return which draws have no hit of the new run in some cells, shape (draws,)."""
        hit = self.new[:, np.asarray(cells, dtype=bool)].sum(-1) > 0
        clear: NDArray[np.bool_] = np.bincount(self.row[hit], minlength=self.draws) == 0
        return clear


def draw_suite(blocks: Sequence[Block], law: HitLaw, *, seed: Sequence[int], pairs: bool = False) -> SuiteDraws:
    """Draw the hits on a suite `DRAWS` times; fewer where that would be millions of clusters with a hit, at least 200.

    For each kind of cluster it is drawn how many have each number of hits (beta-binomial). Which trials these are is
    then hypergeometric, as all trials of a cluster are alike until they are thinned.

    Args:
        seed: of the random numbers; the same gives the same draws.
        pairs: whether to draw an old run of the same rate, too, tied to the new one by `HitLaw.stability`.
    """
    rng = np.random.default_rng(list(seed))
    some = sum(b.clusters * (1 - _nothing(sum(b.cells), law, pairs)) for b in blocks)
    # A little more: the last digit of what is expected differs between versions of numpy, and with it a whole draw.
    draws = int(min(DRAWS, max(_FEWEST, _MOST_FOUND / max(some, 1.0))) + 1e-6)
    rows, kinds, news, olds = [], [], [], []
    for place, block in enumerate(blocks):
        m = sum(block.cells)
        chance = two_runs(m, law.rate, law.icc, law.stability).ravel() if pairs else beta_binomial(m, law.rate, law.icc)
        chance = np.clip(chance, 0.0, None)
        counted = rng.multinomial(block.clusters, chance / chance.sum(), draws)
        for outcome in np.flatnonzero(counted.any(0)):
            if not outcome:
                continue  # no hit at all
            row = np.repeat(np.arange(draws), counted[:, outcome])
            new, old = divmod(int(outcome), m + 1) if pairs else (int(outcome), 0)
            rows.append(row)
            kinds.append(np.full(row.size, place))
            news.append(_split(rng, block.cells, new, row.size))
            olds.append(_split(rng, block.cells, old, row.size if pairs else 0))
    none, scales = np.zeros(0, dtype=np.int64), np.asarray(law.scales)
    new_hits, old_hits = (np.concatenate([*found, none.reshape(0, scales.size)]) for found in (news, olds))
    if scales.min() < 1:
        new_hits, old_hits = rng.binomial(new_hits, scales), rng.binomial(old_hits, scales)
    row, kind = np.concatenate([*rows, none]), np.concatenate([*kinds, none])
    return SuiteDraws(tuple(blocks), draws, row, kind, new_hits, old_hits if pairs else None)


def no_hit(blocks: Sequence[Block], law: HitLaw, cells: Sequence[bool]) -> float:
    """Return the chance in [0, 1] that no cluster has a hit in some cells: exact under the law, without a draw.

    One cluster's t hits before thinning fall on any of its trials alike; each is then kept with its cell's scale. That
    none is kept has the mean of ``prod (1 - scale)`` over the choices of t trials, which a polynomial's coefficient is.
    """
    chance = 1.0
    for block in blocks:
        lost = np.ones(1)
        for trials, scale, seen in zip(block.cells, law.scales, cells, strict=True):
            for _ in range(trials if seen else 0):
                lost = np.convolve(lost, [1.0, 1.0 - scale])
        m = lost.size - 1
        choices = np.ones(1)
        for _ in range(m):
            choices = np.convolve(choices, [1.0, 1.0])
        chance *= float(beta_binomial(m, law.rate, law.icc) @ (lost / choices)) ** block.clusters
    return min(1.0, chance)


def _nothing(trials: int, law: HitLaw, pairs: bool) -> float:
    """Chance that a cluster has no hit, in the old run neither."""
    if pairs:
        return float(two_runs(trials, law.rate, law.icc, law.stability)[0, 0])
    return float(beta_binomial(trials, law.rate, law.icc)[0])


def _split(rng: np.random.Generator, cells: tuple[int, ...], hits: int, size: int) -> Ints:
    """Spread the hits of so many clusters over their trials."""
    if len(cells) == 1 or not hits:
        return np.full((size, len(cells)), hits if len(cells) == 1 else 0, dtype=np.int64)
    return rng.multivariate_hypergeometric(cells, hits, size, method="marginals")
