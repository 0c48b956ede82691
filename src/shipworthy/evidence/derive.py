"""A criterion's test, made again from counts: which verdicts, bounds and intervals they allow. Standard library only.

Where a number is stated, it is held to the right one; where none is stated, what it would decide is worked out. A limit
that is nearer to a bound than two searches agree leaves both answers open, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from shipworthy.core.condition import Condition
from shipworthy.evidence.bounds import LimitLaw
from shipworthy.evidence.recount import Measure, Recounted

State = Literal["ship", "tips", "open", "no-ship"]
"""``tips``: undecided, and it would ship were every attempt without a score good; ``open``: undecided even so."""

_ORDER: Sequence[State] = ("ship", "tips", "open", "no-ship")


class Ends(NamedTuple):
    """What is stated of a rate or mean: the two-sided interval."""

    low: float
    high: float


class Test:
    """One condition against the counts of one run, or of two.

    Args:
        must: the condition; its confidence is that of the bound here.
        measure: the metric.
        method: of the bound of a rate; a mean always has the proved one, or ``anytime``.
        at: the counts with so many of the attempts without a score bad, the others good; with None, without them.
        gaps: number of attempts without a score.
    """

    def __init__(
        self, must: Condition, measure: Measure, method: str, at: Callable[[int | None], Recounted], gaps: int
    ) -> None:
        self.must, self.measure, self._at, self.gaps = must, measure, at, gaps
        betting, change = measure.value or method != "gaffke", must.test == "noninferiority"
        width = measure.high - measure.low
        low, high = (-width, width) if change else (measure.low, measure.high)
        self.law = LimitLaw(low, high, betting, change, method == "anytime")

    @cached_property
    def counts(self) -> Recounted:
        """What was scored."""
        return self._at(None)

    @cached_property
    def worst(self) -> Recounted:
        """The same with every attempt without a score bad."""
        return self._at(self.gaps) if self.gaps else self.counts

    def estimate(self, counts: Recounted) -> float:
        """Return the rate, mean or change that some counts give."""
        return counts.rate

    @property
    def tail(self) -> float:
        """Chance that the bound misses."""
        return 1 - self.must.confidence

    def bound_misses(self, stated: float) -> int:
        """Say where the stated bound lies: better than the worst counts allow (-1), right (0), or worse than that."""
        return self.law.misses(self._bad(self.worst), self._bad_value(stated), self.tail)

    def interval_misses(self, stated: Ends, two_sided: float) -> int:
        """Say whether a two-sided interval of what was scored is narrower (-1) or wider (1) than it must be.

        Args:
            two_sided: its confidence.
        """
        tail, means = (1 - two_sided) / 2, self.counts.means
        law = self.law
        apart = {
            law.misses(means, stated.high, tail),
            law.misses(law.mirrored(means), law.flip(stated.low), tail),
        }
        return -1 if -1 in apart else max(apart)

    def met(self, bound: float) -> bool:
        """Say whether a bound meets the condition's limit, to the digit."""
        limit = self.must.limit
        return bound >= limit if self._falls else bound <= limit

    def states(self, bound: float | None = None) -> frozenset[State]:
        """Return what the test may have found; more than one where a limit is too near to tell.

        Args:
            bound: the stated one, checked; without it the worst case is tested anew.
        """
        passes = self.passes(self.gaps) if bound is None else self.met(bound)
        found: set[State] = set()
        if passes is not False:
            found.add("ship")
        if passes is not True:
            best = self.passes(0) if self.gaps else False
            if best is not False:
                found.add("tips")
            if best is not True:
                fails = self._fails()
                if fails is not True:
                    found.add("open")
                if fails is not False:
                    found.add("no-ship")
        return frozenset(found)

    def passes(self, bad: int) -> bool | None:
        """Say whether it passes with so many of the attempts without a score bad."""
        counts = self._at(bad) if self.gaps else self.counts
        return self.law.within(self._bad(counts), self._bad_value(self.must.limit), self.tail)

    def tips(self, stated: int) -> bool:
        """Say whether so many bad attempts are the fewest with which it no longer passes."""
        return 1 <= stated <= self.gaps and self.passes(stated - 1) is not False and self.passes(stated) is not True

    def _fails(self) -> bool | None:
        """Say whether it fails with every attempt without a score good."""
        counts = self._at(0) if self.gaps else self.counts
        law = self.law
        return law.within(law.mirrored(self._bad(counts)), law.flip(self._bad_value(self.must.limit)), self.tail)

    # A condition is held to an upper limit: of what may not fall, it is that of the mirrored means.

    @property
    def _falls(self) -> bool:
        return self.must.side == "lower" and self.must.test == "threshold"

    def _bad(self, counts: Recounted) -> list[float]:
        return self.law.mirrored(counts.means) if self.must.side == "lower" else counts.means

    def _bad_value(self, value: float) -> float:
        # The bound of a change is that of the worsening already, whichever way that is.
        return self.law.flip(value) if self._falls else value


def together(tests: Sequence[frozenset[State]]) -> frozenset[State]:
    """Return what several tests may have found that must all pass: the worst of each way they may have ended."""
    found: frozenset[State] = frozenset(("ship",))
    for states in tests:
        found = frozenset(max(a, b, key=_ORDER.index) for a in found for b in states)
    return found


def verdicts(states: frozenset[State]) -> set[str]:
    """Return the words for what a test may have found."""
    return {"inconclusive" if state in ("open", "tips") else state for state in states}


def near(measure: Measure, one: float, other: float) -> bool:
    """Say whether two numbers are the same but for rounding."""
    return abs(one - other) <= 1e-9 * max(1.0, abs(measure.low), abs(measure.high))
