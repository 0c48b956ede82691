from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats import simulation
from shipworthy.stats.simulation import Design, coverage, passes, passes_paired


@pytest.mark.parametrize("icc", [0.0, 0.3, 1.0])
def test_draws_have_the_rate_and_the_dependence_asked_for(icc: float) -> None:
    design = Design(400, 5, icc)
    x = np.concatenate([x.ravel() for x, _ in simulation.one_run(design, 0.2, 200, 1)])
    assert x.mean() / 5 == pytest.approx(0.2, abs=0.005)
    assert x.var() / (5 * 0.2 * 0.8) == pytest.approx(1 + 4 * icc, rel=0.03)


def test_a_background_beside_wholly_weak_clusters() -> None:
    (drawn,) = simulation.one_run(Design(500, 20, 0.0, background=0.5), 0.1, 200, 1)
    shares = drawn[0] / drawn[1]
    assert shares.mean() == pytest.approx(0.1, abs=0.003)
    assert (shares == 1).mean() == pytest.approx(0.05 / 0.95, abs=0.003)


def test_unequal_clusters() -> None:
    (drawn,) = simulation.one_run(Design(5, 1, 0.3, large=2, large_attempts=20), 0.1, 10, 1)
    assert drawn[1][0].tolist() == [1, 1, 1, 1, 1, 20, 20]
    assert drawn[0].shape == (10, 7)


def test_wrong_failures_are_counted_too() -> None:
    design = Design(100, 5, 0.3)
    assert passes(design, 0.4, 0.2, replicates=200, seed=1, verdict="fail") == 1
    assert passes(design, 0.1, 0.2, replicates=200, seed=1, verdict="fail") == 0
    assert passes_paired(design, 0.1, 0.4, 0.2, replicates=200, seed=1, verdict="fail") == 1
    assert passes_paired(design, 0.1, 0.0, 0.2, replicates=200, seed=1, verdict="fail") == 0


def test_both_runs_have_exactly_the_rates_asked_for() -> None:
    (pairs,) = simulation._two_runs(Design(1000, 4, 0.3), 0.1, 0.05, 200, 2)
    assert pairs.x0.mean() / 4 == pytest.approx(0.10, abs=0.003)
    assert pairs.x1.mean() / 4 == pytest.approx(0.15, abs=0.003)


def test_drift_loosens_the_pairs() -> None:
    def correlation(drift: float) -> float:
        (p,) = simulation._two_runs(Design(500, 5, 0.5, drift), 0.3, 0.01, 100, 3)
        return float(np.corrcoef(p.x1.ravel(), p.x0.ravel())[0, 1])

    assert correlation(0.0) > correlation(0.5) > correlation(1.0) - 0.02
    assert correlation(1.0) == pytest.approx(0, abs=0.02)


def test_the_same_seed_gives_the_same_answer() -> None:
    design = Design(50, 3, 0.3)
    assert coverage(design, 0.1, replicates=300, seed=4) == coverage(design, 0.1, replicates=300, seed=4)
    assert passes(design, 0.05, 0.2, replicates=300, seed=4) == passes(design, 0.05, 0.2, replicates=300, seed=4)


def test_batches_add_up(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(simulation, "_BATCH", 1000)
    sizes = [x.shape for x, _ in simulation.one_run(Design(50, 2, 0.3), 0.1, 45, 1)]
    assert sizes == [(20, 50), (20, 50), (5, 50)]


def test_clear_cases_pass_and_fail() -> None:
    design = Design(100, 5, 0.3)
    assert passes(design, 0.01, 0.2, replicates=200, seed=1) == 1
    assert passes(design, 0.4, 0.2, replicates=200, seed=1) == 0
    assert passes_paired(design, 0.1, 0.0, 0.2, replicates=200, seed=1) == 1
    assert passes_paired(design, 0.1, 0.4, 0.2, replicates=200, seed=1) == 0
