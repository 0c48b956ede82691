"""Run an incident: rate it, keep evidence, pull levers, show that they hold, report in time, learn from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._incident import incident_options, moment_of, opened, row_of, shown, status_lines, who
from shipworthy.cli._incident_after import clocks, draft, learn, postmortem, resolve
from shipworthy.cli._incident_books import runbook, tabletop
from shipworthy.cli._incident_contain import contain, expire, lever, snapshot, verify
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.cli._incident import OpenedIncident

_by = click.option("--by", metavar="NAME", default=None, help="Who does it; the user of this process if left out.")


@click.group("incident", no_args_is_help=True)
def command() -> None:
    """Run an incident: rate it, keep evidence, pull levers, show that they hold, report in time, learn from it.

    INCIDENT is an id, the beginning of one, or `latest`, which is meant where none is given. Nothing is ever changed
    or deleted: each verb adds rows to the control state, and an entry for each to the audit log.
    """


@command.command("open")
@click.argument("title", metavar="TITLE")
@click.option("--began", metavar="TIME", help="When the failure began, such as 2026-12-01T09:00:00Z, if it is known.")
@click.option("--aware", metavar="TIME", help="When the first of you knew; now if left out. Clocks of law count from it.")  # fmt: skip  # noqa: E501
@click.option("--from", "source", metavar="ID", default="", help="The signal or the finding that it comes from.")
@_by
@workspace_option
@allow_code_option
def open_(
    *, title: str, began: str | None, aware: str | None, source: str, by: str | None, workspace: Path, allow_code: bool
) -> None:
    """Open an incident: TITLE is one line on what is wrong, without names of people."""
    from shipworthy.incidents.incident import open_incident

    with opened(workspace, None, allow_code=allow_code) as here:
        if source:
            source = _source(here, source)
        found = open_incident(
            here.audit, here.workspace.system.id, title, who(by), began=moment_of(began), aware=moment_of(aware),
            source=source, secrets=here.secrets,
        )  # fmt: skip
    again = Again(workspace, allow_code)
    click.echo(f"{found.id}: opened, {shown(found.mark('aware'))}")
    click.echo(again.told("Rate it: `shipworthy incident severity`; keep evidence: `shipworthy incident snapshot`"))


@command.command("list")
@workspace_option
@allow_code_option
@form_option
@click.option("--open", "unresolved", is_flag=True, help="Only those that are not closed.")
def list_(*, workspace: Path, allow_code: bool, form: str, unresolved: bool) -> None:
    """List incidents, the oldest first."""
    from shipworthy.cli._tables import listing
    from shipworthy.incidents.incident import list_incidents

    with opened(workspace, None, allow_code=allow_code) as here:
        rows = [row_of(one) for one in list_incidents(here.audit, here.workspace.system.id)]
    rows = [row for row in rows if not unresolved or row["state"] != "closed"]
    columns = ("incident", "severity", "state", "minutes_to_contain", "title")
    click.echo(listing(rows, form, columns, right=("minutes_to_contain",), empty="no incident"))


@command.command()
@incident_options
@form_option
def show(*, incident: str, by: str | None, workspace: Path, allow_code: bool, form: str) -> None:
    """Show INCIDENT whole: where it stands, and all that happened, in people's own words."""
    del by
    with opened(workspace, incident, allow_code=allow_code) as here:
        if form == "json":
            click.echo(json.dumps(row_of(here.incident) | {"events": _events(here)}, indent=2, ensure_ascii=False))
            return
        click.echo("\n".join(status_lines(here)))
        click.echo("")
        for event in _events(here):
            click.echo(f"{event['at']}  {event['told']}  ({event['by']}, entry {event['entry']})")
            if event["text"]:
                click.echo(f"    {event['text']}")


@command.command()
@incident_options
@form_option
def status(*, incident: str, by: str | None, workspace: Path, allow_code: bool, form: str) -> int:
    """Say where INCIDENT stands: times, levers, clocks of law, and what is late.

    Exit codes: 0 nothing is overdue; 1 a clock of law is; 2 usage error; 4 invalid evidence.
    """
    del by
    with opened(workspace, incident, allow_code=allow_code) as here:
        lines = list(status_lines(here))
        click.echo(
            json.dumps(row_of(here.incident), indent=2, ensure_ascii=False) if form == "json" else "\n".join(lines)
        )
    return int(any("OVERDUE" in line for line in lines))


