"""How many samples a criterion needs before it can be expected to decide.

Power is that of the tests in this package themselves: for one attempt a cluster it is exact; otherwise clusters are
drawn from the beta-binomial model (seeded) and go through the same code that decides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, log
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, betaincinv, betaln, gammaln

from shipworthy.stats.betting import log_capital
from shipworthy.stats.clusters import Floats, check_confidence
from shipworthy.stats.paired import rise_limit
from shipworthy.stats.sample_rates import Bound, check_bound, upper_within

Test = Literal["at_most", "at_least", "rise", "fall"]
MOST = 1_000_000
"""More clusters than this are reported as out of reach."""
_DRAWS = 2000


def required_clusters(
    limit: float,
    rate: float,
    *,
    test: Test = "at_most",
    attempts: int = 1,
    icc: float = 0.0,
    stability: float = 0.5,
    power: float = 0.8,
    confidence: float = 0.95,
    bound: Bound = "gaffke",
) -> int | None:
    """Return the least number of clusters at which a criterion passes with a given power.

    Args:
        limit: of the criterion: a rate for ``at_most`` and ``at_least``, a margin for ``rise`` and ``fall``; in (0, 1).
        rate: the true rate to assume, in [0, 1]; for ``rise`` and ``fall`` it is that of both runs (no real change).
        attempts: scored attempts a cluster (all attacks together), >= 1.
        icc: correlation of two attempts in one cluster, in [0, 1]: assumed here, and by no test.
        stability: ``rise`` and ``fall`` only: share of clusters whose weakness is the same in both runs, in [0, 1].
        power: chance to pass, in (0, 1).
        confidence: of the criterion's bound, in [0.5, 1).
        bound: which one decides, ``gaffke`` or ``proved``; of ``anytime``, power is that of the last look alone.

    Returns:
        The number of clusters; None where the assumed rate misses the limit, or above a million.

    Raises:
        ValueError: an argument out of range.

    Wrong to trust further than its assumptions: a few wholly weak samples among many safe ones need more. With several
    attempts a cluster the number carries the noise of 2,000 draws (about one percentage point of power).

    >>> required_clusters(0.01, 0.0025, power=0.8), required_clusters(0.05, 0.0125, power=0.99)
    (773, 311)
    """
    if not 0 < power < 1:
        raise ValueError(f"power must lie strictly between 0 and 1; got {power}")
    design = _design(
        _Design(limit, rate, test, attempts, icc, stability, 1 - check_confidence(confidence), check_bound(bound))
    )
    if design.test == "at_most" and design.rate >= design.limit:
        return None
    # No test here can pass before the zero-hit limit does.
    least = max(2, ceil(log(design.alpha) / log(1 - design.limit) - 1e-9))
    if least > MOST:
        return None
    if design.test == "at_most" and attempts == 1 and design.bound == "gaffke":
        return _exact_clusters(design, power, least)
    return _least(lambda clusters: _power(clusters, design) >= power, least)


def achieved_power(
    clusters: int,
    limit: float,
    rate: float,
    *,
    test: Test = "at_most",
    attempts: int = 1,
    icc: float = 0.0,
    stability: float = 0.5,
    confidence: float = 0.95,
    bound: Bound = "gaffke",
) -> float:
    """Return the chance in [0, 1] that a criterion passes with this many clusters; arguments as `required_clusters`.

    Raises:
        ValueError: an argument out of range.

    >>> round(achieved_power(773, 0.01, 0.0025), 2)
    0.87
    """
    if clusters < 1:
        raise ValueError(f"clusters must be at least 1; got {clusters}")
    return _power(
        int(clusters),
        _design(
            _Design(limit, rate, test, attempts, icc, stability, 1 - check_confidence(confidence), check_bound(bound))
        ),
    )


class _Design(NamedTuple):
    """What a criterion asks for and what is assumed; ``at_least`` is stored as ``at_most`` of the misses."""

    limit: float
    rate: float
    test: Test
    attempts: int
    icc: float
    stability: float
    alpha: float
    bound: Bound


def _design(given: _Design) -> _Design:
    """Return the design if its values are in range, with ``at_least`` turned into ``at_most`` of the misses."""
    limit, rate, test, attempts, icc, stability, _, _ = given
    if test not in ("at_most", "at_least", "rise", "fall"):
        raise ValueError(f"test is 'at_most', 'at_least', 'rise' or 'fall'; got {test!r}")
    if not 0 < limit < 1:
        raise ValueError(f"limit must lie strictly between 0 and 1; got {limit}")
    for name, value in (("rate", rate), ("icc", icc), ("stability", stability)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie in [0, 1]; got {value}")
    if attempts < 1 or attempts != int(attempts):
        raise ValueError(f"attempts must be a whole number of at least 1; got {attempts}")
    if test == "at_least":
        return given._replace(limit=1 - limit, rate=1 - rate, test="at_most")
    return given


def _exact_clusters(design: _Design, power: float, least: int) -> int | None:
    """Smallest n with enough power; only the n at which one more hit becomes allowed need to be tried."""
    allowed = 0
    clusters: int | None = least
    while clusters is not None:
        if float(bdtr(allowed, clusters, design.rate)) >= power:
            return clusters
        allowed += 1

        def enough(n: int, k: int = allowed) -> bool:
            return n > k and float(betaincinv(k + 1, n - k, 1 - design.alpha)) <= design.limit

        clusters = _least(enough, clusters + 1)
    return None


def _least(enough: Callable[[int], bool], start: int) -> int | None:
    """Smallest number from `start` that is enough, by doubling and halving; None above `MOST`."""
    low, high = start - 1, start
    while not enough(high):
        if high >= MOST:
            return None
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@lru_cache(maxsize=4096)
def _power(clusters: int, design: _Design) -> float:
    """Chance that the test passes, from draws of how many clusters show each outcome."""
    m, alpha, limit = design.attempts, design.alpha, design.limit
    if design.test == "at_most" and m == 1 and design.bound == "gaffke":
        # The limit grows with the hits, so those allowed are 0 .. k.
        hits = np.arange(clusters, dtype=np.float64)
        allowed = int((betaincinv(hits + 1, clusters - hits, 1 - alpha) <= limit).sum()) - 1
        return float(bdtr(allowed, clusters, design.rate)) if allowed >= 0 else 0.0
    if design.test == "at_most":
        outcome, chance = np.arange(m + 1.0), beta_binomial(m, design.rate, design.icc)
    else:
        # Both runs have the same trials, so only the change within a cluster matters: 2 m + 1 outcomes.
        outcome, chance = np.arange(-m, m + 1.0), _change(design)
    share = -outcome / m if design.test == "fall" else outcome / m
    test: Literal["at_most", "rise"] = "at_most" if design.test == "at_most" else "rise"
    return float(passing(share, _draw(clusters, chance), test, limit=limit, tail=alpha, bound=design.bound).mean())


def passing(
    values: Floats, weights: Floats, test: Literal["at_most", "rise"], *, limit: float, tail: float, bound: Bound
) -> NDArray[np.bool_]:
    """Return in which of many data sets a criterion passes: what `threshold_test` and `noninferiority_test` decide by.

    Args:
        values: the distinct shares of clusters in [0, 1], or for ``rise`` their changes in [-1, 1], shape (k,).
        weights: clusters that show each, shape (data sets, k), with the same sum in each row.
        limit: of the rate, or the margin, in (0, 1); `tail` the chance to miss, in (0, 0.5].
    """
    # Data sets with few hits are often the same: each is tested once.
    distinct, place = np.unique(weights, axis=0, return_inverse=True)
    if bound != "gaffke":
        y, edge = (values, limit) if test == "at_most" else ((values + 1) / 2, (limit + 1) / 2)
        passed = log_capital(y, edge, tail, distinct, anytime=bound == "anytime") >= -log(tail)
    elif test == "at_most":
        passed = upper_within(values, distinct, limit, tail)
    else:
        passed = rise_limit(values, distinct, tail) <= limit
    each: NDArray[np.bool_] = passed[place.reshape(-1)]
    return each


def _draw(clusters: int, chance: Floats) -> Floats:
    """Draw `_DRAWS` tables of how many of the clusters show each outcome; the same for the same arguments."""
    rng = np.random.default_rng([clusters, chance.size])
    return rng.multinomial(clusters, chance / chance.sum(), _DRAWS).astype(np.float64)


def beta_binomial(trials: int, rate: float, icc: float) -> Floats:
    """Probabilities of 0 .. trials hits in one cluster, shape (trials + 1,)."""
    k = np.arange(trials + 1.0)
    if rate in (0.0, 1.0) or icc == 1.0:
        ends: Floats = np.where(k == 0, 1 - rate, 0.0) + np.where(k == trials, rate, 0.0)
        return ends
    choose = gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1)
    if icc == 0.0:
        plain: Floats = np.exp(choose + k * log(rate) + (trials - k) * log(1 - rate))
        return plain
    a, b = rate * (1 - icc) / icc, (1 - rate) * (1 - icc) / icc
    mixed: Floats = np.exp(choose + betaln(a + k, b + trials - k) - betaln(a, b))
    return mixed


def two_runs(trials: int, rate: float, icc: float, stability: float) -> Floats:
    """Probabilities of the hits in one cluster of a new run and an old one of the same rate, shape (trials + 1, same).

    Args:
        stability: share of clusters whose weakness is the same in both runs; in the others each has its own.
    """
    m, single = trials, beta_binomial(trials, rate, icc)
    i, j = np.indices((m + 1, m + 1))
    # With one weakness behind both runs, 2 m attempts share it; how its hits split between them is hypergeometric.
    both = beta_binomial(2 * m, rate, icc)
    split = np.exp(_log_choose(m, i) + _log_choose(m, j) - _log_choose(2 * m, i + j))
    joint: Floats = stability * split * both[i + j] + (1 - stability) * np.outer(single, single)
    return joint


def _change(design: _Design) -> Floats:
    """Probabilities of new minus old hits in one cluster, from -attempts to attempts."""
    m = design.attempts
    i, j = np.indices((m + 1, m + 1))
    joint = two_runs(m, design.rate, design.icc, design.stability)
    change: Floats = np.bincount((i - j + m).ravel(), weights=joint.ravel(), minlength=2 * m + 1).astype(np.float64)
    return change


def _log_choose(n: int, k: NDArray[np.intp]) -> Floats:
    result: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return result
