from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from shipworthy.stats import rate_interval

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
    assert ours.rate == pytest.approx(hits / trials)


def test_no_hit_counts_each_cluster_once() -> None:
    r = rate_interval([0] * 200, [5] * 200, side="upper")
    assert r.high == pytest.approx(1 - 0.05 ** (1 / 200))
    assert (r.low, r.rate, r.clusters, r.trials) == (0.0, 0.0, 200, 1000)


def test_copies_of_a_trial_are_worth_one() -> None:
    once = rate_interval([1, 0, 0, 1, 0] * 8, [1] * 40)
    copied = rate_interval([5, 0, 0, 5, 0] * 8, [5] * 40)
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


def test_each_cluster_counts_once_whatever_its_size() -> None:
    r = rate_interval([20, 0, 0, 0], [20, 1, 1, 1])
    assert (r.rate, r.hits, r.trials) == (0.25, 20, 23)
    assert (r.low, r.high) == pytest.approx((lambda c: (c.low, c.high))(rate_interval([1, 0, 0, 0], [1] * 4)))


def test_the_proved_bound_is_wider() -> None:
    hits, trials = [1, 0, 0, 3, 0] * 20, [3] * 100
    usual, proved = rate_interval(hits, trials), rate_interval(hits, trials, bound="proved")
    assert proved.rate == usual.rate
    assert proved.low < usual.low
    assert proved.high > usual.high


@given(clusters.filter(some), st.sampled_from([0.8, 0.95, 0.99]))
def test_interval_contains_the_rate_and_widens_with_every_caution(
    data: tuple[list[int], list[int]], confidence: float
) -> None:
    hits, trials = data
    r = rate_interval(hits, trials, confidence=confidence)
    assert 0 <= r.low <= r.rate <= r.high <= 1
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
        ([0], [1], {"bound": "exact"}, "bound is"),
    ],
)
def test_bad_input_is_named(hits, trials, options, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        rate_interval(hits, trials, **options)