@command.command()
@click.option("--mark", type=click.Choice(["began", "aware", "triaged"]), help="Enter or correct a time; the former one stays in the log.")  # fmt: skip  # noqa: E501
@click.option("--at", metavar="TIME", help="When it was; now if left out.")
@click.option("--why", metavar="TEXT", default="", help="Why it is corrected, or how it is known.")
@click.option("--note", metavar="TEXT", help="Enter what is known or was decided.")
@click.option("--told", metavar="ROLE", help="Enter that a role was told.")
@incident_options
@form_option
def timeline(
    *, incident: str, by: str | None, mark: str | None, at: str | None, why: str, note: str | None, told: str | None,
    workspace: Path, allow_code: bool, form: str,
) -> None:  # fmt: skip
    """Show the timeline of INCIDENT, or enter something in it.

    When it was contained and resolved is entered by `incident contain` and `incident resolve`.
    """
    from shipworthy.cli._tables import listing
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.incidents.incident import NewEvent
    from shipworthy.workspace.kinds.role import Role

    with opened(workspace, incident, allow_code=allow_code) as here:
        events = []
        if mark is not None:
            events.append(NewEvent(what=mark, by=who(by), at=moment_of(at), text=why))  # type: ignore[arg-type]
        if note is not None:
            events.append(NewEvent(what="note", by=who(by), at=moment_of(at), text=note))
        if told is not None:
            roles = here.workspace.entities(Role)
            if roles and told not in roles:
                raise UsageError(f"there is no role {told!r}: {did_you_mean(told, list(roles))}")
            events.append(NewEvent(what="told", by=who(by), at=moment_of(at), about=told, text=why))
        if events:
            here.enter(*events)
        rows = sorted(_events(here), key=lambda row: str(row["at"]))
        click.echo(listing(rows, form, ("at", "told", "by"), empty=""))


