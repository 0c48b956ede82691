"""What a run shows again of findings that were closed: opened once more, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from shipworthy.evals.results import Run
    from shipworthy.workspace.load import Workspace


def say_recurred(workspace: Workspace, run: Run) -> None:
    """Open every closed finding whose regression case failed in a run, and say so.

    Raises:
        IntegrityError: a row of a finding is not what was recorded.
        StoreError: the control state cannot be read or written.
    """
    from shipworthy.findings.recurrence import reopen_failed
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    layout = Layout(workspace.root)
    if not layout.keeps_control:
        return
    with AuditLog(layout.control_url) as audit:
        for one in reopen_failed(workspace, audit, [run]):
            failed = f"its regression case failed in {one.hits:,} of {one.tries:,} tries"
            click.echo(f"{one.finding} is open again: {failed}", err=True)
