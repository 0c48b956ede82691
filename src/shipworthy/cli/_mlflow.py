"""`shipworthy runs mlflow RUN --uri ...`: a run's figures in MLflow."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import workspace_option


@click.command("mlflow")
@workspace_option
@click.argument("run", default="latest")
@click.option("--uri", required=True, help="Of MLflow's tracking server, such as http://127.0.0.1:5000.")
@click.option("--experiment", default="", metavar="NAME", help="The system's id, if left out.")
def mlflow_command(*, workspace: Path, run: str, uri: str, experiment: str) -> None:
    """Log the figures of RUN to MLflow: rates with intervals, denominators and errors, and what was measured.

    No text of the run is sent. A run that is there already is left as it is. Needs the extra `mlflow`; the client's own
    reports of its use are switched off.
    """
    from shipworthy.evals.mlflow_run import log_run
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    found = Run.load(Layout(workspace).run_directory(run))
    made = log_run(found, uri, experiment or found.manifest.system)
    if made.was_there:
        click.echo(f"{found.id} is there already, as the run {made.run} of {made.experiment}")
    else:
        click.echo(f"{found.id}: {made.metrics:,} figures, as the run {made.run} of {made.experiment}")
