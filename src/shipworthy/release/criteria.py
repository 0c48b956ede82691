"""One criterion, tested on the counts of a run: a verdict, the numbers behind it, and the reason in plain words."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from msgspec.structs import replace

from shipworthy.core.attack_name import select
from shipworthy.core.records import CriterionResult, SuiteUse, Verdict
from shipworthy.evals.compare import Marks, Paired, pair
from shipworthy.evals.results import Run
from shipworthy.release.wording import count, percent
from shipworthy.stats import noninferiority_test, required_clusters, threshold_test
from shipworthy.workspace.kinds.requirement import Criterion, Requirement
from shipworthy.workspace.load import Workspace

POWER = 0.8
"""Chance to decide that "samples still needed" aims at."""

_VERDICTS: dict[str, Verdict] = {"pass": "ship", "fail": "no-ship", "inconclusive": "inconclusive"}


class Evidence:
    """A run, and the baseline it is compared with, read once for all criteria.

    Args:
        run: of the subject to decide on.
        baseline: on the same samples; needed by criteria of the kind ``rise_upper95`` and ``drop_upper95``.
    """

    def __init__(self, run: Run, baseline: Run | None = None) -> None:
        self.run, self.baseline = run, baseline

    @cached_property
    def marks(self) -> Marks:
        """The run's scores by attempt."""
        return Marks(self.run)

    @cached_property
    def baseline_marks(self) -> Marks:
        """The baseline's scores by attempt. Only asked for where there is a baseline."""
        if self.baseline is None:
            raise ValueError("there is no baseline run")
        return Marks(self.baseline)


class Shape(NamedTuple):
    """What the plan asks of the attempts a criterion looks at.

    Attributes:
        planned: number of attempts; `attempts` a cluster (all attacks together, >= 1).
        design_effect: planned, >= 1.
    """

    planned: int
    attempts: float
    icc: float
    design_effect: float


def shape(use: SuiteUse, icc: float, attack: str | None) -> Shape:
    """Return what a run's plan asks of one criterion."""
    kept = select(attack, use.attacks)
    share = len(kept) / len(use.attacks) if use.attacks else 1.0
    # The manifest keeps 1 + (m - 1) icc; with icc 0 it does not tell m, and nothing depends on it.
    each = 1 + (use.design_effect - 1) / icc if icc > 0 else use.attempts / max(1, use.samples)
    attempts = max(1.0, each * share)
    return Shape(round(use.attempts * share), attempts, icc, 1 + (attempts - 1) * icc)


def assess(workspace: Workspace, requirement: Requirement, criterion: Criterion, evidence: Evidence) -> CriterionResult:
    """Test one criterion.

    Fails closed: too many errors, attempts of the plan that were not made, a suite that was not run, a missing or
    unequal baseline and too few clusters are inconclusive, whatever the rate looks like.
    """
    must, run = criterion.parsed, evidence.run
    suite = workspace.suites.get(criterion.suite)
    metric = criterion.metric or (suite.metric if suite else "")
    blank = CriterionResult(
        id=criterion.id,
        requirement=requirement.id,
        suite=criterion.suite,
        metric=metric,
        test=must.test,
        must=criterion.must,
        limit=must.limit,
        verdict="inconclusive",
        reason="",
        confidence=must.confidence,
        run=run.id,
        risks=requirement.mitigates,
        severity=criterion.severity,
    )
    use = next((u for u in run.manifest.suites if u.id == criterion.suite), None)
    if use is None or suite is None:
        why = f"the run {run.id} (plan {run.manifest.plan}) did not run the suite {criterion.suite}"
        return replace(blank, reason=f"{why}: run a plan that contains it")
    kept = select(criterion.attack, use.attacks)
    if not kept:
        why = f"the run did not use the attack {criterion.attack} on the suite {criterion.suite}"
        return replace(blank, reason=f"{why}: run a plan that contains it")
    plan = shape(use, suite.icc, criterion.attack)
    blank = replace(blank, planned=plan.planned)
    if must.test == "threshold":
        found = _threshold(blank, criterion, plan, use, run)
    else:
        found = _noninferiority(blank, criterion, plan, use, evidence)
    left_out = len(suite.attacks) - len(use.attacks)
    if criterion.attack is None and left_out > 0:
        ran = f"{len(use.attacks)} of the suite's {count(len(suite.attacks), 'attack')}"
        found = replace(found, reason=f"{found.reason}; the plan runs {ran}")
    silent = found.planned - found.trials - found.errors
    if found.trials and silent > 0 and not run.missing(use.id):
        # Scored, but not on this metric: what leaves a denominator is said, whoever took it out.
        out = f"{silent:,} of {count(found.planned, 'attempt')} have no score for {metric} and are left out"
        found = replace(found, reason=f"{found.reason}; {out}")
    return found


def _threshold(blank: CriterionResult, criterion: Criterion, plan: Shape, use: SuiteUse, run: Run) -> CriterionResult:
    must = criterion.parsed
    counted = run.counts(use.id, blank.metric, criterion.attack)
    hits, trials = sum(counted.hits), sum(counted.trials)
    seen = replace(blank, hits=hits, trials=trials, clusters=len(counted.clusters), errors=counted.errors)
    if not trials:
        return replace(seen, reason=_unscored(seen))
    found = threshold_test(
        counted.hits,
        counted.trials,
        must.limit,
        must="at_most" if must.side == "upper" else "at_least",
        confidence=must.confidence,
        min_design_effect=plan.design_effect,
    )
    interval = found.interval
    verdict = _VERDICTS[found.verdict]
    needed = None
    if verdict == "inconclusive":
        needed = _still_needed(seen, must.limit, interval.rate, "at_most" if must.side == "upper" else "at_least", plan)
    seen = replace(
        seen,
        rate=interval.rate,
        low=interval.low,
        high=interval.high,
        bound=found.bound,
        design_effect=interval.design_effect,
        verdict=verdict,
        needed=0 if verdict == "ship" else needed,
    )
    if problem := _unfit(seen, run, use, criterion):
        return replace(seen, verdict="inconclusive", reason=problem, needed=needed)
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


