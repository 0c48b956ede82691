"""Incidents, drills and exercises in the control state: rows beside the audit chain, only ever added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import get_args

from msgspec.structs import replace

from shipworthy.core.calendar import read_moment
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.incident import EventWord, IncidentEvent, LeverDrill, TabletopRecord
from shipworthy.core.incident_entry import DRILLED, EXERCISED, INCIDENT
from shipworthy.detect.redact import redact_json, redact_text
from shipworthy.store.audit import Appender, AuditLog
from shipworthy.store.happened import Happened, enter, entered
from shipworthy.store.layout import Layout

LONGEST_TEXT = 20_000
"""Characters of what a person says of an event; `LONGEST_NAME` of a name."""
LONGEST_NAME = 200
AHEAD = timedelta(minutes=5)
"""How far ahead of this machine's clock an event may lie: clocks differ."""

_FACTS = ("incident", "system", "what", "at", "by", "severity", "about", "outcome")
_NAMES = ("incident", "system", "by", "about", "outcome")


def add_event(
    audit: AuditLog | Appender, event: IncidentEvent, *, secrets: Sequence[str] = (), now: datetime | None = None
) -> IncidentEvent:
    """Append an event to its incident, and return it as it is kept: redacted. Durable when this returns.

    Args:
        audit: the log; or a transaction in it, with which it becomes durable.
        secrets: strings that are secret here, taken out of its words.
        now: this moment, where a clock of its own runs.

    Raises:
        UsageError: something of it is empty, too long, or ahead of time.
        StoreError: the database cannot be written.
    """
    check_event(event, now)
    kept = replace(
        event,
        by=redact_text(event.by, secrets),
        text=redact_text(event.text.strip(), secrets)[:LONGEST_TEXT],
        detail=redact_json(event.detail, secrets),
    )
    if isinstance(audit, Appender):
        _enter(audit, kept)
    else:
        with audit.appending() as appender:
            _enter(appender, kept)
    return kept


def check_event(event: IncidentEvent, now: datetime | None = None) -> None:
    """Check that an event could be appended. Arguments and errors as for `add_event`."""
    if event.what not in get_args(EventWord):
        raise UsageError(f"nothing called {event.what!r} happens in an incident")
    for name in ("incident", "system", "by"):
        if not getattr(event, name).strip():
            raise UsageError(f"an event of an incident needs {name!r}: it is empty")
    for name in _NAMES:
        value: str = getattr(event, name)
        if len(value) > LONGEST_NAME or not value.isprintable():
            raise UsageError(f"{name!r} of an event is one line of at most {LONGEST_NAME} characters")
    _check_time(event.at, now)


def read_events(audit: AuditLog, incident: str = "") -> list[Happened]:
    """Return the events of an incident, or of all, as they were entered, each held against its entry.

    The chain is not verified here.

    Raises:
        IntegrityError: a row is gone, or is not what was recorded.
        StoreError: the database cannot be read.
    """
    return entered(audit, {INCIDENT: IncidentEvent}, about=incident)


def choose_incident(audit: AuditLog, system: str, wanted: str) -> str:
    """Return the id of an incident: by its id, the beginning of one, or ``latest``.

    Raises:
        UsageError: there is none, or there are several.
    """
    known = [one.row.incident for one in read_events(audit) if one.row.what == "opened" and one.row.system == system]
    if not known:
        raise UsageError("there is no incident here: `shipworthy incident open` opens one")
    if wanted == "latest":
        return str(known[-1])
    found = [one for one in known if wanted and one.startswith(wanted)]
    if wanted in found:
        return wanted
    if len(found) != 1:
        said = did_you_mean(wanted, known) if not found else f"it could be any of {', '.join(found)}"
        raise UsageError(f"there is no incident {wanted!r}: {said}")
    return str(found[0])


def add_drill(audit: AuditLog, drill: LeverDrill) -> None:
    """Append that a lever was tried.

    Raises:
        UsageError: it was tried by nobody, or ahead of time.
        StoreError: the database cannot be written.
    """
    for name in ("system", "lever", "by", "within"):
        if not getattr(drill, name):
            raise UsageError(f"a drill needs {name!r}: it is empty")
    _check_time(drill.at, None)
    facts = ("system", "lever", "at", "by", "seconds", "worked", "within")
    with audit.appending() as appender:
        enter(appender, DRILLED, replace(drill, by=redact_text(drill.by)), key="lever", facts=facts)


def read_drills(audit: AuditLog, system: str) -> list[LeverDrill]:
    """Return the drills of a system's levers, oldest first. Errors as for `read_events`."""
    return [one.row for one in entered(audit, {DRILLED: LeverDrill}) if one.row.system == system]


def drilled_days(layout: Layout, system: str) -> Mapping[str, date]:
    """Return the last day on which each lever of a system worked in a drill. Errors as for `read_events`."""
    days: dict[str, date] = {}
    if not layout.keeps_control:
        return days
    with AuditLog(layout.control_url) as audit:
        drills = read_drills(audit, system)
    for drill in drills:
        if drill.worked:
            day = read_moment(drill.at).date()
            days[drill.lever] = max(day, days.get(drill.lever, day))
    return days


def add_tabletop(audit: AuditLog, record: TabletopRecord, *, secrets: Sequence[str] = ()) -> None:
    """Append an exercise. Errors as for `add_drill`."""
    _check_time(record.at, None)
    kept = replace(record, by=redact_text(record.by), detail=redact_json(record.detail, secrets))
    facts = ("id", "system", "scenario", "digest", "at", "by", "points", "most", "minutes")
    with audit.appending() as appender:
        enter(appender, EXERCISED, kept, key="id", facts=facts)


def read_tabletops(audit: AuditLog, system: str) -> list[TabletopRecord]:
    """Return the exercises of a system, oldest first. Errors as for `read_events`."""
    return [one.row for one in entered(audit, {EXERCISED: TabletopRecord}) if one.row.system == system]


def _enter(appender: Appender, event: IncidentEvent) -> None:
    try:
        enter(appender, INCIDENT, event, key="incident", facts=_FACTS)
    except ValueError as error:
        raise UsageError(f"the event cannot be kept: {error}") from error


def _check_time(at: str, now: datetime | None) -> None:
    try:
        moment = read_moment(at)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if moment > (now or datetime.now(UTC)) + AHEAD:
        raise UsageError(f"{at} is ahead: what has not happened yet is not recorded")
