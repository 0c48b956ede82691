"""An alarm for a rate that is watched for ever: an e-detector, with a bounded rate of false alarms.

A sequential test that is begun at launch is the wrong object to watch with: it banks the evidence of every quiet day,
so that the longer a system has run, the later it notices. An e-detector (Shin, Ramdas and Rinaldo 2024) begins anew on
every day at once and adds up what the beginnings have won since. Under a null its sum after t looks is at most t in the
mean, so that the mean time to a false alarm at the height h is at least h looks, whenever and however often one looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

import numpy as np

MULTIPLES = (1.4, 2.0, 3.0, 5.0, 10.0)
"""Rises that are bet on, each with an equal share: as many times the highest rate that is still taken for no change."""
MARGIN = 1.1
"""How much higher than the upper limit of its baseline a rate may be without being a change."""
WINDOW = 28
"""Looks over which the e-value of a stream is taken, for false discoveries among many streams."""
FEWEST_DAYS = 7


class DayCount(NamedTuple):
    """One look: how many sessions there were, and how many had the event."""

    events: int
    sessions: int


@dataclass(frozen=True, slots=True)
class NormalRate:
    """What is taken for normal.

    Attributes:
        events, sessions, days: that it was estimated from.
        rate: events a session; `upper` its upper limit, over-dispersion heeded.
        dispersion: upper limit of the variance of a day's events over that of a Poisson count of the same mean; at
            least 1.
    """

    events: int
    sessions: int
    days: int
    rate: float
    upper: float
    dispersion: float


def normal_rate(days: Sequence[DayCount], *, confidence: float = 0.9, spread_confidence: float = 0.8) -> NormalRate:
    """Return what is normal, from a time without a change.

    The upper limit of the rate is the exact Poisson one with counts divided by the dispersion, whose own upper limit is
    Pearson's statistic against the chi-squared quantile (McCullagh and Nelder 1989). Quasi-likelihood is no proof:
    `tests/statistics` holds the false alarms that follow to their bound by simulation, over-dispersed days among them.
    The two levels were chosen there, too: higher ones give fewer false alarms and find a tripled rate later.

    Args:
        days: at least `FEWEST_DAYS` with sessions; fewer than four weeks make a late alarm.
        confidence, spread_confidence: one-sided, of the rate's and of the dispersion's upper limit; in [0.5, 1).

    Raises:
        ValueError: too few days, or counts that cannot be.
    """
    from scipy.special import gammaincinv

    if not (0.5 <= confidence < 1 and 0.5 <= spread_confidence < 1):
        raise ValueError(f"a confidence must lie in [0.5, 1); got {confidence} and {spread_confidence}")
    for day in days:
        _check(day)
    counted = [day for day in days if day.sessions]
    if len(counted) < FEWEST_DAYS:
        raise ValueError(f"a baseline needs at least {FEWEST_DAYS} days with sessions; there are {len(counted)}")
    events, sessions = sum(day.events for day in counted), sum(day.sessions for day in counted)
    rate = events / sessions
    freedom = len(counted) - 1
    spread = 1.0
    if events:
        seen = np.array([day.events for day in counted], dtype=float)
        due = rate * np.array([day.sessions for day in counted], dtype=float)
        pearson = float(((seen - due) ** 2 / due).sum())
        # The estimate, or what the quantile allows where days vary more than chance would have them: a mean of one
        # event in several days says nothing of dispersion, and does not need to.
        spread = max(
            1.0, pearson / (2 * float(gammaincinv(freedom / 2, 1 - spread_confidence))) if pearson > freedom else 1.0
        )
    upper = spread * float(gammaincinv(events / spread + 1, confidence)) / sessions
    return NormalRate(events, sessions, len(counted), rate, min(1.0, upper), spread)


class Look(NamedTuple):
    """What an e-detector says after one look.

    Attributes:
        value: the sum that grows while the rate is too high; under the null at most the number of looks in the mean.
        alarm: whether it has reached the height.
    """

    value: float
    alarm: bool


class EDetector:
    """Watches one stream for a rise of its rate, look by look.

    Shiryaev and Roberts' sum over a mixture of rises. A look's factor for a rise by m over the highest rate that is no
    change, q, is exp((x log m - n q (m - 1)) / dispersion) for x events in n sessions: its mean is at most 1 for every
    rate up to q if sessions are independent (dispersion 1). With a dispersion above 1 this is quasi-likelihood, held
    to its bound by simulation.

    Args:
        normal: see `normal_rate`.
        looks: that pass on average before a false alarm, at least: 365 for one a year of daily looks.
        margin: of the rate over the baseline's upper limit.

    Raises:
        ValueError: fewer than 2 looks, or a margin below 1.

    After an alarm it begins anew with `reset`. Wrong to use for a rate that has a weekly rhythm of its own as large as
    the change: bet on it by day of the week; and for events so severe that one of them is enough, which page at once.

    >>> watch = EDetector(normal_rate([DayCount(10, 10_000)] * 28), looks=365)
    >>> [watch.look(DayCount(n, 10_000)).alarm for n in (9, 12, 31, 28)]
    [False, False, True, True]
    """

    __slots__ = ("_logs", "_sums", "height", "highest", "normal")

    def __init__(self, normal: NormalRate, *, looks: float = 365.0, margin: float = MARGIN) -> None:
        if not looks >= 2:
            raise ValueError(f"at least two looks must pass before a false alarm; got {looks}")
        if not 1 <= margin < 100:
            raise ValueError(f"the margin must lie in [1, 100); got {margin}")
        self.normal, self.height = normal, float(looks)
        self.highest = min(1.0, margin * normal.upper)
        self._sums = np.zeros(len(MULTIPLES))
        self._logs: list[tuple[float, ...]] = []

    def look(self, day: DayCount) -> Look:
        """Take one look in.

        Raises:
            ValueError: more events than sessions, or fewer than none.
        """
        _check(day)
        logs = tuple(self._log_factor(day, multiple) for multiple in MULTIPLES)
        factors = np.exp(np.minimum(np.array(logs), 500.0))
        self._sums = np.minimum((self._sums + 1) * factors, 1e300)
        self._logs = [*self._logs, logs][-WINDOW:]
        value = float(self._sums.mean())
        return Look(value, value >= self.height)

    def reset(self) -> None:
        """Begin anew, after an alarm that was dealt with."""
        self._sums[:] = 0
        self._logs = []

    def _log_factor(self, day: DayCount, multiple: float) -> float:
        won = day.events * log(multiple) - day.sessions * self.highest * (multiple - 1)
        return won / self.normal.dispersion

    def since(self) -> int:
        """Return how many looks ago, the last one counted, the change began that fits best; 0 where none does.

        At most `WINDOW`. An estimate without an interval.
        """
        best, since = 0.0, 0
        for place in range(len(MULTIPLES)):
            total = 0.0
            for back, logs in enumerate(reversed(self._logs), start=1):
                total += logs[place]
                if total > best:
                    best, since = total, back
        return since

    def e_value(self) -> float:
        """Return the evidence of the last `WINDOW` looks: an e-value under the null at any one time, for `e_bh`.

        It is the mean over the beginnings within the window, and over rises, of what each has won since. Each is an
        e-value, and their weights are fixed beforehand: beginnings that were before the first look have won nothing and
        lost nothing.
        """
        total = (WINDOW - len(self._logs)) * float(len(MULTIPLES))
        for place in range(len(MULTIPLES)):
            won = 0.0
            for logs in reversed(self._logs):
                won += logs[place]
                total += exp(min(won, 500.0))
        return total / (WINDOW * len(MULTIPLES))


def e_bh(values: Sequence[float], level: float = 0.05) -> list[int]:
    """Return the places of the streams that are discoveries, by the e-BH procedure (Wang and Ramdas 2022).

    The expected share of false ones among them is at most `level`, however the streams depend on one another.

    Args:
        values: an e-value a stream, each at least 0.
        level: in (0, 1).

    >>> e_bh([100.0, 1.0, 45.0, 0.3])
    [0, 2]
    """
    if not 0 < level < 1:
        raise ValueError(f"the level must lie in (0, 1); got {level}")
    if any(not value >= 0 for value in values):
        raise ValueError("an e-value is a number that is at least 0")
    order = sorted(range(len(values)), key=lambda place: -values[place])
    many = 0
    for rank, place in enumerate(order, start=1):
        if rank * values[place] * level >= len(values):
            many = rank
    return sorted(order[:many])


def _check(day: DayCount) -> None:
    if not 0 <= day.events <= day.sessions:
        raise ValueError(f"{day.events} events in {day.sessions} sessions: events are counted once a session")
