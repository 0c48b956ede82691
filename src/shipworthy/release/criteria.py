"""One criterion, tested on the counts of a run: a verdict, the numbers behind it, and the reason in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from shipworthy.core.attack_name import select
from shipworthy.core.records import CriterionResult, Metric, SuiteUse
from shipworthy.evals.compare import Paired, pair, same_metric
from shipworthy.evals.label_draw import candidates
from shipworthy.evals.results import Run
from shipworthy.release import attacks, audited, judged, means, rates
from shipworthy.release.wording import count, percent
from shipworthy.release.worst import kinds, left_out
from shipworthy.store.draws import LabelEntries
from shipworthy.workspace.kinds.requirement import Criterion, Requirement
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.metric_condition import refusal


class Evidence:
    """The runs that a decision rests on, and the baselines they are compared with, read once for all criteria.

    Suites may be measured at different times, in runs of their own, on the same subject.

    Args:
        runs: of the subject to decide on; at least one.
        baselines: on the same samples; needed by criteria of the kind ``rise_upper95`` and ``drop_upper95``.
        said: what the audit chain holds for criteria that are audited by labels.
    """

    def __init__(self, runs: Sequence[Run], baselines: Sequence[Run] = (), said: LabelEntries = LabelEntries()) -> None:
        self.runs, self.baselines, self.said = tuple(runs), tuple(baselines), said

    def candidates(self, criterion: Criterion) -> tuple[Run, ...]:
        """Return the runs that measured what a criterion asks for. More than one is ambiguous."""
        return tuple(run for run in self.runs if _measures(run, criterion))

    def run_of(self, criterion: Criterion) -> Run:
        """Return the run that a criterion is tested on; where none measured it, the one that says so best."""
        found = self.candidates(criterion)
        used = (run for run in self.runs if any(use.id == criterion.suite for use in run.manifest.suites))
        return found[0] if found else next(used, self.runs[0])

    def baseline_of(self, criterion: Criterion) -> Run | None:
        """Return the baseline that measured what a criterion asks for; where none did, any of them."""
        measured = (run for run in self.baselines if _measures(run, criterion))
        return next(measured, self.baselines[0] if self.baselines else None)


def _measures(run: Run, criterion: Criterion) -> bool:
    use = next((use for use in run.manifest.suites if use.id == criterion.suite), None)
    return use is not None and bool(select(criterion.attack, use.attacks))


class PlanShape(NamedTuple):
    """What the plan asks of the attempts a criterion looks at.

    Attributes:
        planned: number of attempts; `attempts` a cluster (all attacks together, >= 1), those left out that no attack
            can make.
        icc: correlation within a cluster that the number of samples still needed is worked out with.
    """

    planned: int
    attempts: float
    icc: float


def shape(
    use: SuiteUse, metric: Metric, attack: str | None, inapplicable: int = 0, made: int | None = None
) -> PlanShape:
    """Return what a run's plan asks of one criterion.

    Args:
        inapplicable: attempts on samples that their attack cannot change.
        made: of a suite that may be ended early, the attempts that were made; as many were asked for.
    """
    planned = use.samples * len(select(attack, use.attacks)) * use.each
    part = 1.0 if made is None else made / planned
    scored = use.samples * part if metric.reducer == "any" else planned * part - inapplicable
    attempts = max(1.0, scored / max(1.0, use.clusters * part))
    return PlanShape(planned if made is None else made, attempts, use.icc)


def assess(workspace: Workspace, requirement: Requirement, criterion: Criterion, evidence: Evidence) -> CriterionResult:
    """Test one criterion.

    Fails closed: too many attempts without a score, attempts of the plan that were not made, a suite that was not run,
    a missing or unequal baseline and too few clusters are inconclusive, whatever the rate looks like.
    """
    must, run = criterion.parsed, evidence.run_of(criterion)
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
        method=workspace.gate.bound,
    )
    use = next((u for u in run.manifest.suites if u.id == criterion.suite), None)
    if use is None or suite is None:
        whose = f"the run {run.id} (plan {run.manifest.plan}) did not run" if len(evidence.runs) == 1 else "no run ran"
        why = f"{whose} the suite {criterion.suite}"
        return replace(blank, reason=f"{why}: run a plan that contains it")
    kept = select(criterion.attack, use.attacks)
    if not kept:
        why = f"the run did not use the attack {criterion.attack} on the suite {criterion.suite}"
        return replace(blank, reason=f"{why}: run a plan that contains it")
    declared = use.describe(metric)
    if declared is None:
        return replace(blank, reason=f"no scorer of the suite {use.id} declares the metric {metric}: run it again")
    out = run.inapplicable(use.id, criterion.attack)
    made = run.made(use.id, criterion.attack) if use.looks else None
    plan = shape(use, declared, criterion.attack, sum(out.values()), made)
    blank = replace(blank, planned=plan.planned, measure=declared, inapplicable=out)
    if why := refusal(must, declared):
        return replace(blank, reason=why)
    if use.looks:
        blank = replace(blank, method="anytime")
        if must.test != "threshold" or criterion.audited_by or declared.judge:
            return replace(blank, reason="the run may be ended early, which this criterion cannot be decided on")
    if must.test == "threshold":
        found = _threshold(blank, criterion, plan, use, evidence)
    else:
        found = _noninferiority(blank, criterion, plan, use, evidence)
    left_out = len(suite.attacks) - len(use.attacks)
    if criterion.attack is None and left_out > 0:
        ran = f"{len(use.attacks)} of the suite's {count(len(suite.attacks), 'attack')}"
        found = replace(found, reason=f"{found.reason}; the plan runs {ran}")
    return found


def _threshold(
    blank: CriterionResult, criterion: Criterion, plan: PlanShape, use: SuiteUse, evidence: Evidence
) -> CriterionResult:
    run = evidence.run_of(criterion)
    counted = run.counts(use.id, blank.metric, criterion.attack)
    seen = replace(
        blank,
        hits=0 if blank.is_value else int(sum(counted.totals)),
        trials=sum(counted.trials),
        clusters=len(counted.clusters),
        errors=counted.errors,
        unscored=counted.unscored,
    )
    if not seen.trials:
        return replace(seen, reason=_unscored(seen))
    must = criterion.parsed
    if seen.is_value and (why := _unjudged(seen, criterion)):
        return replace(seen, reason=why)
    if seen.is_value:
        found = means.threshold(seen, counted, must)
        return _fitting(found, _unfit(seen, run, use, criterion), _too_many(seen, use))
    each = run.by_attack(use.id, blank.metric, criterion.attack)
    seen = replace(seen, attacks=attacks.rows(seen, each))
    if why := _unjudged(seen, criterion):
        return replace(seen, reason=why)
    each = {name: counts for name, counts in each.items() if not attacks.never_possible(seen, name, counts)}
    if must.each:
        found = attacks.threshold(seen, each, must, plan)
        tried = (row.clusters for row in seen.attacks if row.attack in each)
        fewest = replace(seen, clusters=min(tried, default=seen.clusters))
        return _fitting(found, _unfit(fewest, run, use, criterion), _too_many(seen, use))
    if criterion.audited_by:
        about = run.id, use.id, seen.metric, criterion.attack or ""
        known = candidates(run, use.id, seen.metric, criterion.attack)
        found = audited.threshold(seen, counted, must, audited.audit(about, known, evidence.said), criterion.attack)
    elif blank.measure is not None and blank.measure.judge:
        seen = judged.judge_use(seen, evidence.said.calibrations, run.manifest)
        found = judged.threshold(seen, counted, must) if seen.judge is not None else seen
    else:
        found = rates.threshold(seen, counted, must, plan)
    found = _fitting(found, _unfit(seen, run, use, criterion), _too_many(seen, use))
    return replace(found, reason=found.reason + attacks.remark(found, must.side))


def _noninferiority(
    blank: CriterionResult, criterion: Criterion, plan: PlanShape, use: SuiteUse, evidence: Evidence
) -> CriterionResult:
    run, baseline = evidence.run_of(criterion), evidence.baseline_of(criterion)
    if baseline is None:
        how = "name one with --baseline RUN, or pin one with `shipworthy baseline set RUN`"
        return replace(blank, reason=f"there is no baseline run to compare with: {how}")
    seen = replace(blank, baseline_run=baseline.id)
    before = next((u for u in baseline.manifest.suites if u.id == use.id), None)
    if before is None or before.digest != use.digest:
        state = "did not run" if before is None else "ran another version of"
        return replace(seen, reason=f"the baseline {baseline.id} {state} the suite {use.id}: measure it again")
    if not same_metric(run, baseline, use.id, seen.metric):
        why = f"the scorer that the baseline {baseline.id} used declares {seen.metric} differently"
        return replace(seen, reason=f"{why}: measure it again")
    paired = pair(run.marks, baseline.marks, use.id, seen.metric, criterion.attack)
    seen = replace(
        seen,
        hits=0 if seen.is_value else int(sum(paired.totals)),
        trials=sum(paired.trials),
        clusters=len(paired.clusters),
        errors=paired.errors,
        unscored=paired.unscored,
    )
    if not paired.clusters:
        return replace(seen, reason=f"no attempt was scored in both runs ({kinds(seen.unscored)})")
    if why := _unjudged(seen, criterion):
        return replace(seen, reason=why)
    if blank.measure is not None and blank.measure.judge:
        seen = judged.judge_use(seen, evidence.said.calibrations, run.manifest, baseline.manifest)
        if seen.judge is None:
            return seen
    if seen.is_value:
        found = means.noninferiority(seen, paired, criterion.parsed)
    else:
        found = rates.noninferiority(seen, paired, criterion.parsed, plan)
    problem = (
        _unfit(seen, run, use, criterion) or _incomplete(baseline, before, "the baseline ") or _unequal(paired, seen)
    )
    return _fitting(found, problem, _too_many(seen, use))


def _unjudged(seen: CriterionResult, criterion: Criterion) -> str:
    """Return why nothing is decided on what a judge says, whatever is known of it; else the empty string."""
    if seen.measure is None or not seen.measure.judge or criterion.audited_by:
        return ""
    if seen.method == "proved":
        return "the limit of a judged rate is simulated, and the gate asks for a proved one (bound: proved)"
    if seen.is_value:
        return f"a judge gives the number {seen.metric}, and how far it errs is not measured: decide on a yes or no"
    return f"a judge's errors correct one rate, and {criterion.must} is on each attack" if criterion.parsed.each else ""


def _fitting(found: CriterionResult, problem: str, unscored: str) -> CriterionResult:
    """Return a tested criterion; an undecided one, with its numbers, where they may not decide.

    Args:
        unscored: why too much is unscored to decide. A failure stands even so: it counts all of that as good.
    """
    problem = problem or ("" if found.verdict == "no-ship" else unscored)
    if not problem:
        return found
    needed = found.needed if found.verdict == "inconclusive" else None
    return replace(found, verdict="inconclusive", reason=problem, needed=needed)


def _unscored(seen: CriterionResult) -> str:
    lost, planned = kinds(seen.unscored) or "no attempt", count(seen.planned, "attempt")
    return f"nothing was scored for {seen.metric}: {lost} in {planned} planned{left_out(seen)}"


def _unfit(seen: CriterionResult, run: Run, use: SuiteUse, criterion: Criterion) -> str:
    """Why these counts may not decide, or the empty string."""
    if problem := _incomplete(run, use, ""):
        return problem
    if seen.clusters < criterion.min_clusters:
        scored = count(seen.clusters, "sample")
        return f"{scored} scored, each counted once; the criterion asks for {criterion.min_clusters:,}{left_out(seen)}"
    return ""


def _incomplete(run: Run, use: SuiteUse, whose: str) -> str:
    missing = run.missing(use.id)
    if missing > 0:
        how = f"go on with `shipworthy eval --resume {run.id}`"
        return f"{whose}run {run.id} is not complete: {missing:,} of {count(use.attempts, 'attempt')} missing; {how}"
    return ""


def _unequal(paired: Paired, seen: CriterionResult) -> str:
    if paired.apart:
        lost = count(paired.apart, "attempt")
        return f"the runs are not on the same samples: {lost} of {seen.planned:,} made in one of them only"
    return ""


def _too_many(seen: CriterionResult, use: SuiteUse) -> str:
    if seen.left_out <= use.max_error_rate * seen.possible:
        return ""
    share = f"{seen.left_out:,} of {seen.possible:,} ({kinds(seen.unscored)}), limit {percent(use.max_error_rate)}"
    return f"too many attempts without a score: {share}; none is counted as safe"
