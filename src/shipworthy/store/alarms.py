"""Alarms in the control state: entries of the audit chain, so that an alarm is as hard to lose as a decision."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shipworthy.core.alarm import Alarm, alarm_body, alarm_of
from shipworthy.core.alarm_entry import CLOSED, LOOKED, RAISED
from shipworthy.core.errors import IntegrityError, UsageError, did_you_mean
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry


class ClosedAlarm(NamedTuple):
    """How an alarm was closed: who, why, and whether what is normal is learnt anew from then on."""

    by: str
    reason: str
    relearn: bool
    at: str
    entry: int


class HeldAlarm(NamedTuple):
    """An alarm and how it was closed; None while it is open."""

    alarm: Alarm
    closed: ClosedAlarm | None

    @property
    def open(self) -> bool:
        """Whether nobody has closed it."""
        return self.closed is None


class AlarmEntries(NamedTuple):
    """What the audit chain holds of alarms: the alarms, oldest first, and the looks, as they were entered."""

    alarms: tuple[HeldAlarm, ...] = ()
    looks: tuple[Entry, ...] = ()

    def opened(self) -> dict[tuple[str, str, str], Alarm]:
        """Return the open alarms by what names their trouble."""
        return {held.alarm.key: held.alarm for held in self.alarms if held.open}


def new_alarm_id(now: datetime | None = None) -> str:
    """Return an id for an alarm; ids sort by time."""
    return f"AL-{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def enter_look(audit: AuditLog, look: dict[str, Any] | None, alarms: Sequence[Alarm]) -> list[Alarm]:
    """Enter a look and the alarms that it raised, in one transaction. Returns the alarms with their entries.

    An alarm whose trouble has one open already, entered by another process meanwhile, is left out.

    Raises:
        StoreError: the database cannot be written: nothing was entered.
    """
    if look is None and not alarms:
        return []
    there = read_alarms(audit).opened() if alarms else {}
    made = []
    with audit.appending() as appender:
        if look is not None:
            appender.append(LOOKED, look, key="watch")
        for alarm in alarms:
            if alarm.key in there:
                continue
            entry = appender.append(RAISED, alarm_body(alarm), key="id")
            there[alarm.key] = alarm
            made.append(alarm_of(entry.number, entry.at, entry.body))
    return made


def close_alarm(audit: AuditLog, alarm: Alarm, *, by: str, reason: str, relearn: bool = False) -> ClosedAlarm:
    """Enter that an alarm is closed.

    Args:
        by: who closes it; `reason` why, redacted.
        relearn: learn what is normal anew, from the days after it.

    Raises:
        UsageError: it is closed already.
        StoreError: the database cannot be written.
    """
    body = {"alarm": alarm.id, "stream": alarm.stream, "by": by, "reason": reason, "relearn": relearn, "day": alarm.day}
    with audit.appending() as appender:
        if any(entry.kind == CLOSED for entry in appender.about(alarm.id)):
            raise UsageError(f"{alarm.id} is closed already")
        entry = appender.append(CLOSED, body, key="alarm")
    return ClosedAlarm(by, reason, relearn, entry.at, entry.number)


def read_alarms(audit: AuditLog, watch: str = "") -> AlarmEntries:
    """Return what is entered of alarms. The chain is not verified here.

    Args:
        watch: name of the watch whose looks are returned; none of them if left out.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    alarms: dict[str, HeldAlarm] = {}
    looks: list[Entry] = []
    for entry in audit.of_kinds(RAISED, CLOSED, *((LOOKED,) if watch else ())):
        try:
            if entry.kind == RAISED:
                alarm = alarm_of(entry.number, entry.at, entry.body)
                alarms[alarm.id] = HeldAlarm(alarm, None)
            elif entry.kind == CLOSED:
                alarms[entry.body["alarm"]] = alarms[entry.body["alarm"]]._replace(closed=_closed(entry))
            elif entry.body["watch"] == watch:
                looks.append(entry)
        except (KeyError, ValueError) as error:
            raise IntegrityError(f"audit log: entry {entry.number} ({entry.kind}) is not what was written") from error
    return AlarmEntries(tuple(alarms.values()), tuple(looks))


def choose_alarm(alarms: Iterable[HeldAlarm], wanted: str) -> HeldAlarm:
    """Return an alarm by its id, the beginning or the end of one, or ``latest``.

    Raises:
        UsageError: there is none, or there are several.
    """
    known = {held.alarm.id: held for held in alarms}
    if not known:
        raise UsageError("there is no alarm here")
    if wanted == "latest":
        return list(known.values())[-1]
    found = [id for id in known if wanted and (id.startswith(wanted) or id.endswith(wanted))]
    if len(found) != 1:
        said = did_you_mean(wanted, list(known)) if not found else f"it could be any of {', '.join(found)}"
        raise UsageError(f"there is no alarm {wanted!r}: {said}")
    return known[found[0]]


def _closed(entry: Entry) -> ClosedAlarm:
    body = entry.body
    return ClosedAlarm(str(body["by"]), str(body["reason"]), body["relearn"] is True, entry.at, entry.number)
