from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from shipworthy.stats import holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_equals_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_no_test_no_value() -> None:
    assert holm([]).size == 0


@pytest.mark.parametrize("p", [[1.2], [-0.1], [float("nan")], [[0.1]]])
def test_bad_input_is_named(p: list[float]) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]|one-dimensional"):
        holm(p)
