"""Rates of events: against scipy's own distributions, the figures of the sources, and simulated coverage."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from scipy import stats

from shipworthy.stats.event_rate import poisson_rate, rate_ratio, weighted_event_rate


@pytest.mark.parametrize("events", [0, 1, 2, 17, 400])
def test_the_limits_of_a_count_are_those_of_scipys_poisson(events):
    found = poisson_rate(events, 1.0, per=1.0)
    assert stats.poisson.cdf(events, found.high) == pytest.approx(0.025)
    if events:
        assert stats.poisson.sf(events - 1, found.low) == pytest.approx(0.025)
    else:
        assert found.low == 0


def test_figures_of_the_design():
    two = poisson_rate(2, 480_000)
    assert (round(two.rate, 3), round(two.low, 3), round(two.high, 3)) == (0.042, 0.005, 0.151)
    none = poisson_rate(0, 100_000)
    assert (none.rate, none.low, round(none.high, 2)) == (0, 0, 0.37)


def test_one_kind_of_weight_one_is_the_exact_interval():
    exact = poisson_rate(7, 1_000)
    assert weighted_event_rate([7], [1], 1_000) == pytest.approx(exact)
    thirty = weighted_event_rate([7], [30], 1_000)
    assert (thirty.rate, thirty.low, thirty.high) == pytest.approx((30 * exact.rate, 30 * exact.low, 30 * exact.high))


def test_weighted_limits_cover_what_they_promise():
    rng = np.random.default_rng(14)
    means, weights = np.array([0.5, 1.5, 6.0]), [100, 30, 5]
    truth = float(means @ weights)
    draws = rng.poisson(means, (2_000, 3))
    found = [weighted_event_rate([int(x) for x in row], weights, 1, per=1) for row in draws]
    missed = sum(not one.low <= truth <= one.high for one in found)
    assert missed / len(found) <= 0.05 + 3 * (0.05 * 0.95 / len(found)) ** 0.5


def test_a_change_is_said_only_where_one_is_outside():
    assert not rate_ratio(2, 100, 3, 100).changed
    up = rate_ratio(40, 100, 5, 100)
    assert up.changed and up.ratio == 8 and up.low > 1
    assert rate_ratio(5, 100, 40, 100).high == pytest.approx(1 / up.low)
    nothing = rate_ratio(0, 100, 0, 100)
    assert (nothing.low, nothing.high, nothing.changed) == (0, inf, False)
    assert rate_ratio(3, 100, 0, 100).ratio == inf


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: poisson_rate(-1, 10),
        lambda: poisson_rate(1, 0),
        lambda: poisson_rate(1, 10, per=0),
        lambda: poisson_rate(1, 10, confidence=1),
        lambda: poisson_rate(True, 10),
        lambda: weighted_event_rate([], [], 10),
        lambda: weighted_event_rate([1], [1, 2], 10),
        lambda: weighted_event_rate([1], [0], 10),
        lambda: rate_ratio(1, 10, 1, -1),
    ],
)
def test_what_is_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError):
        wrong()
