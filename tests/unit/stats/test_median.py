"""The median's interval: its coverage is what it says, whatever the distribution."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats import median_interval


def test_known_values() -> None:
    # n = 20: five numbers are left out at each end, with a chance of .0207 a side (tables of the sign test).
    assert median_interval(range(1, 21)) == (10.5, 6.0, 15.0, 20)
    assert median_interval([3.0]) == (3.0, -inf, inf, 1)
    assert median_interval([1, 2, 3, 4, 5])[1:3] == (-inf, inf)
    assert median_interval([1, 2, 3, 4, 5, 6])[1:3] == (1.0, 6.0)


@pytest.mark.parametrize("n", [6, 17, 60])
def test_coverage(n: int) -> None:
    draw = np.random.default_rng(7)
    covered = []
    for _ in range(2_000):
        found = median_interval(draw.exponential(size=n))
        covered.append(found.low <= np.log(2) <= found.high)
    assert np.mean(covered) >= 0.95 - 0.012


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_it_holds_the_median_and_does_not_depend_on_the_order(values: list[int]) -> None:
    found = median_interval(values)
    assert found.low <= found.median <= found.high
    assert median_interval(values[::-1]) == found
    turned = median_interval([-v for v in values])
    assert (turned.low, turned.high) == (-found.high, -found.low)


@pytest.mark.parametrize(("values", "confidence"), [([], 0.95), ([float("nan")], 0.95), ([1], 1.0)])
def test_what_is_none_is_refused(values: list[float], confidence: float) -> None:
    with pytest.raises(ValueError, match=r"."):
        median_interval(values, confidence=confidence)
