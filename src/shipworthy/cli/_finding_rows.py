"""Findings as rows of a table or of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shipworthy.store.findings import KeptFinding


def read_all(workspace: Path) -> tuple[dict[str, KeptFinding], str]:
    """Return the findings of a workspace as they stand now, and the moment. The audit log is verified.

    Raises:
        UsageError: there is no workspace.
        IntegrityError: the audit log, or a row, is not what was written.
    """
    from shipworthy.core.errors import WorkspaceError
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.findings import read_findings
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded, problems = Workspace.inspect(workspace)
    if loaded is None:
        raise WorkspaceError(problems)
    system = loaded.system.id
    with AuditLog(Layout(workspace).control_url) as audit:
        audit.verify()
        at = audit.now()
        return read_findings(audit, system, at), at


def row_of(one: KeptFinding, at: str) -> dict[str, Any]:
    """Return a finding as tables and JSON show it, at a moment."""
    standing = one.standing
    late = standing.overdue(at)
    marks = ["overdue"] if late else []
    marks += ["seen again"] if standing.recurred else []
    marks += ["acceptance expired"] if standing.reactivated else []
    return {
        "id": standing.id, "title": one.first.title, "severity": standing.severity, "state": standing.state,
        "due": standing.due, "overdue": late, "late": ", ".join(marks), "owner": one.owner,
        "feature": one.first.feature, "expires": standing.expires if standing.state == "accepted" else "",
        "case": standing.suite, "run": standing.run, "recurred": standing.recurred, "opened": standing.opened,
        "closed": standing.closed,
    }  # fmt: skip
