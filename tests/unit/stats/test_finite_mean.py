"""The mean of a small population: exact when all answered, and limits that hold when they did not."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.finite_mean import finite_mean


def test_a_census_has_no_width_and_one_answer_says_nothing():
    assert finite_mean([1, 5], 2, low=1, high=5)[:3] == (3.0, 3.0, 3.0)
    assert finite_mean([3], 9, low=1, high=5)[:3] == (3.0, 1.0, 5.0)


def test_answers_that_are_all_alike_are_not_certainty():
    found = finite_mean([5, 5], 1_000, low=1, high=5)
    assert found.mean == found.high == 5.0 and found.low < 3
    many = finite_mean([4] * 99, 100, low=1, high=5)
    assert (many.low, many.high) == (pytest.approx(3.97), pytest.approx(4.01))


def test_its_limits_hold_on_scores_of_a_small_department():
    random = np.random.default_rng(2)
    people = random.choice([1, 2, 3, 4, 5], 40, p=[0.05, 0.1, 0.2, 0.4, 0.25])
    held = 0
    for _ in range(1_000):
        found = finite_mean(random.choice(people, 20, replace=False), 40, low=1, high=5)
        held += found.low <= people.mean() <= found.high
    assert held / 1_000 > 0.93


@pytest.mark.parametrize(("values", "population"), [([], 3), ([6], 3), ([1, 2], 1)])
def test_what_is_no_sample_is_refused(values, population):
    with pytest.raises(ValueError, match="value"):
        finite_mean(values, population, low=1, high=5)
