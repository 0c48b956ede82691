from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from shipworthy.stats import gatekeeping, holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_equals_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_no_test_no_value() -> None:
    assert holm([]).size == 0


@pytest.mark.parametrize("p", [[1.2], [-0.1], [float("nan")], [[0.1]]])
def test_bad_input_is_named(p: list[float]) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]|one-dimensional"):
        holm(p)


SHAPES = st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=3)


@given(SHAPES, st.data())
def test_gatekeeping_is_the_closed_test_it_says_it_is(shape: list[tuple[int, bool]], data: st.DataObject) -> None:
    suites = [i for i, (size, _) in enumerate(shape) for _ in range(size)]
    primary = [k == 0 and named for size, named in shape for k in range(size)]
    p = data.draw(
        st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.03, 0.2, 1.0]), min_size=len(suites), max_size=len(suites))
    )

    def intersection(left: tuple[int, ...]) -> float:
        share = 1 / len({suites[i] for i in left})
        tested = []
        for suite in {suites[i] for i in left}:
            mine = [i for i in left if suites[i] == suite]
            first = [i for i in mine if primary[i]] or mine
            tested += [p[i] * len(first) / share for i in first]
        return min(1.0, *tested)

    every = [left for n in range(1, len(p) + 1) for left in itertools.combinations(range(len(p)), n)]
    closed = [max(intersection(left) for left in every if i in left) for i in range(len(p))]
    assert gatekeeping(p, suites, primary) == pytest.approx(closed)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_one_metric_a_suite_is_holm_and_so_is_one_suite_without_a_primary(p: list[float]) -> None:
    assert gatekeeping(p, range(len(p)), [True] * len(p)) == pytest.approx(holm(p))
    assert gatekeeping(p, [0] * len(p), [False] * len(p)) == pytest.approx(holm(p))


def test_what_gatekeeping_refuses() -> None:
    with pytest.raises(ValueError, match="two primary"):
        gatekeeping([0.1, 0.2], ["a", "a"], [True, True])
    with pytest.raises(ValueError, match="one suite"):
        gatekeeping([0.1, 0.2], ["a"], [True, True])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        gatekeeping([1.1], ["a"], [True])
