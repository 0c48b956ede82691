from __future__ import annotations

from math import comb

import numpy as np
import pytest

from shipworthy.stats import rate_interval, unpaired_difference


def test_it_misses_no_more_often_than_it_says_over_all_pairs_of_rates() -> None:
    n = 30
    limits = [rate_interval([1] * x + [0] * (n - x), [1] * n) for x in range(n + 1)]
    rate, low, high = (np.array([getattr(one, key) for one in limits]) for key in ("rate", "low", "high"))
    first, second = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    difference = rate[first] - rate[second]
    down = np.hypot(rate[first] - low[first], high[second] - rate[second])
    up = np.hypot(high[first] - rate[first], rate[second] - low[second])
    ways = np.array([comb(n, x) for x in range(n + 1)], dtype=float)
    worst = 1.0
    for p in (0.01, 0.05, 0.1, 0.3, 0.5, 0.8):
        for q in (0.01, 0.05, 0.1, 0.3, 0.5, 0.9):
            chance = np.outer(*(ways * r ** np.arange(n + 1) * (1 - r) ** (n - np.arange(n + 1)) for r in (p, q)))
            inside = (difference - down <= p - q + 1e-12) & (p - q <= difference + up + 1e-12)
            worst = min(worst, float(chance[inside].sum()))
    assert worst >= 0.95, "the interval covers less often than it promises"


def test_the_formula_tested_above_is_the_one_in_use() -> None:
    found = unpaired_difference([1] * 12 + [0] * 18, [1] * 30, [1] * 3 + [0] * 27, [1] * 30)
    a, b = found.first, found.second
    assert found.difference == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3 - np.hypot(a.rate - a.low, b.high - b.rate))
    assert found.high == pytest.approx(0.3 + np.hypot(a.high - a.rate, b.rate - b.low))
    other = unpaired_difference([1] * 3 + [0] * 27, [1] * 30, [1] * 12 + [0] * 18, [1] * 30)
    assert (other.low, other.high) == pytest.approx((-found.high, -found.low))


def test_clusters_count_once() -> None:
    many = unpaired_difference([5] * 6 + [0] * 6, [5] * 12, [0] * 12, [5] * 12)
    few = unpaired_difference([1] * 6 + [0] * 6, [1] * 12, [0] * 12, [1] * 12)
    assert (many.low, many.high) == pytest.approx((few.low, few.high))
