"""List the decisions that were made, and show one.

`shipworthy report` renders one as a page, a comment or a test result.
"""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import form_option, workspace_option


@click.group("decisions")
def command() -> None:
    """List the decisions that were made, and show one."""


@command.command("list")
@workspace_option
@form_option
def list_(workspace: Path, form: str) -> None:
    """List the workspace's decisions, oldest first."""
    import json

    from shipworthy.cli._tables import table
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    layout.run_ids()  # refuses a folder that is not there
    kept = [layout.load_decision(name) for name in layout.decision_ids()]
    if form == "json":
        named = ("id", "created", "verdict", "reason", "gate", "runs", "baseline_runs", "subject_digest")
        click.echo(json.dumps([{name: getattr(one, name) for name in named} for one in kept], indent=2))
    elif kept:
        passed = [sum(c.verdict == "ship" for c in one.criteria) for one in kept]
        rows = [
            (one.id, one.verdict, f"{good:,} of {len(one.criteria):,}", f"{len(one.runs):,}")
            for one, good in zip(kept, passed, strict=True)
        ]
        click.echo(table(("decision", "verdict", "criteria passed", "runs"), rows, right=(2, 3)))
    else:
        click.echo(Again(workspace).told("no decision yet: `shipworthy gate` makes one"))


@command.command()
@workspace_option
@click.argument("decision", metavar="[DECISION]", default="latest")
@form_option
def show(workspace: Path, decision: str, form: str) -> None:
    """Show DECISION (an id, the beginning of one, or `latest`) as it is kept, without its runs."""
    import msgspec

    from shipworthy.cli._tables import table
    from shipworthy.store.layout import Layout

    kept = Layout(workspace).load_decision(decision)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(kept), indent=2).decode())
        return
    for name, value in (
        ("decision", kept.id),
        ("made", kept.created),
        ("system", kept.system),
        ("gate", kept.gate),
        ("verdict", kept.verdict),
        ("reason", kept.reason),
        ("runs", ", ".join(kept.runs)),
        ("baseline", ", ".join(kept.baseline_runs) or "none"),
        ("subject", kept.subject_digest),
    ):
        click.echo(f"{name:<9} {value}")
    click.echo("")
    click.echo(
        table(("criterion", "verdict", "must", "reason"), [(c.id, c.verdict, c.must, c.reason) for c in kept.criteria])
    )
