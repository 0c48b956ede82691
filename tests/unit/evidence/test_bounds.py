from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.core.condition import parse
from shipworthy.evidence import bounds
from shipworthy.stats import noninferiority_test, rate_interval

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


@given(rows, st.sampled_from(["upper95 <= 0.1", "lower95 >= 0.1", "upper99 <= 0.1", "lower80 >= 0.1"]))
@settings(max_examples=60, deadline=None)
def test_a_rate_s_own_bound_is_believed_and_a_better_one_is_not(data: list[tuple[int, int, int]], must: str) -> None:
    asked, hits, trials = parse(must), [x for x, _, _ in data], [n for _, _, n in data]
    low = asked.side == "lower"
    found = rate_interval(hits, trials, confidence=asked.confidence, side=asked.side)
    bound, shares = (found.low if low else found.high), [x / n for x, n in zip(hits, trials, strict=True)]
    assert not bounds.too_good(shares, bound, asked)
    assert not bounds.too_good(shares, bound / 2 if low else (1 + bound) / 2, asked)
    better = bound + 1e-3 if low else bound - 1e-3
    if 0.01 < better < 0.99:
        assert bounds.too_good(shares, better, asked)
    if 0 < found.rate < 1:
        assert bounds.too_good(shares, found.rate, asked)


@given(rows, st.sampled_from(["rise_upper95 <= 0.1", "drop_upper95 <= 0.1"]))
@settings(max_examples=40, deadline=None)
def test_a_change_s_own_bound_is_believed_and_a_better_one_is_not(data: list[tuple[int, int, int]], must: str) -> None:
    asked, n = parse(must), [n for _, _, n in data]
    new, old = [x for x, _, _ in data], [x for _, x, _ in data]
    worse = "higher" if asked.side == "upper" else "lower"
    found = noninferiority_test(new, n, old, n, 0.1, worse=worse)  # type: ignore[arg-type]
    changes = [(a - b) / c for a, b, c in data]
    assert not bounds.too_good(changes, found.bound, asked)
    assert not bounds.too_good(changes, found.bound + 0.01, asked)
    assert bounds.too_good(changes, found.bound - 1e-3, asked)


def test_nothing_but_hits_allows_no_limit_below_one() -> None:
    asked = parse("upper95 <= 0.9")
    assert bounds.upper_limit([1.0] * 5, 0.05) == 1.0
    assert bounds.too_good([1.0] * 5, 0.99, asked)
    assert not bounds.too_good([1.0] * 5, 1.0, asked)
