"""A criterion on an event: its rate, or the change of it, held against a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from shipworthy.core.condition import Condition
from shipworthy.core.records import CriterionResult
from shipworthy.evals.compare import Paired
from shipworthy.evals.results import Counts
from shipworthy.release import worst as unscored
from shipworthy.release.wording import POWER, count, percent
from shipworthy.stats import (
    NoninferiorityTest,
    ThresholdTest,
    noninferiority_test,
    rate_interval,
    required_clusters,
    threshold_test,
)

if TYPE_CHECKING:
    from shipworthy.release.criteria import Shape


def threshold(seen: CriterionResult, counted: Counts, must: Condition, plan: Shape) -> CriterionResult:
    """Test a rate against a limit."""
    ends = (1.0, 0.0) if must.side == "upper" else (0.0, 1.0)

    def test(bad: int) -> ThresholdTest:
        return threshold_test(
            *counted.filled(bad, *ends),
            must.limit,
            must="at_most" if must.side == "upper" else "at_least",
            confidence=must.confidence,
            bound=seen.method,
        )

    worst, best, verdict, tips = unscored.decide(test, len(counted.blanks))
    interval, needed = worst.interval, None
    if counted.blanks:
        interval = rate_interval(counted.totals, counted.trials, confidence=must.confidence, bound=seen.method)
    if verdict == "inconclusive" and tips is None:
        needed = still_needed(seen, must.limit, interval.rate, "at_most" if must.side == "upper" else "at_least", plan)
    seen = replace(
        seen,
        rate=interval.rate,
        low=interval.low,
        high=interval.high,
        bound=worst.bound,
        verdict=verdict,
        needed=0 if verdict == "ship" else needed,
        worst_rate=worst.interval.rate if counted.blanks else None,
        tips=tips,
    )
    reason = _threshold_reason(seen, best.opposite, must.side)
    return replace(seen, reason=reason + unscored.remark(seen, percent(worst.interval.rate)))


def _threshold_reason(seen: CriterionResult, opposite: float, side: str) -> str:
    sure, limit = percent(seen.confidence), percent(seen.limit)
    of = f"{count(seen.hits, 'hit')} in {count(seen.trials, 'attempt')} on {count(seen.clusters, 'sample')}"
    bound = seen.bound if seen.bound is not None else float("nan")
    words = ("at most", "at least") if side == "upper" else ("at least", "at most")
    if seen.verdict == "ship":
        return (
            f"the rate is {words[0]} {percent(bound, seen.limit)} with {sure} confidence ({of}); the limit is {limit}"
        )
    if seen.verdict == "no-ship":
        edge = percent(opposite, seen.limit)
        return f"the rate is {words[1]} {edge} with {sure} confidence ({of}); the limit is {limit}"
    rate = seen.rate or 0.0
    beyond = "up to" if side == "upper" else "down to"
    could = f"{percent(rate)} observed ({of}), {beyond} {percent(bound, seen.limit)} with {sure} confidence"
    return f"{could}; the limit is {limit}: {advice(seen)}"


def noninferiority(seen: CriterionResult, paired: Paired, must: Condition, plan: Shape) -> CriterionResult:
    """Test a rate's change against a margin."""
    worse: Literal["higher", "lower"] = "higher" if must.side == "upper" else "lower"

    def test(bad: int | None) -> NoninferiorityTest:
        rows = paired.totals, paired.old_totals, paired.trials
        new, old, trials = rows if bad is None else paired.filled(bad, worse=worse)
        return noninferiority_test(
            new, trials, old, trials, must.limit, worse=worse, confidence=must.confidence, bound=seen.method
        )

    worst, best, verdict, tips = unscored.decide(test, len(paired.holes))
    found, needed = test(None) if paired.holes else worst, None
    worsening = found.difference if worse == "higher" else -found.difference
    if verdict == "inconclusive" and tips is None and (room := must.limit - max(0.0, worsening)) > 0:
        needed = still_needed(seen, room, paired.old, "rise" if worse == "higher" else "fall", plan)
    seen = replace(
        seen,
        rate=found.difference,
        low=found.low,
        high=found.high,
        bound=worst.bound,
        verdict=verdict,
        needed=0 if verdict == "ship" else needed,
        worst_rate=worst.difference if paired.holes else None,
        tips=tips,
    )
    reason = _noninferiority_reason(seen, paired, best.opposite, worse)
    change = percent(worst.difference).replace(" %", " points")
    return replace(seen, reason=reason + unscored.remark(seen, f"a change of {change}"))


def _noninferiority_reason(seen: CriterionResult, paired: Paired, opposite: float, worse: str) -> str:
    move = "rose" if worse == "higher" else "fell"
    sure, limit = percent(seen.confidence), percent(seen.limit).replace(" %", " points")
    bound = seen.bound if seen.bound is not None else float("nan")
    of = (
        f"{percent(paired.old)} before, {percent(paired.new)} now, "
        f"{count(seen.trials, 'paired attempt')} on {count(seen.clusters, 'sample')}"
    )

    def points(value: float) -> str:
        return percent(value, seen.limit).replace(" %", " points")

    if seen.verdict == "ship":
        return f"the rate {move} by at most {points(bound)} with {sure} confidence ({of}); {limit} are allowed"
    if seen.verdict == "no-ship":
        return f"the rate {move} by at least {points(opposite)} with {sure} confidence ({of}); {limit} are allowed"
    could = f"the rate may have {'risen' if worse == 'higher' else 'fallen'} by up to {points(bound)}"
    return f"{could} with {sure} confidence ({of}); {limit} are allowed: {advice(seen)}"


def advice(seen: CriterionResult) -> str:
    """Return what would decide an undecided criterion, in words."""
    needed = seen.needed
    if seen.tips is not None:
        return unscored.SCORE_THEM
    if needed is None:
        return "if the true rate is the observed one, no number of samples makes this pass"
    return f"about {count(needed, 'more sample')} would decide it at this rate, with {percent(POWER)} power"


def still_needed(seen: CriterionResult, limit: float, rate: float, test: str, plan: Shape) -> int | None:
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
    # At least one: the criterion did not pass with what there is.
    return None if total is None else max(1, total - seen.clusters)
