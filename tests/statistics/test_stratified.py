"""How often the limits of a stratified, audited rate cover the truth, by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.stratified import AuditedStratum, stratified_audited_rate


@pytest.mark.parametrize(("sensitivity", "false_hits"), [(0.8, 0.01), (0.95, 0.1)])
def test_limits_cover_at_least_as_often_as_they_say(sensitivity: float, false_hits: float) -> None:
    chance = np.random.default_rng(7)
    sizes, rates, drawn = (50_000, 2_000), (0.01, 0.2), (600, 300)
    truth = sum(size * rate for size, rate in zip(sizes, rates, strict=True)) / sum(sizes)
    runs, inside = 300, 0
    for run in range(runs):
        strata = []
        for size, rate, many in zip(sizes, rates, drawn, strict=True):
            hits = chance.random(many) < rate
            called = chance.random(many) < np.where(hits, sensitivity, false_hits)
            picked = [chance.permutation(np.flatnonzero(called == word))[:120] for word in (True, False)]
            true = [int(hits[places].sum()) for places in picked]
            strata.append(
                AuditedStratum(size, int(called.sum()), many, true[0], len(picked[0]), true[1], len(picked[1]))
            )
        found = stratified_audited_rate(strata, 0.9, draws=4_000, seed=run)
        inside += found.low <= truth <= found.high
    # Three standard errors below 90 %: this fails where limits are too narrow.
    assert inside / runs > 0.9 - 3 * (0.09 / runs) ** 0.5
