"""A criterion behind a calibrated judge, with the truth at the limit, ships and fails as seldom as promised.

The longer table: ``python bench/error_rates.py``.
"""

# ruff: noqa: T201 - the figures are the point: pytest -s shows them
from __future__ import annotations

import pytest

from shipworthy.stats.judge_simulation import JudgeDesign, judged_shares

SHAPES = [(400, 1, 0.0, 0, 1), (400, 4, 0.3, 0, 1), (300, 1, 1.0, 40, 20)]
"""Clusters, attempts, ICC, and clusters that are larger: one attempt, several, wholly weak and unequal ones."""
REPLICATES = 300


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("sensitivity", [0.5, 0.95])
@pytest.mark.parametrize("specificity", [0.95, 0.999])
def test_with_the_truth_at_the_limit_it_seldom_decides_wrongly(
    shape: tuple[int, int, float, int, int], sensitivity: float, specificity: float
) -> None:
    clusters, attempts, icc, large, more = shape
    design = JudgeDesign(clusters, attempts, icc, sensitivity, specificity, large=large, large_attempts=more)
    found = judged_shares(design, 0.05, 0.05, replicates=REPLICATES, seed=30, draws=2000)
    print(f"{design}: {found}")
    allowed = 0.05 + 2 * (0.05 * 0.95 / REPLICATES) ** 0.5
    assert found.ships <= allowed
    assert found.fails <= allowed
    assert min(found.high_holds, found.low_holds) >= 1 - allowed


def test_the_correction_does_not_cost_all_power() -> None:
    assert judged_shares(JudgeDesign(400, 1, 0.0, 0.95, 0.99), 0.0125, 0.05, replicates=100, seed=5).ships >= 0.75
