"""The geometric mean of times."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from shipworthy.stats.log_mean import geometric_mean


def test_it_is_scipys_t_interval_on_the_logarithms():
    values = [12.0, 31.0, 8.0, 55.0, 22.0, 17.0]
    found = geometric_mean(values)
    logs = np.log(values)
    low, high = stats.t.interval(0.95, len(logs) - 1, logs.mean(), stats.sem(logs))
    assert (found.mean, found.low, found.high) == pytest.approx((stats.gmean(values), np.exp(low), np.exp(high)))


def test_few_values_have_no_mean():
    assert geometric_mean([]) is None
    assert geometric_mean([5, 6, 7, 8]) is None
    assert geometric_mean([5, 6, 7, 8, 9]).n == 5


@pytest.mark.parametrize("values", [[0, 1, 2, 3, 4], [-1.0], [float("nan")], [float("inf")]])
def test_what_is_no_time_is_refused(values):
    with pytest.raises(ValueError, match="above 0"):
        geometric_mean(values)
