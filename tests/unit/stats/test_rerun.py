from __future__ import annotations

import pytest
from scipy.stats import binom

from shipworthy.stats.rerun import rerun_size


@pytest.mark.parametrize(("rate", "unless"), [(0.5, 0.1), (0.3, 0.1), (0.9, 0.1), (1.0, 0.1), (0.2, 0.05)])
def test_it_is_the_fewest_tries_of_an_exact_test(rate: float, unless: float) -> None:
    size = rerun_size(rate, unless)
    assert size.alpha == pytest.approx(binom.sf(size.hits - 1, size.n, unless)) and size.alpha <= 0.05
    assert size.power == pytest.approx(binom.sf(size.hits - 1, size.n, rate)) and size.power >= 0.8
    for n in range(1, size.n):
        c = next((c for c in range(1, n + 1) if binom.sf(c - 1, n, unless) <= 0.05), n + 1)
        assert binom.sf(c - 1, n, rate) < 0.8


@pytest.mark.parametrize("wrong", [{"rate": 0.1}, {"rate": 1.1}, {"rate": 0.5, "power": 1.0}, {"rate": 0.1001}])
def test_what_cannot_be_told_apart_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"unless|too near"):
        rerun_size(**wrong)
