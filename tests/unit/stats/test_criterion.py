from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats import rate_interval, threshold_test


def test_fifty_nine_clean_samples_prove_five_percent_and_fifty_eight_do_not() -> None:
    assert threshold_test([0] * 59, [1] * 59, 0.05).verdict == "pass"
    assert threshold_test([0] * 58, [1] * 58, 0.05).verdict == "inconclusive"


def test_a_rate_far_above_fails_and_one_near_does_not_decide() -> None:
    assert threshold_test([1] * 30 + [0] * 30, [1] * 60, 0.05).verdict == "fail"
    near = threshold_test([1] * 4 + [0] * 56, [1] * 60, 0.05)
    assert near.verdict == "inconclusive"
    assert near.opposite < near.limit < near.bound


def test_at_least_looks_at_the_lower_bound() -> None:
    assert threshold_test([1] * 60, [1] * 60, 0.95, must="at_least").verdict == "pass"
    assert threshold_test([1] * 30 + [0] * 30, [1] * 60, 0.95, must="at_least").verdict == "fail"
    assert threshold_test([1] * 57 + [0] * 3, [1] * 60, 0.95, must="at_least").verdict == "inconclusive"


def test_a_theorem_costs_a_pass() -> None:
    hits, trials = [1, 1, 1] + [0] * 117, [1] * 120
    assert threshold_test(hits, trials, 0.07).verdict == "pass"
    assert threshold_test(hits, trials, 0.07, bound="proved").verdict == "inconclusive"


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(3, 5)), min_size=2, max_size=60),
    st.floats(0.01, 0.99),
)
def test_verdict_is_what_the_bounds_say_and_mirrors(rows: list[tuple[int, int]], limit: float) -> None:
    hits, trials = [x for x, _ in rows], [n for _, n in rows]
    t = threshold_test(hits, trials, limit)
    upper, lower = rate_interval(hits, trials, side="upper").high, rate_interval(hits, trials, side="lower").low
    assert (t.bound, t.opposite) == (upper, lower)
    assert t.verdict == ("pass" if upper <= limit else "fail" if lower > limit else "inconclusive")
    if min(abs(upper - limit), abs(lower - limit)) > 1e-6:  # away from ties, misses mirror hits
        misses = [n - x for x, n in rows]
        assert threshold_test(misses, trials, 1 - limit, must="at_least").verdict == t.verdict


@pytest.mark.parametrize(
    ("limit", "must", "message"), [(-0.1, "at_most", "limit"), (5, "at_most", "limit"), (0.5, "max", "must")]
)
def test_bad_input_is_named(limit: float, must: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        threshold_test([0], [1], limit, must=must)  # type: ignore[arg-type]
