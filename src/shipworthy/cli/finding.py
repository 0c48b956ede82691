"""Mend what was found: who does it by when, and the re-run that shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._finding_rows import read_all, row_of
from shipworthy.cli._finding_runs import close, promote, reproduce, verify
from shipworthy.cli._finding_steps import accept, assign, fix, link, reject, reopen
from shipworthy.cli._finding_sync import export, sync
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.core.severity import Severity

_SHOWN = 22


@click.group("finding", no_args_is_help=True)
def command() -> None:
    """Mend what was found: who does it by when, and the re-run that shows it."""


for _one in (assign, link, accept, reject, fix, reproduce, promote, verify, close, reopen, export, sync):
    command.add_command(_one)


@command.command("open")
@click.argument("signals", metavar="[SIGNAL]...", nargs=-1)
@click.option("--title", default="", metavar="TEXT", help="What fails, in one line; the first signal's if left out.")
@click.option("--severity", type=click.Choice(["S1", "S2", "S3", "S4"]), help="S1 is the worst; the worst of the signals if left out. `finding rubric` helps.")  # fmt: skip  # noqa: E501
@click.option("--by", required=True, metavar="NAME", help="Who opens it.")
@click.option("--owner", default="", metavar="NAME", help="Who is to mend it; whom triage.yaml names if left out.")
@click.option("--attempt", metavar="ATTEMPT_ID", help="What shows it: an attempt of a run, word for word.")
@click.option("--run", metavar="RUN", help="The run of that attempt; the newest that holds it if left out.")
@click.option("--sample", metavar="TEXT", help="What shows it: said to the target; the first signal's if left out.")
@click.option("--conversation", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What shows it: JSON, a list of {role, content}; redacted. The target answers afresh.")  # fmt: skip  # noqa: E501
@click.option("--scorer", "scorers", metavar="USE", multiple=True, help="What tells that it failed: an id, or YAML such as '{use: contains, …}'; may be repeated.")  # fmt: skip  # noqa: E501
@click.option("--expected", metavar="TEXT", help="What the scorer needs to know of the sample.")
@click.option("--metric", default="", metavar="NAME", help="Whose hit is the failure; the first of the scorers if left out.")  # fmt: skip  # noqa: E501
@click.option("--target", default="", metavar="NAME", help="A target of the workspace; the system under test if left out.")  # fmt: skip  # noqa: E501
@click.option("--risk", "risks", metavar="RK-…", multiple=True, help="A risk that it makes real; may be repeated.")
@click.option("--feature", default="", metavar="NAME", help="Part of the product.")
@click.option("--because", default="", metavar="TEXT", help="Why it is a failure; redacted.")
@workspace_option
@allow_code_option
def open_(
    *, workspace: Path, allow_code: bool, signals: tuple[str, ...], title: str, severity: Severity | None, by: str,
    owner: str, attempt: str | None, run: str | None, sample: str | None, conversation: Path | None,
    scorers: tuple[str, ...],
    expected: str | None, metric: str, target: str, risks: tuple[str, ...], feature: str, because: str,
) -> None:  # fmt: skip
    """Open a finding, for SIGNALs or on its own. It needs what shows it: a sample and a scorer, or an attempt.

    Its deadline follows from its severity and triage.yaml. It is closed by a re-run that passes and a regression case
    in the workspace, and by nothing else.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.core.severity import worst
    from shipworthy.evals.repro import find
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.findings.case import (
        case_of_attempt,
        case_of_conversation,
        case_of_text,
        read_conversation,
    )
    from shipworthy.findings.steps import open_finding
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.signals import find_signal
    from shipworthy.workspace.load import Workspace

    loaded, layout = Workspace.load(workspace, allow_code=allow_code), Layout(workspace)
    with AuditLog(layout.control_url) as audit:
        found = [find_signal(audit, one) for one in signals]
        rated = [one.severity for one in found if one.severity is not None]
        chosen = severity or (worst(rated) if rated else None)
        if chosen is None:
            raise UsageError("how bad is it? No signal is rated: pass --severity (`shipworthy finding rubric` helps)")
        if (attempt, sample, conversation).count(None) < 2:
            raise UsageError("--attempt, --sample and --conversation say the same: give one of them")
        secrets = known_secrets(loaded)
        if attempt is not None:
            if scorers:
                raise UsageError("--attempt has its scorers: leave --scorer out")
            of, tried = find(layout, attempt, run)
            case = case_of_attempt(loaded, of, tried, metric=metric)
        else:
            text = sample or next((one.sample for one in found if one.sample), "")
            named = [scorer(one) for one in scorers] or [one.scorer for one in found if one.scorer][:1]
            where = target or next((one.target for one in found if one.target), "")
            how: dict[str, Any] = {"metric": metric, "target": where, "expected": expected}
            if conversation is not None:
                said = read_conversation(conversation)
                case = case_of_conversation(loaded, said, named, secrets=secrets, **how)
            else:
                case = case_of_text(loaded, text, named, **how)
        opened = open_finding(
            loaded, audit, title=title or (found[0].title if found else ""), severity=chosen, case=case, by=by,
            why=because, signals=signals, feature=feature, owner=owner, risks=risks, secrets=secrets,
        )  # fmt: skip
    click.echo(f"{opened.id}  {opened.severity}  due {opened.due}  owner {opened.owner or 'nobody yet'}")
    click.echo(f"Next:  {Again(workspace, allow_code).line('finding', 'reproduce', opened.id)}", err=True)


