"""What an intervention did in production: telemetry's daily rates before and after a day, with or without a control."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.core.observed import Hit
from shipworthy.stats.intervention import LEAST_DAYS, Effect, difference_in_differences, interrupted_series
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.rates import rates


class MeasuredEffect(NamedTuple):
    """The change of a daily rate per 10,000 sessions.

    Attributes:
        effect: per 10,000 sessions; `days` that were compared, first and last, and how many were `left_out` because one
            of the two had no session then.
        assumes: what must be so for the change to be the intervention's.
    """

    effect: Effect
    design: str
    days: tuple[date, date]
    left_out: int
    assumes: str


_TREND = (
    "without it the trend would have gone on as it was; nothing else changed on that day; the day was not picked "
    "because numbers were high"
)
_CONTROL = (
    "without it the two features would have moved alike; the control was not touched by it; users did not choose which "
    "of the two they use because of it"
)


def effect(
    view: FactView, on: date, hit: Hit = "violation", *, feature: str = "", control: str = "", days: int = 28
) -> MeasuredEffect:
    """Return the effect of something that came into force on a day.

    Args:
        on: the first day with it, UTC.
        feature: of which; of all together if left out.
        control: a feature without it; then differences in differences, else an interrupted series.
        days: before and after, at most; days that are not over yet are not looked at.

    Raises:
        UsageError: there are too few days.
    """
    if control and not feature:
        raise UsageError("--control is held against a feature: name it with --feature")
    first, last = on - timedelta(days=days), on + timedelta(days=days - 1)
    treated = _daily(view, hit, feature, first, last)
    other = _daily(view, hit, control, first, last) if control else treated
    shared = sorted(treated.keys() & other.keys())
    start = sum(day < on for day in shared)
    if min(start, len(shared) - start) < LEAST_DAYS:
        raise UsageError(
            f"there are {start} days with sessions before {on} and {len(shared) - start} from it on; at least "
            f"{LEAST_DAYS} of each are needed"
        )
    values = [treated[day][0] for day in shared]
    if control:
        found = difference_in_differences(values, [other[day][0] for day in shared], start)
    else:
        found = interrupted_series(values, start, weights=[float(treated[day][1]) for day in shared])
    span = (shared[-1] - shared[0]).days + 1
    return MeasuredEffect(
        found, f"differences in differences against {control}" if control else "interrupted time series",
        (shared[0], shared[-1]), span - len(shared), _CONTROL if control else _TREND,
    )  # fmt: skip


def _daily(view: FactView, hit: Hit, feature: str, first: date, last: date) -> dict[date, tuple[float, int]]:
    """Return day -> (rate per 10,000 sessions, sessions)."""
    found = rates(view, hit, by=("day",), since=first, until=last, feature=feature).rates
    return {date.fromisoformat(one.day): (one.per, one.sessions) for one in found if one.per is not None}
