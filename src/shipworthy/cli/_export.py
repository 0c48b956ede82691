"""`shipworthy runs export RUN`: a suite of a run as a log of Inspect."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import workspace_option


@click.command("export")
@workspace_option
@click.argument("run", default="latest")
@click.option("--suite", metavar="ID", help="Of the run; needed where it has several.")
@click.option("--output", "-o", "output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), required=True, help="A new file; Inspect's viewer looks for names that end in .json.")  # fmt: skip  # noqa: E501
def export_command(*, workspace: Path, run: str, suite: str | None, output: Path) -> None:
    """Write one suite of RUN as a log that Inspect reads (`inspect view`, `read_eval_log`).

    Samples under an attack are samples named SAMPLE+ATTACK, attempts are epochs. What makes a run evidence, its chain
    and its digests, stays here: the log is to be read, not to be decided on.
    """
    import json

    from shipworthy.core.errors import StoreError, UsageError
    from shipworthy.evals.exports import inspect_log
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    found = Run.load(Layout(workspace).run_directory(run))
    suites = [use.id for use in found.manifest.suites]
    if suite is None and len(suites) > 1:
        raise UsageError(f"{found.id} has several suites: name one with --suite ({', '.join(suites)})")
    made = inspect_log(found, suite or suites[0])
    try:
        with output.open("x", encoding="utf-8") as file:
            json.dump(made, file, ensure_ascii=False, indent=1)
    except FileExistsError:
        raise UsageError(f"{output} is there already") from None
    except OSError as error:
        raise StoreError(f"cannot write {output}: {error.strerror or error}") from error
    click.echo(f"{output}: {len(made['samples']):,} samples of {suite or suites[0]}")
