"""A criterion on a value: its mean over samples, or the change of it, held against a limit in the value's own unit."""

from __future__ import annotations

from statistics import stdev
from typing import Literal

from shipworthy.core.amount import amount
from shipworthy.core.condition import Condition
from shipworthy.core.records import CriterionResult, Metric
from shipworthy.evals.compare import Paired
from shipworthy.evals.tally import Counts
from shipworthy.release import worst as unscored
from shipworthy.release.held import CriterionWords, Show, Tested, against_limit, against_margin, more, settled
from shipworthy.release.wording import POWER, count
from shipworthy.stats import (
    MeanTest,
    NoninferiorityTest,
    mean_noninferiority_test,
    mean_test,
    required_clusters_for_mean,
)

AT = "this mean and spread"


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
            anytime=seen.method == "anytime",
        )

    worst, best, verdict, tips = unscored.decide(test, len(counted.blanks))
    interval, needed = (test(None) if counted.blanks else worst).interval, None
    good = interval.mean < must.limit if must.side == "upper" else interval.mean > must.limit
    if verdict == "inconclusive" and tips is None and good:
        needed = _still_needed(seen, must.limit, interval.mean, interval.deviation, (metric.low, metric.high))
    tested = Tested(
        interval.mean, interval.low, interval.high, worst.bound, worst.interval.mean, best.opposite, verdict, tips,
        len(counted.blanks),
    )  # fmt: skip
    words = CriterionWords(
        "mean", _show(metric), f"{count(seen.trials, 'value')} on {count(seen.clusters, 'sample')}", AT
    )
    return against_limit(settled(seen, tested, needed), tested, words, must.side)


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
    tested = Tested(
        found.difference, found.low, found.high, worst.bound, worst.difference, best.opposite, verdict, tips,
        len(paired.holes),
    )  # fmt: skip
    show = _show(metric)
    of = (
        f"{show(paired.old, None)} before, {show(paired.new, None)} now, "
        f"{count(seen.trials, 'paired value')} on {count(seen.clusters, 'sample')}"
    )
    return against_margin(settled(seen, tested, needed), tested, CriterionWords("mean", show, of, AT), worse)


def _measure(seen: CriterionResult) -> Metric:
    if seen.measure is None:
        raise ValueError(f"{seen.id}: a mean needs a metric's range")
    return seen.measure


def _show(metric: Metric) -> Show:
    return lambda value, beside: amount(value, metric.unit, beside)


def _still_needed(
    seen: CriterionResult, limit: float, mean: float, deviation: float, between: tuple[float, float]
) -> int | None:
    """Clusters still needed at the observed mean and spread; None where no number of samples will do."""
    low, high = between
    total = required_clusters_for_mean(
        limit, mean, min(deviation, high - low), low=low, high=high, power=POWER, confidence=seen.confidence
    )
    return more(seen, total)
