"""A criterion on an event: its rate, or the change of it, held against a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shipworthy.core.condition import Condition
from shipworthy.core.records import CriterionResult
from shipworthy.evals.compare import Paired
from shipworthy.evals.results import Counts
from shipworthy.release.wording import POWER, VERDICTS, count, percent
from shipworthy.stats import noninferiority_test, required_clusters, threshold_test

if TYPE_CHECKING:
    from shipworthy.release.criteria import Shape


def threshold(seen: CriterionResult, counted: Counts, must: Condition, plan: Shape) -> CriterionResult:
    """Test a rate against a limit."""
    found = threshold_test(
        counted.totals,
        counted.trials,
        must.limit,
        must="at_most" if must.side == "upper" else "at_least",
        confidence=must.confidence,
        bound=seen.method,
    )
    interval, verdict, needed = found.interval, VERDICTS[found.verdict], None
    if verdict == "inconclusive":
        needed = _still_needed(seen, must.limit, interval.rate, "at_most" if must.side == "upper" else "at_least", plan)
    seen = replace(
        seen,
        rate=interval.rate,
        low=interval.low,
        high=interval.high,
        bound=found.bound,
        verdict=verdict,
        needed=0 if verdict == "ship" else needed,
    )
    return replace(seen, reason=_threshold_reason(seen, found.opposite, must.side))


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
    return f"{could}; the limit is {limit}: {_advice(seen.needed)}"


def noninferiority(seen: CriterionResult, paired: Paired, must: Condition, plan: Shape) -> CriterionResult:
    """Test a rate's change against a margin."""
    worse = "higher" if must.side == "upper" else "lower"
    found = noninferiority_test(
        paired.totals,
        paired.trials,
        paired.old_totals,
        paired.trials,
        must.limit,
        worse="higher" if worse == "higher" else "lower",
        confidence=must.confidence,
        bound=seen.method,
    )
    verdict, needed = VERDICTS[found.verdict], None
    worsening = found.difference if worse == "higher" else -found.difference
    if verdict == "inconclusive" and (room := must.limit - max(0.0, worsening)) > 0:
        needed = _still_needed(seen, room, paired.old, "rise" if worse == "higher" else "fall", plan)
    seen = replace(
        seen,
        rate=found.difference,
        low=found.low,
        high=found.high,
        bound=found.bound,
        verdict=verdict,
        needed=0 if verdict == "ship" else needed,
    )
    return replace(seen, reason=_noninferiority_reason(seen, paired, found.opposite, worse))


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
    return f"{could} with {sure} confidence ({of}); {limit} are allowed: {_advice(seen.needed)}"


def _advice(needed: int | None) -> str:
    if needed is None:
        return "if the true rate is the observed one, no number of samples makes this pass"
    return f"about {count(needed, 'more sample')} would decide it at this rate, with {percent(POWER)} power"


def _still_needed(seen: CriterionResult, limit: float, rate: float, test: str, plan: Shape) -> int | None:
    """Clusters still needed at the observed rate; None where no number of samples can make the criterion pass."""
    if not 0 < limit < 1:
        return None
    total = required_clusters(
        limit,
        rate,
        test=test,  # type: ignore[arg-type]
        attempts=max(1, round(plan.attempts)),
        icc=plan.icc,
        power=POWER,
        confidence=seen.confidence,
        bound=seen.method,
    )
    # At least one: the criterion did not pass with what there is.
    return None if total is None else max(1, total - seen.clusters)
