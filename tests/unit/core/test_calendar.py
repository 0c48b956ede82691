"""Terms and business calendars: weekends, holidays, clocks that change, and what cannot be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.calendar import BusinessCalendar, Term, hours_between, read_moment, read_term, write_moment

BERLIN = BusinessCalendar("Europe/Berlin", holidays=("2026-12-25", "2027-01-01"))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("start", "term", "due"),
    [
        ("2026-12-04T16:00:00Z", "72 hours", "2026-12-07T16:00:00Z"),
        ("2026-12-04T16:00:00Z", "3 days", "2026-12-07T16:00:00Z"),
        # Berlin closes at 17:00, 16:00 UTC in winter: one moment after is Monday's.
        ("2026-12-04T15:30:00Z", "1 working hour", "2026-12-07T08:30:00Z"),
        ("2026-12-05T12:00:00Z", "1 working hour", "2026-12-07T09:00:00Z"),
        # The day of the start is not counted; the 25th is a holiday, then comes a weekend.
        ("2026-12-23T10:00:00Z", "2 working days", "2026-12-28T16:00:00Z"),
        ("2026-12-24T23:30:00Z", "1 working day", "2026-12-28T16:00:00Z"),  # the 25th in Berlin
        # Clocks went forward on 28 March 2027: Friday 17:00 is 16:00 UTC, Monday 09:00 is 07:00 UTC.
        ("2027-03-26T15:00:00Z", "2 working hours", "2027-03-29T08:00:00Z"),
    ],
)
def test_when_a_term_ends(start: str, term: str, due: str) -> None:
    assert write_moment(BERLIN.due(read_moment(start), read_term(term))) == due


def test_a_working_day_on_which_the_clock_changes_is_an_hour_shorter() -> None:
    always = BusinessCalendar("Europe/Berlin", tuple(range(7)), "00:00", "24:00")
    opens, closes = always.hours(datetime(2027, 3, 28).date())
    assert hours_between(opens, closes) == 23


@given(MOMENTS, st.integers(1, 60))
def test_working_hours_of_a_term_are_as_many_as_were_asked(start: datetime, amount: int) -> None:
    due = BERLIN.due(start, Term(amount, "working hours"))
    assert BERLIN.working_hours(start, due) == pytest.approx(amount)
    assert BERLIN.working_hours(start, due - timedelta(minutes=1)) < amount


@given(MOMENTS, st.integers(1, 30))
def test_a_working_day_more_is_later_and_ends_on_one(start: datetime, amount: int) -> None:
    one, two = (BERLIN.due(start, Term(n, "working days")) for n in (amount, amount + 1))
    assert start < one < two
    assert BERLIN.works(one.astimezone(UTC).date())


@pytest.mark.parametrize("text", ["0 days", "-1 days", "5", "five days", "5 weeks", "1.5 hours", ""])
def test_what_is_no_term_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no term"):
        read_term(text)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"zone": "Europe/Atlantis"}, "no time zone"),
        ({"zone": "../secret"}, "no time zone"),
        ({"days": ()}, "at least one working day"),
        ({"days": (7,)}, "at least one working day"),
        ({"opens": "18:00"}, "not before it closes"),
        ({"closes": "24:30"}, "no time of day"),
        ({"opens": "9"}, "no time of day"),
        ({"holidays": ("25.12.2026",)}, "no date"),
    ],
)
def test_what_is_no_calendar_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BusinessCalendar(**fields).check()


def test_a_calendar_that_never_works_ends_no_term() -> None:
    year = datetime(2026, 1, 1)
    never = BusinessCalendar(days=(0,), holidays=tuple(str((year + timedelta(n)).date()) for n in range(4000)))
    for unit in ("working days", "working hours"):
        with pytest.raises(ValueError, match="too few working days"):
            never.due(datetime(2026, 1, 1, tzinfo=UTC), Term(1, unit))


def test_a_moment_without_a_time_zone_is_none() -> None:
    with pytest.raises(ValueError, match="no moment with a time zone"):
        read_moment("2026-12-01T10:00:00")
    with pytest.raises(ValueError, match="no time zone"):
        BERLIN.due(datetime(2026, 12, 1), Term(1, "hours"))
