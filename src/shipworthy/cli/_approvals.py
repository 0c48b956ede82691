"""Answer for calls of tools that wait in a gateway for a person's word."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from shipworthy.cli._options import form_option

if TYPE_CHECKING:
    from shipworthy.gateway.approvals import PendingCall

F = TypeVar("F", bound=Callable[..., Any])


def config_option(function: F) -> F:
    """Add the option that names a gateway's file."""
    path = click.Path(exists=True, dir_okay=False, path_type=Path)
    said = "The gateway's file."
    return click.option("--config", "config", metavar="FILE", required=True, type=path, help=said)(function)


def _word(function: F) -> F:
    why = click.option("--why", metavar="TEXT", required=True, help="Kept with the word.")
    by = click.option("--by", metavar="NAME", default=None, help="Who says so; the user of this process if left out.")
    return click.argument("approval", metavar="ID")(config_option(by(why(function))))


@click.group()
def approvals() -> None:
    """Answer for calls of tools that wait for a person's word."""


@approvals.command("list")
@config_option
@click.option("--all", "everything", is_flag=True, help="Also those that no longer wait.")
@form_option
def list_(*, config: Path, everything: bool, form: str) -> None:
    """List the calls that wait: id, state, until when, the client, the tool, and why it is asked about."""
    from shipworthy.gateway.approvals import read_all
    from shipworthy.gateway.config import state_of

    rows = [row for row in read_all(state_of(config)[0]) if everything or row.state == "waiting"]
    if form == "json":
        click.echo(_json([_plain(row) for row in rows]))
        return
    for row in rows:
        click.echo("\t".join(map(_line, (row.id, row.state, row.until, row.client, row.call.name, row.reason))))


@approvals.command()
@click.argument("approval", metavar="ID")
@config_option
@form_option
def show(*, approval: str, config: Path, form: str) -> None:
    """Show a call with its arguments, as it would be made, and what a person is asked about it."""
    from shipworthy.gateway import approvals as queue
    from shipworthy.gateway.config import state_of

    row, whole = queue.show(state_of(config)[0], approval)
    if form == "json":
        click.echo(_json({**_plain(row), "whole": whole}))
        return
    click.echo(f"{row.id}: {row.state}{_who(row)}")
    click.echo(f"asked {row.asked}, until {row.until}, for {row.client or 'a client without a key'}"
               f"{', session ' + _line(row.session) if row.session else ''}, request {row.request}")  # fmt: skip
    click.echo(_line(row.reason))
    if not whole:
        click.echo("personal data and credentials are taken out: nobody waits for a word on it any more")
    click.echo(f"\n{_line(row.call.name)}\n{_json(row.call.arguments)}")
    for question in row.questions:
        about = f"{question.argument} = {question.value}" if question.argument else "the call"
        origin = f"; it stands in what {question.origin} read" if question.origin else ""
        click.echo(f"- {_line(about)}: {_line(question.why)}{_line(origin)}")
    if row.arguments is not None:
        click.echo(f"made with\n{_json(row.arguments)}")


@approvals.command()
@_word
@click.option("--arguments", metavar="JSON", default=None, help="Make the call with these instead; the policy decides over them again.")  # fmt: skip  # noqa: E501
def approve(*, approval: str, config: Path, by: str | None, why: str, arguments: str | None) -> int:
    """Let the call ID be made, with exactly its values or with those that you give."""
    import msgspec

    changed: Any = None
    if arguments is not None:
        try:
            changed = msgspec.json.decode(arguments)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            changed = None
        if not isinstance(changed, dict):
            raise click.UsageError("--arguments is a JSON object with all arguments of the call")
    return _answer(config, approval, granted=True, by=by, why=why, arguments=changed)


@approvals.command()
@_word
def deny(*, approval: str, config: Path, by: str | None, why: str) -> int:
    """Refuse the call ID. The client is told that a person said no, and not why."""
    return _answer(config, approval, granted=False, by=by, why=why, arguments=None)


