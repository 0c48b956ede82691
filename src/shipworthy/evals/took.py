"""What earlier runs of a target took, attempt by attempt, and what a plan will take by that."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

from msgspec import Struct

from shipworthy.core.errors import ShipworthyError
from shipworthy.core.events import Usage
from shipworthy.core.price import Price
from shipworthy.evals.plan import Plan
from shipworthy.store.reading import RunReading

RUNS = 3
"""Earlier runs that are looked at: the newest ones."""
RECORDS = 2_000
"""Records read of each. A run makes its suites and attacks in step, so its beginning holds a share of everything."""
FEW = 5
"""Attempts below which what was seen of a suite and an attack says little by itself."""
OWN, OTHER_ATTACK, OTHER_SUITE = 0.1, 0.5, 1.0
"""How far a mean may be off, as a part of it: measured here, under another attack, on another suite."""
DAY = 1.25
"""An endpoint may be this many times slower or faster than it was."""


class Between(Struct, frozen=True):
    """A range, ``low <= high``. It is no confidence interval: the target may be another one tomorrow."""

    low: float
    high: float

    def times(self, share: float) -> Between:
        """Return this part of it."""
        return Between(self.low * share, self.high * share)


class _Attempt(NamedTuple):
    """One attempt: tokens, USD, seconds of its calls, seconds of the guards."""

    tokens: float
    usd: float
    seconds: float
    guards: float


class _Cell:
    """What attempts of one suite under one attack took: sums, and sums of squares."""

    def __init__(self) -> None:
        self.n = self.timed = 0
        self.sums = [0.0] * 4
        self.squares = [0.0] * 4

    def add(self, took: _Attempt, *, timed: bool) -> None:
        self.n += 1
        self.timed += timed
        for place, value in enumerate(took):
            self.sums[place] += value
            self.squares[place] += value * value

    def pool(self, other: _Cell) -> None:
        self.n += other.n
        self.timed += other.timed
        for place in range(4):
            self.sums[place] += other.sums[place]
            self.squares[place] += other.squares[place]

    def mean(self, place: int) -> float:
        """Return the mean of tokens, USD (0, 1), call seconds or guard seconds (2, 3) of attempts that tell it."""
        n = self.timed if place >= 2 else self.n
        return self.sums[place] / n if n else 0.0

    def variance(self, place: int) -> float:
        n = self.timed if place >= 2 else self.n
        return max(0.0, self.squares[place] / n - self.mean(place) ** 2) if n else 0.0


def _pooled(cells: Iterable[_Cell]) -> _Cell:
    made = _Cell()
    for cell in cells:
        made.pool(cell)
    return made


class Took:
    """What earlier runs of a target took, attempt by attempt.

    Args:
        price: of the target, as the files say today: runs may have been made at another one, or before there was any.

    Attributes:
        attempts: that were looked at.
        reported: whether any of the money is what providers reported.
        unpriced: whether some role's tokens have no price.
    """

    def __init__(self, price: Price | None) -> None:
        self.price = price
        self.cells: dict[tuple[str, str], _Cell] = {}
        self.attempts = 0
        self.reported = self.unpriced = self.paid = False
        self.walls: list[float] = []

    def take(self, readings: Iterable[RunReading]) -> tuple[str, ...]:
        """Read the beginnings of the first `RUNS` that hold anything, and return their ids."""
        names: list[str] = []
        for reading in readings:
            before = self.attempts
            try:
                self._read(reading)
            except ShipworthyError:
                continue  # as above; what was read up to the damage was chained and counts
            finally:
                if self.attempts > before:
                    names.append(reading.manifest.id)
            if len(names) == RUNS:
                break
        return tuple(names)

    def _read(self, reading: RunReading) -> None:
        starts: list[float] = []
        longest = last = 0.0
        asked = 0
        for number, row in enumerate(reading, start=1):
            tokens = usd = seconds = 0.0
            real = kept = 0
            spans = {span.event: span for span in row.timing.spans}
            for place, role, usage in row.asked:
                span = spans.get(place)
                kept += span is not None and span.cached
                real += span is not None and not span.cached
                seconds += span.seconds if span is not None and not span.cached else 0.0
                if usage is not None:
                    tokens += usage.input_tokens + usage.output_tokens
                    usd += self._cost(role, usage)
            cell = self.cells.setdefault((row.suite, row.attack), _Cell())
            # What the cache gave took no time, and says nothing of what asking takes.
            timed = (0.0, 0.0) if kept else (seconds, row.timing.guard_seconds)
            cell.add(_Attempt(tokens, usd, *timed), timed=not kept)
            self.attempts += 1
            if real and not kept:
                asked += 1
                starts.append(row.timing.started)
                longest = max(longest, row.timing.seconds)
                last = row.timing.seconds
            if number == RECORDS:
                break
        if asked >= FEW:
            starts.sort()
            # A pause between two sittings is longer than any attempt.
            gaps = (min(b - a, longest) for a, b in pairwise(starts))
            self.walls.append((sum(gaps) + last) / asked)

    def _cost(self, role: str, usage: Usage) -> float:
        reported = usage.cost_usd - usage.computed_usd
        if reported > 1e-12:
            self.reported = self.paid = True
            return usage.cost_usd
        if role == "target" and self.price is not None:
            self.paid = True
            return self.price.cost(usage)
        if usage.cost_usd:
            self.paid = True
            return usage.cost_usd
        self.unpriced = self.unpriced or bool(usage.input_tokens or usage.output_tokens)
        return 0.0

    def _of(self, suite: str, attack: str) -> tuple[_Cell, float]:
        """Return what is known of a suite under an attack, and how far that may be off, as a part of it."""
        own = self.cells.get((suite, attack))
        if own is not None and own.n >= FEW:
            return own, OWN
        of_suite = _pooled(cell for (name, _), cell in self.cells.items() if name == suite)
        if of_suite.n >= FEW:
            return of_suite, OTHER_ATTACK
        return _pooled(self.cells.values()), OTHER_SUITE

    def expect(self, plan: Plan, at_once: int) -> tuple[Between | None, Between | None, Between | None]:
        """Return the tokens, USD and seconds that a plan will take by what was seen; None where nothing tells.

        Args:
            at_once: calls at one time.
        """
        totals = {place: _Total() for place in range(4)}
        timed = True
        for part in plan.suites:
            each = len(part.samples) * part.attempts
            for attack in part.attacks:
                cell, slack = self._of(part.id, attack.name)
                if cell.timed < min(FEW, cell.n):
                    cell, slack = self._timed(cell), max(slack, OTHER_SUITE)
                timed = timed and cell.timed > 0
                for place, total in totals.items():
                    total.add(each, cell, place, slack)
        tokens, usd, asking, guarding = (totals[place].between() for place in range(4))
        seconds = None
        if timed and (asking.high or guarding.high):
            slowest = max(self.walls, default=0.0) * len(plan)
            high = max((asking.high / at_once + guarding.high), slowest) * DAY
            seconds = Between((asking.low / at_once + guarding.low) / DAY, high)
        return tokens if tokens.high else None, usd if self.paid else None, seconds

    def _timed(self, cell: _Cell) -> _Cell:
        """Return a cell with the times of all that was really asked, in place of its own, which the cache gave."""
        everything = _pooled(self.cells.values())
        made = _pooled([cell])
        made.timed = everything.timed
        made.sums[2:], made.squares[2:] = everything.sums[2:], everything.squares[2:]
        return made


class _Total:
    """A sum over suites and attacks, with how far it may be off."""

    def __init__(self) -> None:
        self.low = self.high = self.variance = 0.0

    def add(self, planned: int, cell: _Cell, place: int, slack: float) -> None:
        expected = planned * cell.mean(place)
        self.low += expected / (1 + slack)
        self.high += expected * (1 + slack)
        n = (cell.timed if place >= 2 else cell.n) or 1
        self.variance += cell.variance(place) * planned * (1 + planned / n)

    def between(self) -> Between:
        spread = 2 * sqrt(self.variance)
        # A sum of what is never negative may vary much, and is still no less than a part of what is expected.
        return Between(max(self.low / 2, self.low - spread), self.high + spread)
