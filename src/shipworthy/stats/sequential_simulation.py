"""Runs that are looked at while they go on, simulated: how often they wrongly decide, and how many clusters they take.

Used by ``tests/statistics`` and ``bench/error_rates.py``.
"""

from __future__ import annotations

from math import log
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.betting import steady_bets
from shipworthy.stats.clusters import Floats
from shipworthy.stats.sample_rates import table, upper_within
from shipworthy.stats.simulation import Design, one_run

Method = Literal["anytime", "peeking"]
"""``peeking`` looks at the fixed bound again and again, to show what that would do."""


class Stops(NamedTuple):
    """How sequential runs ended.

    Attributes:
        ships, fails: shares of the runs, in [0, 1]; the rest was never decided.
        mean, median, most: clusters taken; `most` by nine in ten of the runs.
    """

    ships: float
    fails: float
    mean: float
    median: float
    most: float


def stops(
    design: Design,
    rate: float,
    limit: float,
    *,
    replicates: int,
    seed: int,
    wave: int = 20,
    confidence: float = 0.95,
    method: Method = "anytime",
) -> Stops:
    """Run a criterion on a rate (at most `limit`) sequentially, a look after every wave, until it passes or fails.

    With ``rate == limit`` either verdict is wrong, and each may have a share of at most ``1 - confidence``.

    Args:
        design: the clusters that there are, small and large in random order.
        rate: the true one, in [0, 1].
        wave: clusters between two looks.
    """
    alpha, rng = 1 - confidence, np.random.default_rng([seed, 1])
    ships, fails, taken = 0, 0, []
    for x, n in one_run(design, rate, replicates, seed):
        y = rng.permuted(x / n, axis=-1)
        looks = np.unique(np.append(np.arange(wave, y.shape[-1], wave), y.shape[-1])) - 1
        decide = _bets if method == "anytime" else _peeks
        good, bad = decide(y, limit, alpha, looks), decide(1 - y, 1 - limit, alpha, looks)
        first = np.where((good | bad).any(-1), (good | bad).argmax(-1), looks.size - 1)
        rows = np.arange(first.size)
        ships, fails = ships + int(good[rows, first].sum()), fails + int((bad & ~good)[rows, first].sum())
        taken.append(looks[first] + 1)
    size = np.concatenate(taken)
    return Stops(
        ships / replicates, fails / replicates, float(size.mean()), float(np.median(size)),
        float(np.quantile(size, 0.9)),
    )  # fmt: skip


def _bets(y: Floats, limit: float, alpha: float, looks: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Say at which looks capital against ``mean >= limit`` has reached its goal; shape (runs, looks)."""
    capital = np.full((y.shape[0], looks.size), -np.inf)
    with np.errstate(divide="ignore"):
        for part, bet in steady_bets(limit):
            gain = np.cumsum(np.log(np.maximum(1 + bet * (limit - y), 0.0)), -1)[:, looks]
            capital = np.logaddexp(capital, log(part) + gain)
    reached: NDArray[np.bool_] = capital >= -log(alpha)
    return reached


def _peeks(y: Floats, limit: float, alpha: float, looks: NDArray[np.intp]) -> NDArray[np.bool_]:
    found = [upper_within(*table(y[:, : look + 1]), limit, alpha) for look in looks]
    each: NDArray[np.bool_] = np.stack(found, -1)
    return each
