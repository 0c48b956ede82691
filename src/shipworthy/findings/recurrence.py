"""What was closed and is seen again: a later run in which a regression case fails opens its finding once more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shipworthy.core.calendar import read_moment
from shipworthy.core.errors import ShipworthyError
from shipworthy.evals.results import Run
from shipworthy.findings.rerun import count_run
from shipworthy.findings.steps import read_now, reopen
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import read_manifest
from shipworthy.store.findings import KeptFinding
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace


class Recurrence(NamedTuple):
    """A closed finding that a run shows again."""

    finding: str
    run: str
    hits: int
    tries: int


def reopen_failed(workspace: Workspace, audit: AuditLog, runs: Iterable[Run] | None = None) -> list[Recurrence]:
    """Open every closed finding whose regression case fails in a run that was begun after it was closed.

    Args:
        runs: only these; all that are in the workspace if left out.

    Raises:
        IntegrityError: a run, or a row, is not what was written.
        StoreError: the control state cannot be read or written.
    """
    closed = [one for one in read_now(audit, workspace.system.id).values() if one.standing.state == "closed"]
    if not closed:
        return []
    found = []
    for run in _later(workspace, closed) if runs is None else runs:
        suites = {use.id for use in run.manifest.suites}
        for finding in [one for one in closed if one.standing.suite in suites]:
            case, standing = finding.first.reproduction, finding.standing
            if case is None or run.manifest.system != standing.system or not _after(audit, run.id, finding):
                continue
            counted = count_run(run, standing.suite, case.metric)
            if not counted.hits:
                continue
            why = f"its regression case {standing.suite} failed in {counted.hits:,} of {counted.tries:,} tries"
            reopen(
                workspace, audit, finding, by="shipworthy", why=why, run=run.id, suite=standing.suite,
                suite_digest=run.suite(standing.suite).digest, subject_digest=run.manifest.subject_digest,
                tries=counted.tries, hits=counted.hits,
            )  # fmt: skip
            closed.remove(finding)
            found.append(Recurrence(standing.id, run.id, counted.hits, counted.tries))
    return found


def _later(workspace: Workspace, closed: list[KeptFinding]) -> Iterable[Run]:
    """Yield the runs here that may show one again; a manifest is read before a log is."""
    layout = Layout(workspace.root)
    suites = {one.standing.suite for one in closed}
    first = min(read_moment(one.standing.closed) for one in closed)
    for name in layout.run_ids():
        try:
            manifest = read_manifest(layout.runs / name)
        except ShipworthyError:
            continue  # no run, or one of another version; whoever reads it says so
        # Both have whole seconds at least; which came first the audit chain says, of those that are read.
        later = read_moment(manifest.created) >= first.replace(microsecond=0)
        if later and suites & {use.id for use in manifest.suites}:
            yield Run.load(layout.runs / name)


def _after(audit: AuditLog, run: str, finding: KeptFinding) -> bool:
    """Say whether a run was begun after a finding was closed, by the order of the audit chain."""
    begun = min((entry.number for entry in audit.about(run)), default=0)
    return begun > max(entry for entry, _, step in finding.steps if step.step == "closed")
