from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.evidence import bounds
from shipworthy.stats import mean_interval, mean_noninferiority_test, noninferiority_test, rate_interval

rows = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(6, 9)), min_size=1, max_size=40)


@pytest.mark.parametrize("y", [[0.0] * 30, [0.3, 0.5], [1.0] + [1 / 8] * 8 + [0.0] * 65, [0.5] * 10 + [0.1] * 7])
def test_the_limit_is_the_quantile_of_the_weighted_mean(y: list[float]) -> None:
    drawn, limit, above = random.Random(5), bounds.upper_limit(y, 0.05), 0
    draws = 20_000
    for _ in range(draws):
        weights = [drawn.expovariate(1) for _ in range(len(y) + 1)]
        mean = sum(w * v for w, v in zip(weights, [*y, 1.0], strict=True)) / sum(weights)
        above += mean >= limit
    assert abs(above / draws - 0.05) < 4 * (0.05 * 0.95 / draws) ** 0.5


CONFIDENCES = st.sampled_from([0.5, 0.8, 0.95, 0.975, 0.99])


def _held(law: bounds.LimitLaw, means: list[float], stated: tuple[float, float], tail: float) -> None:
    """Both of the library's limits are right, one that is better is seen, and one that is worse."""
    width, low, high = law.high - law.low, *stated
    for mine, limit in ((means, high), (law.mirrored(means), law.flip(low))):
        assert law.misses(mine, limit, tail) == 0
        step = 1e-3 * width
        if limit - step > sum(mine) / len(mine):
            assert law.misses(mine, limit - step, tail) == -1
            assert law.within(mine, limit - step, tail) is False
        if limit + step < law.high:
            assert law.misses(mine, limit + step, tail) == 1
            assert law.within(mine, limit + step, tail) is True


@given(rows, CONFIDENCES, st.sampled_from(["gaffke", "proved", "anytime"]))
@settings(max_examples=80, deadline=None)
def test_the_library_s_limits_of_a_rate_are_the_right_ones(
    data: list[tuple[int, int, int]], confidence: float, bound: Any
) -> None:
    found = rate_interval([x for x, _, _ in data], [n for _, _, n in data], confidence=confidence, bound=bound)
    law = bounds.LimitLaw(betting=bound != "gaffke", anytime=bound == "anytime")
    _held(law, [x / n for x, _, n in data], (found.low, found.high), (1 - confidence) / 2)


@given(rows, st.sampled_from([0.8, 0.95, 0.99]), st.sampled_from(["gaffke", "proved"]))
@settings(max_examples=15, deadline=None)
def test_the_library_s_limits_of_a_change_are_the_right_ones(
    data: list[tuple[int, int, int]], confidence: float, bound: Any
) -> None:
    n = [n for _, _, n in data]
    found = noninferiority_test(
        [x for x, _, _ in data], n, [x for _, x, _ in data], n, 0.1, confidence=confidence, bound=bound
    )
    law = bounds.LimitLaw(-1.0, 1.0, betting=bound == "proved", change=True)
    changes = [(new - old) / n for new, old, n in data]
    _held(law, changes, (found.low, found.high), (1 - confidence) / 2)
    assert law.misses(changes, found.bound, 1 - confidence) == 0


@given(st.lists(st.floats(0, 60), min_size=1, max_size=60), CONFIDENCES)
@settings(max_examples=80, deadline=None)
def test_the_library_s_limits_of_a_mean_are_the_right_ones(values: list[float], confidence: float) -> None:
    found = mean_interval(values, [1] * len(values), low=0, high=60, confidence=confidence)
    _held(bounds.LimitLaw(0.0, 60.0, betting=True), values, (found.low, found.high), (1 - confidence) / 2)


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60)), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_the_library_s_limits_of_a_mean_s_change_are_the_right_ones(pairs: list[tuple[float, float]]) -> None:
    ones, new, old = [1] * len(pairs), [a for a, _ in pairs], [b for _, b in pairs]
    found = mean_noninferiority_test(new, ones, old, ones, 5, low=0, high=60, worse="lower")
    law, changes = bounds.LimitLaw(-60.0, 60.0, betting=True, change=True), [a - b for a, b in pairs]
    _held(law, changes, (found.low, found.high), 0.025)
    assert law.misses(law.mirrored(changes), found.bound, 0.05) == 0


def test_nothing_but_hits_allows_no_limit_below_one() -> None:
    law = bounds.LimitLaw()
    assert bounds.upper_limit([1.0] * 5, 0.05) == 1.0
    assert law.misses([1.0] * 5, 0.99, 0.05) == -1
    assert law.misses([1.0] * 5, 1.0, 0.05) == 0
    assert law.misses([0.0] * 5, 1.0, 0.05) == 1
