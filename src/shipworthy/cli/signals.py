"""Take in signs that something may be wrong, and see which of them are one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, form_option, workspace_option
from shipworthy.core.signal_entry import SIGNAL_KINDS

if TYPE_CHECKING:
    from shipworthy.core.severity import Severity
    from shipworthy.core.signal import Signal
    from shipworthy.findings.cluster import SignalCluster
    from shipworthy.store.signals import TakenSignals

FORMATS = ("csv", "sarif", "garak", "promptfoo", "pyrit")
SEVERITIES = click.Choice(["S1", "S2", "S3", "S4"])
SHOWN = 36
"""Characters of a title in a table."""


@click.group("signals", no_args_is_help=True)
def command() -> None:
    """Take in signs that something may be wrong, and see which of them are one."""


@command.command()
@click.option("--title", required=True, metavar="TEXT", help="What was seen, in one line; redacted.")
@click.option("--text", default="", metavar="TEXT", help="What was seen or said, whole; redacted.")
@click.option("--kind", type=click.Choice(SIGNAL_KINDS), default="user_report", show_default=True, help="Who or what saw it.")  # fmt: skip  # noqa: E501
@click.option("--source", default="cli", show_default=True, metavar="NAME", help="Where it comes from.")
@click.option("--id", "source_id", default="", metavar="ID", help="Its id there: what comes twice is taken once.")
@click.option("--severity", type=SEVERITIES, help="S1 is the worst; left out, nobody rated it.")
@click.option("--feature", default="", metavar="NAME", help="Part of the product.")
@click.option("--who", default="", metavar="CODE", help="A code of whom it affects; no name and no address.")
@click.option("--ref", "refs", metavar="REF", multiple=True, help="A trace, a run, an address; may be repeated.")
@click.option("--sample", default="", metavar="TEXT", help="What was asked, where that is known; redacted.")
@click.option("--at", default="", metavar="TIME", help="When it was seen, as 2026-12-01T10:00:00Z; now if left out.")
@workspace_option
@allow_code_option
def add(*, workspace: Path, allow_code: bool, at: str, **given: Any) -> None:
    """Take in one signal: a user's report, a ticket, what a red team saw."""
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.signals import add_signals, make_signal
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    made = make_signal(system=loaded.system.id, at=at or now(), secrets=known_secrets(loaded), **given)
    with AuditLog(Layout(workspace).control_url) as audit:
        taken = add_signals(audit, [made])
    say(taken, Again(workspace, allow_code))


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "form", type=click.Choice(FORMATS), help="The format; told by the file if left out.")
@click.option("--source", default="", metavar="NAME", help="Where the rows of a CSV file come from.")
@click.option("--severity", type=SEVERITIES, help="Of everything in a file of garak, promptfoo or PyRIT, which give none.")  # fmt: skip  # noqa: E501
@click.option("--feature", default="", metavar="NAME", help="Part of the product, of such a file.")
@workspace_option
@allow_code_option
def import_(
    *, workspace: Path, allow_code: bool, file: Path, form: str | None, source: str, severity: Severity | None,
    feature: str,
) -> None:  # fmt: skip
    """Take in FILE: CSV, SARIF 2.1.0, or results of garak, promptfoo or PyRIT.

    A malformed file is refused with line and field, and nothing of it is taken in. What was taken in before is known by
    its id in the file, so the same file may be taken in again.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.findings.intake import foreign, sarif, table
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.signals import add_signals
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    system, secrets, form = loaded.system.id, known_secrets(loaded), form or _form(file)
    if form not in foreign.KINDS and (severity or feature):
        raise UsageError(f"--severity and --feature are for {', '.join(foreign.KINDS)}: a {form} file says them itself")
    if source and form != "csv":
        raise UsageError("--source is for CSV: other files say where they come from")
    if form == "csv":
        found = table.read(file, system, source=source, now=now(), secrets=secrets)
    elif form == "sarif":
        found = sarif.read(file, system, now=now(), secrets=secrets)
    else:
        found = foreign.read(file, system, form, now=now(), severity=severity, feature=feature, secrets=secrets)
    with AuditLog(Layout(workspace).control_url) as audit:
        taken = add_signals(audit, found)
    say(taken, Again(workspace, allow_code))


@command.command("list")
@click.option("--kind", type=click.Choice(SIGNAL_KINDS), help="Only of this kind.")
@workspace_option
@form_option
def list_(*, workspace: Path, form: str, kind: str | None) -> None:
    """List the signals, oldest first."""
    from shipworthy.cli._tables import listing, shorten
    from shipworthy.core.terminal import escape

    rows = [
        {**_row(one), "title": shorten(escape(one.title), SHOWN) if form == "text" else one.title}
        for one in _read(workspace)
        if kind in (None, one.kind)
    ]
    empty = Again(workspace).told("no signal yet: `shipworthy signals import` takes some in")
    click.echo(listing(rows, form, ("id", "kind", "severity", "title"), empty=empty))


@command.command()
@click.argument("signal", metavar="SIGNAL")
@workspace_option
@form_option
def show(*, workspace: Path, form: str, signal: str) -> None:
    """Show SIGNAL (an id, or the beginning of one), redacted as it is kept, and what became of it."""
    import json

    from shipworthy.core.terminal import escape
    from shipworthy.findings.steps import read_now
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.signals import find_signal

    with AuditLog(Layout(workspace).control_url) as audit:
        audit.verify()
        one = find_signal(audit, signal)
        led = [id for id, finding in read_now(audit, one.system).items() if one.id in finding.signals]
    told = {**_row(one), "findings": led}
    if form == "json":
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for name, value in told.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        if shown:
            click.echo(f"{name}: {escape(str(shown))}")


@command.command()
@click.option("--all", "whole", is_flag=True, help="Also signals that led to a finding.")
@click.option("--alike", default=0.5, show_default=True, metavar="SHARE", type=click.FloatRange(0.05, 1), help="Share of 5-grams from which on two texts are one.")  # fmt: skip  # noqa: E501
@workspace_option
@form_option
def cluster(*, workspace: Path, form: str, whole: bool, alike: float) -> None:
    """Show which signals are one, and why; ranked by severity, reach and novelty.

    No model is asked: two signals are one where their words, or their samples, are the same, or where they share enough
    of their 5-grams. A cluster is called by its oldest signal, so its name stays when more come.
    """
    import json

    from shipworthy.core.terminal import escape
    from shipworthy.findings.cluster import cluster as clusters
    from shipworthy.findings.steps import read_now
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    signals = _read(workspace)
    by_id = {one.id: one for one in signals}
    with AuditLog(Layout(workspace).control_url) as audit:
        systems = {one.system for one in signals}
        findings = [one for system in systems for one in read_now(audit, system).values()]
    known = {one.standing.id: [by_id[id] for id in one.signals if id in by_id] for one in findings}
    led = set() if whole else {id for one in findings for id in one.signals}
    found = clusters([one for one in signals if one.id not in led], known, alike=alike)
    if form == "json":
        click.echo(json.dumps([_told(one) for one in found], indent=2, ensure_ascii=False))
        return
    if not found:
        click.echo(Again(workspace).told("no signal waits: `shipworthy signals import` takes some in"))
    for one in found:
        rated = one.severity if one.rated else f"unrated, taken as {one.severity}"
        known_as = f", like {one.known}" if one.known else ""
        click.echo(f"{one.id}  {escape(one.signals[0].title)}")
        click.echo(f"    rank {one.rank:.1f}: {rated} x reach {one.reach} x novelty {one.novelty:.2f}{known_as}")
        for join in one.joins:
            click.echo(f"    {join.signal} is like {join.like}: {escape(join.because)}")
    if found:
        words = ("finding", "open", *(one.id for one in found[0].signals[:3]))
        click.echo(f"Next:  {Again(workspace).line(*words)} --help", err=True)


def now() -> str:
    """Return the moment, as rows hold it."""
    from datetime import UTC, datetime

    from shipworthy.core.calendar import write_moment

    return write_moment(datetime.now(UTC))


def say(taken: TakenSignals, again: Again) -> None:
    """Say what became of signals that were given."""
    for one in taken.new[:20]:
        click.echo(f"{one.id}  {one.kind}  {one.severity or 'unrated'}")
    more = f" (and {len(taken.new) - 20:,} more)" if len(taken.new) > 20 else ""
    click.echo(f"{len(taken.new):,} new{more}, {len(taken.known):,} were there already")
    click.echo(f"Next:  {again.line('signals', 'cluster')}", err=True)


def _read(workspace: Path) -> list[Signal]:
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.store.signals import read_signals

    layout = Layout(workspace)
    layout.run_ids()  # refuses a folder that is not there
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        return read_signals(audit)


def _row(one: Signal) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(one)
    return found


def _told(one: SignalCluster) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.signals[0].title,
        "rank": round(one.rank, 3),
        "severity": one.severity,
        "rated": one.rated,
        "reach": one.reach,
        "novelty": one.novelty,
        "known": one.known,
        "signals": [signal.id for signal in one.signals],
        "joins": [join._asdict() for join in one.joins],
    }


def _form(file: Path) -> str:
    from shipworthy.core.errors import UsageError

    name = file.name.lower()
    with file.open("rb") as opened:
        first = opened.read(4096)
    if first.startswith(b"SQLite format 3"):
        return "pyrit"
    if name.endswith(".csv"):
        return "csv"
    if b'"entry_type"' in first:
        return "garak"
    if name.endswith(".sarif") or b"sarif" in first:
        return "sarif"
    if b'"evalId"' in first or b'"results"' in first[:400]:
        return "promptfoo"
    raise UsageError(f"{file}: in no format that is known; say which with --from ({', '.join(FORMATS)})")
