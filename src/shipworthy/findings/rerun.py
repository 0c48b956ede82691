"""Running a finding's case again: to see it, to show that it is mended, and to close it."""

from __future__ import annotations

import secrets as random
from typing import NamedTuple

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.evals.begin import Guards, begin, complete, runs_like
from shipworthy.evals.engine import make_engine
from shipworthy.evals.models import build_crew
from shipworthy.evals.results import Run
from shipworthy.evals.subject import build_subject
from shipworthy.exchange.budget import Limits
from shipworthy.findings.case import CaseCount, case_plan, check_case, count, samples_of
from shipworthy.findings.steps import take_step
from shipworthy.findings.terms import CONFIDENCE, limit_of, triage_of, tries_needed, upper_bound
from shipworthy.store.audit import AuditLog
from shipworthy.store.findings import KeptFinding
from shipworthy.store.layout import Layout
from shipworthy.workspace.kinds.plan import FULL, part_name
from shipworthy.workspace.load import Workspace


class Rerun(NamedTuple):
    """A run of a regression case, judged.

    Attributes:
        run: its id.
        found: what was counted.
        limit: the failure rate that had to be ruled out.
        bound: the rate that is ruled out, every attempt without a score counted as a failure.
        passed: no failure, and the bound is no higher than the limit.
        why: in words, with the tries and the bound.
    """

    run: str
    found: CaseCount
    limit: float
    bound: float
    passed: bool
    why: str


async def reproduce_case(
    workspace: Workspace, finding: KeptFinding, tries: int, *, guards: Guards = True
) -> tuple[CaseCount, str]:
    """Run a finding's reproduction some times, past the cache, and write nothing down; return what was counted.

    Returns:
        The counts, and the metric whose hits they are.

    Raises:
        UsageError: it cannot be run here.
    """
    case = finding.first.reproduction
    if case is None:  # nobody opens one without
        raise UsageError(f"{finding.standing.id} has no reproduction")
    metric = check_case(workspace, case)
    plan = case_plan(case, finding.standing.id, finding.standing.severity, tries)
    subject = build_subject(workspace, guards, target=case.target or None)
    crew = build_crew(plan, subject)
    engine = make_engine(plan, subject, crew)
    try:
        made = [await engine.attempt(item, draw=random.randbits(31)) for item in plan]
    finally:
        await crew.close()
        await subject.close()
    return count(made, metric.name), metric.name


def verify_fix(
    workspace: Workspace,
    audit: AuditLog,
    finding: KeptFinding,
    *,
    by: str,
    guards: Guards = True,
    limits: Limits | None = None,
) -> Rerun:
    """Run a finding's regression case on the system as it is, in a run of the workspace, and enter what came of it.

    Raises:
        UsageError: it has no regression case in the workspace, it is ended, or the run did not end.
    """
    if finding.standing.state not in ("open", "fixed", "verified"):
        raise UsageError(f"{finding.standing.id} is {finding.standing.state}, so there is nothing to verify")
    suite = suite_of(workspace, finding)
    case = finding.first.reproduction
    sitting = begin(
        workspace, part_name(FULL, suite), guards=guards, cache=False, target=(case.target or None) if case else None
    )
    run = complete(sitting, limits=limits)
    if not run.complete:
        raise UsageError(f"the run {run.id} did not end, so it shows nothing: {run.stopped or run.finished.why}")
    judged = judge(workspace, finding, run)
    take_step(
        audit, finding, "verified", by=by, why=judged.why, run=run.id, suite=suite,
        suite_digest=workspace.suite(suite).digest, subject_digest=run.manifest.subject_digest,
        tries=judged.found.tries, hits=judged.found.hits if judged.passed else max(1, judged.found.hits),
        limit=judged.bound,
    )  # fmt: skip
    return judged


