"""A stretch of time that a number is about, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.core.occurrence import moment

_MONTH, _QUARTER = re.compile(r"([0-9]{4})-([0-9]{2})"), re.compile(r"([0-9]{4})-?[Qq]([1-4])")
_YEAR, _DAYS = re.compile(r"[0-9]{4}"), re.compile(r"([1-9][0-9]{0,3})d")


class Period(NamedTuple):
    """From `start`, which belongs to it, to `end`, which does not; `name` as somebody wrote it."""

    name: str
    start: datetime
    end: datetime

    def has(self, at: datetime | str) -> bool:
        """Say whether a time lies in it; a text that is no time does not."""
        try:
            when = moment(at) if isinstance(at, str) else at
        except ValueError:
            return False
        return self.start <= when < self.end

    @property
    def first_day(self) -> date:
        """The first day of it."""
        return self.start.date()

    @property
    def last_day(self) -> date:
        """The last day of it."""
        return (self.end - timedelta(microseconds=1)).date()


def period_of(text: str, now: datetime) -> Period:
    """Return the period that somebody names: ``2026-11``, ``2026-Q4``, ``2026``, or ``90d`` up to now.

    Raises:
        UsageError: it names none, or one that is yet to come.

    >>> now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    >>> [p.isoformat() for p in period_of("2026-Q4", now)[1:]]
    ['2026-10-01T00:00:00+00:00', '2027-01-01T00:00:00+00:00']
    >>> period_of("90d", now).start.isoformat()
    '2026-09-02T12:00:00+00:00'
    """
    try:
        if found := _DAYS.fullmatch(text):
            return Period(text, now - timedelta(days=int(found[1])), now + timedelta(microseconds=1))
        if found := _QUARTER.fullmatch(text):
            first = int(found[2]) * 3 - 2
            start, end = _month(int(found[1]), first), _month(int(found[1]), first + 3)
        elif (found := _MONTH.fullmatch(text)) and 1 <= int(found[2]) <= 12:
            start, end = _month(int(found[1]), int(found[2])), _month(int(found[1]), int(found[2]) + 1)
        elif _YEAR.fullmatch(text):
            start, end = _month(int(text), 1), _month(int(text), 13)
        else:
            raise ValueError
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} names no period: write 2026-11, 2026-Q4, 2026 or 90d") from None
    if start > now:
        raise UsageError(f"{text} is yet to come")
    return Period(text, start, end)


def before(period: Period, count: int) -> list[Period]:
    """Return a period and those of the same length before it, `count` in all, oldest first.

    Raises:
        UsageError: there is no calendar so far back.
    """
    found = [period]
    try:
        for _ in range(count - 1):
            found.append(_previous(found[-1]))
    except (ValueError, OverflowError):
        raise UsageError(f"{count} periods of {period.name} go back beyond the year 1: ask for fewer") from None
    return found[::-1]


def _previous(period: Period) -> Period:
    start = period.start
    if _MONTH.fullmatch(period.name):
        last = start - timedelta(days=1)
        return Period(f"{last:%Y-%m}", _month(last.year, last.month), start)
    if _QUARTER.fullmatch(period.name):
        last = start - timedelta(days=1)
        quarter = (last.month + 2) // 3
        return Period(f"{last.year}-Q{quarter}", _month(last.year, quarter * 3 - 2), start)
    if _YEAR.fullmatch(period.name):
        return Period(str(start.year - 1), _month(start.year - 1, 1), start)
    length = period.end - start
    return Period(f"{period.name.partition(' ')[0]} to {start:%Y-%m-%d}", start - length, start)


def _month(year: int, month: int) -> datetime:
    return datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC)
