"""Render a decision that was made before, in any format.

Nothing is decided and nothing measured: it exits 0 whatever the verdict.
"""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option
from shipworthy.cli._reports import ReportFormat, outputs, put


@click.command()
@workspace_option
@click.argument("decision", metavar="[DECISION]", default="latest")
@click.option("--format", "forms", type=ReportFormat(), multiple=True, default=("text",), show_default=True, help="May be repeated; `-` prints.")  # fmt: skip  # noqa: E501
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file of a format without one.",
)
@allow_code_option
def command(*, workspace: Path, decision: str, forms: tuple[str, ...], output: Path | None, allow_code: bool) -> None:
    """Render DECISION (an id, the beginning of one, or `latest`) again: no new decision is made.

    The safety files, the runs and the decision must be what they were then: anything else is refused, with exit code 4.
    """
    from shipworthy.cli.gate import load_run
    from shipworthy.evidence.documents import readout
    from shipworthy.evidence.pack import check_current
    from shipworthy.store.layout import Layout
    from shipworthy.store.register import register_decision
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    wanted = outputs(workspace, forms, output)
    layout = Layout(workspace)
    kept = layout.load_decision(decision)
    marks = bool(kept.baseline_runs)
    found = [load_run(layout, name, marks=marks) for name in (*kept.runs, *kept.baseline_runs)]
    runs = [run for run, _ in found]
    new, before = runs[: len(kept.runs)], runs[len(kept.runs) :]
    check_current(loaded, kept, new)
    # Holds the decision and its runs against the audit log: what was edited since is not shown as what was decided.
    register_decision(layout, kept, {run.id: run.reading for run in runs})
    shown = readout(loaded, kept, new, before, seen={run.id: seen for run, seen in found})
    put(wanted, kept, shown, Again(workspace, allow_code))
