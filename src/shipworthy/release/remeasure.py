"""What must be measured before a gate can decide on the files as they are now, and what need not be, and why.

Evidence is asked for suite by suite: one suite of a plan is a plan of its own (``PLAN@SUITE``), whose spec digest
covers that suite, the requirements with a criterion on it and the gate. So a change to a suite, or to a criterion on
it, asks for that suite alone, and a change to the system under test for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal, NamedTuple

from shipworthy.core import signoff
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import Decision, RunManifest
from shipworthy.evals.begin import runs_like
from shipworthy.evals.results import Run
from shipworthy.release.current import Now
from shipworthy.release.proposal import check_recorded
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import read_manifest
from shipworthy.store.history import decided_runs
from shipworthy.store.layout import Layout
from shipworthy.workspace.files import changed
from shipworthy.workspace.kinds.plan import part_name
from shipworthy.workspace.load import Workspace


class Needed(NamedTuple):
    """One thing that a decision asks for.

    Attributes:
        plan: a plan, or one suite of a plan.
        state: ``stands``: a finished run on these files and this system is here; ``begun``: one that can go on is;
            ``missing``: it must be measured; ``unasked``: no criterion of the gate looks at it.
        why: in words.
        run: its id; empty where there is none.
        bare: whether it is of the target without its guards, to compare with.
    """

    plan: str
    state: Literal["stands", "begun", "missing", "unasked"]
    why: str
    run: str = ""
    bare: bool = False


def needed(workspace: Workspace, layout: Layout, plan: str, today: date, *, bare: bool = False) -> list[Needed]:
    """Return what a decision on a plan asks for, one suite each; or one entry, where a run of the whole plan stands.

    Args:
        bare: also the target without its guards, on the suites whose criteria have a margin.

    Raises:
        UsageError: there is no such plan; or several finished runs of one kind wait for a decision.
        IntegrityError: a run's log is not what was written.
    """
    spec = workspace.plan(plan)
    asked = {criterion.suite for _, criterion in workspace.criteria()}
    margins = {criterion.suite for _, criterion in workspace.criteria() if criterion.parsed.test == "noninferiority"}
    suites = [entry.suite for entry in spec.suites]
    look = _Look(workspace, layout, today)
    whole = look.at(plan, bare=False)
    found = [whole] if whole.state == "stands" else [_one(look, plan, suite, asked) for suite in suites]
    if bare:
        found += [look.at(part_name(plan, suite), bare=True) for suite in suites if suite in margins]
    return found


def _one(look: _Look, plan: str, suite: str, asked: Iterable[str]) -> Needed:
    name = part_name(plan, suite)
    if suite not in asked:
        return Needed(name, "unasked", "no criterion of the gate looks at it")
    return look.at(name, bare=False)


class _Look:
    """The runs of a workspace, looked through once for each thing that is needed."""

    def __init__(self, workspace: Workspace, layout: Layout, today: date) -> None:
        self._workspace, self._layout, self._today = workspace, layout, today
        self._now, self._decided = Now(workspace), decided_runs(layout)
        tier = workspace.graph.find("tier", workspace.system.tier)
        self._days: int | None = None if tier is None else tier.entity.evidence_days

    def at(self, plan: str, *, bare: bool) -> Needed:
        like = runs_like(self._workspace, plan, guards=not bare)
        young = [path for path in like if not self._old(read_manifest(path))]
        runs = [Run.load(path) for path in young]
        done = [run for run in runs if run.complete]
        counts = [run for run in done if run.id in self._decided] if not bare else []
        waiting = [run for run in done if run.id not in self._decided]
        if bare and done:
            return self._stands(plan, done[0], bare=True)
        if counts:
            return self._stands(plan, counts[0], bare=bare)
        if len(waiting) > 1:
            named = ", ".join(run.id for run in waiting)
            raise UsageError(
                f"{len(waiting)} finished runs of {plan} wait for a decision: {named}\nName the one to decide on: "
                "`shipworthy gate RUN` (the others stand in the decision's ledger)"
            )
        if waiting:
            return self._stands(plan, waiting[0], bare=bare)
        if runs:
            run = runs[0]
            why = f"{len(run):,} of {run.manifest.planned:,} attempts are made"
            return Needed(plan, "begun", why, run.id, bare)
        if like:
            return Needed(plan, "missing", f"{like[0].name} is older than the {self._days} days of the tier", bare=bare)
        return Needed(plan, "missing", self._why(plan, bare=bare), bare=bare)

    def _stands(self, plan: str, run: Run, *, bare: bool) -> Needed:
        why = f"measured on {run.manifest.created[:10]} on the same files and system"
        return Needed(plan, "stands", why, run.id, bare)

    def _old(self, manifest: RunManifest) -> bool:
        if self._days is None:
            return False
        try:
            return (self._today - date.fromisoformat(manifest.created[:10])).days > self._days
        except ValueError:
            return True

    def _why(self, plan: str, *, bare: bool) -> str:
        """Return what changed since the newest run of a plan; in words of the files."""
        whose = "none" if bare or self._workspace.guards is None else "workspace"
        before = next((m for m in self._manifests() if m.plan == plan and _guards_of(m) == whose), None)
        if before is None:
            return "no run of it is here"
        lapsed = "" if bare else self._now.lapsed(before)
        files = [line.partition(":")[0] for line in changed(before.files, self._workspace.files)]
        names = ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
        why = lapsed or "what it measures with, or is measured, changed since"
        return f"{why} ({before.id}{f'; changed: {names}' if names else ''})"

    def _manifests(self) -> Iterable[RunManifest]:
        for name in reversed(self._layout.run_ids()):
            yield read_manifest(self._layout.runs / name)


def _guards_of(manifest: RunManifest) -> str:
    declared = manifest.subject.get("declared")
    return str(declared.get("guards", "")) if isinstance(declared, dict) else ""


def made_before(workspace: Workspace, layout: Layout, runs: Sequence[Run], baselines: Sequence[Run]) -> Decision | None:
    """Return the newest decision on just these runs and files, if nothing that could change it was said since.

    Anything that entered the audit log after it could, but for what people say of the release itself.
    """
    wanted = tuple(run.id for run in runs), tuple(run.id for run in baselines)
    with AuditLog(layout.control_url) as audit:
        for name in reversed(layout.decision_ids()):
            try:
                decision = layout.load_decision(name)
                entry = check_recorded(audit, decision)
            except IntegrityError:
                continue  # it counts for nothing; a new one is made
            if (decision.runs, decision.baseline_runs) != wanted or changed(decision.files, workspace.files):
                continue
            later = (one for one in audit.entries() if one.number > entry.number and one.kind not in signoff.KINDS)
            return decision if next(later, None) is None else None
    return None
