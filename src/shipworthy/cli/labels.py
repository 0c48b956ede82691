"""Draw attempts for people to label, deal them, import what they say, measure how they agree, and export it.

Files come from the transcript viewer or a spreadsheet; labels are kept in the control state, each with an audit entry.
"""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._again import Again
from shipworthy.cli._label_agreement import agreement
from shipworthy.cli._label_queue import adjudicate, oversight, queue, work
from shipworthy.cli._label_studio import studio
from shipworthy.cli._options import allow_code_option, workspace_option


@click.group(no_args_is_help=True)
def command() -> None:
    """Have people label attempts: deal them, measure how people agree and watch, settle, import, export.

    A file of labels is CSV with the columns attempt, metric, label (hit or no-hit), comment and by.
    """


for _verb in (queue, work, studio, agreement, adjudicate, oversight):
    command.add_command(_verb)


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


@command.command()
@click.argument("run", default="latest")
@click.option("--suite", required=True, metavar="ID", help="The suite of the criterion.")
@click.option("--metric", metavar="NAME", help="The metric; the suite's main one if left out.")
@click.option("--attack", metavar="NAME", help="The attack, where the criterion names one.")
@click.option("--positives", default=100, show_default=True, type=click.IntRange(1), help="Of what was called a hit.")
@click.option("--negatives", default=300, show_default=True, type=click.IntRange(1), help="Of what was not.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of the draw.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The CSV to fill in.")
@workspace_option
@allow_code_option
def draw(
    *,
    run: str,
    suite: str,
    metric: str | None,
    attack: str | None,
    positives: int,
    negatives: int,
    seed: int,
    output: Path,
    workspace: Path,
    allow_code: bool,
) -> None:
    """Draw attempts of RUN for people to label, for a criterion with `audited_by: labels`.

    One attempt a sample at random, then of what the scorer called a hit, and of the rest, so many at random. About 100
    and 300 is the size that works. The draw is entered in the audit log: the first one of a run counts, and the gate
    wants a label on everything it took.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.label_draw import draw_labels, sheet
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    if output.exists():
        raise UsageError(f"{output} is there already: labels in it would be lost (name another file)")
    files = Workspace.load(workspace, allow_code=allow_code)
    layout = Layout(workspace)
    found = Run.load(layout.run_directory(run))
    found.suite(suite)
    if metric is None:
        known = files.suites.get(suite)
        if known is None:
            raise UsageError(f"the workspace no longer has the suite {suite!r}: pass --metric")
        metric = known.metric
    entered, drawn = draw_labels(
        layout, found, suite, metric, attack, positives=positives, negatives=negatives, seed=seed
    )
    try:
        output.write_bytes(sheet(entered, drawn).encode())
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    hits, rest = len(drawn.positives), len(drawn.negatives)
    click.echo(f"{hits + rest:,} attempts of {found.id} drawn: {hits:,} called a hit, {rest:,} not")
    if hits < positives or rest < negatives:
        click.echo(f"(asked for {positives:,} and {negatives:,}: there are no more samples of that kind)")
    click.echo(f"Fill in the column label of {output} (hit or no-hit), without looking at what the scorer said, then:")
    again = Again(workspace, allow_code)
    click.echo(f"  {again.line('labels', 'import', str(output), '--run', found.id, '--by', 'NAME')}")
