"""An audited criterion with the truth at the limit ships as seldom as promised, whatever the scorer misses or invents.

The longer table: ``python bench/error_rates.py``.
"""

# ruff: noqa: T201 - the figures are the point: pytest -s shows them
from __future__ import annotations

import pytest

from shipworthy.stats import threshold_test
from shipworthy.stats.audit_simulation import AuditDesign, _audited_run, passes_audited

SHAPES = [(400, 1, 0.0, 0, 1), (400, 4, 0.3, 0, 1), (400, 4, 1.0, 0, 1), (300, 1, 1.0, 40, 20)]
"""Clusters, attempts, ICC, and clusters that are larger: one attempt, several, wholly weak ones, unequal ones."""
REPLICATES = 400


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("sensitivity", [0.5, 0.7, 1.0])
@pytest.mark.parametrize("specificity", [0.97, 1.0])
def test_with_the_truth_at_the_limit_it_seldom_ships(
    shape: tuple[int, int, float, int, int], sensitivity: float, specificity: float
) -> None:
    clusters, attempts, icc, large, more = shape
    design = AuditDesign(clusters, attempts, icc, sensitivity, specificity, large=large, large_attempts=more)
    found = passes_audited(design, 0.05, 0.05, replicates=REPLICATES, seed=20, draws=2000)
    print(f"{design}: wrongly ships {found:.4f}")
    assert found <= 0.05 + 2 * (0.05 * 0.95 / REPLICATES) ** 0.5


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.5, 0.97), (1.0, 0.97)])
def test_with_the_truth_at_the_limit_it_seldom_fails(
    shape: tuple[int, int, float, int, int], sensitivity: float, specificity: float
) -> None:
    clusters, attempts, icc, large, more = shape
    design = AuditDesign(clusters, attempts, icc, sensitivity, specificity, large=large, large_attempts=more)
    found = passes_audited(design, 0.05, 0.05, verdict="fail", replicates=REPLICATES, seed=21, draws=2000)
    print(f"{design}: wrongly fails {found:.4f}")
    assert found <= 0.05 + 2 * (0.05 * 0.95 / REPLICATES) ** 0.5


def test_without_labels_a_scorer_that_misses_ships_most_of_the_time() -> None:
    """What the audit is for; and it does not cost all power where the scorer is right."""
    import numpy as np

    rng = np.random.default_rng(4)
    blind = AuditDesign(400, 1, 0.0, 0.5, 1.0)
    runs = [_audited_run(blind, 0.05, rng)[:2] for _ in range(200)]
    assert sum(threshold_test(hits, trials, 0.05).verdict == "pass" for hits, trials in runs) >= 100
    right = AuditDesign(400, 1, 0.0, 1.0, 0.97)
    assert passes_audited(right, 0.01, 0.05, replicates=200, seed=5) >= 0.6
