"""Business calendars: which hours count, and when a deadline ends. Holidays are data. Standard library only.

A term is counted in one of four ways, as contracts and laws do: hours or days of the clock (72 hours are 72 hours, on
a Sunday too), and working hours or working days of a calendar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TermUnit = Literal["hours", "days", "working hours", "working days"]

_TERM = re.compile(r"(\d{1,5}) *(working +)?(h|hours?|d|days?)")
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_FAR = 3660
"""Days after which a deadline is given up: a calendar that has so few working days is a mistake."""


class Term(NamedTuple):
    """How long something may take, such as 72 hours or 5 working days.

    Attributes:
        amount: >= 1.
        unit: what is counted.
    """

    amount: int
    unit: TermUnit

    def __str__(self) -> str:
        return f"{self.amount} {self.unit if self.amount != 1 else self.unit[:-1]}"


def read_term(text: str) -> Term:
    """Read a term as a person writes it.

    Raises:
        ValueError: it is none.

    >>> read_term("72 hours"), str(read_term("1 working day")), str(read_term("30d"))
    (Term(amount=72, unit='hours'), '1 working day', '30 days')
    """
    found = _TERM.fullmatch(" ".join(text.split()))
    if found is None or not int(found[1]):
        raise ValueError(
            f"{text!r} is no term: write '72 hours', '30 days', '8 working hours' or '5 working days', at least 1"
        )
    units: dict[tuple[bool, str], TermUnit] = {
        (False, "h"): "hours",
        (False, "d"): "days",
        (True, "h"): "working hours",
        (True, "d"): "working days",
    }
    return Term(int(found[1]), units[bool(found[2]), found[3][0]])


class BusinessCalendar(NamedTuple):
    """Working days and hours at a place.

    Attributes:
        zone: IANA name of the time zone whose days are counted.
        days: working days, Monday is 0.
        opens, closes: the hours of a working day, ``HH:MM``; ``24:00`` is midnight at its end.
        holidays: days on which nobody works, ISO 8601.
    """

    zone: str = "UTC"
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: str = "09:00"
    closes: str = "17:00"
    holidays: tuple[str, ...] = ()

    def check(self) -> None:
        """Check the calendar.

        Raises:
            ValueError: says what cannot be.
        """
        self._zone()
        if not self.days or not set(self.days) <= set(range(7)):
            raise ValueError("a calendar has at least one working day, each from 0 (Monday) to 6 (Sunday)")
        for clock in (self.opens, self.closes):
            _minutes(clock)
        if _minutes(self.opens) >= _minutes(self.closes):
            raise ValueError(f"the working day opens at {self.opens}, which is not before it closes at {self.closes}")
        for day in self.holidays:
            try:
                date.fromisoformat(day)
            except ValueError:
                raise ValueError(f"the holiday {day!r} is no date: write it as 2026-12-25") from None

    def works(self, day: date) -> bool:
        """Say whether somebody works on a day.

        >>> BusinessCalendar(holidays=("2026-12-25",)).works(date(2026, 12, 25))
        False
        """
        return day.weekday() in self.days and day.isoformat() not in self.holidays

    def hours(self, day: date) -> tuple[datetime, datetime]:
        """Return when a working day opens and closes, in UTC. A day on which clocks change is shorter or longer."""
        zone = self._zone()
        midnight = datetime.combine(day, time(), tzinfo=zone)

        def at(clock: str) -> datetime:
            minutes = _minutes(clock)
            return (midnight + timedelta(minutes=minutes)).astimezone(UTC)

        return at(self.opens), at(self.closes)

    def due(self, start: datetime, term: Term) -> datetime:
        """Return when a term that starts at a moment ends, in UTC.

        Hours and days of the clock do not stop. Working hours are counted while the calendar is open. A working day is
        counted from the day after the start (the day of the start is not counted, as laws and contracts have it), and
        the term ends when the last one closes.

        Args:
            start: with a time zone.

        Raises:
            ValueError: the start has no time zone, or the calendar has too few working days to end the term.

        >>> friday = datetime(2026, 12, 4, 16, 0, tzinfo=UTC)
        >>> print(BusinessCalendar().due(friday, read_term("2 working hours")))
        2026-12-07 10:00:00+00:00
        >>> print(BusinessCalendar().due(friday, read_term("2 working days")))
        2026-12-08 17:00:00+00:00
        >>> print(BusinessCalendar().due(friday, read_term("72 hours")))
        2026-12-07 16:00:00+00:00
        """
        start = _utc(start)
        if term.unit in ("hours", "days"):
            return start + timedelta(**{term.unit: term.amount})
        if term.unit == "working days":
            first = start.astimezone(self._zone()).date() + timedelta(days=1)
            days = (day for day in self._days(first) if self.works(day))
            for _ in range(term.amount - 1):
                next(days)
            return self.hours(next(days))[1]
        left = timedelta(hours=term.amount)
        for day in self._days(start.astimezone(self._zone()).date()):
            if not self.works(day):
                continue
            opens, closes = self.hours(day)
            begins = max(start, opens)
            if begins < closes:
                if left <= closes - begins:
                    return begins + left
                left -= closes - begins
        raise AssertionError("the days of a calendar do not end")

    def working_hours(self, start: datetime, end: datetime) -> float:
        """Return how many working hours lie between two moments with time zones; 0 where the end is not later.

        >>> friday, monday = datetime(2026, 12, 4, 16, tzinfo=UTC), datetime(2026, 12, 7, 10, tzinfo=UTC)
        >>> BusinessCalendar().working_hours(friday, monday)
        2.0
        """
        start, end = _utc(start), _utc(end)
        total, day = timedelta(), start.astimezone(self._zone()).date()
        while day <= end.astimezone(self._zone()).date():
            if self.works(day):
                opens, closes = self.hours(day)
                total += max(timedelta(), min(end, closes) - max(start, opens))
            day += timedelta(days=1)
        return total / timedelta(hours=1)

    def _days(self, first: date) -> Iterator[date]:
        for number in range(_FAR):
            yield first + timedelta(days=number)
        raise ValueError(f"the calendar has too few working days in the {_FAR} days from {first} on to end the term")

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"there is no time zone {self.zone!r} here: write an IANA name such as Europe/Berlin "
                "(a system without a time zone database needs `pip install tzdata`)"
            ) from None


def hours_between(start: datetime, end: datetime) -> float:
    """Return the hours of the clock between two moments with time zones; negative where the end is earlier."""
    return (_utc(end) - _utc(start)) / timedelta(hours=1)


def read_moment(text: str) -> datetime:
    """Read a moment as records hold it, ISO 8601 with a zone; returned in UTC.

    Raises:
        ValueError: it is none, or has no time zone.

    >>> print(read_moment("2026-12-01T10:00:00Z"))
    2026-12-01 10:00:00+00:00
    """
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no moment with a time zone: write it as 2026-12-01T10:00:00Z") from None


def write_moment(moment: datetime) -> str:
    """Return a moment as records hold it: ISO 8601, UTC, whole seconds.

    >>> write_moment(datetime(2026, 12, 1, 10, tzinfo=UTC))
    '2026-12-01T10:00:00Z'
    """
    return _utc(moment).isoformat(timespec="seconds").replace("+00:00", "Z")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


def _minutes(clock: str) -> int:
    found = _CLOCK.fullmatch(clock)
    if found is None or int(found[1]) * 60 + int(found[2]) > 24 * 60:
        raise ValueError(f"{clock!r} is no time of day: write it as 09:00")
    return int(found[1]) * 60 + int(found[2])
