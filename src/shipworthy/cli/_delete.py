"""Take a run off the disk, and say so in the audit log."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import workspace_option


@click.command("delete")
@workspace_option
@click.argument("run")
@click.option("--because", default="", metavar="TEXT", help="Why; kept in the audit log for ever.")
@click.option("--decided", is_flag=True, help="Also if a decision rests on it, which can then not be proved any more.")
def delete_command(workspace: Path, run: str, because: str, decided: bool) -> None:
    """Take RUN (an id, or the beginning of one) off the disk, and enter that in the audit log.

    The ledger of every later decision still counts it. Refused while the run is being written, and, without --decided,
    where a decision rests on it.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.delete import delete_run
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    if run == "latest":
        raise UsageError("what is deleted is named by its id: `shipworthy runs list` shows them")
    id, records = delete_run(layout, layout.run_directory(run), why=because, decided=decided)
    click.echo(f"{id} is deleted, with {records:,} records; the audit log keeps that it was there")
