"""Periods as people name them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.evidence.kpis.period import before, period_of

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2025-12", "2025-12-01", "2026-01-01"),
        ("2026-Q1", "2026-01-01", "2026-04-01"),
        ("2026q4", "2026-10-01", "2027-01-01"),
        ("2026", "2026-01-01", "2027-01-01"),
    ],
)
def test_a_name_says_from_when_to_when(text, start, end):
    found = period_of(text, NOW)
    assert (f"{found.start:%Y-%m-%d}", f"{found.end:%Y-%m-%d}") == (start, end)
    assert found.has(found.start) and not found.has(found.end)
    assert found.last_day == (found.end - timedelta(days=1)).date()


def test_days_end_now():
    found = period_of("7d", NOW)
    assert found.has(NOW) and not found.has(NOW - timedelta(days=8))
    assert not found.has("nonsense")


@pytest.mark.parametrize("text", ["", "2026-13", "2026-Q5", "0d", "last week", "99999"])
def test_what_names_none_is_refused(text):
    with pytest.raises(UsageError, match="names no period"):
        period_of(text, NOW)


def test_what_is_yet_to_come_is_refused():
    with pytest.raises(UsageError, match="yet to come"):
        period_of("2027-01", NOW)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("2026-02", ["2025-12", "2026-01", "2026-02"]),
        ("2026-Q1", ["2025-Q3", "2025-Q4", "2026-Q1"]),
        ("2026", ["2024", "2025", "2026"]),
        ("90d", ["90d to 2026-06-04", "90d to 2026-09-02", "90d"]),
    ],
)
def test_those_before_follow_each_other(text, names):
    found = before(period_of(text, NOW), 3)
    assert [one.name for one in found] == names
    assert all(one.end == other.start for one, other in pairwise(found))


@pytest.mark.parametrize("text", ["0002", "9999d"])
def test_no_period_is_before_the_calendar(text):
    with pytest.raises(UsageError, match="beyond the year 1"):
        before(period_of(text, NOW), 80)
