"""An incident as it stands: what its events say, folded. Nothing is stored beside them."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from msgspec import Struct

from shipworthy.core.calendar import read_moment, write_moment
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.incident import MARKS, EventWord, IncidentEvent, Mark
from shipworthy.core.incident_entry import INCIDENT
from shipworthy.core.severity import Severity
from shipworthy.store.audit import AuditLog
from shipworthy.store.happened import Happened, entered
from shipworthy.store.incidents import add_event, check_event, choose_incident, read_events

REPLAYED, UNVERIFIED = "replayed", "unverified"
"""How ``contained`` was found: the replay of the reproduction failed; or somebody says so, which is in no figure."""


class PulledLever(NamedTuple):
    """A lever that was pulled for an incident and not let go of since.

    Attributes:
        event: what was entered.
        until: when it lets go of itself, ISO 8601; empty for never.
    """

    lever: str
    event: IncidentEvent
    until: str


@dataclass(frozen=True)
class Incident:
    """An incident.

    Attributes:
        happened: its events with their entries, as they were entered.
    """

    id: str
    system: str
    happened: tuple[Happened, ...]

    @cached_property
    def events(self) -> tuple[IncidentEvent, ...]:
        """Its events, as they were entered."""
        return tuple(one.row for one in self.happened)

    def of(self, what: EventWord) -> list[IncidentEvent]:
        """Return its events of one kind, as they were entered."""
        return [event for event in self.events if event.what == what]

    def last(self, what: EventWord) -> IncidentEvent | None:
        """Return the newest event of one kind; None where there is none."""
        return next(iter(reversed(self.of(what))), None)

    @property
    def title(self) -> str:
        """One line on what it is."""
        return self.of("opened")[0].text

    @property
    def severity(self) -> Severity | None:
        """S1 (worst) to S4, as it was rated last; None before."""
        rated = self.last("rated")
        return (rated.severity or None) if rated is not None else None

    def mark(self, mark: Mark) -> datetime | None:
        """Return when a time of its timeline was; None where it has none. Reopening takes back what came after it."""
        entries = [one for one in self.happened if one.row.what == mark]
        if mark in ("contained", "resolved"):
            again = max((one.entry for one in self.happened if one.row.what == "reopened"), default=0)
            entries = [one for one in entries if one.entry > again]
        return read_moment(entries[-1].row.at) if entries else None

    @property
    def contained_by(self) -> str:
        """How `contained` was found (`REPLAYED`, `UNVERIFIED`); empty where it is not contained."""
        event = self.last("contained")
        return event.outcome if event is not None and self.mark("contained") is not None else ""

    @property
    def state(self) -> str:
        """``open``, ``contained``, ``resolved`` or ``closed``."""
        closed = [one for one in self.events if one.what in ("closed", "reopened")]
        if closed and closed[-1].what == "closed":
            return "closed"
        if self.mark("resolved") is not None:
            return "resolved"
        return "contained" if self.mark("contained") is not None else "open"

    @property
    def pulled(self) -> list[PulledLever]:
        """The levers that were pulled for it and not let go of; one whose time is up stays until that is entered."""
        found: dict[str, PulledLever] = {}
        for event in self.events:
            if event.what == "pulled":
                found[event.about] = PulledLever(event.about, event, str(event.detail.get("until", "")))
            elif event.what in ("released", "expired"):
                found.pop(event.about, None)
        return list(found.values())

    @property
    def cases(self) -> list[IncidentEvent]:
        """The regression cases that it brought."""
        return self.of("case")


class NewEvent(Struct, frozen=True, kw_only=True):
    """What is to be entered: the fields of `IncidentEvent` without the incident's own."""

    what: EventWord
    by: str
    at: datetime | None = None
    severity: str = ""
    about: str = ""
    outcome: str = ""
    text: str = ""
    detail: dict[str, Any] = {}


def open_incident(
    audit: AuditLog,
    system: str,
    title: str,
    by: str,
    *,
    began: datetime | None = None,
    aware: datetime | None = None,
    source: str = "",
    secrets: Sequence[str] = (),
    now: datetime | None = None,
) -> Incident:
    """Open an incident, with the moment from which on somebody knew of it.

    Args:
        title: one line, no names of people; redacted.
        began: when the failure began, as far as is known.
        aware: when the first person here knew; now if left out. Clocks of law count from it.
        source: id of the signal, the finding or the alarm that it comes from; empty for none.

    Raises:
        UsageError: the title is empty, or a time is ahead or before its predecessor.
        StoreError: the database cannot be written.
    """
    moment = now or datetime.now(UTC)
    title = " ".join(title.split())
    if not title:
        raise UsageError("an incident needs a title: one line that says what is wrong")
    id = f"INC-{moment:%Y%m%dT%H%M%S}Z-{random.token_hex(3)}"
    new = [NewEvent(what="opened", by=by, about=source, text=title[:300])]
    if began is not None:
        new.append(NewEvent(what="began", by=by, at=began))
    new.append(NewEvent(what="aware", by=by, at=aware or moment))
    incident = Incident(id, system, ())
    return enter_events(audit, incident, new, secrets=secrets, now=moment)


