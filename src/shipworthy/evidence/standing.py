"""What evidence stands for each criterion today: the newest decided run on the files and the subject as they are now.

It is read from decisions, manifests and the register of runs, never from run logs: what a decision holds was counted
from the logs when it was made. `shipworthy evidence verify` and `shipworthy gate` read the logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.evidence.watching import label_watch
from shipworthy.release.current import Now
from shipworthy.store.audit import AuditLog
from shipworthy.store.database import Database
from shipworthy.store.declare import read_manifest
from shipworthy.store.layout import Layout
from shipworthy.store.register import DECISION_MADE, decision_digest
from shipworthy.store.runs import list_runs, read_runs
from shipworthy.workspace.load import Workspace

_STATES = {
    "grown": "its log went on after it was recorded",
    "shortened": "its log is shorter than what was recorded",
    "damaged": "its manifest is damaged",
    "unknown": "it was never recorded",
}
_RECORDED = ("id", "system", "plan", "guards", "created", "planned", "spec_digest", "subject_digest")


class Standings(NamedTuple):
    """What stands, by criterion; and what is wrong with kept decisions, which count for nothing then."""

    criteria: Mapping[str, CriterionStanding]
    refused: tuple[str, ...] = ()


def standings(workspace: Workspace, layout: Layout) -> Standings:
    """Return what stands for each criterion of a workspace.

    A decision counts if the audit log holds it as it is now; its entry is looked up, and the chain of entries is not
    verified (`shipworthy audit verify` does that). A result counts while its run is here, as long as it was recorded,
    and about the files and the subject as they are. A run of a plan without a criterion's suite leaves what an earlier
    one measured; one that ran it and scored nothing does not.

    Raises:
        StoreError: the control state cannot be read.
    """
    wanted = [c.id for requirement in workspace.requirements.values() for c in requirement.criteria]
    found: dict[str, CriterionStanding] = {}
    open_ = set(wanted)
    refused: list[str] = []
    runs = _Runs(workspace, layout)
    for decision in entered_decisions(layout, refused):
        for result in decision.criteria:
            if result.id not in open_:
                continue
            if not result.planned:  # its suite was not in the run's plan: an earlier run may have measured it
                why = f"{result.run} did not run its suite"
                found.setdefault(result.id, CriterionStanding(result.id, "none", why))
                continue
            one = _stands(result, decision, runs)
            if one.state == "stands":
                open_.discard(result.id)
                found[result.id] = one
            else:
                found.setdefault(result.id, one)
        if not open_:
            break
    missing = "no decision was made on it yet"
    return Standings(
        {name: found.get(name, CriterionStanding(name, "none", missing)) for name in wanted}, tuple(refused)
    )


class _Runs:
    """The runs that decisions rest on: which still are evidence, asked once of each."""

    def __init__(self, workspace: Workspace, layout: Layout) -> None:
        self.layout = layout
        with AuditLog(layout.control_url) as audit:
            self._now = Now.read(workspace, audit)
        there = layout.runs.is_dir()
        self._states = {run.id: run.state for run in list_runs(layout)} if there else {}
        with Database(layout.control_url) as database:
            self._rows = read_runs(database, list(self._states))
        self._said: dict[tuple[str, str], tuple[str, str]] = {}

    def lapsed(self, run: str, oldest: str = "") -> tuple[str, str]:
        """Return why a run is no evidence now, empty where it is, and when it was begun.

        Args:
            oldest: when the oldest kept reply that it rests on was given; empty where there is none.
        """
        if (run, oldest) not in self._said:
            self._said[run, oldest] = self._look(run, oldest)
        return self._said[run, oldest]

    def _look(self, run: str, oldest: str) -> tuple[str, str]:
        if run not in self._states:
            return "its run is not here any more", ""
        if why := _STATES.get(self._states[run], ""):
            return f"{run}: {why}", ""
        try:
            manifest = read_manifest(self.layout.runs / run)
        except (IntegrityError, UsageError) as error:
            return str(error), ""
        row = self._rows[run]
        if any(getattr(row, name) != getattr(manifest, name) for name in _RECORDED):
            return f"{run}: its manifest is not what was recorded", ""
        return self._now.lapsed(manifest, oldest), manifest.created


def _stands(result: CriterionResult, decision: Decision, runs: _Runs) -> CriterionStanding:
    kept = [use.oldest for use in decision.replies if use.run == result.run and use.oldest]
    why, begun = runs.lapsed(result.run, min(kept, default=""))
    if not why and result.baseline_run:
        # What it is compared with is of another subject by design, and need only be here.
        gone = runs.lapsed(result.baseline_run)[0].startswith("its run is not here")
        why = f"its baseline {result.baseline_run} is not here any more" if gone else ""
    watch = None
    if not why:
        try:
            watch = label_watch(runs.layout, result)
        except IntegrityError as error:
            why = str(error)
    return CriterionStanding(
        criterion=result.id,
        state="lapsed" if why else "stands",
        why=why,
        result=result,
        decision=decision.id,
        run=result.run,
        decided=decision.created,
        measured=min([*kept, *([begun] if begun else [])], default=""),
        watch=watch,
    )


def entered_decisions(layout: Layout, refused: list[str]) -> Iterator[Decision]:
    """Yield the decisions that the audit log holds as they are; why others are left out is appended to `refused`."""
    with AuditLog(layout.control_url) as audit:
        for name in reversed(layout.decision_ids()):
            try:
                decision = layout.load_decision(name)
            except IntegrityError as error:
                refused.append(str(error))
                continue
            entered = [e for e in audit.about(name) if e.kind == DECISION_MADE]
            if not entered:
                refused.append(f"{name}: the audit log does not hold it")
            elif entered[-1].body.get("digest") != decision_digest(decision):
                refused.append(f"{name}: it is not the decision that the audit log holds; it was changed since")
            else:
                yield decision