def judge(workspace: Workspace, finding: KeptFinding, run: Run) -> Rerun:
    """Say whether a run of a finding's regression case passes, with how many tries at which bound."""
    suite = finding.standing.suite
    case = finding.first.reproduction
    metric = case.metric if case is not None else workspace.suite(suite).metric
    found = count_run(run, suite, metric)
    limit = limit_of(
        triage_of(workspace), finding.standing.severity, case.tries if case else 0, case.hits if case else 0
    )
    asked = found.tries + found.unscored
    bound = upper_bound(found.hits + found.unscored, asked)
    passed = not found.hits and bound <= limit
    told = f"{found.hits:,} failures in {found.tries:,} tries"
    told += f", {found.unscored:,} without a score, counted as failures" if found.unscored else ""
    if bound < 0.995:  # above, it would read as 100 %, which is no bound
        told += f": a rate above {percent(bound)} % is ruled out with {100 * CONFIDENCE:.0f} % confidence"
    if not passed and not found.hits:
        told += f"; {100 * limit:.2g} % must be, which takes {tries_needed(limit):,} tries with a score and no failure"
    if found.tries and found.answers <= 1:
        told += "; every wording was always answered alike, so each was in effect tried once"
    return Rerun(run.id, found, limit, bound, passed, told)


def percent(rate: float) -> str:
    """Return a rate, 0 to 1, in percent: two figures below 10 %, whole ones from there.

    >>> [percent(rate) for rate in (0.0488, 0.2, 0.9991)]
    ['4.9', '20', '100']
    """
    return f"{100 * rate:.2g}" if rate < 0.095 else f"{100 * rate:.0f}"


def count_run(run: Run, suite: str, metric: str) -> CaseCount:
    """Count a suite's attempts in a run; tries that a later one replaced are left out."""
    attempts = [one for one in run.attempts() if one.suite == suite and one.id not in run.superseded]
    return count(attempts, metric)


def close(workspace: Workspace, audit: AuditLog, finding: KeptFinding, *, by: str, guards: Guards = True) -> None:
    """Close a finding: its last re-run passed, with enough tries, and its regression case is in the workspace.

    Raises:
        UsageError: it may not be closed; says what is missing.
        IntegrityError: the run that showed it is not what was entered.
    """
    standing = finding.standing
    if standing.state == "closed":
        raise UsageError(f"{standing.id} is closed")
    suite = suite_of(workspace, finding)
    verify = f"`shipworthy finding verify {standing.id}`"
    if standing.state != "verified":
        last = next((step for _, _, step in reversed(finding.steps) if step.step == "verified"), None)
        failed = f"; the last re-run did not pass: {last.why}" if last is not None and last.hits else ""
        raise UsageError(f"{standing.id} is {standing.state}{failed}: only a re-run that passes closes it, {verify}")
    if workspace.suite(suite).digest != standing.suite_digest:
        raise UsageError(f"the regression case {suite!r} changed since the re-run {standing.run}: {verify}")
    layout = Layout(workspace.root)
    case = finding.first.reproduction
    target = (case.target or None) if case is not None else None
    current = {path.name for path in runs_like(workspace, part_name(FULL, suite), guards=guards, target=target)}
    if standing.run not in current:
        raise UsageError(
            f"the files or the system changed since the re-run {standing.run}, or it is no longer here: {verify}"
        )
    run = Run.load(layout.run_directory(standing.run))
    judged = judge(workspace, finding, run)
    if not judged.passed:
        raise IntegrityError(f"the re-run {run.id} does not pass: {judged.why}")
    take_step(
        audit, finding, "closed", by=by, why=judged.why, run=run.id, suite=suite, suite_digest=standing.suite_digest,
        subject_digest=run.manifest.subject_digest, tries=judged.found.tries, hits=0, limit=judged.bound,
    )  # fmt: skip


def suite_of(workspace: Workspace, finding: KeptFinding) -> str:
    """Return the id of a finding's regression case, which is in the workspace and still asks what was seen.

    Raises:
        UsageError: it is not.
    """
    standing = finding.standing
    if not standing.suite:
        raise UsageError(
            f"{standing.id} has no regression case: `shipworthy finding promote {standing.id}` writes one into the "
            "workspace"
        )
    if standing.suite not in workspace.suites:
        raise UsageError(
            f"the regression case {standing.suite!r} of {standing.id} is not in the workspace any more: put "
            f"suites/{standing.suite} back"
        )
    case = finding.first.reproduction
    asked = {tuple(m.text for m in sample.messages) for sample in workspace.suite(standing.suite).samples}
    if case is not None:
        seen = samples_of(case, standing.severity, standing.suite)[0]
        if tuple(message.text for message in seen.messages) not in asked:
            raise UsageError(
                f"the regression case {standing.suite!r} no longer asks what {standing.id} was seen on: put the sample "
                "'seen' back"
            )
    return standing.suite
