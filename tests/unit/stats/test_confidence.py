from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats import brier_score, calibration_error, mean_interval, risk_coverage


def test_the_error_is_the_weighted_distance_of_the_bins() -> None:
    found = calibration_error([0.95] * 4 + [0.15] * 6, [1, 1, 0, 0] + [0] * 6, range(10))
    assert found.error == pytest.approx(0.4 * abs(0.95 - 0.5) + 0.6 * 0.15)
    assert [(b.low, b.answers) for b in found.bins] == [(0.1, 6), (0.9, 4)]
    assert found.low <= found.error <= found.high


def test_certainty_falls_into_the_last_bin() -> None:
    (one,) = calibration_error([1.0, 1.0], [1, 0], [0, 1]).bins
    assert (one.high, one.stated, one.right) == (1.0, 1.0, 0.5)


def test_the_brier_score_is_a_mean_over_clusters_with_the_usual_interval() -> None:
    stated, right = [0.9, 0.8, 0.3, 0.6], [1, 0, 0, 1]
    found = brier_score(stated, right, [0, 0, 1, 2])
    want = mean_interval([0.01 + 0.64, 0.09, 0.16], [2, 1, 1], low=0, high=1)
    assert (found.mean, found.low, found.high) == pytest.approx((want.mean, want.low, want.high))


def test_a_perfect_order_has_no_excess_and_the_worst_one_the_most() -> None:
    right = [1] * 6 + [0] * 4
    good = risk_coverage(np.linspace(1, 0.1, 10), right, range(10))
    bad = risk_coverage(np.linspace(0.1, 1, 10), right, range(10))
    assert good.excess == pytest.approx(0) and bad.area > good.area
    assert good.risk[0] == 0 and good.risk[-1] == bad.risk[-1] == pytest.approx(0.4)
    none = risk_coverage([0.5] * 10, right, range(10))
    assert none.risk == (pytest.approx(0.4),) and none.area == pytest.approx(0.4)


def test_whole_clusters_are_resampled() -> None:
    rng = np.random.default_rng(3)
    right = np.repeat(rng.integers(0, 2, 12), 10)
    stated = np.full(120, 0.5)
    clustered = calibration_error(stated, right, np.repeat(np.arange(12), 10))
    apart = calibration_error(stated, right, range(120))
    assert clustered.high - clustered.low > 1.5 * (apart.high - apart.low)


@pytest.mark.parametrize(
    ("stated", "right", "clusters", "said"),
    [
        ([1.2], [1], [0], "0, 1"),
        ([0.5], [2], [0], "0 or 1"),
        ([], [], [], "no answers"),
        ([0.5], [1, 0], [0], "as long"),
    ],
)
def test_what_is_no_confidence_is_refused(
    stated: list[float], right: list[int], clusters: list[int], said: str
) -> None:
    for function in (calibration_error, brier_score, risk_coverage):
        with pytest.raises(ValueError, match=said):
            function(stated, right, clusters)
