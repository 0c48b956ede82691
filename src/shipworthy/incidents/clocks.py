"""Clocks of law: which run for an incident, until when, and what was reported. Their terms are data.

A term of N days is N times 24 hours from the mark that it counts from: never later than how a court would count it.
Whether a duty applies is a person's word, or a lawyer's; here it is only asked, and the answer kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.incidents.incident import Incident, NewEvent
from shipworthy.workspace.law import LawClock, clocks, dates

Harm = Literal["personal-data", "death", "widespread"]
"""What makes a clock likely: a breach of personal data, a death, a widespread infringement, or infrastructure."""

_OF_HARM: Mapping[str, str] = {
    "personal-data": "gdpr33-authority", "death": "art73-death", "widespread": "art73-widespread",
}  # fmt: skip

ClockState = Literal["not asked", "running", "overdue", "reported", "reported late", "not applicable"]


class IncidentClock(NamedTuple):
    """A clock of law, for one incident.

    Attributes:
        due: when it ends; None where it does not run.
        left: until then; negative where it is overdue.
        likely: why the duty may well apply; empty where nothing says so.
        said: why it does not apply, in a person's words, or to whom it was reported.
    """

    clock: LawClock
    state: ClockState
    due: datetime | None
    left: timedelta | None
    likely: str
    said: str

    @property
    def applies(self) -> str:
        """From when on the law applies, in a sentence; empty where it does already."""
        day = next((one for one in dates() if one.id == self.clock.applies), None)
        return "" if day is None else f"applies from {day.date} ({day.source}; {day.seen})"


def incident_clocks() -> tuple[LawClock, ...]:
    """Return the clocks that an incident can have."""
    return tuple(one for one in clocks() if one.starts)


def clocks_of(incident: Incident, now: datetime, *, risk_class: str = "") -> list[IncidentClock]:
    """Return every clock of an incident, the soonest first; those that do not run come last.

    Args:
        risk_class: of the system, as its file says for the AI Act; empty where it does not.
    """
    found = [_clock(incident, one, now, risk_class) for one in incident_clocks()]
    return sorted(found, key=lambda one: (one.due is None, one.due or now))


def start(clock: str, by: str, *, text: str = "") -> NewEvent:
    """Return the event that a duty applies, or may: its clock runs. Raises UsageError: there is no such clock."""
    return NewEvent(what="clock", by=by, about=_known(clock), outcome="started", text=text)


def report(clock: str, by: str, at: datetime, *, text: str) -> NewEvent:
    """Return the event that it was reported, to whom in `text`. Raises UsageError: there is no such clock."""
    if not text.strip():
        raise UsageError("say to whom it was reported, and under which reference if there is one")
    return NewEvent(what="clock", by=by, at=at, about=_known(clock), outcome="reported", text=text)


def dismiss(clock: str, by: str, *, text: str) -> NewEvent:
    """Return the event that a duty does not apply, and why. Raises UsageError: no such clock, or no reason."""
    if not text.strip():
        raise UsageError("say why the duty does not apply: an authority will ask")
    return NewEvent(what="clock", by=by, about=_known(clock), outcome="not applicable", text=text)


def _known(clock: str) -> str:
    names = [one.id for one in incident_clocks()]
    if clock not in names:
        raise UsageError(f"there is no clock {clock!r}: {did_you_mean(clock, names)}")
    return clock


def _clock(incident: Incident, clock: LawClock, now: datetime, risk_class: str) -> IncidentClock:
    words = [event for event in incident.of("clock") if event.about == clock.id]
    likely = _likely(incident, clock, risk_class)
    began = incident.mark(clock.starts)  # type: ignore[arg-type]
    last = words[-1] if words else None
    if last is None or began is None:
        return IncidentClock(clock, "not asked", None, None, likely, "")
    due = began + timedelta(days=clock.days)
    if last.outcome == "not applicable":
        return IncidentClock(clock, "not applicable", None, None, likely, last.text)
    if last.outcome == "reported":
        late = datetime.fromisoformat(last.at) > due
        return IncidentClock(clock, "reported late" if late else "reported", due, None, likely, last.text)
    return IncidentClock(clock, "overdue" if now > due else "running", due, due - now, likely, last.text)


def _likely(incident: Incident, clock: LawClock, risk_class: str) -> str:
    rated = incident.last("rated")
    harms: Sequence[str] = rated.detail.get("harms", ()) if rated is not None else ()
    for harm in harms:
        if _OF_HARM.get(harm) == clock.id:
            return f"it was rated with the harm {harm}"
    if clock.id == "art73-default" and risk_class == "high" and incident.severity in ("S1", "S2"):
        return f"a high-risk system, and {incident.severity}"
    return ""
