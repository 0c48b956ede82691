"""Exact limits of shares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from shipworthy.stats.interval import rate_interval
from shipworthy.stats.proportion import exact_shares


def test_limits_are_clopper_and_pearsons() -> None:
    hits, trials = np.array([0, 1, 5, 10, 0]), np.array([10, 10, 10, 10, 0])
    found = exact_shares(hits, trials, confidence=0.9)
    assert found.low[2] == pytest.approx(beta.ppf(0.05, 5, 6))
    assert found.high[1] == pytest.approx(beta.ppf(0.95, 2, 9))
    assert (found.low[0], found.high[3], found.low[4], found.high[4]) == (0, 1, 0, 1)
    assert np.isnan(found.share[4])


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_they_are_those_of_clusters_of_one_trial(confidence: float) -> None:
    for hits in (0, 1, 7, 19, 20):
        one = rate_interval([1] * hits + [0] * (20 - hits), [1] * 20, confidence=confidence)
        found = exact_shares(hits, 20, confidence=confidence)
        assert (found.low[0], found.high[0]) == pytest.approx((one.low, one.high), rel=1e-9)


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5])
def test_they_cover(share: float) -> None:
    hits = np.arange(201)
    found = exact_shares(hits, np.full(201, 200))
    covered = (found.low <= share) & (share <= found.high)
    assert binom.pmf(hits, 200, share)[covered].sum() >= 0.95


@pytest.mark.parametrize(("hits", "trials"), [([2], [1]), ([-1], [1]), ([0.5], [1]), ([1, 1], [2])])
def test_counts_that_are_none_are_refused(hits, trials) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        exact_shares(hits, trials)
