"""A criterion on a value: its mean over samples, or the change of it, held against a limit in the value's own unit."""

from __future__ import annotations

from statistics import stdev
from typing import Literal

from msgspec.structs import replace

from shipworthy.core.amount import amount
from shipworthy.core.condition import Condition
from shipworthy.core.records import CriterionResult, Metric
from shipworthy.evals.compare import Paired
from shipworthy.evals.results import Counts
from shipworthy.release import worst as unscored
from shipworthy.release.wording import POWER, count, percent
from shipworthy.stats import (
    MeanTest,
    NoninferiorityTest,
    mean_noninferiority_test,
    mean_test,
    required_clusters_for_mean,
)


def threshold(seen: CriterionResult, counted: Counts, must: Condition) -> CriterionResult:
    """Test a mean against a limit."""
    metric = _measure(seen)
    ends = (metric.high, metric.low) if must.side == "upper" else (metric.low, metric.high)

    def test(bad: int | None) -> MeanTest:
        rows = (counted.totals, counted.trials) if bad is None else counted.filled(bad, *ends)
        return mean_test(
            *rows,
            must.limit,
            low=metric.low,
            high=metric.high,
            must="at_most" if must.side == "upper" else "at_least",
            confidence=must.confidence,
        )

    worst, best, verdict, tips = unscored.decide(test, len(counted.blanks))
    interval, needed = (test(None) if counted.blanks else worst).interval, None
    good = interval.mean < must.limit if must.side == "upper" else interval.mean > must.limit
    if verdict == "inconclusive" and tips is None and good:
        needed = _still_needed(seen, must.limit, interval.mean, interval.deviation, (metric.low, metric.high))
    seen = replace(
        seen,
        rate=interval.mean,
        low=interval.low,
        high=interval.high,
        bound=worst.bound,
        verdict=verdict,
        needed=0 if verdict == "ship" else needed,
        worst_rate=worst.interval.mean if counted.blanks else None,
        tips=tips,
    )
    reason = _threshold_reason(seen, metric, worst.bound, best.opposite, must.side)
    return replace(seen, reason=reason + unscored.remark(seen, amount(worst.interval.mean, metric.unit)))


def noninferiority(seen: CriterionResult, paired: Paired, must: Condition) -> CriterionResult:
    """Test a mean's change against a margin."""
    metric = _measure(seen)
    worse: Literal["higher", "lower"] = "higher" if must.side == "upper" else "lower"

    def test(bad: int | None) -> NoninferiorityTest:
        rows = paired.totals, paired.old_totals, paired.trials
        new, old, trials = rows if bad is None else paired.filled(bad, worse=worse)
        return mean_noninferiority_test(
            new,
            trials,
            old,
            trials,
            must.limit,
            low=metric.low,
            high=metric.high,
            worse=worse,
            confidence=must.confidence,
        )

    worst, best, verdict, tips = unscored.decide(test, len(paired.holes))
    found, needed = test(None) if paired.holes else worst, None
    worsening = found.difference if worse == "higher" else -found.difference
    if verdict == "inconclusive" and tips is None and worsening < must.limit:
        rows = zip(paired.totals, paired.old_totals, paired.trials, strict=True)
        changes = [(new - old) / n for new, old, n in rows]
        width = metric.high - metric.low
        deviation = stdev(changes) if len(changes) > 1 else width / 2
        needed = _still_needed(seen, must.limit, worsening, deviation, (-width, width))
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
    reason = _noninferiority_reason(seen, worse, paired, worst.bound, best.opposite)
    return replace(seen, reason=reason + unscored.remark(seen, f"a change of {amount(worst.difference, metric.unit)}"))


def _measure(seen: CriterionResult) -> Metric:
    if seen.measure is None:
        raise ValueError(f"{seen.id}: a mean needs a metric's range")
    return seen.measure


def _still_needed(
    seen: CriterionResult, limit: float, mean: float, deviation: float, between: tuple[float, float]
) -> int | None:
    """Clusters still needed at the observed mean and spread; None where no number of samples will do."""
    low, high = between
    total = required_clusters_for_mean(
        limit, mean, min(deviation, high - low), low=low, high=high, power=POWER, confidence=seen.confidence
    )
    # At least one: the criterion did not pass with what there is.
    return None if total is None else max(1, total - seen.clusters)


def _threshold_reason(seen: CriterionResult, metric: Metric, bound: float, opposite: float, side: str) -> str:
    def say(value: float, beside: float | None = None) -> str:
        return amount(value, metric.unit, beside)

    sure, limit = percent(seen.confidence), say(seen.limit)
    of = f"{count(seen.trials, 'value')} on {count(seen.clusters, 'sample')}"
    words = ("at most", "at least") if side == "upper" else ("at least", "at most")
    if seen.verdict == "ship":
        return f"the mean is {words[0]} {say(bound, seen.limit)} with {sure} confidence ({of}); the limit is {limit}"
    if seen.verdict == "no-ship":
        return f"the mean is {words[1]} {say(opposite, seen.limit)} with {sure} confidence ({of}); the limit is {limit}"
    beyond = "up to" if side == "upper" else "down to"
    observed = say(seen.rate or 0.0)
    could = f"{observed} observed ({of}), {beyond} {say(bound, seen.limit)} with {sure} confidence"
    return f"{could}; the limit is {limit}: {_advice(seen)}"


def _noninferiority_reason(seen: CriterionResult, worse: str, paired: Paired, bound: float, opposite: float) -> str:
    metric, rose = paired.metric, worse == "higher"

    def say(value: float) -> str:
        return amount(value, metric.unit, seen.limit)

    sure, allowed = percent(seen.confidence), amount(seen.limit, metric.unit)
    of = (
        f"{amount(paired.old, metric.unit)} before, {amount(paired.new, metric.unit)} now, "
        f"{count(seen.trials, 'paired value')} on {count(seen.clusters, 'sample')}"
    )
    move = "rose" if rose else "fell"
    if seen.verdict == "ship":
        return f"the mean {move} by at most {say(bound)} with {sure} confidence ({of}); {allowed} are allowed"
    if seen.verdict == "no-ship":
        return f"the mean {move} by at least {say(opposite)} with {sure} confidence ({of}); {allowed} are allowed"
    could = f"the mean may have {'risen' if rose else 'fallen'} by up to {say(bound)}"
    return f"{could} with {sure} confidence ({of}); {allowed} are allowed: {_advice(seen)}"


def _advice(seen: CriterionResult) -> str:
    needed = seen.needed
    if seen.tips is not None:
        return unscored.SCORE_THEM
    if needed is None:
        return "if the true mean is the observed one, no number of samples makes this pass"
    return f"about {count(needed, 'more sample')} would decide it at this mean and spread, with {percent(POWER)} power"
