from __future__ import annotations

import time
from math import log

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shipworthy.stats import mean_interval, mean_test
from shipworthy.stats.betting import bets, log_capital, upper_limit

units = st.floats(0, 1, allow_subnormal=False)
rows = st.lists(st.tuples(units, st.integers(1, 5)), min_size=1, max_size=40)
tails = st.sampled_from([0.5, 0.2, 0.05, 0.025, 0.01])


def columns(data: list[tuple[float, int]], low: float = 0.0, high: float = 1.0) -> tuple[list[float], list[int]]:
    return [n * (low + (high - low) * y) for y, n in data], [n for _, n in data]


@given(rows, tails)
@settings(max_examples=100, deadline=None)
def test_limits_are_where_the_capital_reaches_its_goal(data: list[tuple[float, int]], tail: float) -> None:
    y = np.array([v for v, _ in data])
    limit = upper_limit(y, tail)
    assert y.mean() <= limit <= 1
    if limit < 1 - 1e-6:
        assert log_capital(y, limit, tail) >= log(1 / tail) - 1e-9  # summed in another order
        if limit - 1e-6 > y.mean():
            assert log_capital(y, limit - 1e-6, tail) < log(1 / tail)


@given(rows, st.floats(0.01, 0.98), st.floats(0.01, 0.98), tails)
@settings(max_examples=200, deadline=None)
def test_capital_grows_with_the_limit(data: list[tuple[float, int]], one: float, other: float, tail: float) -> None:
    # The set of limits not ruled out is an interval only because of this.
    y = np.array([v for v, _ in data])
    less, more = (float(log_capital(y, limit, tail)) for limit in sorted((one, other)))
    assert less <= more or more == pytest.approx(less)


@given(st.integers(1, 10**6), st.floats(1e-9, 1 - 1e-9), tails)
def test_no_bet_can_lose_more_than_its_stake(clusters: int, limit: float, tail: float) -> None:
    mixture = list(bets(limit, clusters, tail))
    assert sum(weight for weight, _ in mixture) == pytest.approx(1)
    assert all(0 <= bet * (1 - limit) <= 1 + 1e-12 for _, bet in mixture)


@given(rows, st.integers(0, 39), units)
@settings(max_examples=100, deadline=None)
def test_a_higher_value_never_lowers_a_limit(data: list[tuple[float, int]], at: int, value: float) -> None:
    at %= len(data)
    assume(value >= data[at][0])
    raised = [*data[:at], (value, data[at][1]), *data[at + 1 :]]
    before, after = (mean_interval(*columns(d), low=0, high=1) for d in (data, raised))
    assert after.low >= before.low - 2e-8
    assert after.high >= before.high - 2e-8


