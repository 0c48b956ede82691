from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from shipworthy.stats import threshold_test
from shipworthy.stats.sample_rates import chance_above, lower_limits, table, upper_limits, upper_within

shares = st.lists(st.sampled_from([0.0, 0.0, 0.0, 1 / 9, 0.25, 0.5, 1.0]), min_size=1, max_size=60)


def upper(y: list[float], tail: float = 0.05) -> float:
    return float(upper_limits(*table(np.array(y)), tail))


@pytest.mark.parametrize(
    "y",
    [
        [0.2],
        [0.3, 0.5],
        [0.5, 0.5, 0.2],
        [1 / 8] * 8 + [0.0] * 66,
        [1.0] + [1 / 8] * 8 + [0.0] * 65,
        [0.1] * 20 + [0.0] * 80,
    ],
)
def test_the_limit_is_the_quantile_of_the_weighted_mean(y: list[float]) -> None:
    # The definition itself: a million draws from the flat Dirichlet, as normalised exponentials.
    draws = np.random.default_rng(7).standard_exponential((1_000_000 // len(y), len(y) + 1))
    means = draws @ np.append(np.array(y), 1.0) / draws.sum(-1)
    seen, error = (means >= upper(y)).mean(), (0.05 * 0.95 / len(means)) ** 0.5
    assert abs(seen - 0.05) < 4 * error


@given(st.floats(2, 40), st.floats(1, 300), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_the_integral_agrees_with_the_beta_it_must_be(a: float, b: float, limit: float) -> None:
    # A third value so close to one of the two that it changes nothing but the way of working it out.
    values = np.array([0.0, 1.0 - 1e-12, 1.0])
    weights = np.array([[b, a / 2, a / 2]])
    assert chance_above(values, weights, limit)[0] == pytest.approx(beta.sf(limit, a, b), abs=1e-9)


def test_out_of_reach_and_surely_reached() -> None:
    values, weights = np.array([0.2, 0.3, 0.5]), np.ones((1, 3))
    assert chance_above(values, weights, 0.5001)[0] == 0
    assert chance_above(values, weights, 0.2)[0] == 1


@given(shares, st.sampled_from([0.01, 0.05, 0.2, 0.5]))
@settings(deadline=None)
def test_limits_contain_the_mean_and_grow_with_every_share(y: list[float], tail: float) -> None:
    values, weights = table(np.array(y))
    low, high = float(lower_limits(values, weights, tail)), float(upper_limits(values, weights, tail))
    assert 0 <= low <= np.mean(y) + 1e-8
    assert np.mean(y) - 1e-8 <= high <= 1
    more = [min(1.0, v + 0.1) for v in y]
    assert upper(more, tail) >= high - 1e-8
    # Splitting a share between no hit and a whole one only spreads it.
    assert upper([0.0, *y], 0.05) >= upper([0.0, *y, 0.0], 0.05) - 1e-8


def test_no_hit_is_the_least_there_can_be() -> None:
    assert upper([0.0] * 74) == pytest.approx(1 - 0.05 ** (1 / 74))
    assert upper([1 / 9] + [0.0] * 73) > upper([0.0] * 74)


def test_a_whole_simulation_in_one_call_equals_single_calls() -> None:
    rng = np.random.default_rng(0)
    y = rng.binomial(4, rng.beta(0.3, 3, (60, 30))) / 4
    values, weights = table(y)
    high = upper_limits(values, weights, 0.05)
    inside = upper_within(values, weights, 0.15, 0.05)
    for row in range(60):
        assert high[row] == pytest.approx(upper(list(y[row])), abs=1e-7)
        single = threshold_test(np.rint(4 * y[row]), [4] * 30, 0.15)
        assert (single.verdict == "pass") == inside[row] == (high[row] <= 0.15)


def test_the_limit_that_is_returned_is_ruled_out() -> None:
    # The search errs on the safe side: at the limit itself the chance is at most the tail.
    y = np.random.default_rng(1).binomial(7, 0.1, 90) / 7
    values, weights = table(y)
    top, one = np.append(values, 1.0), np.append(weights, 1.0)[None]
    assert chance_above(top, one, float(upper_limits(values, weights, 0.05)))[0] <= 0.05 + 1e-6