def enter_events(
    audit: AuditLog,
    incident: Incident,
    new: Iterable[NewEvent],
    *,
    secrets: Sequence[str] = (),
    now: datetime | None = None,
) -> Incident:
    """Append events to an incident in one transaction, and return it as it is then.

    Raises:
        UsageError: it is closed; or a time of the timeline does not fit the others.
        StoreError: the database cannot be written.
    """
    moment = now or datetime.now(UTC)
    events = _rows(incident, new, moment)
    with audit.appending() as appender:
        # Read again: somebody else may have entered something meanwhile.
        there = incident
        if incident.events:
            there = _folded(incident.id, entered(appender, {INCIDENT: IncidentEvent}, about=incident.id))
        for event in events:
            _check(there, event)
            kept = add_event(appender, event, secrets=secrets, now=moment)
            there = _with(there, kept)
    return load_incident(audit, incident.id)


def check_events(incident: Incident, new: Iterable[NewEvent], *, now: datetime | None = None) -> None:
    """Check that events could be entered: for what is done before it can be entered. Errors as for `enter_events`."""
    moment = now or datetime.now(UTC)
    for event in _rows(incident, new, moment):
        _check(incident, event)
        check_event(event, moment)


def _rows(incident: Incident, new: Iterable[NewEvent], moment: datetime) -> list[IncidentEvent]:
    return [
        IncidentEvent(
            incident=incident.id,
            system=incident.system,
            what=one.what,
            at=write_moment(one.at or moment),
            by=one.by,
            severity=one.severity,  # type: ignore[arg-type]
            about=one.about,
            outcome=one.outcome,
            text=one.text,
            detail=one.detail,
        )
        for one in new
    ]


def load_incident(audit: AuditLog, id: str) -> Incident:
    """Return an incident by its whole id, its rows held against the audit chain, which is not verified here.

    Raises:
        IntegrityError: a row is gone, or is not what was recorded.
        UsageError: there is none.
    """
    return _folded(id, read_events(audit, id))


def find_incident(audit: AuditLog, system: str, wanted: str) -> Incident:
    """Return an incident: by its id, the beginning of one, or ``latest``. Errors as for `load_incident`."""
    return load_incident(audit, choose_incident(audit, system, wanted))


def list_incidents(audit: AuditLog, system: str) -> list[Incident]:
    """Return the incidents of a system, oldest first. Errors as for `load_incident`."""
    found: dict[str, list[Happened]] = {}
    for one in read_events(audit):
        if one.row.system == system:
            found.setdefault(one.row.incident, []).append(one)
    return [_folded(id, happened) for id, happened in found.items()]


def _with(incident: Incident, event: IncidentEvent) -> Incident:
    """Return an incident with one more event, whose entry is not known yet."""
    number = incident.happened[-1].entry + 1 if incident.happened else 1
    return Incident(incident.id, incident.system, (*incident.happened, Happened(number, event.at, "", event)))


def _folded(id: str, happened: Sequence[Happened]) -> Incident:
    if not happened:
        raise UsageError(f"there is no incident {id!r}")
    if happened[0].row.what != "opened":
        raise IntegrityError(f"audit log: the first entry of {id} does not open it")
    return Incident(id, happened[0].row.system, tuple(happened))


def _check(incident: Incident, event: IncidentEvent) -> None:
    """Refuse what cannot have happened."""
    if incident.state == "closed" and event.what not in ("reopened", "note", "clock", "draft", "told", "step", "lead"):
        raise UsageError(f"{incident.id} is closed: `shipworthy incident resolve --reopen` opens it again")
    if event.what not in MARKS:
        return
    at, place = read_moment(event.at), MARKS.index(event.what)
    for other in MARKS:
        there = incident.mark(other)
        if there is None or other == event.what:
            continue
        if (MARKS.index(other) < place and there > at) or (MARKS.index(other) > place and there < at):
            word = "after" if there > at else "before"
            raise UsageError(
                f"{event.what} at {event.at} cannot be: {incident.id} has {other} {word} it, at {write_moment(there)}"
            )