@given(rows, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_does_not_matter_to_the_last_digit(data: list[tuple[float, int]], rnd) -> None:  # type: ignore[no-untyped-def]
    y = np.array([v for v, _ in data])
    first = upper_limit(y, 0.05)
    rnd.shuffle(data)
    assert upper_limit(np.array([v for v, _ in data]), 0.05) == pytest.approx(first, abs=1e-8)


@given(rows, st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
@settings(max_examples=100, deadline=None)
def test_the_unit_does_not_matter(data: list[tuple[float, int]], low: float, width: float) -> None:
    plain, high = mean_interval(*columns(data), low=0, high=1), low + width
    moved = mean_interval(*columns(data, low, high), low=low, high=high)
    width = high - low
    for name in ("mean", "low", "high"):
        assert getattr(moved, name) == pytest.approx(
            low + width * getattr(plain, name), abs=1e-6 * width + 1e-9 * abs(low)
        )
    assert low <= moved.low <= moved.mean <= moved.high <= high
    assert moved.deviation == pytest.approx(width * plain.deviation, abs=1e-6 * width + 1e-9 * abs(low))


@given(rows)
@settings(max_examples=60, deadline=None)
def test_misses_mirror_hits(data: list[tuple[float, int]]) -> None:
    there = mean_interval(*columns(data), low=0, high=1)
    back = mean_interval(*columns([(1 - y, n) for y, n in data]), low=0, high=1)
    assert (back.low, back.high) == pytest.approx((1 - there.high, 1 - there.low), abs=1e-7)


@given(rows, st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_verdict_is_what_the_bounds_say(data: list[tuple[float, int]], limit: float) -> None:
    sums = columns(data)
    upper = mean_interval(*sums, low=0, high=1, side="upper")
    lower = mean_interval(*sums, low=0, high=1, side="lower")
    assert (upper.low, lower.high) == (0, 1)
    most = mean_test(*sums, limit, low=0, high=1)
    assert (most.bound, most.opposite) == (upper.high, lower.low)
    assert most.verdict == ("pass" if upper.high <= limit else "fail" if lower.low > limit else "inconclusive")
    least = mean_test(*sums, limit, low=0, high=1, must="at_least")
    assert (least.bound, least.opposite) == (lower.low, upper.high)
    assert least.verdict == ("pass" if lower.low >= limit else "fail" if upper.high < limit else "inconclusive")


def test_each_cluster_counts_once() -> None:
    # One sample with a thousand attempts does not outvote the others: the mean is over samples.
    found = mean_interval([0.0] * 9 + [1000.0], [1] * 9 + [1000], low=0, high=1)
    assert (found.mean, found.clusters, found.values) == (0.1, 10, 1009)
    assert found.high == mean_interval([0] * 9 + [1], [1] * 10, low=0, high=1).high


def test_clusters_without_values_are_left_out() -> None:
    found = mean_interval([3.0, 0.0, 1.0], [4, 0, 2], low=0, high=1)
    assert (found.clusters, found.values, found.mean) == (2, 6, 0.625)


def test_no_harm_at_all_is_about_the_zero_hit_bound() -> None:
    found = mean_interval([0.0] * 60, [1] * 60, low=0, high=1, side="upper")
    assert 1 - 0.05 ** (1 / 60) <= found.high <= 1.06 * (1 - 0.05 ** (1 / 60))


def test_a_small_spread_gives_a_short_interval() -> None:
    rng = np.random.default_rng(1)
    calm, wild = rng.normal(0.5, 0.05, 400), (rng.random(400) < 0.5).astype(float)
    assert mean_interval(calm, [1] * 400, low=0, high=1).high < 0.512
    hoeffding = (log(2 / 0.05) / 800) ** 0.5
    found = mean_interval(wild, [1] * 400, low=0, high=1)
    assert found.high - found.mean < 1.2 * hoeffding


def test_one_cluster_and_constant_ends() -> None:
    assert mean_interval([1.0], [1], low=0, high=1).high == 1
    assert mean_interval([0.0], [1], low=0, high=1).low == 0
    one = mean_interval([0.5], [1], low=0, high=1)
    assert one.low < 0.05
    assert one.high > 0.95
    assert one.deviation == 0


def test_ten_thousand_clusters_are_quick() -> None:
    y, n = np.random.default_rng(1).beta(2, 5, 10_000), np.ones(10_000)
    began = time.process_time()
    mean_test(y, n, 0.3, low=0, high=1)
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize(
    ("totals", "counts", "message"),
    [
        ([0.5, float("nan")], [1, 1], "finite"),
        ([0.5, float("inf")], [1, 1], "finite"),
        ([0.5, 1.2], [1, 1], "cluster 1"),
        ([-0.1], [1], "cluster 0"),
        ([0.5], [0], "cluster 0"),
        ([0.0], [0], "nothing to estimate"),
        ([], [], "nothing to estimate"),
        ([0.5], [1, 1], "1 clusters"),
        ([0.5], [1.5], "whole"),
        ([[0.5]], [1], "one entry a cluster"),
        (["a"], [1], "numbers"),
    ],
)
def test_bad_values_are_named(totals, counts, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        mean_interval(totals, counts, low=0, high=1)
    with pytest.raises(ValueError, match=message):
        mean_test(totals, counts, 0.5, low=0, high=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 1, "high": 0}, "range"),
        ({"low": 0, "high": 0}, "range"),
        ({"low": 0, "high": float("inf")}, "range"),
        ({"low": float("nan"), "high": 1}, "range"),
        ({"confidence": 95}, "confidence"),
        ({"side": "left"}, "side"),
    ],
)
def test_bad_arguments_are_named(arguments, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        mean_interval([0.5], [1], **{"low": 0, "high": 1, **arguments})


@pytest.mark.parametrize(
    ("limit", "must", "message"), [(2, "at_most", "limit"), (float("nan"), "at_most", "limit"), (0.5, "max", "must")]
)
def test_bad_limits_are_named(limit: float, must: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mean_test([0.5], [1], limit, low=0, high=1, must=must)  # type: ignore[arg-type]


def test_rounding_of_a_sum_is_forgiven_and_nothing_more() -> None:
    total = sum([0.1] * 3)  # 0.30000000000000004
    assert mean_interval([total], [3], low=0, high=0.1).mean == 0.1
    with pytest.raises(ValueError, match="cannot have"):
        mean_interval([0.3001], [3], low=0, high=0.1)
