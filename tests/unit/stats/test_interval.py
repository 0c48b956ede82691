from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from shipworthy.stats import rate_interval
from shipworthy.stats.clusters import effective, limits, upper_within

clusters = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40).map(
    lambda rows: ([min(a, b) for a, b in rows], [max(a, b) for a, b in rows])
)


def some(data: tuple[list[int], list[int]]) -> bool:
    return sum(data[1]) > 0


@pytest.mark.parametrize(("hits", "trials"), [(0, 59), (3, 60), (7, 150), (150, 150), (149, 150), (1, 1), (0, 1)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_one_trial_a_cluster_is_clopper_pearson(hits: int, trials: int, confidence: float) -> None:
    ours = rate_interval([1] * hits + [0] * (trials - hits), [1] * trials, confidence=confidence)
    theirs = binomtest(hits, trials).proportion_ci(confidence, method="exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert (ours.rate, ours.design_effect, ours.n_eff) == (hits / trials, 1.0, trials)


def test_planned_floor_is_clopper_pearson_on_the_fewer_trials() -> None:
    ours = rate_interval([1] * 12 + [0] * 88, [1] * 100, min_design_effect=2.5)
    assert (ours.low, ours.high) == pytest.approx(proportion_confint(12 / 2.5, 40, method="beta"), abs=1e-9)
    assert ours.design_effect == 2.5


def test_design_effect_is_the_cluster_robust_one() -> None:
    rng = np.random.default_rng(5)
    n = rng.integers(1, 8, 80)
    x = rng.binomial(n, rng.beta(1, 3, 80))
    ours = rate_interval(x, n)
    import statsmodels.api as sm

    # Reference: cluster-robust variance of the mean in an intercept-only least-squares fit on the single trials.
    outcome = np.concatenate([[1] * h + [0] * (m - h) for h, m in zip(x, n, strict=True)]).astype(float)
    group = np.repeat(np.arange(80), n)
    fit = sm.OLS(outcome, np.ones_like(outcome)).fit(
        cov_type="cluster", cov_kwds={"groups": group, "use_correction": False}
    )
    binomial = ours.rate * (1 - ours.rate) / n.sum()
    assert ours.design_effect == pytest.approx(fit.cov_params()[0, 0] * 80 / 79 / binomial)


def test_copies_of_a_trial_are_worth_one() -> None:
    once = rate_interval([1, 0, 0, 1, 0] * 8, [1] * 40)
    copied = rate_interval([5, 0, 0, 5, 0] * 8, [5] * 40)
    assert copied.n_eff == pytest.approx(40)
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


def test_no_hit_counts_each_cluster_once() -> None:
    r = rate_interval([0] * 200, [5] * 200, side="upper")
    assert r.high == pytest.approx(1 - 0.05 ** (1 / 200))
    assert (r.low, r.n_eff, r.design_effect) == (0.0, 200, 5)


def test_one_hit_never_looks_safer_than_none() -> None:
    none = rate_interval([0] * 200, [5] * 200, side="upper")
    one = rate_interval([1] + [0] * 199, [5] * 200, side="upper")
    assert one.high >= none.high


def test_one_cluster_is_one_observation() -> None:
    r = rate_interval([3], [10])
    assert (r.n_eff, r.clusters) == (1, 1)
    assert r.low < 0.05
    assert r.high > 0.95


@given(clusters.filter(some), st.sampled_from([0.8, 0.95, 0.99]), st.floats(1, 9))
def test_interval_contains_the_rate_and_widens_with_every_caution(
    data: tuple[list[int], list[int]], confidence: float, floor: float
) -> None:
    hits, trials = data
    r = rate_interval(hits, trials, confidence=confidence)
    assert 0 <= r.low <= r.rate <= r.high <= 1
    assert 1 <= r.design_effect <= max(trials)
    assert 0 < r.n_eff <= r.trials / r.design_effect + 1e-9
    floored = rate_interval(hits, trials, confidence=confidence, min_design_effect=floor)
    assert floored.low <= r.low + 1e-9
    assert floored.high >= r.high - 1e-9
    surer = rate_interval(hits, trials, confidence=1 - (1 - confidence) / 2)
    assert surer.low <= r.low + 1e-9
    assert surer.high >= r.high - 1e-9
    # One-sided at 1 - a/2 is the same limit as two-sided at 1 - a.
    upper = rate_interval(hits, trials, confidence=(1 + confidence) / 2, side="upper")
    assert upper.high == pytest.approx(r.high)
    assert upper.low == 0


@given(clusters.filter(some))
def test_hits_and_misses_mirror_each_other(data: tuple[list[int], list[int]]) -> None:
    hits, trials = data
    r = rate_interval(hits, trials)
    mirror = rate_interval([n - x for x, n in zip(hits, trials, strict=True)], trials)
    assert (mirror.low, mirror.high) == pytest.approx((1 - r.high, 1 - r.low), abs=1e-7)
    assert mirror.design_effect == pytest.approx(r.design_effect)


@given(clusters.filter(some), st.randoms(use_true_random=False))
def test_order_and_empty_clusters_do_not_matter(data: tuple[list[int], list[int]], rnd) -> None:  # type: ignore[no-untyped-def]
    rows = list(zip(*data, strict=True))
    rnd.shuffle(rows)
    shuffled = rate_interval([x for x, _ in rows] + [0, 0], [n for _, n in rows] + [0, 0])
    r = rate_interval(*data)
    assert (shuffled.low, shuffled.high) == pytest.approx((r.low, r.high))
    assert shuffled.clusters == r.clusters == sum(n > 0 for n in data[1])


@given(st.integers(1, 60), st.data())
def test_more_hits_move_both_limits_up(size: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, size - 1))
    fewer = rate_interval([1] * hits + [0] * (size - hits), [1] * size)
    more = rate_interval([1] * (hits + 1) + [0] * (size - hits - 1), [1] * size)
    assert more.low > fewer.low or fewer.low == more.low == 0
    assert more.high > fewer.high or fewer.high == more.high == 1


@given(clusters.filter(some), st.integers(2, 5))
def test_the_same_data_several_times_over_never_widens_the_interval(
    data: tuple[list[int], list[int]], times: int
) -> None:
    r, repeated = rate_interval(*data), rate_interval(data[0] * times, data[1] * times)
    assert repeated.rate == pytest.approx(r.rate)
    assert repeated.high - repeated.low <= r.high - r.low + 1e-9


def test_a_whole_simulation_in_one_call_equals_single_calls() -> None:
    rng = np.random.default_rng(0)
    x = rng.binomial(4, rng.beta(1, 9, (50, 30))).astype(float)
    n = np.full_like(x, 4)
    low, high = limits(effective(x, n, 0.025, 1.5), 0.025)
    for row in range(50):
        single = rate_interval(x[row], n[row], min_design_effect=1.5)
        assert (single.low, single.high) == pytest.approx((low[row], high[row]))


@pytest.mark.parametrize("limit", [0.02, 0.1, 0.3, 0.9])
def test_the_fast_comparison_is_the_limit_compared(limit: float) -> None:
    rng = np.random.default_rng(3)
    x = rng.binomial(4, rng.beta(0.5, 4, (400, 40))).astype(float)
    found = effective(x, np.full_like(x, 4), 0.05, 1.5)
    assert (upper_within(found, 0.05, limit) == (limits(found, 0.05)[1] <= limit)).all()


def test_weights_stand_for_equal_clusters() -> None:
    table = effective(np.arange(4.0), np.full(4, 3.0), 0.05, 1.0, np.array([20.0, 5, 2, 1]))
    flat = effective(np.repeat(np.arange(4.0), [20, 5, 2, 1]), np.full(28, 3.0), 0.05)
    for one, other in zip(table, flat, strict=True):
        assert float(one) == pytest.approx(float(other))


@pytest.mark.parametrize(
    ("hits", "trials", "options", "message"),
    [
        ([1], [1, 1], {}, "1 clusters and trials 2"),
        ([2, 1], [2, 0], {}, "cluster 1 has more hits"),
        ([-1], [1], {}, "negative"),
        ([0.5], [1], {}, "whole numbers"),
        ([float("nan")], [1], {}, "whole numbers"),
        ([0, 0], [0, 0], {}, "nothing to estimate"),
        ([], [], {}, "nothing to estimate"),
        ([[1]], [[1]], {}, "one-dimensional"),
        (["x"], [1], {}, "must be numbers"),
        ([0], [1], {"confidence": 95}, "confidence"),
        ([0], [1], {"side": "left"}, "side"),
        ([0], [1], {"min_design_effect": 0.5}, "at least 1"),
        ([0], [1], {"min_design_effect": float("nan")}, "at least 1"),
    ],
)
def test_bad_input_is_named(hits, trials, options, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        rate_interval(hits, trials, **options)
