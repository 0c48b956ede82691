"""Verify the audit log, list its entries, and keep its head in git.

Runs, sittings, decisions, labels, confirmations and deletions are entries of one hash chain.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from shipworthy.cli._options import form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout


@click.group(no_args_is_help=True)
def command() -> None:
    """Verify the audit log, list its entries, and keep its head in git.

    Runs, sittings, decisions, labels, confirmations and deletions are entries of one hash chain.
    """


def _heads(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return heads as ``sha256:<64 hex>``, given with or without the prefix."""
    for value in values:
        if not re.fullmatch(r"(sha256:)?[0-9a-fA-F]{64}", value, re.ASCII):
            raise click.BadParameter(f"{value!r} is no head: 64 hex digits, as `audit verify` prints", ctx, parameter)
    return tuple(f"sha256:{value.removeprefix('sha256:').lower()}" for value in values)


@command.command()
@workspace_option
@click.option("--head", "heads", metavar="HASH", multiple=True, callback=_heads, help="A head that you kept elsewhere: the log must have had it. May be repeated.")  # fmt: skip  # noqa: E501
@click.option("--no-anchors", is_flag=True, help="Leave the anchors in git alone.")
@click.option("--logs", is_flag=True, help="Read every run's logs as well: each must have the heads that are entered.")
@form_option
def verify(workspace: Path, heads: tuple[str, ...], no_anchors: bool, logs: bool, form: str) -> int:
    """Check every entry of the audit log, and print its head.

    Holds against it the heads that you give, the anchors in the workspace's git repository, and the decisions kept on
    the disk. Without a head from elsewhere nobody can tell that the newest entries were cut off.

    Exit codes: 0 it holds, 2 usage error, 4 it does not.
    """
    import json

    from shipworthy.cli import FAILURE, SHIP
    from shipworthy.core.errors import IntegrityError
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    layout.run_ids()  # refuses a folder that is not there
    wrong: list[str] = []
    found, entries, head = None, 0, ""
    anchors: int | None = None
    with AuditLog(layout.control_url) as audit:
        try:
            found = audit.verify()
            entries, head = found.entries, found.head
            for wanted in heads:
                if wanted != head:
                    audit.verify(wanted)
        except IntegrityError as error:
            wrong.append(str(error))
        if found is not None:
            if not no_anchors:
                anchors, loose = _anchored(audit, workspace)
                wrong += loose
            wrong += _decisions(audit, layout)
            if logs:
                wrong += _logs(audit, layout)
    if form == "json":
        value = {"ok": not wrong, "entries": entries, "head": head, "anchors": anchors, "problems": wrong}
        click.echo(json.dumps(value, indent=2))
    else:
        if found is not None:
            click.echo(f"entries  {entries:,}\nhead     {head}")
            click.echo("anchors  " + ("not looked for" if anchors is None else f"{anchors:,} fit"))
        for problem in wrong:
            click.echo(f"BAD      {problem}")
        click.echo("The audit log is not what was written." if wrong else "The audit log holds.")
    return FAILURE if wrong else SHIP


def _anchored(audit: AuditLog, workspace: Path) -> tuple[int, list[str]]:
    """Return how many of git's anchors for a workspace fit, and what is wrong with others; none outside git."""
    from shipworthy.store.anchors import NoRepository, Repository, hold

    try:
        repository = Repository(workspace)
    except NoRepository:
        return 0, []
    return hold(audit, repository.anchors(), repository.workspace)


def _decisions(audit: AuditLog, layout: Layout) -> list[str]:
    """Return which decisions on the disk are not those that were entered."""
    from shipworthy.core.errors import IntegrityError
    from shipworthy.store.register import DECISION_MADE, decision_digest

    entered = {e.body["decision"]: e.body["digest"] for e in audit.of_kinds(DECISION_MADE)}
    wrong = []
    for name in layout.decision_ids():
        try:
            digest = decision_digest(layout.load_decision(name))
        except IntegrityError as error:
            wrong.append(str(error))
            continue
        if name not in entered:
            wrong.append(f"{name}: kept on the disk, and not in the audit log: it was never entered, or was cut off")
        elif entered[name] != digest:
            wrong.append(f"{name}: changed since it was entered")
    return wrong


def _logs(audit: AuditLog, layout: Layout) -> list[str]:
    """Return which runs' logs are not what was entered of them."""
    from shipworthy.core.errors import ShipworthyError
    from shipworthy.store.heads import known
    from shipworthy.store.reading import RunReading

    wrong = []
    for name in layout.run_ids():
        try:
            passed = [head for some in known(audit, name).heads.values() for head in some]
            lost = RunReading(layout.runs / name, passed=passed).lost
        except ShipworthyError as error:
            wrong.append(str(error))
            continue
        if lost:
            wrong.append(f"{name}: its logs lack {len(lost):,} of the heads that were entered: lines were cut off")
    return wrong


@command.command()
@workspace_option
@click.option("--as", "how", type=click.Choice(["tag", "note"]), default="tag", show_default=True, help="An annotated tag of its own, or a note on the commit that is checked out.")  # fmt: skip  # noqa: E501
def anchor(workspace: Path, how: Literal["tag", "note"]) -> None:
    """Write the audit log's head into the workspace's git repository, once it is verified.

    `audit verify` holds every anchor against the log. An anchor is worth what others hold of it: push it.
    """
    from shipworthy.core.errors import IntegrityError, UsageError
    from shipworthy.store.anchors import Repository, hold
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    layout.run_ids()
    repository = Repository(workspace)
    with AuditLog(layout.control_url) as audit:
        found = audit.verify()
        if not found.entries:
            raise UsageError("the audit log has no entry yet: `shipworthy eval` makes the first")
        first = next(iter(audit.entries())).hash
        _, wrong = hold(audit, repository.anchors(), repository.workspace)
        if wrong:
            raise IntegrityError("the audit log does not fit its earlier anchors:\n" + "\n".join(wrong))
    name = repository.anchor(first, found.entries, found.head, how)
    click.echo(f"entries  {found.entries:,}\nhead     {found.head}\nanchor   {name}")
    click.echo(f"\nNext:  git push origin {name if how == 'note' else f'refs/tags/{name}'}   # where others hold it")


@command.command("list")
@workspace_option
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Only entries of this kind, such as run.started; may be repeated.")  # fmt: skip  # noqa: E501
@click.option("--about", metavar="ID", help="Only entries about this run, decision or other id.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True, help="How many to show, the newest.")  # fmt: skip  # noqa: E501
@form_option
def list_(workspace: Path, kinds: tuple[str, ...], about: str | None, limit: int, form: str) -> None:
    """List the newest entries of the audit log, oldest first, as they are stored: `audit verify` checks them."""
    import json
    from collections import deque

    from shipworthy.cli._tables import listing, shorten
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    layout.run_ids()
    rows: deque[dict[str, Any]] = deque(maxlen=limit)
    with AuditLog(layout.control_url) as audit:
        for entry in audit.about(about) if about else audit.entries():
            if not kinds or entry.kind in kinds:
                rows.append({"number": entry.number, "at": entry.at, "kind": entry.kind, "body": entry.body})
    if form == "text":
        for row in rows:
            row["body"] = shorten(json.dumps(row["body"], ensure_ascii=True), 120)
    click.echo(listing(list(rows), form, ("number", "at", "kind", "body"), empty="the audit log has no such entry"))
