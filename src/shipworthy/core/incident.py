"""An incident: a failure in production. What is known of it is the list of what happened, and nothing else."""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import Struct

from shipworthy.core.severity import Severity
from shipworthy.core.text import Content, Name

EventWord = Literal[
    "opened", "began", "aware", "triaged", "contained", "resolved", "closed", "reopened", "rated", "reproduction",
    "snapshot", "pulled", "released", "expired", "tried", "clock", "case", "lead", "told", "draft", "step", "note",
]  # fmt: skip
"""Five are times of the timeline (`MARKS`): of several of one kind the last counts, and all of them stay."""

Mark = Literal["began", "aware", "triaged", "contained", "resolved"]
MARKS: tuple[Mark, ...] = ("began", "aware", "triaged", "contained", "resolved")
"""In the order in which they can happen."""

_ID = re.compile(r"INC-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


class IncidentEvent(Struct, frozen=True, kw_only=True):
    """One thing that happened in an incident. Append-only.

    Attributes:
        incident: ``INC-`` and a time, which sorts; `system` the id of the system.
        what: see `EventWord`.
        at: when it happened, ISO 8601, UTC; not when it was entered.
        by: who did or said it; stays for ever.
        severity: S1 (worst) to S4, of ``rated``; else empty.
        about: the id of what it is about: a lever, a suite, a clock, a step, a digest; else empty.
        outcome: in one word of ours, such as ``held`` or ``done``.
        text: in a person's words; redacted, and not repeated in the audit log.
        detail: figures and names; redacted, and not repeated in the audit log.
    """

    incident: Name
    system: Name
    what: EventWord
    at: Name
    by: Name
    severity: Severity | Literal[""] = ""
    about: Name = ""
    outcome: Name = ""
    text: Content = ""
    detail: dict[str, Any] = {}


class LeverDrill(Struct, frozen=True, kw_only=True):
    """A lever was tried, in an exercise or for an incident.

    Attributes:
        lever: id in the workspace.
        at: when, ISO 8601, UTC; `by` whom.
        seconds: from the order until it was in force.
        worked: whether it did what it says, within its time.
        within: id of the exercise or the incident.
    """

    system: Name
    lever: Name
    at: Name
    by: Name
    seconds: float
    worked: bool
    within: Name


class TabletopRecord(Struct, frozen=True, kw_only=True):
    """An exercise that was held.

    Attributes:
        id: ``TT-`` and a time.
        scenario: id of it; `digest` of the file, so that two exercises are compared only where it was the same.
        points, most: what was reached, and what could be.
        minutes: of the scenario's clock.
        detail: decisions with their times; redacted, and not repeated in the audit log.
    """

    id: Name
    system: Name
    scenario: Name
    digest: Name
    at: Name
    by: Name
    points: int
    most: int
    minutes: float
    detail: dict[str, Any] = {}


def is_incident_id(text: str) -> bool:
    """Return whether a text is an incident's id.

    >>> is_incident_id("INC-20261201T101500Z-00ff00"), is_incident_id("INC-1")
    (True, False)
    """
    return _ID.fullmatch(text) is not None
