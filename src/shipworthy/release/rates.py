"""A criterion on an event: its rate, or the change of it, held against a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from shipworthy.core.condition import Condition
from shipworthy.core.records import CriterionResult
from shipworthy.evals.compare import Paired
from shipworthy.evals.tally import Counts
from shipworthy.release import worst as unscored
from shipworthy.release.held import CriterionWords, Tested, against_limit, against_margin, more, settled
from shipworthy.release.judged import change, said
from shipworthy.release.wording import POWER, count, percent
from shipworthy.stats import (
    NoninferiorityTest,
    ThresholdTest,
    noninferiority_test,
    rate_interval,
    required_clusters,
    threshold_test,
)
from shipworthy.stats.judge_error import seen_confidence

if TYPE_CHECKING:
    from shipworthy.release.criteria import PlanShape

AT = "this rate"


def threshold(seen: CriterionResult, counted: Counts, must: Condition, plan: PlanShape) -> CriterionResult:
    """Test a rate against a limit."""
    ends = (1.0, 0.0) if must.side == "upper" else (0.0, 1.0)
    side: Literal["at_most", "at_least"] = "at_most" if must.side == "upper" else "at_least"

    def test(bad: int) -> ThresholdTest:
        rows = counted.filled(bad, *ends)
        return threshold_test(*rows, must.limit, must=side, confidence=must.confidence, bound=seen.method)

    worst, best, verdict, tips = unscored.decide(test, len(counted.blanks))
    interval, needed = worst.interval, None
    if counted.blanks:
        interval = rate_interval(counted.totals, counted.trials, confidence=must.confidence, bound=seen.method)
    if verdict == "inconclusive" and tips is None:
        needed = still_needed(seen, must.limit, interval.rate, side, plan)
    tested = Tested(
        interval.rate, interval.low, interval.high, worst.bound, worst.interval.rate, best.opposite, verdict, tips,
        len(counted.blanks),
    )  # fmt: skip
    of = f"{count(seen.hits, 'hit')} in {count(seen.trials, 'attempt')} on {count(seen.clusters, 'sample')}"
    return against_limit(settled(seen, tested, needed), tested, CriterionWords("rate", percent, of, AT), must.side)


def noninferiority(seen: CriterionResult, paired: Paired, must: Condition, plan: PlanShape) -> CriterionResult:
    """Test a rate's change against a margin."""
    worse: Literal["higher", "lower"] = "higher" if must.side == "upper" else "lower"

    def test(bad: int | None) -> NoninferiorityTest:
        rows = paired.totals, paired.old_totals, paired.trials
        new, old, trials = rows if bad is None else paired.filled(bad, worse=worse)
        level = must.confidence if seen.judge is None else seen_confidence(must.confidence)
        found = noninferiority_test(
            new, trials, old, trials, must.limit, worse=worse, confidence=level, bound=seen.method
        )
        return change(seen, found, must.confidence)

    worst, best, verdict, tips = unscored.decide(test, len(paired.holes))
    found, needed = test(None) if paired.holes else worst, None
    worsening = found.difference if worse == "higher" else -found.difference
    if verdict == "inconclusive" and tips is None and (room := must.limit - max(0.0, worsening)) > 0:
        needed = still_needed(seen, room, paired.old, "rise" if worse == "higher" else "fall", plan)
    tested = Tested(
        found.difference, found.low, found.high, worst.bound, worst.difference, best.opposite, verdict, tips,
        len(paired.holes),
    )  # fmt: skip
    of = (
        f"{percent(paired.old)} before, {percent(paired.new)} now, "
        f"{count(seen.trials, 'paired attempt')} on {count(seen.clusters, 'sample')}"
    )
    of += f"; {said(seen.judge)}" if seen.judge is not None else ""
    return against_margin(settled(seen, tested, needed), tested, CriterionWords("rate", _points, of, AT), worse)


def _points(change: float, beside: float | None) -> str:
    return percent(change, beside).replace(" %", " points")


def still_needed(seen: CriterionResult, limit: float, rate: float, test: str, plan: PlanShape) -> int | None:
    """Return the clusters still needed at an observed rate; None where no number of samples can make it pass."""
    if not 0 < limit < 1:
        return None
    total = required_clusters(
        limit,
        rate,
        test=test,  # type: ignore[arg-type]
        attempts=max(1, round(seen.trials / seen.clusters)),
        icc=plan.icc,
        power=POWER,
        confidence=seen.confidence,
        bound=seen.method,
    )
    return more(seen, total)
