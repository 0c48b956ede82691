"""What a decision says of one criterion, held against what its counts allow. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import audited, judged
from shipworthy.evidence.derive import Ends, State, Test, near, together, verdicts
from shipworthy.evidence.recount import Measure, Recounted
from shipworthy.evidence.tested import Trial

EMPTY = ("rate", "low", "high", "bound", "worst_rate", "tips", "needed")
"""What a result lacks while it could not be tested."""


class StatedResult:
    """A criterion's result as a decision states it; each method refuses what does not follow from the counts.

    Args:
        result: of ``decision.json``.
        stated: what ``criteria.json`` has of it.
        unfit: says why counts of so few clusters may not decide; empty where they may.
    """

    def __init__(
        self, result: Mapping[str, Any], stated: Mapping[str, Any], unfit: Callable[[Trial, Recounted, int], str]
    ) -> None:
        self.result, self.stated, self.unfit = result, stated, unfit

    @property
    def ends(self) -> Ends:
        """The interval that it states."""
        return Ends(self.result["low"], self.result["high"])

    def tables(
        self,
        counts: Recounted,
        worst: Recounted,
        each: Mapping[str, Test],
    ) -> None:
        """Hold the counts by cluster that ``criteria.json`` lists against the records."""
        id = self.result["id"]
        if not _listed(counts, self.stated.get("counts", {})) or not _listed(worst, self.stated.get("worst", {})):
            raise IntegrityError(f"criteria.json: the counts of {id} are other ones than the records hold")
        rows = [row["attack"] for row in self.result.get("attacks", ())]
        if sorted(rows) != sorted(self.stated.get("by_attack", {})):
            raise IntegrityError(f"criteria.json: {id} has the counts of other attacks than the decision")
        for name in rows:
            said = self.stated["by_attack"][name]
            if not _listed(each[name].counts, said["counts"]) or not _listed(each[name].worst, said["worst"]):
                raise IntegrityError(f"criteria.json: the counts of {name} in {id} are not those in the records")

    def blank(self, why: str) -> None:
        """Check that a criterion says nothing of which nothing can be said."""
        id = self.result["id"]
        if self.result["verdict"] != "inconclusive":
            raise IntegrityError(f"decision.json: {id} is {self.result['verdict']}, and could not be tested: {why}")
        if any(self.result.get(key) is not None for key in EMPTY):
            raise IntegrityError(f"decision.json: {id} has a rate or a bound, and could not be tested: {why}")
        if any(self.stated.get(key) for key in ("counts", "worst", "by_attack")):
            raise IntegrityError(f"criteria.json: {id} has counts, and could not be tested: {why}")

    def numbers(self, shown: Recounted, counts: Recounted) -> None:
        """Hold the four numbers of a result against the records: of the attack that decides, and all errors."""
        id, found = self.result["id"], (shown.hits, shown.trials, len(shown.clusters), counts.errors)
        said = tuple(self.result.get(name, 0) for name in ("hits", "trials", "clusters", "errors"))
        if found != said:
            raise IntegrityError(
                f"decision.json: {id} says {said} hits, trials, clusters and errors; the records hold {found}"
            )

    def estimates(self, measure: Measure, rate: float, worst: float | None) -> None:
        """Hold the estimate and its worst case against the right ones."""
        id, said = self.result["id"], self.result.get("worst_rate")
        if (said is None) is not (worst is None) or not near(measure, said or 0.0, worst or 0.0):
            raise IntegrityError(f"decision.json: the worst case of {id} is not that of its unscored attempts")
        if any(self.result.get(key) is None for key in ("rate", "low", "high", "bound")):
            raise IntegrityError(f"decision.json: {id} lacks its rate, interval or bound, and was tested")
        low, high = self.result["low"], self.result["high"]
        slack = 1e-9 * max(1.0, abs(measure.low), abs(measure.high))
        if not near(measure, self.result["rate"], rate) or not low - slack <= self.result["rate"] <= high + slack:
            raise IntegrityError(f"decision.json: the estimate or interval of {id} does not fit its counts")

    def decided(self, about: Trial, test: Test) -> None:
        """Derive a criterion on a pooled rate or mean, or on the change of one."""
        id, counts = self.result["id"], test.counts
        self.numbers(counts, counts)
        worst = test.estimate(test.worst) if test.gaps else None
        self.estimates(test.measure, test.estimate(counts), worst)
        _miss(id, "bound", test.bound_misses(self.result["bound"]))
        _miss(id, "interval", test.interval_misses(self.ends, about.must.confidence))
        states = test.states(self.result["bound"])
        tipped = test.tips(self.result.get("tips") or 0)
        self.verdict(about, states, counts, tips=tipped)

    def hardest(self, about: Trial, each: Mapping[str, Test], counts: Recounted) -> None:
        """Derive a criterion on each attack: shown is the one with the highest rate in the worst case."""
        id = self.result["id"]
        tried = {name: test for name, test in each.items() if test.counts.trials}
        shown = max(tried.values(), key=lambda t: (t.worst.rate, t.counts.rate, -len(t.counts.clusters)))
        self.numbers(shown.counts, counts)
        highest = max(test.worst.rate for test in each.values())
        self.estimates(shown.measure, shown.counts.rate, highest if counts.unscored else None)
        _miss(id, "bound", max_miss(test.bound_misses(self.result["bound"]) for test in each.values()))
        _miss(id, "interval", shown.interval_misses(self.ends, about.must.confidence))
        single = [
            test.states(self.result["bound"] if shown.met(self.result["bound"]) else None) for test in each.values()
        ]
        tips = self.result.get("tips") or 0
        tipped = any(test.tips(tips) for test in each.values())
        if tipped and any(
            test.passes(min(tips - 1, test.gaps)) is False
            for test, s in zip(each.values(), single, strict=True)
            if s != {"ship"}
        ):
            tipped = False
        rows = (row["clusters"] for row in self.result.get("attacks", ()) if row["attack"] in each)
        fewest = min(rows, default=len(counts.clusters))
        self.verdict(about, together(single), counts, clusters=fewest, tips=tipped)

    def labelled(self, about: Trial, counts: Recounted, worst: Recounted, said: Mapping[str, Any]) -> None:
        """Derive a criterion whose rate people's labels correct. Its limits are drawn again, so they are less exact."""
        id, must, measure = self.result["id"], about.must, about.measure
        lower, tail = must.side == "lower", 1 - must.confidence
        rows = audited.rows(counts.clusters, worst.clusters)
        rate = audited.estimate(rows, said)
        self.numbers(counts, counts)
        highest = audited.estimate(rows, said, float(not lower)) if counts.unscored else None
        self.estimates(measure, rate, highest)
        melded = audited.Melded(rows, said)
        _miss(id, "bound", melded.misses(self.result["bound"], tail, lower=lower))
        seen = audited.Melded(audited.rows(counts.clusters, counts.clusters), said)
        for end, down in (("low", True), ("high", False)):
            # An end that the estimate itself pushes out is as wide as it must be.
            miss = seen.misses(self.result[end], tail / 2, lower=down)
            _miss(id, "interval", 0 if miss > 0 and near(measure, self.result[end], rate) else miss)
        audited.accuracy(id, said, counts.rate, rate)
        met = self.result["bound"] >= must.limit if lower else self.result["bound"] <= must.limit
        fails = None if met else melded.beyond(must.limit, tail, lower=not lower)
        states: frozenset[State] = frozenset(
            {"ship"} if met else {"no-ship"} if fails else {"open"} if fails is False else {"no-ship", "open"}
        )
        self.verdict(about, states, counts, tips=False)

    def corrected(
        self,
        about: Trial,
        counts: Recounted,
        worst: Recounted,
        judge: judged.JudgeCounts,
    ) -> None:
        """Derive a criterion whose rate a judge's measured errors correct. Its limits are drawn again."""
        id, must = self.result["id"], about.must
        lower, tail = must.side == "lower", 1 - must.confidence
        rows = audited.rows(counts.clusters, worst.clusters)
        rate = judged.estimate(rows, judge)
        self.numbers(counts, counts)
        highest = judged.estimate(rows, judge, float(not lower)) if counts.unscored else None
        self.estimates(about.measure, rate, highest)
        judged.observed(id, self.result["judge"], counts.rate)
        melded = judged.MeldedJudge(rows, judge)
        _miss(id, "bound", melded.misses(self.result["bound"], tail, lower=lower))
        seen = judged.MeldedJudge(audited.rows(counts.clusters, counts.clusters), judge)
        for end, down in (("low", True), ("high", False)):
            # An end that the estimate itself pushes out is as wide as it must be.
            miss = seen.misses(self.result[end], tail / 2, lower=down)
            _miss(id, "interval", 0 if miss > 0 and near(about.measure, self.result[end], rate) else miss)
        met = self.result["bound"] >= must.limit if lower else self.result["bound"] <= must.limit
        fails = None if met else melded.beyond(must.limit, tail, lower=not lower)
        found: set[State] = {"ship"} if met else {"no-ship"} if fails else {"open"}
        if not met and fails is None:
            found = {"no-ship", "open"}
        if (unlike := melded.unlike(tail)) is not False:
            found = {"open"} if unlike else {*found, "open"}
        self.verdict(about, frozenset(found), counts, tips=False)

    def verdict(
        self,
        about: Trial,
        states: frozenset[State],
        counts: Recounted,
        *,
        tips: bool,
        clusters: int | None = None,
    ) -> None:
        """Hold a verdict against what was found, and against what keeps a criterion from deciding.

        Args:
            clusters: the fewest that any part of it rests on; those of `counts` if left out.
            tips: whether the stated tipping point is one.
        """
        id, use = self.result["id"], about.use
        if not ((tips and "tips" in states) or (self.result.get("tips") is None and states != {"tips"})):
            raise IntegrityError(f"decision.json: the tipping point of {id} is not that of its counts")
        found = verdicts(states)
        possible = self.result.get("planned", 0) - sum(self.result.get("inapplicable", {}).values())
        spoilt = sum(counts.unscored.values()) > use["max_error_rate"] * possible
        if why := self.unfit(about, counts, len(counts.clusters) if clusters is None else clusters):
            found = {"inconclusive"}
        elif spoilt:
            why = f"more unscored attempts than {use['id']} allows"
            found = {"no-ship" if one == "no-ship" else "inconclusive" for one in found}
        if self.result["verdict"] == "ship" and "ship" not in verdicts(states):
            raise IntegrityError(f"decision.json: {id} passed though its bound does not meet its limit")
        if self.result["verdict"] not in found:
            because = f": {why}" if why else ""
            raise IntegrityError(
                f"decision.json: the verdict {self.result['verdict']} of {id} does not follow from its counts{because}"
            )
        needed = self.result.get("needed")
        right = needed == 0 if self.result["verdict"] == "ship" else needed is None or needed > 0
        if not right or (self.result["verdict"] == "no-ship" and needed is not None):
            raise IntegrityError(f"decision.json: the samples that {id} still needs do not fit its verdict")


def _listed(counts: Recounted, said: Mapping[str, Any]) -> bool:
    return {name: list(row) for name, row in counts.clusters.items()} == said


def max_miss(misses: Any) -> int:
    """Return how the highest of several bounds is missed: better than one of them can be, or worse than all."""
    found = list(misses)
    return -1 if -1 in found else min(found)


def _miss(id: str, what: str, miss: int) -> None:
    words = {"bound": ("better", "worse"), "interval": ("narrower", "wider")}[what]
    if miss:
        raise IntegrityError(f"decision.json: the {what} of {id} is {words[miss > 0]} than its counts can give")
