"""What the verbs of `incident` share: the incident that is named, and how it is shown."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipworthy.incidents.incident import Incident, NewEvent
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class OpenedIncident:
    """A workspace with its control state, and the incident that was named; None where none was."""

    workspace: Workspace
    layout: Layout
    audit: AuditLog
    secrets: tuple[str, ...]
    found: Incident | None

    @property
    def incident(self) -> Incident:
        """The incident that was named."""
        if self.found is None:
            raise RuntimeError("no incident was named")
        return self.found

    def enter(self, *events: NewEvent) -> Incident:
        """Append events, and return the incident as it is then."""
        from shipworthy.incidents.incident import enter_events

        self.found = enter_events(self.audit, self.incident, events, secrets=self.secrets)
        return self.found


def incident_options(function: F) -> F:
    """Add INCIDENT, ``--by`` and the options of a workspace; the function gets `incident`, `by`, `workspace`, ..."""
    by = click.option("--by", metavar="NAME", default=None, help="Who does it; the user of this process if left out.")
    wanted = click.argument("incident", metavar="[INCIDENT]", default="latest")
    return wanted(by(workspace_option(allow_code_option(function))))


def who(by: str | None) -> str:
    """Return who does it."""
    return by or getpass.getuser()


@contextmanager
def opened(workspace: Path, wanted: str | None, *, allow_code: bool) -> Iterator[OpenedIncident]:
    """Load a workspace, verify its audit log, and find an incident: an id, the beginning of one, or `latest`."""
    from shipworthy.cli._put_back import not_put_back
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.incidents.incident import find_incident
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    layout = Layout(workspace)
    with not_put_back(workspace), AuditLog(layout.control_url) as audit:
        audit.verify()
        found = None if wanted is None else find_incident(audit, loaded.system.id, wanted)
        yield OpenedIncident(loaded, layout, audit, known_secrets(loaded), found)


def moment_of(text: str | None) -> datetime | None:
    """Return a moment that was written, ISO 8601 with a zone; None where none was."""
    from shipworthy.core.calendar import read_moment
    from shipworthy.core.errors import UsageError

    if text is None:
        return None
    try:
        return read_moment(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def shown(moment: datetime | None) -> str:
    """Return a moment for people; nothing where there is none."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def span(seconds: float) -> str:
    """Return how long something is, for people.

    >>> span(59), span(3_700), span(-200_000)
    ('59 s', '1 h 1 min', '-2 d 7 h')
    """
    sign, left = ("-" if seconds < 0 else ""), int(abs(seconds))
    if left < 60:
        return f"{sign}{left} s"
    if left < 3_600:
        return f"{sign}{left // 60} min"
    if left < 86_400:
        return f"{sign}{left // 3_600} h {left % 3_600 // 60} min"
    return f"{sign}{left // 86_400} d {left % 86_400 // 3_600} h"


def row_of(incident: Incident) -> dict[str, Any]:
    """Return an incident as `list` shows it."""
    from shipworthy.core.incident import MARKS

    times: dict[str, Any] = {mark: (None if (at := incident.mark(mark)) is None else at.isoformat()) for mark in MARKS}
    aware, contained = incident.mark("aware"), incident.mark("contained")
    minutes = None
    if aware is not None and contained is not None:
        minutes = round((contained - aware).total_seconds() / 60, 2)
    return {
        "incident": incident.id, "state": incident.state, "severity": incident.severity, "title": incident.title,
        **times, "contained_by": incident.contained_by, "minutes_to_contain": minutes,
        "levers": [one.lever for one in incident.pulled], "cases": [one.about for one in incident.cases],
    }  # fmt: skip


def status_lines(opened_: OpenedIncident, now: datetime | None = None) -> Iterable[str]:
    """Yield where an incident stands, and what is due."""
    from shipworthy.core.incident import MARKS
    from shipworthy.incidents.clocks import clocks_of
    from shipworthy.workspace.kinds.escalation import Escalation

    incident, moment = opened_.incident, now or datetime.now(UTC)
    yield f"{incident.id}  {incident.severity or 'not rated'}  {incident.state}  {incident.title}"
    matrix = next((o for o in opened_.workspace.entities(Escalation).values() if o.severity == incident.severity), None)
    for mark in MARKS:
        at = incident.mark(mark)
        meant = ""
        if matrix is not None and mark in ("triaged", "contained") and (aware := incident.mark("aware")):
            minutes = matrix.triage_minutes if mark == "triaged" else matrix.contain_minutes
            late = ((at or moment) - aware).total_seconds() > minutes * 60
            meant = f"  (meant within {minutes:,} min of aware{', and is LATE' if late else ''})"
        yield f"  {mark:10} {shown(at) or '-'}{meant}"
    if matrix is not None:
        yield f"  led by {matrix.commander}; told: {', '.join(matrix.tell) or 'nobody'}"
    for pulled in incident.pulled:
        until = f" until {pulled.until}" if pulled.until else " without an end"
        over = pulled.until and datetime.fromisoformat(pulled.until) <= moment
        yield f"  lever {pulled.lever} pulled{until}{': its time is up (`shipworthy incident expire`)' if over else ''}"
    act = opened_.workspace.system.ai_act
    for clock in clocks_of(incident, moment, risk_class=act.risk_class if act else ""):
        if clock.state in ("running", "overdue") and clock.left is not None:
            word = "OVERDUE by" if clock.state == "overdue" else "due in"
            yield f"  clock {clock.clock.id}: {word} {span(abs(clock.left.total_seconds()))} ({shown(clock.due)})"
        elif clock.state == "not asked" and clock.likely:
            yield f"  clock {clock.clock.id}: nobody has said whether it applies, and {clock.likely}"
