"""False alarms and delays of a stream as the store watches it: baselines of its own, and sessions that come late."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.detector import DayCount
from shipworthy.telemetry.alarm_config import StreamSpec
from shipworthy.telemetry.stream_watch import StreamWatch

SESSIONS, RATE, LATE = 10_000, 0.001, 0.15


def year(chance: np.random.Generator, dispersion: float, rise_after: int | None = None) -> tuple[int, int]:
    """Return the alarms of a year after the baseline, and the day of the first after a rise (0: none)."""
    watch = StreamWatch(StreamSpec(id="a"))
    alarms = found = 0
    waiting = DayCount(0, 0)
    for day in range(28 + 365):
        risen = rise_after is not None and day >= 28 + rise_after
        mean = RATE * SESSIONS * (3 if risen else 1)
        events = (
            chance.poisson(mean)
            if dispersion == 1
            else chance.negative_binomial(mean / (dispersion - 1), 1 / dispersion)
        )
        late = DayCount(int(chance.binomial(events, LATE)), int(LATE * SESSIONS))
        now = DayCount(int(events) - late.events, SESSIONS - late.sessions)
        look = watch.take(day, now, waiting)
        waiting = late
        if look.alarm:
            alarms += 1
            watch.reset()
            if risen:
                found = day - 28 - (rise_after or 0) + 1
                break
    return alarms, found


@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_at_most_one_false_alarm_a_stream_year_though_sessions_come_late(dispersion: float) -> None:
    chance = np.random.default_rng(11)
    alarms = [year(chance, dispersion)[0] for _ in range(40)]
    assert np.mean(alarms) <= 1


def test_a_tripled_rate_is_found_in_days_though_sessions_come_late() -> None:
    chance = np.random.default_rng(12)
    days = [found for _ in range(40) for _, found in [year(chance, 1.0, rise_after=60)]]
    assert all(days) and np.median(days) <= 3
