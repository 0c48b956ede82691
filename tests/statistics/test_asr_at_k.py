"""ASR@k is told as a range from few attempts: how often that holds the truth, and how far the plain model is off."""

# ruff: noqa: T201 - the figures are the point: pytest -s shows them
from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.asr_at_k import asr_at_k

REPLICATES = 20


@pytest.mark.parametrize(("immune", "samples", "attempts"), [(0.6, 50, 10), (0.0, 50, 10)])
def test_the_range_holds_the_truth_as_often_as_it_says(immune: float, samples: int, attempts: int) -> None:
    rng = np.random.default_rng(20)
    held, plain, mixed, truth = 0, 0.0, 0.0, 0.0
    for _ in range(REPLICATES):
        chance = np.where(rng.random(samples) < immune, 0.0, rng.beta(0.5, 3.0, samples))
        true = float(np.mean(1 - (1 - chance) ** 100))
        found = asr_at_k(rng.binomial(attempts, chance).tolist(), [attempts] * samples, 100, draws=30)
        held += found.low <= true <= found.high
        plain, mixed, truth = plain + found.beta, mixed + found.immune, truth + true
    plain, mixed, truth = plain / REPLICATES, mixed / REPLICATES, truth / REPLICATES
    print(f"immune {immune}: held {held / REPLICATES:.2f}; true {truth:.3f}, beta {plain:.3f}, immune {mixed:.3f}")
    assert held / REPLICATES >= 0.9 - 2 * (0.09 / REPLICATES) ** 0.5
    if immune:
        assert plain > truth + 0.04
        assert abs(mixed - truth) < 0.08
