from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom

from shipworthy.stats import achieved_power, noninferiority_test, threshold_test
from shipworthy.stats.power import passing
from shipworthy.stats.sample_rates import Bound
from shipworthy.stats.suite_draws import DRAWS, Block, HitLaw, draw_suite, no_hit

BLOCKS = (Block(30, (2, 1)), Block(20, (0, 3)))
LAW = HitLaw(0.2, 0.4, (1.0, 0.5))


def by_hand(replicates: int) -> np.ndarray:
    """Hits of BLOCKS under LAW, trial by trial: (replicates, clusters, cells)."""
    rng = np.random.default_rng(8)
    size = 0.6 / 0.4
    trials = np.repeat([b.cells for b in BLOCKS], [b.clusters for b in BLOCKS], axis=0)
    weak = rng.beta(0.2 * size, 0.8 * size, (replicates, trials.shape[0], 1))
    return rng.binomial(np.broadcast_to(trials, (replicates, *trials.shape)), weak * np.array([1.0, 0.5]))


def test_no_hit_is_the_beta_binomial_chance_of_none_in_every_cluster() -> None:
    one = betabinom.pmf(0, 8, 0.015 * 7 / 3, 0.985 * 7 / 3)
    assert no_hit([Block(74, (8,))], HitLaw(0.015, 0.3, (1.0,)), [True]) == pytest.approx(one**74)
    assert no_hit([Block(74, (8,))], HitLaw(0.015, 0.3, (1.0,)), [False]) == 1
    assert no_hit([Block(9, (4,))], HitLaw(0.0, 0.3, (1.0,)), [True]) == 1
    assert no_hit([Block(9, (1,))], HitLaw(0.1, 0.3, (0.5,)), [True]) == pytest.approx(0.95**9)


@pytest.mark.parametrize("cells", [(True, True), (True, False), (False, True)])
def test_hits_are_those_drawn_trial_by_trial(cells: tuple[bool, bool]) -> None:
    hits = by_hand(20_000)[:, :, np.array(cells)].sum(-1)
    drawn = draw_suite(BLOCKS, LAW, seed=(1,))
    values, weights = drawn.table(cells)
    clusters = 30 if cells == (True, False) else 50
    assert (weights.sum(-1) == clusters).all()
    trials = np.repeat([sum(np.array(b.cells)[list(cells)]) for b in BLOCKS], [30, 20])
    seen = hits[:, trials > 0] / trials[trials > 0]
    for value, mean in zip(values, weights.mean(0), strict=True):
        share = (np.abs(seen - value) < 1e-9).sum(-1)
        assert mean == pytest.approx(share.mean(), abs=4 * share.std() / DRAWS**0.5 + 1e-3)
    none = no_hit(BLOCKS, LAW, cells)
    error = (none * (1 - none) / DRAWS) ** 0.5
    assert drawn.without(cells).mean() == pytest.approx(none, abs=4 * error + 1e-3)
    assert (hits.sum(-1) == 0).mean() == pytest.approx(none, abs=4 * error / 3 + 1e-3)


def test_an_old_run_hangs_together_with_the_new() -> None:
    stable, fresh = (
        draw_suite([Block(40, (5,))], HitLaw(0.3, 0.5, (1.0,), stability), seed=(2,), pairs=True)
        for stability in (1.0, 0.0)
    )
    values, weights = stable.table([True], change=True)
    # Of the difference of two binomials on one weakness: 2 E[p (1 - p)] / m; without it twice the variance of one.
    inner, outer = 0.3 * 0.7 * 0.5, 0.3 * 0.7 * 0.5
    assert (weights @ values**2).mean() / 40 == pytest.approx(2 * inner / 5, rel=0.03)
    values, weights = fresh.table([True], change=True)
    assert (weights @ values**2).mean() / 40 == pytest.approx(2 * (inner / 5 + outer), rel=0.03)
    assert (weights @ values).mean() / 40 == pytest.approx(0, abs=0.01)


def test_power_is_that_of_one_criterion_by_itself() -> None:
    values, weights = draw_suite([Block(60, (2, 2))], HitLaw(0.05, 0.5, (1.0, 1.0)), seed=(3,)).table([True, True])
    found = passing(values, weights, "at_most", limit=0.1, tail=0.05, bound="gaffke").mean()
    assert found == pytest.approx(achieved_power(60, 0.1, 0.05, attempts=4, icc=0.5), abs=0.05)


def test_the_same_seed_gives_the_same_draws() -> None:
    one, same, other = (draw_suite(BLOCKS, LAW, seed=(s,)).table([True, True])[1] for s in (5, 5, 6))
    assert (one == same).all()
    assert one.shape != other.shape or (one != other).any()


def test_a_large_suite_is_drawn_less_often() -> None:
    assert draw_suite([Block(20_000, (1,))], HitLaw(0.2, 0.3, (1.0,)), seed=(1,)).draws == 500
    assert draw_suite([Block(20_000, (1,))], HitLaw(0.0, 0.3, (1.0,)), seed=(1,)).draws == DRAWS


def test_a_change_needs_an_old_run() -> None:
    with pytest.raises(ValueError, match="ask for pairs"):
        draw_suite(BLOCKS, LAW, seed=(1,)).table([True, True], change=True)


@pytest.mark.parametrize("bound", ["gaffke", "proved"])
def test_each_draw_is_decided_as_the_public_tests_decide_it(bound: Bound) -> None:
    drawn = draw_suite([Block(25, (3,)), Block(15, (2,))], HitLaw(0.1, 0.4, (1.0,)), seed=(4,), pairs=True)
    values, weights = drawn.table([True], change=True)
    rose = passing(values, weights, "rise", limit=0.08, tail=0.05, bound=bound)
    shares, times = drawn.table([True])
    met = passing(shares, times, "at_most", limit=0.15, tail=0.05, bound=bound)
    assert drawn.old is not None
    for row in range(25):
        x, y, n = np.zeros(40, dtype=int), np.zeros(40, dtype=int), np.repeat([3, 2], [25, 15])
        for block, first in ((0, 0), (1, 25)):
            here = np.flatnonzero((drawn.row == row) & (drawn.block == block))
            x[first : first + here.size], y[first : first + here.size] = drawn.new[here, 0], drawn.old[here, 0]
        test = noninferiority_test(x, n, y, n, 0.08, bound=bound)
        assert abs(test.bound - 0.08) < 2e-5 or (test.verdict == "pass") == rose[row]
        assert (threshold_test(x, n, 0.15, bound=bound).verdict == "pass") == met[row]
    assert 0 < met.mean() < 1
    assert bound == "proved" or 0 < rose.mean() < 1
