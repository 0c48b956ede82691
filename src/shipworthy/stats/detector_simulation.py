"""What an e-detector does on made-up streams: false alarms in a year, and days until a rise is found.

Used by ``tests/statistics`` and ``bench/alarms.py``. Baselines are estimated from days of the same stream, as they are
in use, and days may vary more than Poisson counts do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shipworthy.stats.detector import DayCount, EDetector, normal_rate

YEAR = 365
LATEST = 120


class StreamDesign(NamedTuple):
    """One stream.

    Attributes:
        rate: events a session without a change.
        sessions: a day.
        dispersion: variance of a day's events over their mean; 1 is Poisson, above it negative binomial.
        days: of the baseline.
        quiet: days without a change before a rise.
    """

    rate: float = 0.001
    sessions: int = 10_000
    dispersion: float = 1.0
    days: int = 28
    quiet: int = 60

    def draw(self, rate: float, chance: np.random.Generator) -> DayCount:
        """Return a day."""
        mean = rate * self.sessions
        if self.dispersion == 1:
            events = chance.poisson(mean)
        else:
            events = chance.negative_binomial(mean / (self.dispersion - 1), 1 / self.dispersion)
        return DayCount(min(int(events), self.sessions), self.sessions)

    def watch(self, chance: np.random.Generator) -> EDetector:
        """Return a detector of daily looks with a baseline of its own."""
        return EDetector(normal_rate([self.draw(self.rate, chance) for _ in range(self.days)]), looks=YEAR)


def false_alarms(design: StreamDesign, *, years: int, seed: int) -> np.ndarray:
    """Return the number of alarms in each of so many years without a change, shape (years,)."""
    chance = np.random.default_rng(seed)
    found = np.zeros(years, dtype=int)
    for year in range(years):
        watch = design.watch(chance)
        for _ in range(YEAR):
            if watch.look(design.draw(design.rate, chance)).alarm:
                found[year] += 1
                watch.reset()
    return found


def delays(design: StreamDesign, rise: float, *, repeats: int, seed: int) -> np.ndarray:
    """Return the days until a rise to another rate is found, shape (repeats,); `LATEST` where it is not by then."""
    chance = np.random.default_rng(seed)
    found = np.full(repeats, LATEST)
    for place in range(repeats):
        watch = design.watch(chance)
        for _ in range(design.quiet):
            if watch.look(design.draw(design.rate, chance)).alarm:
                watch.reset()
        for day in range(1, LATEST):
            if watch.look(design.draw(rise, chance)).alarm:
                found[place] = day
                break
    return found
