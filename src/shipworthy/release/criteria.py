"""One criterion, tested on the counts of a run: a verdict, the numbers behind it, and the reason in plain words."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from msgspec.structs import replace

from shipworthy.core.records import CriterionResult, Metric, SuiteUse
from shipworthy.evals.compare import Marks, Paired, pair, same_metric
from shipworthy.evals.results import Run, planned_design_effect
from shipworthy.release import means, rates
from shipworthy.release.wording import count, percent
from shipworthy.workspace.kinds.requirement import Criterion, Requirement
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.must import refusal


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


def shape(use: SuiteUse, metric: Metric, attack: str | None) -> Shape:
    """Return what a run's plan asks of one criterion."""
    kept = [a for a in use.attacks if attack is None or attack in (a, a.partition("(")[0])]
    planned = use.samples * len(kept) * use.each
    scored = use.samples if metric.reducer == "any" else planned
    attempts = max(1.0, scored / max(1, use.clusters))
    return Shape(planned, attempts, use.icc, planned_design_effect(use, metric, attack))


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
    kept = [a for a in use.attacks if criterion.attack is None or criterion.attack in (a, a.partition("(")[0])]
    if not kept:
        why = f"the run did not use the attack {criterion.attack} on the suite {criterion.suite}"
        return replace(blank, reason=f"{why}: run a plan that contains it")
    declared = use.describe(metric)
    if declared is None:
        return replace(blank, reason=f"no scorer of the suite {use.id} declares the metric {metric}: run it again")
    plan = shape(use, declared, criterion.attack)
    blank = replace(blank, planned=plan.planned, measure=declared)
    if why := refusal(must, declared):
        return replace(blank, reason=why)
    if must.test == "threshold":
        found = _threshold(blank, criterion, plan, use, run)
    else:
        found = _noninferiority(blank, criterion, plan, use, evidence)
    left_out = len(suite.attacks) - len(use.attacks)
    if criterion.attack is None and left_out > 0:
        ran = f"{len(use.attacks)} of the suite's {count(len(suite.attacks), 'attack')}"
        found = replace(found, reason=f"{found.reason}; the plan runs {ran}")
    silent = found.planned - found.trials - found.errors
    if found.trials and silent > 0 and declared.reducer == "mean" and not run.missing(use.id):
        # Scored, but not on this metric: what leaves a denominator is said, whoever took it out.
        out = f"{silent:,} of {count(found.planned, 'attempt')} have no score for {metric} and are left out"
        found = replace(found, reason=f"{found.reason}; {out}")
    return found


def _threshold(blank: CriterionResult, criterion: Criterion, plan: Shape, use: SuiteUse, run: Run) -> CriterionResult:
    counted = run.counts(use.id, blank.metric, criterion.attack)
    seen = replace(
        blank,
        hits=0 if blank.is_value else int(sum(counted.totals)),
        trials=sum(counted.trials),
        clusters=len(counted.clusters),
        errors=counted.errors,
    )
    if not seen.trials:
        return replace(seen, reason=_unscored(seen))
    if seen.is_value:
        found = means.threshold(seen, counted, criterion.parsed)
    else:
        found = rates.threshold(seen, counted, criterion.parsed, plan)
    return _fitting(found, _unfit(seen, run, use, criterion))


def _noninferiority(
    blank: CriterionResult, criterion: Criterion, plan: Shape, use: SuiteUse, evidence: Evidence
) -> CriterionResult:
    baseline = evidence.baseline
    if baseline is None:
        how = "make one with `shipworthy eval --no-guards` on the same plan, or name one with --baseline RUN"
        return replace(blank, reason=f"there is no baseline run to compare with: {how}")
    seen = replace(blank, baseline_run=baseline.id)
    before = next((u for u in baseline.manifest.suites if u.id == use.id), None)
    if before is None or before.digest != use.digest:
        state = "did not run" if before is None else "ran another version of"
        return replace(seen, reason=f"the baseline {baseline.id} {state} the suite {use.id}: measure it again")
    if not same_metric(evidence.run, baseline, use.id, seen.metric):
        why = f"the scorer that the baseline {baseline.id} used declares {seen.metric} differently"
        return replace(seen, reason=f"{why}: measure it again")
    paired = pair(evidence.marks, evidence.baseline_marks, use.id, seen.metric, criterion.attack)
    seen = replace(
        seen,
        hits=0 if seen.is_value else int(sum(paired.totals)),
        trials=sum(paired.trials),
        clusters=len(paired.clusters),
        errors=paired.errors,
    )
    if not paired.clusters:
        return replace(seen, reason=f"no attempt was scored in both runs ({count(paired.errors, 'error')})")
    if seen.is_value:
        found = means.noninferiority(seen, paired, criterion.parsed)
    else:
        found = rates.noninferiority(seen, paired, criterion.parsed, plan)
    problem = (
        _unfit(seen, evidence.run, use, criterion)
        or _incomplete(baseline, before, "the baseline ")
        or _unequal(paired, seen)
    )
    return _fitting(found, problem)


def _fitting(found: CriterionResult, problem: str) -> CriterionResult:
    """Return a tested criterion; an undecided one, with its numbers, where they may not decide."""
    if not problem:
        return found
    needed = found.needed if found.verdict == "inconclusive" else None
    return replace(found, verdict="inconclusive", reason=problem, needed=needed)


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