@approvals.command("drill")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@click.option("--every", default=120.0, show_default=True, type=click.FloatRange(0, 86_400), help="Seconds between two, on average.")  # fmt: skip  # noqa: E501
@click.option("--wait", default=300.0, show_default=True, type=click.FloatRange(1, 86_400), help="Seconds that each waits: take the gateway's own.")  # fmt: skip  # noqa: E501
@click.option("--seed", default=0, show_default=True, help="Of the order and the pauses.")
def drill_(*, file: Path, config: Path, every: float, wait: float, seed: int) -> None:
    """Put the made-up calls of FILE among those that wait, and see who looks before they answer.

    They look like any other call, nobody asked for them, and nothing makes them whatever is said. FILE is YAML:
    `items`, each with `right` (approve or deny), `tool`, `arguments`, `reason`, and if wanted `questions`, `client`,
    `session`, `rule`. It runs until the last one is answered or has waited long enough; `approvals oversight` shows
    what it found. Tell people that drills happen, and not when.
    """
    import asyncio

    from shipworthy.gateway.config import state_of
    from shipworthy.gateway.drill import drill, read_items

    items = read_items(file)
    found = asyncio.run(
        drill(
            state_of(config)[0],
            items,
            every_s=every,
            wait_s=wait,
            seed=seed,
            tell=lambda said: click.echo(said, err=True),
        )
    )
    answered = [one for one in found if one.said is not None]
    click.echo(
        f"{len(found):,} calls, {len(answered):,} answered, {sum(o.said == o.right for o in answered):,} rightly"
    )


@approvals.command("oversight")
@config_option
@form_option
def oversight_(*, config: Path, form: str) -> None:
    """Show how well those who answer watch: by drills, with 95 % limits, and by place in a sitting."""
    import msgspec

    from shipworthy.evals.oversight import KnownWord, watches
    from shipworthy.gateway.approvals import read_all
    from shipworthy.gateway.config import state_of
    from shipworthy.gateway.drill import drilled

    state = state_of(config)[0]
    known = list(drilled(state))
    mine = {one.row.id for one in known}
    words = [
        KnownWord(one.row.by, _seconds(one.row.at), one.right == "deny", one.said == "deny")
        for one in known
        if one.said is not None
    ]
    others = [(row.by, _seconds(row.at)) for row in read_all(state) if row.by and row.id not in mine]
    found = watches(words, others)
    unanswered = len(known) - len(words)
    if form == "json":
        people = [{**one._asdict(), "fatigue": [p._asdict() for p in one.fatigue]} for one in found]
        click.echo(_json({"drilled": len(known), "unanswered": unanswered, "people": msgspec.to_builtins(people)}))
        return
    from shipworthy.cli._release_review import watch_lines

    click.echo(f"{len(known):,} calls of drills, {unanswered:,} without an answer: those were refused")
    for line in watch_lines(
        found, "calls of drills", "of the calls to refuse; the rest were waved through", "of the calls to let pass"
    ):
        click.echo(line)


def _seconds(when: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(when).timestamp()


def _answer(
    config: Path, approval: str, *, granted: bool, by: str | None, why: str, arguments: dict[str, Any] | None
) -> int:
    from shipworthy.gateway import approvals as queue
    from shipworthy.gateway.config import state_of

    by, state = by or getpass.getuser(), state_of(config)[0]
    row, first = queue.answer(state, approval, granted=granted, by=by, why=why, arguments=arguments)
    if first:
        again = "; the policy decides again over the changed arguments" if row.arguments is not None else ""
        click.echo(f"{row.id} is {row.state}{again}")
        return 0
    said = {
        "approved": f"was answered before{_who(row)}",
        "denied": f"was answered before{_who(row)}",
        "waiting": "was answered, or ended, this very moment",
        "expired": "was refused: nobody had answered in time",
        "gone": "is no more: its request had ended",
        "lost": "is no more: the worker that waited for it has ended, and the call was never made",
    }
    click.echo(f"{row.id} {said[row.state]}. This word does not count.", err=True)
    return 1


def _plain(row: PendingCall) -> dict[str, Any]:
    import msgspec

    told: dict[str, Any] = msgspec.to_builtins(row)
    return told


def _who(row: PendingCall) -> str:
    return f": {row.state} by {_line(row.by)} at {row.at} ({_line(row.why)})" if row.by else ""


def _line(text: str) -> str:
    """Return a text on one line, without what would steer a terminal: a model may have written it."""
    return "".join(c if c.isprintable() else " " for c in text)


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=2)
