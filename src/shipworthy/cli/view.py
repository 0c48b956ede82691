"""Write a run's transcripts as one offline page.

A static HTML file with filters, search and keyboard keys. It loads nothing and needs no server.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from shipworthy.cli._options import allow_code_option, workspace_option


@click.command()
@click.argument("run", default="latest")
@workspace_option
@click.option("--against", metavar="RUN", help="Mark what differs from another run, and show both conversations.")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the page; transcripts.html in the run's own folder if left out.",
)
@allow_code_option
def command(*, run: str, workspace: Path, against: str | None, output: Path | None, allow_code: bool) -> None:
    """Write the transcripts of RUN (an id, the start of one, or 'latest') as one HTML page.

    The page shows the text that the run log holds. For a suite of private content that is redacted text; for a suite of
    synthetic content it is everything, attacks, answers and the samples' secrets included: mind where you send the
    file. What a sample expects, its tags and its secrets come from the workspace, where the suite is still the one that
    the run used; of a private suite's secrets the page holds only how many there are. What was said of hits of severity
    S1 (`shipworthy confirm`) stands on them as it was when the page was written.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.results import Run
    from shipworthy.evals.transcripts import write_viewer
    from shipworthy.store.confirmations import words_on
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    layout = Layout(workspace)
    directory = layout.run_directory(run)
    other = Run.load(layout.run_directory(against)) if against else None
    path = output or directory / "transcripts.html"
    # A workspace with problems still shows its runs; a suite that is not whole, or another one now, tells nothing.
    known = None
    with suppress(UsageError):
        known, _ = Workspace.inspect(workspace, allow_code=allow_code)
    suites = known.suites if known else None
    count = write_viewer(
        Run.load(directory), path, against=other, suites=suites, words=words_on(layout, directory.name)
    )
    attempts = "attempt" if count == 1 else "attempts"
    click.echo(f"{count:,} {attempts} in {path} ({path.stat().st_size / 1e6:,.1f} MB)")
