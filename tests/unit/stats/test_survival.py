"""Times until something happened: held against scipy's estimate, and the edges by hand."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from shipworthy.stats import survival_curve, time_quantile


def test_it_is_scipys_curve_with_scipys_limits():
    random = np.random.default_rng(1)
    for _ in range(60):
        n = int(random.integers(3, 40))
        times, happened = random.integers(1, 20, n).astype(float), random.random(n) < 0.7
        happened[0] = True
        curve = survival_curve(times, happened)
        peer = stats.ecdf(stats.CensoredData.right_censored(times, ~happened)).sf
        kept = np.isin(peer.quantiles, curve.times)
        inside = (curve.share > 0) & (curve.share < 1)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has no limits at shares of 0 and 1, and says so
            limits = peer.confidence_interval(method="log-log")
        assert np.allclose(peer.probabilities[kept], curve.share, atol=1e-12)
        assert np.allclose(limits.low.probabilities[kept][inside], curve.low[inside])
        assert np.allclose(limits.high.probabilities[kept][inside], curve.high[inside])


def test_what_has_not_happened_counts_as_waiting():
    found = time_quantile([1, 2, 3, 10, 10, 10], [True, True, True, False, False, False], 0.25)
    assert (found.value, found.happened, found.waiting) == (2.0, 3, 3)
    assert time_quantile([5, 6, 7], [False] * 3).value == math.inf


def test_the_limits_of_a_median_hold_when_half_are_still_waiting():
    random, held, tries = np.random.default_rng(4), 0, 400
    for _ in range(tries):
        times, until = random.exponential(1.0, 40), random.uniform(0.3, 3.0, 40)
        found = time_quantile(np.minimum(times, until), times <= until)
        held += found.low <= math.log(2) <= found.high
    assert held / tries > 0.95 - 3 * math.sqrt(0.95 * 0.05 / tries)


@pytest.mark.parametrize(
    ("times", "happened"), [([], []), ([1.0], [True, False]), ([-1.0], [True]), ([math.nan], [True])]
)
def test_times_that_are_none_are_refused(times, happened):
    with pytest.raises(ValueError, match="times"):
        time_quantile(times, happened)