def _noninferiority(
    blank: CriterionResult, criterion: Criterion, plan: Shape, use: SuiteUse, evidence: Evidence
) -> CriterionResult:
    must, baseline = criterion.parsed, evidence.baseline
    if baseline is None:
        how = "make one with `shipworthy eval --no-guards` on the same plan, or name one with --baseline RUN"
        return replace(blank, reason=f"there is no baseline run to compare with: {how}")
    seen = replace(blank, baseline_run=baseline.id)
    before = next((u for u in baseline.manifest.suites if u.id == use.id), None)
    if before is None or before.digest != use.digest:
        state = "did not run" if before is None else "ran another version of"
        return replace(seen, reason=f"the baseline {baseline.id} {state} the suite {use.id}: measure it again")
    paired = pair(evidence.marks, evidence.baseline_marks, use.id, blank.metric, criterion.attack)
    seen = replace(
        seen,
        hits=sum(paired.hits),
        trials=sum(paired.trials),
        clusters=len(paired.clusters),
        errors=paired.errors,
    )
    if not paired.clusters:
        return replace(seen, reason=f"no attempt was scored in both runs ({count(paired.errors, 'error')})")
    worse = "higher" if must.side == "upper" else "lower"
    found = noninferiority_test(
        paired.hits,
        paired.trials,
        paired.old_hits,
        paired.trials,
        must.limit,
        worse="higher" if worse == "higher" else "lower",
        confidence=must.confidence,
    )
    verdict = _VERDICTS[found.verdict]
    worsening = found.difference if worse == "higher" else -found.difference
    old_rate = sum(paired.old_hits) / sum(paired.trials)
    needed = None
    if verdict == "inconclusive" and (room := must.limit - max(0.0, worsening)) > 0:
        needed = _still_needed(seen, room, old_rate, "rise" if worse == "higher" else "fall", plan)
    seen = replace(
        seen,
        rate=found.difference,
        low=found.low,
        high=found.high,
        bound=found.bound,
        design_effect=_paired_design_effect(paired),
        verdict=verdict,
        needed=0 if verdict == "ship" else needed,
    )
    problem = (
        _unfit(seen, evidence.run, use, criterion)
        or _incomplete(baseline, before, "the baseline ")
        or _unequal(paired, seen)
    )
    if problem:
        return replace(seen, verdict="inconclusive", reason=problem, needed=needed)
    return replace(seen, reason=_noninferiority_reason(seen, old_rate, found.opposite, worse))


def _paired_design_effect(paired: Paired) -> float:
    """Variance of the difference with clusters, relative to independent pairs; at least 1. Shown, not used."""
    total, clusters = sum(paired.trials), len(paired.clusters)
    mean = (sum(paired.hits) - sum(paired.old_hits)) / total
    alone = sum((pair.new.hit - pair.old.hit - mean) ** 2 for pair in paired.pairs)
    if clusters < 2 or not alone:
        return 1.0
    changes = zip(paired.hits, paired.old_hits, paired.trials, strict=True)
    together = sum((new - old - n * mean) ** 2 for new, old, n in changes)
    return max(1.0, together * clusters / (clusters - 1) / alone)


def _noninferiority_reason(seen: CriterionResult, old_rate: float, opposite: float, worse: str) -> str:
    move = "rose" if worse == "higher" else "fell"
    sure, limit = percent(seen.confidence), percent(seen.limit).replace(" %", " points")
    bound = seen.bound if seen.bound is not None else float("nan")
    of = (
        f"{percent(old_rate)} before, {percent(seen.hits / seen.trials)} now, "
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
    )
    # At least one: the criterion did not pass with what there is.
    return None if total is None else max(1, total - seen.clusters)


def _unscored(seen: CriterionResult) -> str:
    errors, planned = count(seen.errors, "error"), count(seen.planned, "attempt")
    return f"nothing was scored for {seen.metric}: {errors} in {planned} planned"


def _unfit(seen: CriterionResult, run: Run, use: SuiteUse, criterion: Criterion) -> str:
    """Why these counts may not decide, or the empty string."""
    if problem := _incomplete(run, use, ""):
        return problem
    if seen.errors > use.max_error_rate * seen.planned:
        return _too_many(seen.errors, seen.planned, use.max_error_rate)
    if seen.clusters < criterion.min_clusters:
        scored = count(seen.clusters, "sample")
        return f"{scored} scored, each counted once; the criterion asks for {criterion.min_clusters:,}"
    return ""


def _incomplete(run: Run, use: SuiteUse, whose: str) -> str:
    missing = run.missing(use.id)
    if missing > 0:
        how = f"go on with `shipworthy eval --resume {run.id}`"
        return f"{whose}run {run.id} is not complete: {missing:,} of {count(use.attempts, 'attempt')} missing; {how}"
    return ""


def _unequal(paired: Paired, seen: CriterionResult) -> str:
    if paired.unpaired:
        lost = count(paired.unpaired, "attempt")
        return f"the runs are not on the same samples: {lost} of {seen.planned:,} scored in one of them only"
    return ""


def _too_many(errors: int, planned: int, limit: float) -> str:
    return f"too many errors: {errors:,} of {planned:,}, limit {percent(limit)} (an error is never counted as safe)"
