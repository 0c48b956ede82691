"""One absolute criterion: is the rate at most, or at least, a limit?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from shipworthy.stats.clusters import counts
from shipworthy.stats.interval import RateInterval, rate_interval
from shipworthy.stats.sample_rates import Bound

TestVerdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True)
class ThresholdTest:
    """What a threshold test found.

    Attributes:
        verdict: ``pass`` when the one-sided bound is on the good side of the limit, ``fail`` when the opposite bound
            is on the bad side, ``inconclusive`` otherwise.
        bound: the bound that had to reach the limit; `opposite` the other one, each one-sided at `confidence`.
        interval: the two-sided interval at the same confidence, for the report.
    """

    verdict: TestVerdict
    bound: float
    opposite: float
    limit: float
    must: Literal["at_most", "at_least"]
    interval: RateInterval


def threshold_test(
    hits: ArrayLike,
    trials: ArrayLike,
    limit: float,
    *,
    must: Literal["at_most", "at_least"] = "at_most",
    confidence: float = 0.95,
    bound: Bound = "gaffke",
) -> ThresholdTest:
    """Test whether a rate, the mean over clusters of their share of hits, is at most (or at least) a limit.

    The chance to pass when the true rate is exactly at the limit is at most ``1 - confidence``; so is the chance to
    fail. For the default bound that is measured (``tests/statistics``), for ``proved`` it is a theorem. A point
    estimate never decides.

    Args:
        hits, trials: one entry a cluster, as in `rate_interval`.
        limit: in [0, 1].
        must: ``at_most`` compares the upper bound with the limit, ``at_least`` the lower bound.
        bound: as in `rate_interval`.

    Raises:
        ValueError: bad counts, confidence, bound, limit or `must`.

    Several criteria that must *all* pass need no correction (intersection-union test, Berger 1982): the chance of
    wrongly shipping stays below ``1 - confidence``. The price is power. Wrong to use repeatedly while data come in:
    peeking after each batch wrongly ships far more often than ``1 - confidence``, but for the bound ``anytime``.

    >>> threshold_test([0] * 60, [1] * 60, 0.05).verdict
    'pass'
    >>> threshold_test([0] * 50, [1] * 50, 0.05).verdict
    'inconclusive'
    """
    if not 0 <= limit <= 1:
        raise ValueError(f"limit must lie in [0, 1]; got {limit}")
    if must not in ("at_most", "at_least"):
        raise ValueError(f"must is 'at_most' or 'at_least'; got {must!r}")

    x, n = counts(hits, trials)

    def interval(side: Literal["two", "upper", "lower"]) -> RateInterval:
        return rate_interval(x, n, confidence=confidence, side=side, bound=bound)

    upper, lower = interval("upper").high, interval("lower").low
    verdict: TestVerdict = "inconclusive"
    if must == "at_most":
        reached, opposite = upper, lower
        verdict = "pass" if upper <= limit else "fail" if lower > limit else "inconclusive"
    else:
        reached, opposite = lower, upper
        verdict = "pass" if lower >= limit else "fail" if upper < limit else "inconclusive"
    return ThresholdTest(verdict, reached, opposite, float(limit), must, interval("two"))
