"""What an intervention did: limits that hold though days hang together, and what cannot be told."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.intervention import difference_in_differences, interrupted_series


def days(random: np.random.Generator, count: int, correlation: float) -> np.ndarray:
    """Days of which each hangs together with the one before."""
    found = [random.normal() / np.sqrt(1 - correlation**2)]
    for _ in range(count - 1):
        found.append(correlation * found[-1] + random.normal())
    return np.array(found)


@pytest.mark.parametrize(
    ("count", "start", "correlation", "trend"),
    [(16, 8, 0.3, True), (28, 14, 0.0, True), (28, 14, 0.6, True), (60, 30, 0.3, False), (60, 45, 0.6, True)],
)
def test_limits_hold_where_days_hang_together(count, start, correlation, trend):
    random, held, tries = np.random.default_rng(count), 0, 160
    slope = 0.05 * np.arange(count) if trend else 0.0
    jump = np.where(np.arange(count) >= start, 2.0, 0.0)
    for _ in range(tries):
        found = interrupted_series(days(random, count, correlation) + slope + jump, start, trend=trend)
        held += found.low <= 2.0 <= found.high
    assert held / tries > 0.95 - 3 * np.sqrt(0.95 * 0.05 / tries)


def test_what_happens_to_both_cancels_out():
    random, held, tries = np.random.default_rng(7), 0, 120
    for _ in range(tries):
        common = 5 * days(random, 40, 0.8)
        treated = common + days(random, 40, 0.3) - np.where(np.arange(40) >= 20, 1.5, 0.0)
        found = difference_in_differences(treated, common + days(random, 40, 0.3), 20)
        held += found.low <= -1.5 <= found.high
    assert held / tries > 0.95 - 3 * np.sqrt(0.95 * 0.05 / tries)


def test_a_day_with_many_sessions_says_more():
    random = np.random.default_rng(3)
    sessions = np.where(np.arange(40) % 2, 10_000, 100)
    rates = random.normal(10, 1, 40) * np.where(sessions > 1_000, 1, 10)
    weighed = interrupted_series(rates, 20, weights=sessions, trend=False)
    plain = interrupted_series(rates, 20, trend=False)
    assert weighed.high - weighed.low < (plain.high - plain.low) / 3


def test_a_trend_is_no_effect():
    found = interrupted_series(np.arange(30.0), 15)
    assert found.change == pytest.approx(0) and found.slope == pytest.approx(0)


def test_it_is_the_same_in_another_unit():
    values = days(np.random.default_rng(5), 30, 0.4)
    one, thousand = interrupted_series(values, 15), interrupted_series(1_000 * values + 7, 15)
    assert [1_000 * x for x in one[:3]] == pytest.approx(list(thousand[:3]))
    assert one.p_value == pytest.approx(thousand.p_value)


@pytest.mark.parametrize(
    ("values", "start", "said"),
    [
        ([1.0] * 15, 7, "at least 8 days before and after"),
        ([1.0] * 10 + [float("nan")] * 10, 10, "every day needs a value"),
    ],
)
def test_what_tells_nothing_is_refused(values, start, said):
    with pytest.raises(ValueError, match=said):
        interrupted_series(values, start)
    with pytest.raises(ValueError, match="same days"):
        difference_in_differences([1.0] * 20, [1.0] * 21, 9)
