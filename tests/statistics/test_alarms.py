"""Alarms and canaries by simulation: false ones are as rare as promised, true ones are found as soon as promised."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.canary import Canary
from shipworthy.stats.detector_simulation import StreamDesign, delays, false_alarms

QUIET = [
    StreamDesign(),
    StreamDesign(days=14),
    StreamDesign(dispersion=3),
    StreamDesign(dispersion=3, days=14),
    StreamDesign(rate=0.0001, dispersion=3),
    StreamDesign(rate=0.01, sessions=1_000, dispersion=2),
]


@pytest.mark.parametrize("design", QUIET, ids=str)
def test_a_stream_has_at_most_one_false_alarm_a_year(design: StreamDesign) -> None:
    found = false_alarms(design, years=150, seed=14)
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert found.mean() + 2 * error <= 1.0


@pytest.mark.parametrize(
    ("design", "median"),
    [(StreamDesign(), 2), (StreamDesign(days=14), 2), (StreamDesign(dispersion=3), 5)],
    ids=str,
)
def test_a_tripled_rate_is_found_within_days(design: StreamDesign, median: int) -> None:
    assert np.median(delays(design, 0.003, repeats=150, seed=15)) <= median


def _first(rng: np.random.Generator, ratio: float, tolerated: float, batches: int) -> str:
    watch = Canary(tolerated=tolerated)
    for _ in range(batches):
        canary = int(rng.binomial(1_000, 0.002 * ratio)), 1_000
        state = watch.batch(canary, (int(rng.binomial(9_000, 0.002)), 9_000))
        if state.verdict != "watch":
            return state.verdict
    return "watch"


@pytest.mark.parametrize(("ratio", "wrong"), [(1.5, "hold"), (1.5001, "go")])
def test_a_canary_at_the_limit_is_rarely_held_and_rarely_let_go(ratio: float, wrong: str) -> None:
    rng = np.random.default_rng(5)
    found = [_first(rng, ratio, 1.5, 100) == wrong for _ in range(250)]
    assert np.mean(found) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(found))


def test_a_canary_four_times_as_bad_is_held_and_a_good_one_goes() -> None:
    rng = np.random.default_rng(6)
    assert np.mean([_first(rng, 4.0, 1.5, 60) == "hold" for _ in range(100)]) > 0.95
    assert np.mean([_first(rng, 1.0, 2.0, 300) == "go" for _ in range(50)]) > 0.8
