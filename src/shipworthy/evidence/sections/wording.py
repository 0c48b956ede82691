"""How numbers read in the report: every rate with its interval, its denominator and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipworthy.core.amount import amount
from shipworthy.core.document import Tone
from shipworthy.core.records import CriterionResult, Verdict
from shipworthy.evals.compare import MetricChange
from shipworthy.release.wording import percent as exactly
from shipworthy.reports._words import reading

TONES: Mapping[Verdict, Tone] = {"ship": "good", "no-ship": "bad", "inconclusive": "unsure"}
NOT_MEASURED = "not measured"


def percent(rate: float | None) -> str:
    """Return a rate or difference in [-1, 1] as a percentage with one decimal.

    >>> percent(0.123), percent(None)
    ('12.3 %', 'not measured')
    """
    return NOT_MEASURED if rate is None else f"{100 * rate:.1f} %"


def points(difference: float | None) -> str:
    """Return a difference in [-1, 1] as signed percentage points.

    >>> points(0.05), points(-0.2)
    ('+5.0 points', '-20.0 points')
    """
    return NOT_MEASURED if difference is None else f"{100 * difference:+.1f} points"


def rate_of(result: CriterionResult) -> str:
    """Return a criterion's estimate: a rate, a mean, or the change of one."""
    if result.is_value:
        return reading(result).show(result.rate) if result.rate is not None else NOT_MEASURED
    return points(result.rate) if result.test == "noninferiority" else percent(result.rate)


def bound_of(result: CriterionResult) -> str:
    """Return the one-sided bound that is held against the limit; of a change, the bound on its worsening."""
    if result.bound is None:
        return NOT_MEASURED
    if result.is_value:
        return reading(result).worsening(result.bound, result.limit)
    # With the digits it takes to see on which side of the limit it lies.
    exact = exactly(result.bound, result.limit)
    if result.test == "threshold":
        return exact
    return f"{'+' if result.bound > 0 else ''}{exact.removesuffix(' %')} points"


def interval_of(result: CriterionResult) -> str:
    """Return a criterion's two-sided interval."""
    if result.low is None or result.high is None:
        return NOT_MEASURED
    if result.is_value:
        how = reading(result)
        return f"{how.show(result.low).removesuffix(how.ending)} to {how.show(result.high)}"
    if result.test == "noninferiority":
        return points_between(result.low, result.high)
    return f"{percent(result.low)} to {percent(result.high)}"


def level(row: MetricChange, value: float) -> str:
    """Return one run's rate, or its mean, of a compared metric."""
    return amount(value, row.unit) if row.kind == "value" else percent(value)


def change_of(row: MetricChange) -> str:
    """Return a compared metric's change, its unit said."""
    return amount(row.difference, row.unit, signed=True) if row.kind == "value" else points(row.difference)


def change_between(row: MetricChange) -> str:
    """Return the interval of a compared metric's change."""
    if row.kind == "value":
        return f"{amount(row.low, signed=True)} to {amount(row.high, row.unit, signed=True)}"
    return points_between(row.low, row.high)


def points_between(low: float, high: float) -> str:
    """Return the interval of a difference in [-1, 1], its unit said once.

    >>> points_between(-0.2, 0.05)
    '-20.0 to +5.0 points'
    """
    return f"{100 * low:+.1f} to {points(high)}"


def seconds(value: float) -> str:
    """Return a duration (>= 0 s) in the unit that reads best.

    >>> seconds(0.0042), seconds(1.5)
    ('4.2 ms', '1.50 s')
    """
    return f"{1000 * value:.1f} ms" if value < 1 else f"{value:.2f} s"


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of sorted values; 0 of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
