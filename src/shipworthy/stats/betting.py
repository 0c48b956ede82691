"""Betting against a mean: a limit of the mean of independent numbers in [0, 1] that is a theorem, for any law."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, log

import numpy as np

from shipworthy.stats.clusters import Floats

_SHARES = 3.0 ** -np.arange(7)
"""Guesses at the variance, as shares of the largest one possible at the mean; a bet is sized for each of them."""
_WEIGHTS = np.arange(1.0, 8.0) ** -0.75 / (np.arange(1.0, 8.0) ** -0.75).sum()
STEADY = (1.0, 0.8, 0.6, 0.4, 0.25, 0.15, 0.08, 0.04, 0.02, 0.01)
"""Bets that do not look ahead to a number of clusters, as shares of the largest one."""
STEADY_WEIGHTS = (0.25, 0.15, 0.12, 0.1, 0.08, 0.08, 0.08, 0.06, 0.05, 0.03)
_STEPS = 80
_NEAR = 1e-11


def bets(limit: float, clusters: int, tail: float) -> Iterator[tuple[float, float]]:
    """Yield the weights of the mixture with their bets: the money staked on each cluster, in units of capital.

    For independent numbers of variance s2 the best fixed bet against ``mean >= limit`` is about
    ``sqrt(2 log(1 / tail) / (clusters * s2))``. The variance is not known beforehand, so capital is split over guesses
    from the largest variance possible at the limit, ``limit * (1 - limit)``, down to a 729th of it. The hyperbolic
    tangent keeps a bet below ``1 / (1 - limit)``, so that no outcome can cost more than what was staked.

    Args:
        limit: in (0, 1).
    """
    ratio = 2 * log(1 / tail) * (1 - limit) / (clusters * limit)
    for weight, share in zip(_WEIGHTS, _SHARES, strict=True):
        yield float(weight), float(np.tanh(np.sqrt(ratio / share))) / (1 - limit)


def steady_bets(limit: float) -> Iterator[tuple[float, float]]:
    """Yield the weights and bets of a mixture that is the same however many clusters come.

    Where the mean is ``q`` times the limit, the bet that makes capital grow fastest is ``1 - q`` of the largest one, so
    capital is split over such shares: most on the largest, for systems that are clean; the smallest are for the other
    side, where a rate is a little above its limit. Their capital is an e-process: it may be looked at after every
    cluster, and reaches ``1 / tail`` at any time at all with probability at most `tail` (Ville 1939).

    Args:
        limit: in (0, 1).
    """
    for weight, share in zip(STEADY_WEIGHTS, STEADY, strict=True):
        yield weight, share / (1 - limit)


def log_capital(y: Floats, limit: float, tail: float, weight: Floats | None = None, *, anytime: bool = False) -> Floats:
    """Return the logarithm of what betting against ``mean >= limit`` has made of one unit of capital.

    Each bet multiplies the capital by ``1 + bet * (limit - y)`` at every cluster: never negative, and at most 1 on
    average if the mean is at least the limit. Bets are fixed before the data, so the product over independent clusters,
    and any fixed mixture of such products, is also at most 1 on average. By Markov's inequality it reaches ``1 / tail``
    with probability at most `tail`: then, and only then, the limit is ruled out.

    A product does not depend on the order of its factors. Each factor falls in `y`, and grows in `limit`: the bet's
    logarithmic slope in the limit lies between ``1 / (1 - limit) - 1 / (2 limit (1 - limit))`` and ``1 / (1 - limit)``,
    so ``bet * (limit - y)`` never falls. The limits that are not ruled out are therefore an interval.

    Args:
        y: cluster means on [0, 1], shape (..., clusters).
        limit: in (0, 1).
        tail: in (0, 0.5].
        weight: how many clusters show each entry of `y`, shape (..., entries) with the same sum in each row; None:
            every entry is one cluster.
        anytime: whether the bets are `steady_bets`; `tail` changes nothing then.
    """
    gap = limit - y
    times = np.ones_like(gap) if weight is None else weight
    clusters = int(times.reshape(-1, times.shape[-1])[0].sum())
    capital = np.full(times.shape[:-1], -np.inf)
    with np.errstate(divide="ignore"):  # a stake lost whole is a logarithm of minus infinity
        for part, bet in steady_bets(limit) if anytime else bets(limit, clusters, tail):
            # The bet's cap may be passed by a rounding error; a factor is never negative.
            factor = np.log(np.maximum(1 + bet * gap, 0.0))
            gain = np.where(times > 0, times * np.where(times > 0, factor, 0.0), 0.0).sum(-1)
            capital = np.logaddexp(capital, log(part) + gain)
    return capital


def upper_limit(y: Floats, tail: float, *, anytime: bool = False) -> float:
    """Return the upper limit of the mean of cluster means on [0, 1], missing with probability at most `tail`.

    The root of ``log_capital = log(1 / tail)``, by regula falsi with the Illinois step; the end of the bracket that is
    ruled out is returned, so the tolerance errs on the safe side.

    Args:
        anytime: whether it holds after every cluster at once, so that one may look, and stop, whenever one likes.
    """
    y = y[np.argsort(y, kind="stable")]  # the same sum, to the last digit, whatever the order of the clusters
    goal = log(1 / tail)
    mean = float(y.mean())
    below, above = max(mean, 1e-12), 1.0 - 1e-12
    if mean >= above:
        return 1.0
    missing, spare = (
        -goal,
        float(log_capital(y, above, tail, anytime=anytime)) - goal,
    )  # at the mean, capital is at most 1
    if spare < 0:
        return 1.0
    kept = 0
    for step in range(_STEPS):
        if above - below <= _NEAR:
            break
        # Every fifth step halves the bracket, for capital that is as flat as it is steep.
        share = 0.5 if step % 5 == 4 or not isfinite(spare) else missing / (missing - spare)
        middle = below + (above - below) * min(max(share, 1e-6), 1 - 1e-6)
        found = float(log_capital(y, middle, tail, anytime=anytime)) - goal
        if found >= 0:
            above, spare = middle, found
            missing, kept = (missing / 2 if kept > 0 else missing), 1
        else:
            below, missing = middle, found
            spare, kept = (spare / 2 if kept < 0 else spare), -1
    return above
