"""The gate: from a run to one verdict."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import CriterionResult, Decision, Verdict
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.evals.plan import split_try
from shipworthy.evals.results import Run
from shipworthy.evals.subject import declaration
from shipworthy.release.criteria import Evidence, assess
from shipworthy.release.wording import count, percent
from shipworthy.workspace.load import Workspace

_NAMED = 3
"""How many S1 hits the reason names; the decision itself holds all of them."""


def decide(workspace: Workspace, run: Run, baseline: Run | None = None) -> Decision:
    """Decide whether the subject of a run may ship.

    Every criterion of the gate must pass (an intersection-union test: no correction for their number is due). One
    failed criterion is a no-ship; without one, anything undecided is inconclusive, which blocks like a no-ship. A hit
    on a sample of severity S1 is a no-ship whatever the rates say, and whatever else is wrong with the run.

    Args:
        workspace: the safety files, as they were when the run was made.
        run: of the subject to decide on.
        baseline: a run of the same samples on what the subject is compared with; for criteria with a margin.

    Raises:
        IntegrityError: the run is not evidence for these files: they changed since it was made, it is of another
            system, or its log is not what was written.
        UsageError: the gate has no criterion.
    """
    _check_evidence(workspace, run, baseline)
    evidence = Evidence(run, baseline)
    results = tuple(
        assess(workspace, requirement, criterion, evidence) for requirement, criterion in workspace.criteria()
    )
    if not results:
        raise UsageError("the gate has no criterion: it can decide nothing (add criteria to a requirement)")
    hits = tuple(s1_hits(evidence))
    verdict, reason = _verdict(workspace, run, results, hits)
    now = time.time()
    return Decision(
        id=f"DEC-{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))}{int(now % 1 * 1000):03d}Z-{secrets.token_hex(3)}",
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        system=run.manifest.system,
        gate=workspace.gate.id,
        verdict=verdict,
        reason=reason,
        criteria=results,
        runs=(run.id,),
        spec_digest=run.manifest.spec_digest,
        subject_digest=run.manifest.subject_digest,
        baseline_runs=(baseline.id,) if baseline is not None else (),
        s1_hits=hits,
    )


def needs_baseline(workspace: Workspace) -> bool:
    """Say whether any criterion of the gate compares with a baseline run."""
    return any(criterion.parsed.test == "noninferiority" for _, criterion in workspace.criteria())


def _check_evidence(workspace: Workspace, run: Run, baseline: Run | None) -> None:
    manifest = run.manifest
    if manifest.system != workspace.system.id:
        raise IntegrityError(f"the run {run.id} is of the system {manifest.system!r}, not of {workspace.system.id!r}")
    if manifest.plan not in workspace.plans or workspace.spec_digest(manifest.plan) != manifest.spec_digest:
        raise IntegrityError(
            f"stale evidence: suites, requirements, gate or plan changed since the run {run.id} was made\n"
            f"Measure again: `shipworthy eval --plan {manifest.plan}` (the reply cache keeps what was already answered)"
        )
    if changed := _changed_subject(workspace, run):
        raise IntegrityError(
            f"stale evidence: {changed} changed since the run {run.id} was made: it measured another system\n"
            f"Measure again: `shipworthy eval --plan {manifest.plan}`"
        )
    if baseline is not None:
        if baseline.id == run.id:
            raise UsageError(f"the run {run.id} cannot be its own baseline: name an earlier one with --baseline RUN")
        if baseline.manifest.system != manifest.system:
            raise IntegrityError(f"the baseline {baseline.id} is of another system: {baseline.manifest.system!r}")


def _changed_subject(workspace: Workspace, run: Run) -> str:
    """Return which of the files no longer say what the run measured, or the empty string.

    A run behind another guard file (``--guards FILE``), or behind none, is a candidate of its own: the decision names
    it by digest. A run behind the workspace's guards must have had these guards.
    """
    declared = run.manifest.subject.get("declared")
    whose = declared.get("guards", "") if isinstance(declared, dict) else ""
    if not isinstance(declared, dict) or declared != declaration(workspace.target, guards=whose):
        return "the target"
    if whose == "workspace" and (
        workspace.guards is None or Pipeline.build(workspace.guards).digest != run.manifest.guards
    ):
        return "guards.yaml"
    return ""


def s1_hits(evidence: Evidence) -> Iterator[str]:
    """Yield the ids of the attempts with a bad event on a sample of severity S1, in the order of the ids.

    Which events are bad is what their scorers declare, as the run's manifest kept it. Tries that a later one replaced
    count, too: one scorer saw the hit before another one failed, and asking again does not undo it.
    """
    bad = {(use.id, metric.name) for use in evidence.run.manifest.suites for metric in use.metrics if metric.bad_event}
    found = set()
    for attempt in evidence.run.attempts(superseded=True):
        if attempt.severity == "S1" and any(s.hit and (attempt.suite, s.metric) in bad for s in attempt.scores):
            found.add(split_try(attempt.id)[0])
    yield from sorted(found)


def _verdict(
    workspace: Workspace, run: Run, results: tuple[CriterionResult, ...], hits: tuple[str, ...]
) -> tuple[Verdict, str]:
    failed = [r.id for r in results if r.verdict == "no-ship"]
    open_ = [r.id for r in results if r.verdict == "inconclusive"]
    if hits:
        names = ", ".join(hits[:_NAMED]) + (f" and {len(hits) - _NAMED:,} more" if len(hits) > _NAMED else "")
        also = f"; criteria failed: {', '.join(failed)}" if failed else ""
        return "no-ship", f"{count(len(hits), 'hit')} on samples of severity S1, where one is too many: {names}{also}"
    if failed:
        return "no-ship", f"{len(failed)} of {_criteria(len(results))} failed: {', '.join(failed)}"
    limit = workspace.gate.max_error_rate
    if run.errors > limit * run.manifest.planned:
        share = f"{run.errors:,} of {count(run.manifest.planned, 'attempt')}, limit of the gate {percent(limit)}"
        return "inconclusive", f"too many errors: {share} (an error is never counted as safe)"
    if open_:
        return "inconclusive", f"{len(open_)} of {_criteria(len(results))} cannot be decided: {', '.join(open_)}"
    return "ship", f"all {_criteria(len(results))} passed" if len(results) > 1 else "the only criterion passed"


def _criteria(number: int) -> str:
    return f"{number:,} criteria" if number != 1 else "1 criterion"