@command.command()
@click.option("--impact", type=click.Choice(["low", "moderate", "high", "severe"]), help="What it does to somebody it reaches.")  # fmt: skip  # noqa: E501
@click.option("--reach", type=click.Choice(["one", "few", "many", "public"]), help="Whom it reaches.")
@click.option("--reversibility", type=click.Choice(["reversible", "costly", "irreversible"]), help="Whether it can be undone.")  # fmt: skip  # noqa: E501
@click.option("--interaction", type=click.Choice(["provoked", "usual", "none"]), help="What the person harmed had to do.")  # fmt: skip  # noqa: E501
@click.option("--harm", "harms", multiple=True, type=click.Choice(["personal-data", "death", "widespread"]), help="What makes a clock of law likely; may be given several times.")  # fmt: skip  # noqa: E501
@click.option("--as", "chosen", type=click.Choice(["S1", "S2", "S3", "S4"]), help="Rate it otherwise than recommended; needs --why.")  # fmt: skip  # noqa: E501
@click.option("--why", metavar="TEXT", default="", help="Why.")
@click.option("--dry-run", is_flag=True, help="Show the recommendation, and enter nothing.")
@incident_options
def severity(
    *, incident: str, by: str | None, impact: str | None, reach: str | None, reversibility: str | None,
    interaction: str | None, harms: tuple[str, ...], chosen: str | None, why: str, dry_run: bool, workspace: Path,
    allow_code: bool,
) -> None:  # fmt: skip
    """Rate INCIDENT: impact x reach x reversibility x interaction, with a recommendation that explains itself.

    Where a factor is not known, take the worse one: rating again is one command. A person may rate otherwise; both are
    kept. The first rating is when it was triaged.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.incidents.incident import NewEvent
    from shipworthy.incidents.severity import SeverityFactors, recommend

    given = {"impact": impact, "reach": reach, "reversibility": reversibility, "interaction": interaction}
    if missing := [f"--{name}" for name, value in given.items() if value is None]:
        raise UsageError(f"the recommendation needs {', '.join(missing)}; where it is not known, take the worse one")
    advice = recommend(SeverityFactors(**given))  # type: ignore[arg-type]
    click.echo(f"recommended: {advice.severity}")
    for sentence in advice.why:
        click.echo(f"  {sentence}")
    if chosen not in (None, advice.severity) and not why.strip():
        raise UsageError(f"it is rated {chosen} and recommended {advice.severity}: say why (--why)")
    if dry_run:
        return
    with opened(workspace, incident, allow_code=allow_code) as here:
        rated: Any = chosen or advice.severity
        detail = {**given, "product": advice.product, "recommended": advice.severity, "harms": list(harms)}
        events = [NewEvent(what="rated", by=who(by), severity=rated, outcome=advice.severity, text=why, detail=detail)]
        if here.incident.mark("triaged") is None:
            events.append(NewEvent(what="triaged", by=who(by)))
        here.enter(*events)
        click.echo("\n".join(status_lines(here)))


@command.command()
@click.option("--since", metavar="TIME", help="Only incidents that somebody was aware of from then on.")
@click.option("--until", metavar="TIME", help="Only those before.")
@click.option("--severity", "severities", multiple=True, type=click.Choice(["S1", "S2", "S3", "S4"]), help="Severities that count; S1 and S2 if left out.")  # fmt: skip  # noqa: E501
@workspace_option
@allow_code_option
@form_option
def mttc(
    *, since: str | None, until: str | None, severities: tuple[str, ...], workspace: Path, allow_code: bool, form: str
) -> None:
    """Say how long incidents took to contain, and to notice: every point, the median, a mean from five on.

    Contained means that the replay of the reproduction failed. The mean is geometric, its interval Student's t on the
    logarithm.
    """
    from shipworthy.incidents.containment_time import containment_times
    from shipworthy.incidents.incident import list_incidents

    with opened(workspace, None, allow_code=allow_code) as here:
        chosen: Any = severities or ("S1", "S2")
        found = containment_times(
            list_incidents(here.audit, here.workspace.system.id), severities=chosen, since=moment_of(since),
            until=moment_of(until),
        )  # fmt: skip
    if form == "json":
        said = found._asdict() | {"points": [one._asdict() for one in found.points]}
        for name in ("mean", "detect_mean"):
            said[name] = said[name]._asdict() if said[name] is not None else None
        click.echo(json.dumps(said, indent=2))
        return
    click.echo("\n".join(mttc_lines(found)))


def mttc_lines(found: Any) -> list[str]:
    """Return times to contain for people."""
    lines = []
    for one in found.points:
        detect = "not known" if one.detect is None else f"{one.detect:,.1f} min"
        held = f"{one.contain:,.1f} min to contain" if one.contain is not None else one.why
        lines.append(f"{one.incident}  {one.severity or 'not rated'}  {held}  (to notice: {detect})")
    n = sum(one.contain is not None for one in found.points)
    if found.median is None:
        lines.append("no incident was contained by a replay")
    else:
        mean = "no mean under 5 incidents"
        if found.mean is not None:
            mean = f"geometric mean {found.mean.mean:,.1f} min [{found.mean.low:,.1f}, {found.mean.high:,.1f}]"
        lines.append(f"MTTC: median {found.median:,.1f} min of {n}; {mean}")
    if found.detect_median is not None:
        lines.append(f"to notice: median {found.detect_median:,.1f} min")
    if found.open or found.unverified:
        lines.append(f"left out: {found.open} not contained, {found.unverified} only said to be")
    return lines


def _source(here: OpenedIncident, source: str) -> str:
    from shipworthy.core.signal import is_signal_id
    from shipworthy.store.findings import choose_finding
    from shipworthy.store.signals import find_signal

    if is_signal_id(source) or source.startswith("SG-"):
        return find_signal(here.audit, source).id
    from shipworthy.findings.steps import read_now

    return choose_finding(read_now(here.audit, here.workspace.system.id), source).standing.id


def _events(here: OpenedIncident) -> list[dict[str, Any]]:
    from shipworthy.incidents.papers import line_of

    return [
        {"entry": one.entry, "at": one.row.at, "what": one.row.what, "told": line_of(one.row), "by": one.row.by,
         "severity": one.row.severity, "about": one.row.about, "outcome": one.row.outcome, "text": one.row.text,
         "detail": one.row.detail}
        for one in here.incident.happened
    ]  # fmt: skip


for _verb in (snapshot, lever, expire, verify, contain, resolve, clocks, draft, postmortem, learn, runbook, tabletop):
    command.add_command(_verb)
