from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.stats import mean_test, required_clusters_for_mean


def test_more_spread_and_a_smaller_gap_need_more_clusters() -> None:
    def need(limit: float, mean: float, deviation: float) -> int:
        found = required_clusters_for_mean(limit, mean, deviation, low=0, high=1)
        assert found is not None
        return found

    assert need(0.7, 0.75, 0.1) < need(0.7, 0.75, 0.2) < need(0.7, 0.75, 0.4)
    assert need(0.7, 0.9, 0.2) < need(0.7, 0.8, 0.2) < need(0.7, 0.72, 0.2)


@given(st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.floats(0, 0.45))
@settings(max_examples=100, deadline=None)
def test_both_sides_and_all_units_need_the_same(limit: float, mean: float, deviation: float) -> None:
    plain = required_clusters_for_mean(limit, mean, deviation, low=0, high=1)
    mirrored = required_clusters_for_mean(1 - limit, 1 - mean, deviation, low=0, high=1)
    seconds = required_clusters_for_mean(60 * limit, 60 * mean, 60 * deviation, low=0, high=60)
    if plain is None:
        assert abs(limit - mean) < 1e-2
        return
    for other in (mirrored, seconds):
        assert other is not None
        assert abs(other - plain) <= max(1, 0.01 * plain)


def test_constant_data_need_as_many_as_the_test_itself() -> None:
    found = required_clusters_for_mean(0.05, 0.0, 0.0, low=0, high=1)
    assert found is not None
    assert mean_test([0.0] * found, [1] * found, 0.05, low=0, high=1).verdict == "pass"
    assert mean_test([0.0] * (found - 1), [1] * (found - 1), 0.05, low=0, high=1).verdict == "inconclusive"


def test_a_mean_at_the_limit_is_never_decided() -> None:
    assert required_clusters_for_mean(0.5, 0.5, 0.1, low=0, high=1) is None
    assert required_clusters_for_mean(0.5, 0.500001, 0.3, low=0, high=1) is None
    assert required_clusters_for_mean(1, 0.5, 0.1, low=0, high=1) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, 0.5, 0.1), "limit"),
        ((0.5, float("nan"), 0.1), "mean"),
        ((0.5, 0.6, -1), "deviation"),
        ((0.5, 0.6, 2), "deviation"),
    ],
)
def test_bad_arguments_are_named(arguments, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        required_clusters_for_mean(*arguments, low=0, high=1)


def test_bad_power_and_range_are_named() -> None:
    with pytest.raises(ValueError, match="power"):
        required_clusters_for_mean(0.5, 0.6, 0.1, low=0, high=1, power=80)
    with pytest.raises(ValueError, match="range"):
        required_clusters_for_mean(0.5, 0.6, 0.1, low=1, high=1)
