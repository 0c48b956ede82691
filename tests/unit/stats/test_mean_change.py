from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.stats import mean_difference, mean_interval, mean_noninferiority_test, paired_difference

pairs = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12)


def columns(data: list[tuple[float, float]], low: float = 0.0, width: float = 1.0) -> tuple[list[float], ...]:
    ones = [1.0] * len(data)
    return [low + width * a for a, _ in data], ones, [low + width * b for _, b in data], ones


@given(pairs)
@settings(max_examples=60, deadline=None)
def test_p_value_is_the_full_enumeration_of_swaps(data: list[tuple[float, float]]) -> None:
    data = [(round(a, 2), round(b, 2)) for a, b in data]
    steps = np.array([a - b for a, b in data])
    sums = np.abs([(np.array(signs) * steps).sum() for signs in product((-1, 1), repeat=len(data))])
    expected = float((sums >= abs(steps.sum()) - 1e-9).mean())
    assert mean_difference(*columns(data), low=0, high=1).p_value == pytest.approx(expected)


def test_drawn_p_value_agrees_with_the_exact_one_of_events() -> None:
    rng = np.random.default_rng(4)
    old, new, n = rng.random(200) < 0.3, rng.random(200) < 0.4, [1] * 200
    exact = paired_difference(new, n, old, n).p_value
    assert 0.005 < exact < 0.5
    assert mean_difference(new, n, old, n, low=0, high=1).p_value == pytest.approx(exact, abs=0.012)


@given(pairs, st.floats(0.02, 1))
@settings(max_examples=60, deadline=None)
def test_swapping_the_runs_mirrors_everything(data: list[tuple[float, float]], margin: float) -> None:
    new, n, old, _ = columns(data)
    there, back = (mean_difference(*c, low=0, high=1) for c in ((new, n, old, n), (old, n, new, n)))
    assert (back.difference, back.low, back.high) == pytest.approx(
        (-there.difference, -there.high, -there.low), abs=1e-7
    )
    assert (back.rose, back.fell, back.p_value) == (there.fell, there.rose, there.p_value)
    assert -1 <= there.low <= there.difference <= there.high <= 1
    rise = mean_noninferiority_test(new, n, old, n, margin, low=0, high=1, worse="higher")
    fall = mean_noninferiority_test(old, n, new, n, margin, low=0, high=1, worse="lower")
    assert (rise.bound, rise.opposite) == pytest.approx((fall.bound, fall.opposite), abs=1e-7)


@given(pairs, st.floats(-1e5, 1e5), st.floats(0.01, 1e5))
@settings(max_examples=60, deadline=None)
def test_the_unit_does_not_matter(data: list[tuple[float, float]], low: float, width: float) -> None:
    data = [(round(a, 3), round(b, 3)) for a, b in data]
    plain, high = mean_difference(*columns(data), low=0, high=1), low + width
    moved = mean_difference(*columns(data, low, width), low=low, high=high)
    for name in ("difference", "low", "high"):
        assert getattr(moved, name) == pytest.approx(width * getattr(plain, name), abs=1e-6 * width + 1e-9 * abs(low))
    assert moved.p_value == pytest.approx(plain.p_value)


@given(pairs, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_does_not_matter(data: list[tuple[float, float]], rnd) -> None:  # type: ignore[no-untyped-def]
    first = mean_difference(*columns(data), low=0, high=1)
    rnd.shuffle(data)
    second = mean_difference(*columns(data), low=0, high=1)
    assert (first.low, first.high, first.p_value) == pytest.approx((second.low, second.high, second.p_value), abs=1e-7)


def test_the_interval_is_the_one_of_the_mean_of_the_changes() -> None:
    rng = np.random.default_rng(2)
    new, old, n = rng.beta(5, 2, 80), rng.beta(4, 3, 80), np.ones(80)
    found = mean_difference(new, n, old, n, low=0, high=1)
    plain = mean_interval(new - old, n, low=-1, high=1)
    assert (found.difference, found.low, found.high) == pytest.approx((plain.mean, plain.low, plain.high))


def test_clusters_are_compared_by_their_own_means() -> None:
    found = mean_difference([4.0, 0.0], [8, 1], [0.0, 1.0], [2, 1], low=0, high=1)
    assert (found.difference, found.rose, found.fell) == (-0.25, 1, 1)


def test_pairing_removes_what_the_samples_differ_by() -> None:
    hard = np.linspace(0, 1, 100)
    found = mean_difference(0.9 * hard + 0.1, [1] * 100, 0.9 * hard, [1] * 100, low=0, high=1)
    assert found.low > 0.04


def test_a_clear_worsening_fails_either_way() -> None:
    n, low, high = [1] * 100, [10.0] * 100, [40.0] * 100
    arguments = {"low": 0, "high": 60}
    assert mean_noninferiority_test(high, n, low, n, 5, worse="higher", **arguments).verdict == "fail"
    assert mean_noninferiority_test(low, n, high, n, 5, worse="lower", **arguments).verdict == "fail"
    assert mean_noninferiority_test(low, n, high, n, 5, worse="higher", **arguments).verdict == "pass"
    assert mean_noninferiority_test(low, n, low, n, 5, worse="higher", **arguments).verdict == "pass"
    few = mean_noninferiority_test(low[:9], n[:9], low[:9], n[:9], 5, worse="higher", **arguments)
    assert few.verdict == "inconclusive"


def test_nothing_moved() -> None:
    same = [0.1 + 0.2, 0.7]
    found = mean_difference(same, [1, 1], [0.3, 0.7], [1, 1], low=0, high=1)
    assert (found.difference, found.rose, found.fell, found.p_value) == (0, 0, 0, 1)


def test_ten_thousand_clusters_are_quick() -> None:
    rng = np.random.default_rng(1)
    old, n = rng.beta(2, 5, 10_000), np.ones(10_000)
    new = np.clip(old + rng.normal(0, 0.1, 10_000), 0, 1)
    began = time.process_time()
    mean_noninferiority_test(new, n, old, n, 0.05, low=0, high=1)
    assert time.process_time() - began < 0.2
    began = time.process_time()
    mean_difference(new, n, old, n, low=0, high=1)
    assert time.process_time() - began < 0.6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1], [1], [1, 0], [1, 1]), "same clusters"),
        (([0, 0], [1, 0], [0, 0], [1, 1]), "cluster 1 has values in one run only"),
        (([2], [1], [0], [1]), "total 2"),
        (([0], [1], [2], [1]), "old total 2"),
        (([float("nan")], [1], [0], [1]), "finite"),
    ],
)
def test_bad_pairs_are_named(arguments, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        mean_difference(*arguments, low=0, high=1)
    with pytest.raises(ValueError, match=message):
        mean_noninferiority_test(*arguments, 0.05, low=0, high=1)


def test_bad_margin_range_and_direction_are_named() -> None:
    with pytest.raises(ValueError, match="margin"):
        mean_noninferiority_test([0], [1], [0], [1], 0, low=0, high=1)
    with pytest.raises(ValueError, match="margin"):
        mean_noninferiority_test([0], [1], [0], [1], 1.5, low=0, high=1)
    with pytest.raises(ValueError, match="range"):
        mean_difference([0], [1], [0], [1], low=1, high=0)
    with pytest.raises(ValueError, match="worse"):
        mean_noninferiority_test([0], [1], [0], [1], 0.1, low=0, high=1, worse="more")  # type: ignore[arg-type]
