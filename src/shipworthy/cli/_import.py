"""`shipworthy runs import FILE`: results of another tool, as a run."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option

FORMATS = ("garak", "inspect", "promptfoo", "pyrit", "lm-eval", "petri", "scout", "csv")


@click.command("import")
@workspace_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "form", type=click.Choice(FORMATS), help="The tool that wrote it; told by the file if left out.")  # fmt: skip  # noqa: E501
@click.option("--low", "low", metavar="METRIC", multiple=True, help="Low is good of this metric, where the tool does not say; may be repeated.")  # fmt: skip  # noqa: E501
@click.option("--high", "high", metavar="METRIC", multiple=True, help="High is good of this metric; may be repeated.")
@allow_code_option
def import_command(
    *, workspace: Path, file: Path, form: str | None, low: tuple[str, ...], high: tuple[str, ...], allow_code: bool
) -> None:
    """Bring in FILE, results of another tool, as a run: shown, listed, compared and put on a front like any other.

    garak's report.jsonl, Inspect's .eval and .json, promptfoo's JSON, PyRIT's memory (SQLite), lm-eval's results with
    the samples beside them, audits of Petri, Scout's _scan.json or Parquet, or a CSV. A malformed file is refused with
    line and field, and nothing of it is imported. Text is redacted before it is stored. No release is decided on an
    imported run: no suite and no plan of this workspace asked for it.
    """
    from shipworthy.evals.imports.bring import bring, directed, read_foreign
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    found = read_foreign(file, form or "")
    found = directed(found, low, high)
    run = bring(Layout(workspace), loaded.system.id, file, found)
    click.echo(f"{run.id}: {len(run):,} attempts of {f'{found.tool} {found.version}'.rstrip()}, {run.errors:,} errors")
    for note in found.notes:
        click.echo(f"note: {note}")
    click.echo(f"Next:  {Again(workspace, allow_code).line('runs', 'show', run.id)}")
