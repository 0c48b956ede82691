"""How often something happens, counted over an exposure: exact limits for a count, gamma limits for a weighted one."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite
from typing import NamedTuple

from shipworthy.stats.clusters import check_confidence


class EventRate(NamedTuple):
    """Events per `per` units of exposure, with a two-sided interval.

    Attributes:
        rate, low, high: per `per` units; of a weighted rate, weight per `per` units.
        events: how many were counted, each once.
        exposure: units, such as sessions.
    """

    rate: float
    low: float
    high: float
    events: int
    exposure: float
    per: float


class RateRatio(NamedTuple):
    """One rate over another, with a two-sided interval; infinite where nothing happened in the other."""

    ratio: float
    low: float
    high: float

    @property
    def changed(self) -> bool:
        """Whether the interval leaves out 1: only then is it said that a rate has changed."""
        return self.low > 1 or self.high < 1


def poisson_rate(events: int, exposure: float, *, per: float = 10_000, confidence: float = 0.95) -> EventRate:
    """Return how often something happens, with exact limits.

    Source: Garwood, Biometrika 28 (1936). The limits hold for a Poisson count and are wider than they need be. Wrong to
    use where one cause makes several events (they come in bursts): count the causes.

    Args:
        events: counted, at least 0.
        exposure: over how many units, above 0.
        per: units that the rate is given for, above 0.
        confidence: in [0.5, 1).

    Raises:
        ValueError: an argument is out of its range.

    >>> round(poisson_rate(0, 100_000).high, 2)
    0.37
    """
    from scipy.special import gammaincinv

    _check(events, exposure, per, confidence)
    miss, scale = (1 - confidence) / 2, per / exposure
    low = float(gammaincinv(events, miss)) if events else 0.0
    high = float(gammaincinv(events + 1, 1 - miss))
    return EventRate(events * scale, low * scale, high * scale, events, exposure, per)


def weighted_event_rate(
    counts: Sequence[int],
    weights: Sequence[float],
    exposure: float,
    *,
    per: float = 10_000,
    confidence: float = 0.95,
) -> EventRate:
    """Return the weight of what happens, each kind of event with a weight of its own, with gamma limits.

    Source: Fay and Feuer, Statistics in Medicine 16 (1997), equation 2.3. With one kind of event and the weight 1 they
    are the exact limits of `poisson_rate`. They keep their confidence in every simulation that was published, which is
    no proof; they are wide where a kind that weighs much was not seen.

    Args:
        counts: of each kind, at least 0; `weights` of each, above 0, of the same length.
        exposure, per, confidence: as for `poisson_rate`.

    Raises:
        ValueError: an argument is out of its range.

    >>> rate = weighted_event_rate([1, 2, 5], [100, 30, 5], 480_000)
    >>> round(rate.rate, 2), round(rate.low, 2), round(rate.high, 1)
    (3.85, 0.76, 13.3)
    """
    from scipy.special import gammaincinv

    if not counts or len(counts) != len(weights):
        raise ValueError("each kind of event needs a weight, and there is at least one kind")
    if not all(isfinite(weight) and weight > 0 for weight in weights):
        raise ValueError("a weight is a number above 0")
    for count in counts:
        _check(count, exposure, per, confidence)
    miss, scale = (1 - confidence) / 2, per / exposure
    total = sum(weight * count for weight, count in zip(weights, counts, strict=True))
    spread = sum(weight**2 * count for weight, count in zip(weights, counts, strict=True))
    most = max(weights)
    low = float(spread / total * gammaincinv(total**2 / spread, miss)) if total else 0.0
    more, wider = total + most, spread + most**2
    high = float(wider / more * gammaincinv(more**2 / wider, 1 - miss))
    return EventRate(total * scale, low * scale, high * scale, sum(counts), exposure, per)


def rate_ratio(
    events: int, exposure: float, before: int, exposure_before: float, *, confidence: float = 0.95
) -> RateRatio:
    """Return the rate of now over the rate of before, exact given how much happened in both together.

    Source: Przyborowski and Wilenski, Biometrika 31 (1940): of all events, those of now are binomial; Clopper-Pearson.

    Args:
        events, before: counted now and before; exposures as for `poisson_rate`.

    Raises:
        ValueError: an argument is out of its range.

    >>> rate_ratio(2, 480_000, 3, 500_000).changed
    False
    """
    from scipy.special import betaincinv

    _check(events, exposure, 1.0, confidence)
    _check(before, exposure_before, 1.0, confidence)
    if not events + before:
        return RateRatio(1.0, 0.0, inf)
    miss, scale = (1 - confidence) / 2, exposure_before / exposure
    low = float(betaincinv(events, before + 1, miss)) if events else 0.0
    high = float(betaincinv(events + 1, before, 1 - miss)) if before else 1.0
    return RateRatio(
        events / before * scale if before else inf,
        low / (1 - low) * scale,
        high / (1 - high) * scale if high < 1 else inf,
    )


def _check(events: int, exposure: float, per: float, confidence: float) -> None:
    check_confidence(confidence)
    if isinstance(events, bool) or events != int(events) or events < 0:
        raise ValueError(f"a count is a whole number from 0, not {events!r}")
    if not (isfinite(exposure) and exposure > 0 and isfinite(per) and per > 0):
        raise ValueError("an exposure, and what a rate is given for, are numbers above 0")
