"""A criterion on a judge's word, worked out again from a pack's records and audit log. Standard library only.

Which calibration counts is decided by the rules of `core.calibration`, which are its definition; the estimates and
bounds are those of `shipworthy.stats.judge_error`, written down again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import exp, fsum, lgamma, log, log1p, sqrt
from typing import Any, NamedTuple

from shipworthy.core.calibration import CALIBRATED, calibration_of, standing
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence.audited import NEAR, Rows
from shipworthy.evidence.bounds import NEAR as FOUND_NEAR
from shipworthy.evidence.bounds import rise_limit
from shipworthy.evidence.derive import Ends, Test
from shipworthy.evidence.recount import Recounted

_DRAWS = 40_000
_THEIRS = 100_000
"""Draws of `shipworthy.stats.judge_error`."""
_WORK = 2_000_000
_HALVINGS = 60


class JudgeCounts(NamedTuple):
    """Of labelled hits and of the others, how many a judge was right on; see `shipworthy.stats.JudgeAccuracy`."""

    found: int
    positives: int
    cleared: int
    negatives: int

    @property
    def sensitivity(self) -> float:
        """In [0, 1]."""
        return self.found / self.positives

    @property
    def specificity(self) -> float:
        """In [0, 1]."""
        return self.cleared / self.negatives

    @property
    def slope(self) -> float:
        """How much of a change it sees, in [-1, 1]."""
        return self.sensitivity + self.specificity - 1

    def least_slope(self, tail: float) -> float:
        """Return the lowest slope that the labels allow, each part missing with chance `tail`."""
        return lower_limit(self.found, self.positives, tail) + lower_limit(self.cleared, self.negatives, tail) - 1


def check(
    result: Mapping[str, Any],
    identity: str,
    manifests: Sequence[Mapping[str, Any]],
    entries: Iterable[Mapping[str, Any]],
) -> JudgeCounts | None:
    """Hold what a result says of its judge against the audit log.

    Returns what was measured of it; None if no calibration counts.

    Args:
        identity: of the judge, as the run's manifest has it.
        manifests: of the runs that the criterion is tested on.
        entries: of the audit log, those that the decision was made on.

    Raises:
        IntegrityError: it is something else.
    """
    id, said = result["id"], result.get("judge")
    known = [calibration_of(e["number"], e["body"]) for e in entries if e["kind"] == CALIBRATED]
    one = None
    for manifest in manifests:
        models = [m["digest"] for m in manifest.get("models", ()) if m.get("role") == "judge"]
        one = standing(known, identity, result["metric"], models, manifest["created"]).calibration
        if one is None:
            break
    wanted = {name: getattr(one, name) for name in ("entry", "rubric", *JudgeCounts._fields)} if one else None
    stated = {name: said[name] for name in said if name != "observed"} if said is not None else None
    if stated != wanted:
        raise IntegrityError(f"decision.json: the calibration of the judge of {id} is not that of the audit log")
    return JudgeCounts(one.found, one.positives, one.cleared, one.negatives) if one else None


def corrected(called: float, scored: float, counts: JudgeCounts, unknown: float) -> float:
    """Return the share that is a true hit, at most what was scored."""
    if counts.slope <= 0:
        return unknown
    return min(scored, max(0.0, (called - (1 - counts.specificity) * scored) / counts.slope))


def estimate(some: Rows, counts: JudgeCounts, end: float | None = None) -> float:
    """Return the corrected rate: of what was scored, or with every unscored attempt at one end."""
    if end is None:
        observed = fsum(x / (x + y) for x, y, _ in some if x + y > 0) / sum(1 for x, y, _ in some if x + y > 0)
        return corrected(observed, 1.0, counts, observed)
    called, blank = fsum(x for x, _, _ in some) / len(some), fsum(z for _, _, z in some) / len(some)
    return corrected(called, 1 - blank, counts, called) + end * blank


def observed(id: str, said: Mapping[str, Any], rate: float) -> None:
    """Hold the rate that the judge gives against the records.

    Raises:
        IntegrityError: it is another one.
    """
    stated = said.get("observed")
    if stated is None or abs(stated - rate) > NEAR:
        raise IntegrityError(f"decision.json: the rate that {id} gives its judge is not that of the records")


class MeldedJudge:
    """The melded limits of a judged rate, drawn again: right but for the error of two simulations.

    Args:
        some: shares of the clusters: called a hit, called none, without a score.
    """

    def __init__(self, some: Rows, counts: JudgeCounts) -> None:
        self._some, self._counts = some, counts
        self._drawn: dict[bool, list[float]] = {}
        self._short: list[float] = []

    def misses(self, stated: float, tail: float, *, lower: bool) -> int:
        """Say where a stated limit lies: better than it can be (-1), right as far as drawing tells (0), worse (1)."""
        values, limit = self._values(lower=lower), 1 - stated if lower else stated
        above = sum(value > limit + NEAR for value in values) / len(values)
        at_least = sum(value >= limit - NEAR for value in values) / len(values)
        blur, slack = self._blur(tail)
        return -1 if above > tail + blur else 1 if at_least < tail - slack - blur else 0

    def beyond(self, limit: float, tail: float, *, lower: bool) -> bool | None:
        """Say whether the limit on one side lies beyond a number; None where drawing cannot tell."""
        values, edge = self._values(lower=lower), 1 - limit if lower else limit
        above = sum(value >= edge for value in values) / len(values)
        blur, slack = self._blur(tail)
        return True if above < tail - slack - blur else False if above > tail + blur else None

    def unlike(self, tail: float) -> bool | None:
        """Say whether there are fewer hits than false ones alone would be; None where drawing cannot tell."""
        self._values(lower=False)
        above = sum(value >= 0 for value in self._short) / len(self._short)
        blur, slack = self._blur(tail)
        return True if above < tail - slack - blur else False if above > tail + blur else None

    def _blur(self, tail: float) -> tuple[float, float]:
        draws, spread = len(self._values(lower=False)), tail * (1 - tail)
        return 4.5 * sqrt(spread * (1 / draws + 1 / _THEIRS)), 2 * sqrt(spread / _THEIRS)

    def _values(self, *, lower: bool) -> list[float]:
        """Draw upper limits; of a lower one its distance from 1, so that both are upper limits."""
        if lower in self._drawn:
            return self._drawn[lower]
        c = self._counts
        distinct = Counter((round(x, 12), round(y, 12), round(z, 12)) for x, y, z in self._some)
        chance, found = random.Random(1), []
        for _ in range(max(2_000, min(_DRAWS, _WORK // (len(distinct) + 3)))):
            se = _draw(chance, c.found, c.positives, high=lower)
            sp = _draw(chance, c.cleared, c.negatives, high=not lower)
            extra = total = chance.expovariate(1.0)
            called = rest = blank = 0.0
            for (x, y, z), times in distinct.items():
                weight = chance.gammavariate(times, 1.0)
                total += weight
                called, rest, blank = called + weight * x, rest + weight * y, blank + weight * z
            scored, hits = (called + rest + extra) / total, (called + (0.0 if lower else extra)) / total
            slope, true = se + sp - 1, 0.0 if lower else scored
            if slope > 0:
                true = min(scored, max(0.0, (hits - (1 - sp) * scored) / slope))
            found.append(1 - true if lower else min(1.0, true + blank / total))
            if not lower:
                self._short.append(hits / scored - (1 - sp) if scored else 0.0)
        return self._drawn.setdefault(lower, found)


class JudgedChange(Test):
    """One condition on a change that a judge saw.

    Args:
        test: of the judge's own counts.
        counts: what was measured of the judge.
    """

    def __init__(self, test: Test, counts: JudgeCounts) -> None:
        super().__init__(test.must, test.measure, "gaffke", test._at, test.gaps)
        self._judge = counts

    @property
    def _half(self) -> float:
        return self.tail / 2

    def estimate(self, counts: Recounted) -> float:
        slope = self._judge.slope
        return _stretched(counts.rate, slope) if slope > 0 else counts.rate

    def bound_misses(self, stated: float) -> int:
        return _apart(stated, self._bound(self.worst), self._slope)

    def interval_misses(self, stated: Ends, two_sided: float) -> int:
        tail = (1 - two_sided) / 4
        slope = self._judge.least_slope(tail / 2)
        means, middle = self.counts.means, self.estimate(self.counts)
        high, low = rise_limit(means, tail), -rise_limit([-mean for mean in means], tail)
        ends = Ends(
            min(middle, _stretched(low, slope) if low < 0 else low),
            max(middle, _stretched(high, slope) if high > 0 else high),
        )
        apart = {_apart(stated.high, ends.high, slope), _apart(-stated.low, -ends.low, slope)}
        return -1 if -1 in apart else max(apart)

    def passes(self, bad: int) -> bool | None:
        room = self.must.limit - self._bound(self._at(bad) if self.gaps else self.counts)
        return None if abs(room) <= _near(self._slope) else room > 0

    def _fails(self) -> bool | None:
        counts = self._at(0) if self.gaps else self.counts
        beyond = -rise_limit([-mean for mean in self._bad(counts)], self._half) - self.must.limit
        return None if abs(beyond) <= FOUND_NEAR else beyond > 0

    @property
    def _slope(self) -> float:
        return self._judge.least_slope(self._half / 2)

    def _bound(self, counts: Recounted) -> float:
        seen = rise_limit(self._bad(counts), self._half)
        return _stretched(seen, self._slope) if seen > 0 else seen


def lower_limit(right: int, labelled: int, tail: float) -> float:
    """Return Clopper and Pearson's lower limit of a share.

    >>> round(lower_limit(8, 10, 0.05), 4)
    0.4931
    """
    if not right:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_least(right, labelled, middle) > tail:
            high = middle
        else:
            low = middle
    return low


def _at_least(right: int, labelled: int, share: float) -> float:
    """Return the chance of so many or more of a binomial count."""
    if share >= 1:
        return 1.0
    ways = lgamma(labelled + 1)
    return fsum(
        exp(ways - lgamma(k + 1) - lgamma(labelled - k + 1) + k * log(share) + (labelled - k) * log1p(-share))
        for k in range(right, labelled + 1)
    )


def _draw(chance: random.Random, right: int, labelled: int, *, high: bool) -> float:
    """Draw a share from Clopper and Pearson's upper, or lower, confidence distribution."""
    if high:
        return chance.betavariate(right + 1, labelled - right) if right < labelled else 1.0
    return chance.betavariate(right, labelled - right + 1) if right else 0.0


def _stretched(change: float, slope: float) -> float:
    if slope <= 0:
        return 1.0 if change > 0 else -1.0 if change < 0 else 0.0
    return min(1.0, max(-1.0, change / slope))


def _near(slope: float) -> float:
    return 2 * FOUND_NEAR / min(1.0, max(slope, 0.01))


def _apart(stated: float, right: float, slope: float) -> int:
    apart = stated - right
    return 0 if abs(apart) <= _near(slope) else -1 if apart < 0 else 1
