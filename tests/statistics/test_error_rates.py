"""The error rates the gate promises, measured through the code that decides.

A simulation gives an estimate. To show that a *true* rate is within its promise, each assertion is about the 99.9 %
bound of the estimate (Clopper-Pearson on the replicates), never about the estimate itself. Cells whose true rate lies
within the promise by less than the simulation can resolve are held to "not shown to break it" instead, and say so.
The longer table, with more designs: ``python bench/error_rates.py``.
"""

# ruff: noqa: T201 - the figures are the point: pytest -s shows them
from __future__ import annotations

import pytest
from scipy.special import betaincinv

from shipworthy.stats.simulation import Design, coverage, passes, passes_paired

SEED = 20
REPLICATES = 8_000
SURE = 0.999


def at_most(share: float, replicates: int) -> float:
    """Upper 99.9 % bound of a share of replicates."""
    hits = round(share * replicates)
    return 1.0 if hits == replicates else float(betaincinv(hits + 1, replicates - hits, SURE))


def at_least(share: float, replicates: int) -> float:
    """Lower 99.9 % bound."""
    return 1 - at_most(1 - share, replicates)


@pytest.mark.parametrize("rate", [0.01, 0.02, 0.05])
def test_interval_covers_the_true_rate(rate: float) -> None:
    found, width = coverage(Design(200, 5, 0.3), rate, replicates=REPLICATES, seed=SEED)
    print(f"rate {rate}: coverage {found:.4f}, at least {at_least(found, REPLICATES):.4f}, width {100 * width:.2f} pp")
    assert at_least(found, REPLICATES) >= 0.94


@pytest.mark.parametrize("limit", [0.01, 0.02, 0.05])
def test_threshold_test_rarely_ships_at_the_threshold(limit: float) -> None:
    design = Design(200, 5, 0.3)
    found = passes(design, limit, limit, floor=design.design_effect, replicates=REPLICATES, seed=SEED)
    print(f"limit {limit}: wrongly ships {found:.4f}, at most {at_most(found, REPLICATES):.4f}")
    assert at_most(found, REPLICATES) <= 0.05


@pytest.mark.parametrize(
    ("base", "margin"), [(0.0, 0.01), (0.0, 0.02), (0.01, 0.01), (0.01, 0.02), (0.02, 0.02), (0.02, 0.05), (0.05, 0.05)]
)
def test_noninferiority_test_rarely_ships_at_the_margin(base: float, margin: float) -> None:
    replicates = 20_000  # the true rates go up to .043: this many are needed to show that they stay below .05
    found = passes_paired(Design(200, 5, 0.3), base, margin, margin, replicates=replicates, seed=SEED)
    print(f"base {base}, margin {margin}: wrongly ships {found:.4f}, at most {at_most(found, replicates):.4f}")
    assert at_most(found, replicates) <= 0.05


def test_the_plain_t_bound_would_ship_too_often() -> None:
    # The reason for the correction; if this stops holding, the correction is no longer needed.
    found = passes_paired(Design(200, 5, 0.3), 0.0, 0.02, 0.02, method="t", replicates=REPLICATES, seed=SEED)
    assert at_least(found, REPLICATES) > 0.05


@pytest.mark.parametrize("icc", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize(("clusters", "attempts"), [(60, 2), (60, 5), (30, 10)])
def test_no_promise_is_broken_in_small_suites(clusters: int, attempts: int, icc: float) -> None:
    # Without the planned floor, down to thirty samples, up to full dependence.
    design, replicates = Design(clusters, attempts, icc), 4_000
    for rate in (0.02, 0.05, 0.1, 0.2, 0.5):
        found, _ = coverage(design, rate, replicates=replicates, seed=SEED)
        assert at_most(found, replicates) >= 0.95, ("coverage", rate, found)
        shipped = passes(design, rate, rate, replicates=replicates, seed=SEED)
        assert at_least(shipped, replicates) <= 0.05, ("threshold", rate, shipped)
    for base, margin in ((0.0, 0.05), (0.0, 0.1), (0.02, 0.05), (0.1, 0.1), (0.3, 0.1)):
        shipped = passes_paired(design, base, margin, margin, replicates=replicates, seed=SEED)
        assert at_least(shipped, replicates) <= 0.05, ("noninferiority", base, margin, shipped)


@pytest.mark.slow
@pytest.mark.parametrize("icc", [0.1, 0.3, 0.6])
def test_without_the_planned_floor_the_promise_holds_too(icc: float) -> None:
    replicates, design = 20_000, Design(200, 5, icc)
    for rate in (0.015, 0.03, 0.05):
        shipped = passes(design, rate, rate, replicates=replicates, seed=SEED)
        print(f"no floor, ICC {icc}, threshold {rate}: wrongly ships {shipped:.4f}")
        assert at_most(shipped, replicates) <= 0.05
