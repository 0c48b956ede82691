"""Verbs of `incident` for what is prepared: runbooks and tabletop exercises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._again import Again
from shipworthy.cli._incident import incident_options, opened, who
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.incidents.scenario import TabletopQuestion
    from shipworthy.incidents.tabletop import GivenAnswer

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_by = click.option("--by", metavar="NAME", default=None, help="Who does it; the user of this process if left out.")


@click.group("runbook", no_args_is_help=True)
def runbook() -> None:
    """Checklists for kinds of incidents: steps with commands, whose ticks are rows, so that anybody can go on."""


@runbook.command("list")
@workspace_option
@form_option
def list_runbooks(*, workspace: Path, form: str) -> None:
    """List the runbooks: ours, and those in `runbooks/` of the workspace."""
    from shipworthy.cli._tables import listing
    from shipworthy.incidents.runbook import read_runbook, runbook_files

    books = [read_runbook(id, workspace) for id in sorted(runbook_files(workspace))]
    rows = [{"runbook": b.id, "severity": b.severity, "steps": len(b.steps), "when": b.when} for b in books]
    click.echo(listing(rows, form, ("runbook", "severity", "steps", "when"), right=("steps",), empty="none"))


@runbook.command("show")
@click.argument("book", metavar="RUNBOOK")
@click.option("--all", "unbound", is_flag=True, help="Show the steps without an incident.")
@incident_options
@form_option
def show_runbook(
    *, book: str, unbound: bool, incident: str, by: str | None, workspace: Path, allow_code: bool, form: str
) -> None:
    """Show RUNBOOK, and where each step stands for INCIDENT."""
    from shipworthy.cli._tables import listing
    from shipworthy.incidents.runbook import read_runbook, rows_of

    del by
    read = read_runbook(book, workspace)
    if unbound:
        rows = [{"step": s.id, "state": "", "role": s.role, "title": s.title, "run": s.run} for s in read.steps]
    else:
        with opened(workspace, incident, allow_code=allow_code) as here:
            rows = [
                {"step": one.step.id, "state": one.state, "role": one.step.role, "title": one.step.title,
                 "run": " ".join(one.step.command(here.incident.id)), "by": one.by, "at": one.at, "said": one.text}
                for one in rows_of(read, here.incident)
            ]  # fmt: skip
    click.echo(f"{read.title}: {read.when}" if form == "text" else "", nl=form == "text")
    click.echo(listing(rows, form, ("step", "state", "role", "title", "run"), empty=""))


@runbook.command("do")
@click.argument("book", metavar="RUNBOOK")
@click.option("--step", metavar="STEP", help="The step; the first open one if left out.")
@click.option("--run", "runs", is_flag=True, help="Run its command, and tick it if that exits with 0.")
@click.option("--skip", metavar="TEXT", help="Leave it out, and say why.")
@click.option("--note", metavar="TEXT", default="", help="What came of it.")
@incident_options
def do_step(
    *, book: str, step: str | None, runs: bool, skip: str | None, note: str, incident: str, by: str | None,
    workspace: Path, allow_code: bool,
) -> int:  # fmt: skip
    """Tick a step of RUNBOOK for INCIDENT: each tick is a row, with who did it and when.

    Exit codes: 0 ticked, or nothing is open; that of the step's command where it failed; 2 usage error.
    """
    from shipworthy.cli import run
    from shipworthy.core.errors import UsageError
    from shipworthy.incidents.runbook import next_step, read_runbook, rows_of, tick

    read = read_runbook(book, workspace)
    with opened(workspace, incident, allow_code=allow_code) as here:
        chosen = next((one for one in read.steps if one.id == step), None) if step else next_step(read, here.incident)
        if chosen is None:
            if step:
                tick(read, here.incident, step, who(by), outcome="done")  # says that there is no such step
            click.echo(f"{read.id}: every step is done or left out")
            return 0
        words, id = chosen.command(here.incident.id), here.incident.id
    if runs:
        if not words:
            done = f"`shipworthy incident runbook do {read.id} {id} --step {chosen.id}`"
            why = f"the step {chosen.id} ({chosen.title}) has no command: it is what people do; once it is done, {done}"
            raise UsageError(Again(workspace, allow_code).told(why))
        click.echo(f"shipworthy {' '.join(words)}")
        if code := run([*words, "-C", str(workspace), *(["--allow-code"] if allow_code else [])]):
            click.echo(f"{chosen.id}: its command ended with {code}, so it is not ticked", err=True)
            return code
    with opened(workspace, id, allow_code=allow_code) as here:
        shown = {row.step.id: row.state for row in rows_of(read, here.incident)}
        if runs and shown[chosen.id] == "done":
            outcome = "done"  # what its command entered shows it
        else:
            event = tick(
                read, here.incident, chosen.id, who(by), outcome="done" if skip is None else "skipped",
                text=skip or note,
            )  # fmt: skip
            here.enter(event)
            outcome = event.outcome
        after = next_step(read, here.incident)
    click.echo(f"{chosen.id}: {outcome}")
    if after is not None:
        click.echo(f"next: {after.id} ({after.role}) {after.title}. {after.text}")
    return 0


@click.group("tabletop", no_args_is_help=True)
def tabletop() -> None:
    """Exercises: an incident played on a clock against a copy of the workspace, decisions recorded and timed."""


@tabletop.command("list")
@workspace_option
@form_option
def list_scenarios(*, workspace: Path, form: str) -> None:
    """List the scenarios: ours, and those in `tabletop/` of the workspace."""
    from shipworthy.cli._tables import listing
    from shipworthy.incidents.scenario import read_scenario, scenario_files

    found = [read_scenario(id, workspace) for id in sorted(scenario_files(workspace))]
    rows = [
        {"scenario": one.id, "minutes": one.minutes, "runbook": one.runbook, "title": one.title, "summary": one.summary}
        for one in found
    ]
    click.echo(listing(rows, form, ("scenario", "minutes", "runbook", "title"), right=("minutes",), empty="none"))


@tabletop.command("history")
@workspace_option
@allow_code_option
@form_option
def history(*, workspace: Path, allow_code: bool, form: str) -> None:
    """List the exercises that were held, the oldest first."""
    from shipworthy.cli._tables import listing
    from shipworthy.store.incidents import read_tabletops

    with opened(workspace, None, allow_code=allow_code) as here:
        held = read_tabletops(here.audit, here.workspace.system.id)
    rows = [
        {"id": one.id, "at": one.at, "scenario": one.scenario, "points": one.points, "of": one.most,
         "minutes": one.minutes}
        for one in held
    ]  # fmt: skip
    click.echo(listing(rows, form, ("id", "at", "scenario", "points", "of", "minutes"), empty="none was held"))


@tabletop.command("run")
@click.argument("scenario", metavar="SCENARIO")
@click.option("--speed", default=1.0, show_default=True, metavar="N", type=click.FloatRange(0, 10_000), help="Minutes of the scenario in a real minute; 0 waits for nothing but answers.")  # fmt: skip  # noqa: E501
@click.option("--answers", metavar="FILE", type=_FILE, help='Decisions as JSON instead of asking: {"severity": {"choose": "s1", "after": 4}}.')  # fmt: skip  # noqa: E501
@click.option("--lever", metavar="LV-…", help="The lever that is pulled in the copy; the first of a gateway if left out.")  # fmt: skip  # noqa: E501
@_by
@workspace_option
@allow_code_option
def run_scenario(
    *, scenario: str, speed: float, answers: Path | None, lever: str | None, by: str | None, workspace: Path,
    allow_code: bool,
) -> None:  # fmt: skip
    """Hold an exercise: injects come on a clock, and you decide; what you decide is done in a copy of the workspace.

    A lever of a gateway that is pulled in the copy, and found to be in force there, counts as drilled. The report is
    written to `documents/tabletop/`.
    """
    from shipworthy.core import strict_json
    from shipworthy.core.errors import UsageError
    from shipworthy.incidents.scenario import read_scenario
    from shipworthy.incidents.tabletop import ScenarioClock, answers_of, run_tabletop, tabletop_report
    from shipworthy.store.files import make_directory, write_atomic
    from shipworthy.store.incidents import add_drill, add_tabletop

    read = read_scenario(scenario, workspace)
    given = None
    if answers is not None:
        try:
            given = answers_of(strict_json.loads(answers.read_bytes()), read)
        except ValueError as error:
            raise UsageError(f"{answers} is no JSON: {error}") from None
    known = given

    def ask(question: TabletopQuestion) -> GivenAnswer:
        return _asked(question) if known is None else known[question.id]

    click.echo(f"{read.title}. {read.summary}")
    with opened(workspace, None, allow_code=allow_code) as here:
        held = run_tabletop(
            here.workspace, read, who(by), ask, clock=ScenarioClock(speed if given is None else 0), lever=lever,
            tell=lambda minute, text: click.echo(f"\n[{minute:,.0f} min] {text}"), allow_code=allow_code,
        )  # fmt: skip
        add_tabletop(here.audit, held.record, secrets=here.secrets)
        for drill in held.drills:
            add_drill(here.audit, drill)
    path = workspace / "documents" / "tabletop" / f"{held.record.id}.md"
    make_directory(path.parent)
    write_atomic(path, tabletop_report(read, held).encode())
    points = f"{held.record.points} of {held.record.most} points"
    click.echo(f"\n{held.record.id}: {points}, levers drilled: {len(held.drills)}")
    for one in held.decisions:
        late = f", late: meant within {one.within}" if one.late else ""
        click.echo(f"  {one.question}: {one.option}, after {one.after:,.1f} min{late}, {one.points} of {one.most}")
        if one.done:
            click.echo(f"    {one.done}")
    click.echo(Again(workspace, allow_code).told(f"The report: {path}"))


def _asked(question: TabletopQuestion) -> GivenAnswer:
    from shipworthy.incidents.tabletop import GivenAnswer

    click.echo(f"{question.question} (within {question.within} min)")
    for option in question.options:
        click.echo(f"  {option.id}: {option.text}")
    chosen = click.prompt("decision", type=click.Choice([option.id for option in question.options]))
    return GivenAnswer(chosen)
