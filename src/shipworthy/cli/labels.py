"""Import what people say of single attempts, and export it.

Files come from the transcript viewer or a spreadsheet; labels are kept in the control state, each with an audit entry.
"""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import allow_code_option, workspace_option


@click.group(no_args_is_help=True)
def command() -> None:
    """Import what people say of single attempts, and export it.

    A file of labels is CSV with the columns attempt, metric, label (hit or no-hit), comment and by.
    """


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", default="latest", show_default=True, help="The run that the labels are about.")
@click.option("--by", default="", metavar="NAME", help="Who gave the labels of rows that do not say it.")
@workspace_option
@allow_code_option
def import_(*, file: Path, run: str, by: str, workspace: Path, allow_code: bool) -> None:
    """Keep the labels of FILE, or none of them if a line is wrong.

    Comments are redacted before they are kept. A label that is there already is passed over.
    """
    from shipworthy.evals.labels import keep, read_csv
    from shipworthy.evals.results import Run
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    layout = Layout(workspace)
    found = Run.load(layout.run_directory(run))
    labels = read_csv(file, found, by=by)
    # The secrets that comments are redacted of stand in the suites: files that cannot be read whole are refused.
    secrets = known_secrets(Workspace.load(workspace, allow_code=allow_code))
    with AuditLog(layout.control_url) as audit:
        kept = keep(audit, found, labels, secrets=secrets)
    there = f", {len(labels) - kept:,} were there already" if kept < len(labels) else ""
    click.echo(f"{kept:,} {'label' if kept == 1 else 'labels'} of {found.id} kept{there}")


@command.command()
@click.argument("run", default="latest")
@workspace_option
def export(run: str, workspace: Path) -> None:
    """Print the labels of RUN as CSV: each person's last word on each metric of each attempt."""
    from shipworthy.evals.labels import last_words, to_csv
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.labels import read_labels
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    with AuditLog(layout.control_url) as audit:
        found = read_labels(audit, layout.run_directory(run).name)
    click.echo(to_csv(last_words(found)), nl=False)
