from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.pareto import ParetoObjective, on_front, pareto_front


def test_the_front_is_what_nothing_dominates():
    costs = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [2.0, 3.0], [2.0, 2.0]])
    assert on_front(costs).tolist() == [True, True, True, False, True]
    for rows in np.random.default_rng(1).random((50, 6, 3)):
        slow = [
            not any((other <= mine).all() and (other < mine).any() for other in rows) for mine in rows
        ]  # fmt: skip
        assert on_front(rows).tolist() == slow


def test_chances_say_how_often_the_samples_put_it_there():
    rng = np.random.default_rng(2)
    harm = (rng.random((3, 400)) < np.array([[0.1], [0.1], [0.5]])).astype(float)
    helps = (rng.random((3, 300)) < np.array([[0.5], [0.5], [0.2]])).astype(float)
    objectives = [ParetoObjective("harm", {"a": harm}, "low"), ParetoObjective("help", {"b": helps}, "high")]
    found = pareto_front(objectives, seed=3)
    assert found.chance[2] == 0
    assert not found.front[2]
    # Each of two equal ones is better in one draw and worse in another, or both stand.
    assert 0.3 < found.chance[0] < 1
    assert found.chance[0] + found.chance[1] >= 1
    assert found.means[:, 0] == pytest.approx(harm.mean(-1))
    assert ((found.low <= found.means) & (found.means <= found.high)).all()
    assert (pareto_front(objectives, seed=3).chance == found.chance).all()


def test_the_same_clusters_are_drawn_for_all():
    y = np.random.default_rng(4).random((1, 50))
    both = np.concatenate([y, y + 0.001])  # worse on every single cluster: never on the front, however noisy
    assert pareto_front([ParetoObjective("harm", {"a": both}, "low")]).chance.tolist() == [1, 0]


@pytest.mark.parametrize(
    "objectives",
    [
        [],
        [ParetoObjective("x", {}, "low")],
        [ParetoObjective("x", {"a": np.ones((2, 3))}, "high"), ParetoObjective("y", {"a": np.ones((2, 4))}, "low")],
        [ParetoObjective("x", {"a": np.ones((2, 3))}, "high"), ParetoObjective("y", {"b": np.ones((3, 4))}, "low")],
        [ParetoObjective("x", {"a": np.full((2, 3), np.nan)}, "high")],
        [ParetoObjective("x", {"a": np.ones((2, 3))}, "best")],  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_front_is_refused(objectives):
    with pytest.raises(ValueError, match=r".+"):
        pareto_front(objectives)