@command.command("list")
@click.option("--open", "unended", is_flag=True, help="Only what is not closed and not rejected.")
@click.option("--overdue", is_flag=True, help="Only what is past its deadline; exit code 1 if there is any.")
@workspace_option
@form_option
def list_(*, workspace: Path, form: str, unended: bool, overdue: bool) -> int:
    """List the findings as they stand now, oldest first. Nothing is run and nothing is asked.

    Exit codes: 0, or with --overdue 1 where a finding is past its deadline.
    """
    from shipworthy.cli import NO_SHIP, SHIP
    from shipworthy.cli._tables import listing, shorten
    from shipworthy.core.terminal import escape

    found, at = read_all(workspace)
    rows = [
        {**row_of(one, at), "title": shorten(escape(one.first.title), _SHOWN) if form == "text" else one.first.title}
        for one in found.values()
        if not (unended or overdue) or one.standing.state not in ("closed", "rejected")
    ]
    rows = [row for row in rows if row["overdue"]] if overdue else rows
    none = "no finding is overdue" if overdue else "no finding is open"
    empty = none if found else Again(workspace).told("no finding: `shipworthy finding open` opens one")
    columns = ("id", "severity", "state", "due", "late", "title")
    click.echo(listing(rows, form, columns, empty=empty))
    return NO_SHIP if overdue and rows else SHIP


@command.command()
@click.argument("finding", metavar="[FINDING]", default="latest")
@workspace_option
@form_option
def show(*, workspace: Path, form: str, finding: str) -> None:
    """Show FINDING (an id, the beginning of one, or `latest`): where it stands, and what happened to it."""
    import msgspec

    from shipworthy.core.terminal import escape
    from shipworthy.store.findings import choose_finding

    found, at = read_all(workspace)
    one, shown = choose_finding(found, finding), "reproduction"
    told = {
        **row_of(one, at),
        "signals": list(one.signals),
        "refs": list(one.refs),
        "reproduction": msgspec.to_builtins(one.first.reproduction),
        "steps": [
            {"entry": entry, "at": when, **{k: v for k, v in msgspec.to_builtins(step).items() if v and k != shown}}
            for entry, when, step in one.steps
        ],
    }
    if form == "json":
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    click.echo(f"{told['id']}  {escape(one.first.title)}")
    names = ("severity", "state", "due", "late", "owner", "feature", "expires", "case", "run", "signals", "refs")
    for name in names:
        if value := told[name]:
            click.echo(f"{name}: {escape(', '.join(value) if isinstance(value, list) else str(value))}")
    for entry, when, step in one.steps:
        why = f": {step.why}" if step.why else ""
        click.echo(f"  {when[:19]}Z  {step.step} by {escape(step.by)} (entry {entry}){escape(why)}")


@command.command()
@form_option
def rubric(*, form: str) -> None:
    """Show what makes a finding S1 to S4, with worked examples."""
    path = Path(__file__).parent.parent / "library" / "severity" / "examples.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["examples"]
    if form == "text":
        click.echo(
            "How bad it is follows from four questions, taken at their worst where nobody knows:\n"
            "  impact         low, moderate, high (data, money or access of others), severe (health, life)\n"
            "  reach          one person, few (up to ten), many, public\n"
            "  reversibility  reversible, costly to undo, irreversible\n"
            "  interaction    provoked (by whoever is harmed), usual use, none at all\n"
        )
        for row in rows:
            factors = ", ".join(row[name] for name in ("impact", "reach", "reversibility", "interaction"))
            click.echo(f"{row['severity']}  {row['title']}\n    {factors}: {row['why']}")
        return
    click.echo(json.dumps(rows, indent=2))


def scorer(text: str) -> Any:
    """Return a scorer as somebody writes it: an id, or YAML with parameters.

    Raises:
        UsageError: it is neither.
    """
    import yaml

    from shipworthy.core.errors import UsageError

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if isinstance(found, dict) and isinstance(found.get("use"), str):
        return found
    if isinstance(found, str) and found:
        return {"use": found}
    raise UsageError(f"--scorer {text[:60]!r} is no scorer: write its id, or '{{use: contains, parameter: value}}'")
