"""Pin the run that candidates are compared with, or show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, form_option, workspace_option


@click.group(no_args_is_help=True)
def command() -> None:
    """Pin the run that candidates are compared with, or show it.

    Criteria with a margin (`rise_upper95`, `drop_upper95`) need a baseline. It is pinned for a system, and entered in
    the audit log; `gate.yaml` may name a decision instead, and `gate --baseline` names a run for one decision.
    """


@command.command("set")
@workspace_option
@click.argument("run", metavar="RUN")
@click.option("--why", metavar="TEXT", default="", help="Why this one; kept, redacted, with the baseline.")
@allow_code_option
def set_(*, workspace: Path, run: str, why: str, allow_code: bool) -> None:
    """Pin RUN (an id, the beginning of one, or `latest`) as what candidates are compared with from now on.

    The run must be finished. What was pinned before stays in the audit log.
    """
    from shipworthy.evals.results import Run
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.release.baseline import pin, run_of
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded, layout = Workspace.load(workspace, allow_code=allow_code), Layout(workspace)
    found = pin(loaded, layout, Run.load(run_of(layout, run)), why=why, secrets=known_secrets(loaded))
    click.echo(f"The baseline of {found.system} is {found.run}, pinned {found.at}")


@command.command()
@workspace_option
@form_option
@allow_code_option
def show(*, workspace: Path, form: str, allow_code: bool) -> None:
    """Show what candidates are compared with: run, subject, guards, and why it was pinned."""
    import json

    from shipworthy.release.baseline import choose_baseline, pinned_baseline, subject_of
    from shipworthy.reports._words import subject_words
    from shipworthy.store.declare import read_manifest
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded, layout = Workspace.load(workspace, allow_code=allow_code), Layout(workspace)
    told: dict[str, Any] = {"system": loaded.system.id, "decision": None, "pinned": None, "why": None, "runs": []}
    if loaded.gate.baseline is not None:
        chosen = choose_baseline(loaded, layout)
        said = f"gate.yaml names {chosen.decision}, made on {', '.join(chosen.runs)}"
        told |= {"decision": chosen.decision, "runs": list(chosen.runs)}
    elif (pinned := pinned_baseline(layout, loaded.system.id)) is not None:
        said = f"{pinned.run}, pinned {pinned.at}{f': {pinned.why}' if pinned.why else ''}"
        told |= {"pinned": pinned.at, "why": pinned.why, "runs": [pinned.run]}
    else:
        said = Again(workspace, allow_code).told("No baseline is pinned: `shipworthy baseline set RUN` pins one")
    subjects = [subject_of(read_manifest(layout.run_directory(run))) for run in told["runs"]]
    if form == "json":
        click.echo(json.dumps(told | {"subjects": [subject.digest for subject in subjects]}, indent=2))
        return
    click.echo(said)
    for subject in subjects:
        click.echo(f"  {subject_words(subject)}")
