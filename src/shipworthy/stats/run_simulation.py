"""Error rates of a whole comparison, measured: several suites, several metrics, and runs that shift as a whole.

Used by ``tests/statistics`` and ``bench/error_rates.py``. The draws go through the very functions that decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from shipworthy.stats.clusters import Floats
from shipworthy.stats.multiplicity import gatekeeping, holm
from shipworthy.stats.paired import Pairs, relabel
from shipworthy.stats.replicates import shift_p

_BATCH = 500


class RunDesign(NamedTuple):
    """What is compared: events, one attempt a sample.

    Attributes:
        rates: of each suite, what its metrics' rates are about, in (0, 1); the first is the primary one.
        clusters: samples of each suite.
        shift: standard deviation, on the log odds, by which each run of each suite is shifted as a whole.
        old_runs: runs of the old system, the one that is paired included; 1 for no replicates.
        hardness: standard deviation, on the log odds, of how hard samples are.
    """

    rates: Sequence[Sequence[float]]
    clusters: int = 100
    shift: float = 0.0
    old_runs: int = 4
    hardness: float = 1.5


Rise = Callable[[int, int], float]
"""Of a suite and a metric, by their places: what the new system adds to the log odds."""


def alarms(
    case: RunDesign,
    *,
    repeats: int,
    seed: int,
    rise: Rise = lambda suite, metric: 0.0,
    order: Literal["primary first", "holm"] = "primary first",
    alpha: float = 0.05,
) -> NDArray[np.bool_]:
    """Return which metrics raise an alarm, shape (repeats, metrics), metrics suite by suite.

    Args:
        rise: nothing changed if left out: any alarm is then false.
        order: how p-values are corrected, by `gatekeeping` or by `holm` over all of them.
    """
    rng = np.random.default_rng(seed)
    suites = [s for s, rates in enumerate(case.rates) for _ in rates]
    primary = [m == 0 for rates in case.rates for m, _ in enumerate(rates)]
    found = []
    for done in range(0, repeats, _BATCH):
        rows = min(_BATCH, repeats - done)
        p = np.stack([each for s in range(len(case.rates)) for each in _suite(case, s, rise, rows, rng)], -1)
        found += [(gatekeeping(row, suites, primary) if order == "primary first" else holm(row)) <= alpha for row in p]
    return np.array(found)


def _suite(case: RunDesign, suite: int, rise: Rise, rows: int, rng: np.random.Generator) -> list[Floats]:
    """Return the p-values of one suite's metrics, each of shape (rows,). A shift moves all its metrics alike."""
    shape = (rows, case.old_runs + 1)
    moved = rng.normal(0.0, case.shift, shape)
    made = []
    for metric, rate in enumerate(case.rates[suite]):
        # What a logistic-normal law with this spread adds to the odds, about: the mean is then near the rate.
        centre = float(logit(rate)) * (1 + 0.35 * case.hardness**2 / 2) ** 0.5
        hard = rng.normal(0.0, case.hardness, (rows, 1, case.clusters))
        added = np.zeros(shape)
        added[:, 0] = rise(suite, metric)
        hits = rng.random((*shape, case.clusters)) < expit(centre + hard + (moved + added)[..., None])
        new, old = hits[:, 0], hits[:, 1]
        rose, fell = (new & ~old).sum(-1), (old & ~new).sum(-1)
        p = np.array([_pair_p(int(a), int(b)) for a, b in zip(rose, fell, strict=True)])
        if case.old_runs > 1:
            shares = hits.mean(-1)
            p = np.maximum(p, shift_p(shares[:, 0], shares[:, 1:], case.clusters))
        made.append(p)
    return made


@cache
def _pair_p(rose: int, fell: int) -> float:
    one, moved = np.ones(max(1, rose + fell)), np.zeros(max(1, rose + fell))
    moved[:rose] = 1.0
    back = np.zeros_like(moved)
    back[rose : rose + fell] = 1.0
    return relabel(Pairs(moved, one, back, one), 0)
