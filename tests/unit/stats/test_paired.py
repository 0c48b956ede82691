from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from shipworthy.stats import noninferiority_test, paired_difference, rate_interval

triples = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(4, 5)), min_size=2, max_size=12)


def columns(rows: list[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]


@given(triples)
@settings(max_examples=60, deadline=None)
def test_p_value_is_the_full_enumeration_of_swaps(rows: list[tuple[int, int, int]]) -> None:
    new, old, n = columns(rows)
    # Whole steps on the common fraction: sizes are 4 and 5, and each cluster counts once.
    steps = (np.array(new) - np.array(old)) * (20 // np.array(n))
    seen = abs(int(steps.sum()))
    sums = [abs(int((np.array(signs) * steps).sum())) for signs in product((-1, 1), repeat=len(rows))]
    expected = sum(s >= seen for s in sums) / len(sums)
    assert paired_difference(new, n, old, n).p_value == pytest.approx(expected)


@pytest.mark.parametrize(("rose", "fell"), [(8, 0), (9, 2), (5, 5), (1, 0), (0, 0)])
def test_p_value_of_binary_pairs_is_exact_mcnemar(rose: int, fell: int) -> None:
    new, old = [1] * rose + [0] * fell + [0] * 30, [0] * rose + [1] * fell + [0] * 30
    result = paired_difference(new, [1] * len(new), old, [1] * len(old))
    expected = binomtest(rose, rose + fell).pvalue if rose + fell else 1.0
    assert result.p_value == pytest.approx(expected)
    assert (result.rose, result.fell, result.clusters) == (rose, fell, 30 + rose + fell)


def test_p_value_with_unequal_trials_is_the_enumeration_of_signs() -> None:
    new, n1, old, n0 = [3, 2, 0, 4, 1], [4, 3, 2, 4, 4], [0, 1, 0, 1, 1], [3, 4, 4, 4, 2]
    steps = np.array(new) / np.array(n1) - np.array(old) / np.array(n0)
    sums = [abs(float((np.array(signs) * steps).sum())) for signs in product((-1, 1), repeat=5)]
    expected = sum(total >= abs(float(steps.sum())) - 1e-12 for total in sums) / 32
    assert paired_difference(new, n1, old, n0).p_value == pytest.approx(expected)


def test_p_value_where_no_fraction_is_common_is_drawn() -> None:
    sizes = np.array([97, 89, 83, 79, 73, 71, 67, 61, 59, 53, 47, 43])
    new, old = sizes // 2 + 1, sizes // 2
    found = paired_difference(new, sizes, old, sizes)
    assert found.p_value == pytest.approx(2 / 2**12, abs=6e-4)


def test_each_cluster_counts_once() -> None:
    found = paired_difference([20, 0, 0, 0], [20, 1, 1, 1], [0, 0, 0, 0], [20, 1, 1, 1])
    assert found.difference == 0.25
    assert noninferiority_test([20, 0], [20, 1], [0, 0], [20, 1], 0.1).difference == 0.5


def test_the_proved_bound_is_wider() -> None:
    new, old, n = [1, 0, 0, 2] * 25, [0, 1, 0, 1] * 25, [3] * 100
    usual, proved = (noninferiority_test(new, n, old, n, 0.2, bound=b) for b in ("gaffke", "proved"))
    assert proved.difference == pytest.approx(usual.difference)
    assert proved.bound > usual.bound


def test_when_only_rises_the_bound_is_clopper_pearson() -> None:
    new, old = [1] * 4 + [0] * 96, [0] * 100
    result = noninferiority_test(new, [1] * 100, old, [1] * 100, 0.1)
    assert result.bound == pytest.approx(rate_interval(new, [1] * 100, side="upper").high)


def test_identical_runs_still_need_enough_clusters() -> None:
    some = [1, 0, 3, 0] * 14
    n = [3] * len(some)
    result = noninferiority_test(some, n, some, n, 0.05)
    assert result.bound == pytest.approx(1 - 0.05 ** (1 / 56))
    assert result.verdict == "inconclusive"
    assert noninferiority_test(some * 2, n * 2, some * 2, n * 2, 0.05).verdict == "pass"


def test_a_clear_worsening_fails_either_way() -> None:
    n = [5] * 100
    low, high = [0] * 100, [3] * 100
    assert noninferiority_test(high, n, low, n, 0.1).verdict == "fail"
    assert noninferiority_test(low, n, high, n, 0.1, worse="lower").verdict == "fail"
    assert noninferiority_test(low, n, high, n, 0.1).verdict == "pass"
    assert noninferiority_test(high, n, low, n, 0.1, worse="lower").verdict == "pass"


@given(triples, st.floats(0.02, 0.9))
@settings(max_examples=100, deadline=None)
def test_swapping_the_runs_mirrors_everything(rows: list[tuple[int, int, int]], margin: float) -> None:
    new, old, n = columns(rows)
    there, back = paired_difference(new, n, old, n), paired_difference(old, n, new, n)
    assert (back.difference, back.low, back.high) == pytest.approx((-there.difference, -there.high, -there.low))
    assert back.p_value == there.p_value
    assert (back.rose, back.fell) == (there.fell, there.rose)
    assert -1 <= there.low <= there.difference <= there.high <= 1
    rise = noninferiority_test(new, n, old, n, margin)
    fall = noninferiority_test(old, n, new, n, margin, worse="lower")
    assert (rise.verdict, rise.bound, rise.opposite) == pytest.approx((fall.verdict, fall.bound, fall.opposite))


@given(triples, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_does_not_matter(rows: list[tuple[int, int, int]], rnd) -> None:  # type: ignore[no-untyped-def]
    new, old, n = columns(rows)
    first = paired_difference(new, n, old, n)
    rnd.shuffle(rows)
    new, old, n = columns(rows)
    second = paired_difference(new, n, old, n)
    assert (first.low, first.high, first.p_value) == pytest.approx((second.low, second.high, second.p_value))


def test_many_clusters_approach_the_paired_t_interval() -> None:
    rng = np.random.default_rng(1)
    v = rng.beta(2, 3, 4000)
    new, old, n = rng.binomial(5, v), rng.binomial(5, v), np.full(4000, 5)
    ours = paired_difference(new, n, old, n)
    d = (new - old) / 5
    error = d.std(ddof=1) / np.sqrt(d.size)
    assert (ours.low, ours.high) == pytest.approx((d.mean() - 1.96 * error, d.mean() + 1.96 * error), abs=0.1 * error)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1], [1], [1, 0], [1, 1]), "same clusters"),
        (([0, 0], [1, 0], [0, 0], [1, 1]), "cluster 1 has trials in one run only"),
        (([2], [1], [0], [1]), "more hits"),
        (([0], [1], [2], [1]), "more old hits"),
    ],
)
def test_bad_pairs_are_named(arguments, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        paired_difference(*arguments)
    with pytest.raises(ValueError, match=message):
        noninferiority_test(*arguments, 0.05)


def test_bad_margin_and_direction_are_named() -> None:
    with pytest.raises(ValueError, match="margin"):
        noninferiority_test([0], [1], [0], [1], 0)
    with pytest.raises(ValueError, match="worse"):
        noninferiority_test([0], [1], [0], [1], 0.1, worse="more")  # type: ignore[arg-type]
