"""An alarm for a rate watched for ever: what a baseline allows, what a look adds, when a change began."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from shipworthy.stats.detector import MULTIPLES, DayCount, EDetector, e_bh, normal_rate

QUIET = [DayCount(10, 10_000)] * 28


def test_a_baseline_s_limits_lie_above_what_was_seen() -> None:
    found = normal_rate(QUIET)
    assert (found.events, found.sessions, found.days, found.rate) == (280, 280_000, 28, 0.001)
    assert 0.001 < found.upper < 0.0011
    assert found.dispersion == 1.0  # days more alike than chance are no reason to believe in less than Poisson
    uneven = normal_rate([DayCount(n, 10_000) for n in (0, 30, 2, 25, 1, 3, 9) * 4])
    assert uneven.dispersion > 8
    assert uneven.upper > normal_rate(QUIET).upper


def test_no_event_in_the_baseline_still_leaves_room_for_some() -> None:
    found = normal_rate([DayCount(0, 1_000)] * 28)
    assert found.rate == 0 and found.upper == pytest.approx(-math.log(0.1) / 28_000, rel=1e-6)
    assert not EDetector(found).look(DayCount(1, 1_000)).alarm


@pytest.mark.parametrize("days", [[], QUIET[:6], [*QUIET[:6], DayCount(0, 0), DayCount(0, 0)]])
def test_too_few_days_are_refused(days: list[DayCount]) -> None:
    with pytest.raises(ValueError, match="at least 7 days"):
        normal_rate(days)


@pytest.mark.parametrize("day", [DayCount(2, 1), DayCount(-1, 1)])
def test_counts_that_cannot_be_are_refused(day: DayCount) -> None:
    with pytest.raises(ValueError, match="events in"):
        normal_rate([*QUIET, day])
    with pytest.raises(ValueError, match="events in"):
        EDetector(normal_rate(QUIET)).look(day)


@pytest.mark.parametrize("wrong", [{"looks": 1}, {"looks": float("nan")}, {"margin": 0.9}])
def test_arguments_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="got"):
        EDetector(normal_rate(QUIET), **wrong)
    with pytest.raises(ValueError, match="confidence"):
        normal_rate(QUIET, confidence=1.0)


@given(st.integers(1, 400), st.floats(1e-9, 1.0))  # below it some scipy overflows
def test_a_look_s_factor_has_a_mean_of_at_most_one_under_the_null(sessions: int, share: float) -> None:
    """The whole bound rests on this: exact, summed over every count, at any rate that is no change."""
    watch = EDetector(normal_rate([DayCount(2, 50)] * 10))
    rate = share * watch.highest
    chances = binom.pmf(np.arange(sessions + 1), sessions, rate)
    for multiple in MULTIPLES:
        logs = [watch._log_factor(DayCount(n, sessions), multiple) for n in range(sessions + 1)]
        assert float((chances * np.exp(logs)).sum()) <= 1 + 1e-9


def test_it_notices_as_quickly_after_a_year_as_after_a_week() -> None:
    def days(quiet: int) -> int:
        watch = EDetector(normal_rate(QUIET))
        for _ in range(quiet):
            assert not watch.look(DayCount(10, 10_000)).alarm
        return next(n for n in range(1, 50) if watch.look(DayCount(25, 10_000)).alarm)

    assert days(7) == days(365)


def test_it_says_since_when() -> None:
    watch = EDetector(normal_rate(QUIET))
    for _ in range(40):
        watch.look(DayCount(9, 10_000))
    assert watch.since() == 0
    for _ in range(3):
        found = watch.look(DayCount(28, 10_000))
    assert found.alarm and watch.since() == 3
    watch.reset()
    assert watch.look(DayCount(10, 10_000)).value < 1 and watch.e_value() <= 1.0


def test_streams_that_stand_out_are_found_and_quiet_ones_are_not() -> None:
    streams = [EDetector(normal_rate(QUIET)) for _ in range(20)]
    for day in range(40):
        for place, watch in enumerate(streams):
            watch.look(DayCount(32 if place in (3, 7) and day > 33 else 10, 10_000))
    assert e_bh([watch.e_value() for watch in streams]) == [3, 7]


@pytest.mark.parametrize(("values", "level"), [([-1.0], 0.05), ([float("nan")], 0.05), ([1.0], 0.0)])
def test_e_values_that_are_none_are_refused(values: list[float], level: float) -> None:
    with pytest.raises(ValueError, match=r"must lie|at least 0"):
        e_bh(values, level)


@given(st.lists(st.floats(0, 1e6), max_size=30))
def test_no_discovery_lies_below_one_that_is_none(values: list[float]) -> None:
    found = e_bh(values)
    left = [v for place, v in enumerate(values) if place not in found]
    assert not found or not left or min(values[place] for place in found) >= max(left)
    assert all(len(values) <= len(found) * values[place] * 0.05 * (1 + 1e-9) for place in found)
