"""Show the research agenda: questions by what they are worth, and milestones by when they are due."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._options import allow_code_option, shown_option, workspace_option


@click.command("agenda")
@workspace_option
@shown_option
@allow_code_option
def command(*, workspace: Path, form: str, allow_code: bool) -> None:
    """Show the questions of agenda.yaml, the most worthwhile first, and the milestones of the next 30, 60 and 90 days.

    Worth is what is left of the risks today, by evidence, times the share that an answer is expected to take away, per
    day of work. The first comes with its interval; the other two are what somebody expects, so the order says what
    to talk about.
    """
    import json

    from shipworthy.cli._chain import look
    from shipworthy.cli._tables import markdown_table, table
    from shipworthy.evidence.agenda import agenda, milestones

    looked = look(workspace, allow_code=allow_code)
    lines = agenda(looked.workspace.graph, looked.risks)
    due = milestones(looked.workspace.graph, looked.now.date())
    if form == "json":
        said = {
            "questions": [one._asdict() for one in lines],
            "milestones": [{**one._asdict(), "by": one.by.isoformat()} for one in due],
        }
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    if not lines:
        click.echo(
            "there is no agenda yet: write `agenda: [{id: RS-…, title: …, risks: […], reduces: …, cost_days: …}]`"
        )
        return
    shaped = markdown_table if form == "markdown" else table
    rows = [
        (
            one.id, one.title, f"{one.left:,.1f} ({one.low:,.1f} to {one.high:,.1f})",
            f"{100 * one.reduces:.0f} % / {one.cost_days:g} d", f"{one.worth:,.2f}", one.status,
        )
        for one in lines
    ]  # fmt: skip
    click.echo(shaped(("id", "question", "risk left", "expected", "worth a day", "status"), rows, right=(4,)))
    bare = sorted({risk for one in lines for risk in one.unmeasured})
    if bare:
        click.echo(f"\nNot measured, so as large as they were: {', '.join(bare)}")
    if due:
        click.echo("")
        named = [(one.horizon, one.by.isoformat(), one.research, one.what) for one in due]
        click.echo(shaped(("within", "by", "question", "milestone"), named))
