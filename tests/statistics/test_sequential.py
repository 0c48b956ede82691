"""What a run that is looked at after every wave promises: its error rates, and the calls it saves."""

from __future__ import annotations

import pytest
from scipy.special import betaincinv

from shipworthy.stats import required_clusters
from shipworthy.stats.sequential_simulation import stops
from shipworthy.stats.simulation import Design

SEED, REPLICATES = 20, 2_000
TRUTHS = [
    *(Design(n, m, 0.0, background=b) for n in (100, 400) for m in (3, 20) for b in (0.3, 0.6)),
    Design(190, 1, 0.0, background=0.6, large=10, large_attempts=20),
    Design(190, 1, 1.0, large=10, large_attempts=20),
    Design(600, 1, 0.0),
    Design(300, 5, 0.3),
]
"""Those that broke the bound of a fixed run, and plain ones; long enough for many looks."""


@pytest.mark.parametrize("design", TRUTHS, ids=str)
def test_looking_after_every_wave_decides_wrongly_no_more_often_than_promised(design: Design) -> None:
    for limit in (0.03, 0.1):
        found = stops(design, limit, limit, replicates=REPLICATES, seed=SEED)
        for wrong in (found.ships, found.fails):
            # The bound is a theorem: even the 99.9 % limit of the estimate lies within the promise.
            hits = round(wrong * REPLICATES)
            assert betaincinv(hits + 1, REPLICATES - hits, 0.999) <= 0.05, (limit, found)


def test_looking_at_the_fixed_bound_again_and_again_would_not() -> None:
    found = stops(Design(600, 1, 0.0), 0.05, 0.05, replicates=200, seed=SEED, method="peeking")
    assert found.ships > 0.1


@pytest.mark.parametrize(("share", "verdict"), [(0.0, "ships"), (0.25, "ships"), (3.0, "fails")])
def test_clear_criteria_take_less_than_six_tenths_of_the_calls(share: float, verdict: str) -> None:
    fixed = required_clusters(0.05, 0.025, power=0.9)
    assert fixed is not None
    found = stops(Design(fixed, 1, 0.0), 0.05 * share, 0.05, replicates=REPLICATES, seed=SEED)
    assert getattr(found, verdict) > 0.97
    assert found.mean <= 0.6 * fixed
