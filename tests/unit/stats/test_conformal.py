"""Smoothed conformal p-values and the capital bet on them: by hand, and against what a martingale must do."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.conformal import ChangeTest, gains, smoothed_p


def test_a_p_value_by_hand() -> None:
    assert smoothed_p([3, 1, 1, 2], 0.25) == (1 + 0.25 * 1) / 4
    assert smoothed_p([5], 0.4) == 0.4
    assert smoothed_p([1, 1, 1, 1], 1.0) == 1.0


def test_p_values_of_a_reordered_bag_are_uniform() -> None:
    """Whichever of a bag comes last, on average over them the p-value's law is uniform: all its moments are."""
    bag, grid = [0, 0, 2, 5, 5, 5], (np.arange(400) + 0.5) / 400
    values = np.array([smoothed_p([*bag[:at], *bag[at + 1 :], bag[at]], u) for at in range(len(bag)) for u in grid])
    for power in (1, 2, 3):
        assert (values**power).mean() == pytest.approx(1 / (power + 1), abs=1e-3)


def test_every_bet_is_worth_one_on_average() -> None:
    # By substitution p = t**8 both singular ends are tame enough for the midpoint rule.
    t = (np.arange(200_000) + 0.5) / 200_000
    low = np.concatenate([t**8 / 2, 1 - t**8 / 2])
    weight = np.concatenate([4 * t**7, 4 * t**7]) / len(t)
    worth = (np.exp(gains(low[:, None])) * weight[:, None]).sum(0)
    # What is below the smallest p-value that is told apart is lost, so a steep bet is worth a little less.
    assert (worth <= 1 + 1e-6).all()
    assert (worth >= 0.98).all()


def test_capital_begins_at_one_and_an_empty_look_changes_nothing() -> None:
    test = ChangeTest()
    assert float(test.capital) == 1.0
    assert float(test.look(np.array([]))) == 1.0
    assert test.looks == 0
    after = float(test.look(np.array([1e-4] * 8)))
    assert after > 1_000
    assert float(test.look(np.array([]))) == after


def test_many_at_once_are_the_same_as_one_after_another() -> None:
    dice = np.random.default_rng(3)
    p = dice.random((5, 7, 4))
    many = ChangeTest((7,))
    ones = [ChangeTest() for _ in range(7)]
    for look in p:
        together = many.look(look)
        alone = [float(test.look(row)) for test, row in zip(ones, look, strict=True)]
    assert together == pytest.approx(alone)
    assert np.isfinite(together).all()


def test_no_capital_overflows() -> None:
    test = ChangeTest()
    for _ in range(400):
        value = float(test.look(np.full(20, 1e-9)))
    assert np.isfinite(value)
