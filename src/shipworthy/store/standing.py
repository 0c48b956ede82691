"""Whether a release decision that traffic names holds: what it says, what people said of it, what has changed since.

For whoever watches production and must not import what decides. It reads what is recorded and tests nothing anew; that
claims hold against the files, `release.current` says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from shipworthy.core import signoff
from shipworthy.core.change import CHANGED, OF_SUBJECT
from shipworthy.core.decision import Decision
from shipworthy.core.errors import IntegrityError, ShipworthyError
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry
from shipworthy.store.layout import Layout
from shipworthy.store.register import DECISION_MADE

StandingKind = Literal["", "none", "unknown", "refused", "expired", "acceptance", "changed", "guards", "age"]
_UNNAMED = ("", "unproven")


class DecisionStanding(NamedTuple):
    """How a decision stands: `kind` and `why` are empty where it holds."""

    kind: StandingKind = ""
    why: str = ""


class DecisionStandings:
    """How the decisions of a workspace stand, read once.

    Raises:
        StoreError: the audit log cannot be read.
    """

    def __init__(self, layout: Layout, audit: AuditLog) -> None:
        self._layout = layout
        self._loaded: dict[str, Decision | None] = {}
        self._made: dict[str, Entry] = {}
        self._people: dict[str, tuple[Entry, Mapping[str, Any]]] = {}
        self._accepted: list[tuple[Entry, Mapping[str, Any]]] = []
        self._changes: list[Entry] = []
        kinds = (DECISION_MADE, signoff.DECIDED, signoff.ACCEPTED, CHANGED)
        for entry in audit.of_kinds(*kinds):
            if entry.kind == DECISION_MADE:
                self._made[str(entry.body.get("decision"))] = entry
            elif entry.kind == CHANGED:
                self._changes.append(entry)
            elif entry.kind == signoff.DECIDED:
                said = _said(entry)
                self._people[str(said.get("decision"))] = (entry, said)
            else:
                self._accepted.append((entry, _said(entry)))

    def standing(
        self, decision: str, *, guards: str = "", today: datetime, max_age_days: float | None = None
    ) -> DecisionStanding:
        """Return how a decision stands.

        Args:
            decision: its id, as traffic names it.
            guards: digest of the guards that the traffic had; not held against the decision where empty.
            max_age_days: of a decision, from when it was made.
        """
        if decision in _UNNAMED:
            return DecisionStanding("none", "it names no release decision, so nothing shows that it was evaluated")
        found = self._load(decision)
        made = self._made.get(decision)
        if found is None or made is None:
            return DecisionStanding("unknown", f"it names the decision {decision}, which is not recorded here")
        day = today.date().isoformat()
        people = self._people.get(decision)
        if people is not None:
            entry, said = people
            if said.get("verdict") == signoff.NO_GO:
                return DecisionStanding("refused", f"{decision} was decided NO_GO (entry {entry.number})")
            if (last := str(said.get("expires") or "")) and last < day:
                return DecisionStanding("expired", f"{decision} ran out on {last} (entry {entry.number})")
            if (gone := self._acceptance(said, day)) is not None:
                return DecisionStanding("acceptance", gone)
        elif found.verdict != "ship":
            return DecisionStanding("refused", f"{decision} says {found.verdict}, and nobody released it all the same")
        if (change := self._changed(found, made, day)) is not None:
            return DecisionStanding("changed", f"{decision} was decided before a change ({change})")
        of = found.subject.guards if found.subject is not None else ""
        if guards and guards != of:
            return DecisionStanding("guards", f"{decision} is about {of or 'no guards'}, and it had {guards}")
        age = (today - datetime.fromisoformat(found.created)).total_seconds() / 86_400
        if max_age_days is not None and age > max_age_days:
            return DecisionStanding("age", f"{decision} is {age:.0f} days old, and may be {max_age_days:g}")
        return DecisionStanding()

    def _load(self, decision: str) -> Decision | None:
        if decision not in self._loaded:
            try:
                found = self._layout.load_decision(decision)
            except ShipworthyError:
                found = None
            self._loaded[decision] = found if found is not None and found.id == decision else None
        return self._loaded[decision]

    def _acceptance(self, said: Mapping[str, Any], day: str) -> str | None:
        """Return what is wrong with the acceptances that a release rests on."""
        used = {number for one in said.get("accepted", ()) for number in one.get("entries", ())}
        for entry, accepted in self._accepted:
            if entry.number in used and str(accepted.get("expires", "")) < day:
                on, last = accepted.get("on"), accepted.get("expires")
                return f"the acceptance of {on} that it rests on ran out on {last} (entry {entry.number})"
        return None

    def _changed(self, found: Decision, made: Entry, day: str) -> str | None:
        for entry in self._changes:
            body = entry.body
            mine = body.get("system") == found.system and body.get("kind") in OF_SUBJECT
            if mine and entry.number > made.number and (not body.get("since") or str(body["since"]) <= day):
                return f"{body['kind']}, entry {entry.number}, {entry.at[:10]}"
        return None


def _said(entry: Entry) -> Mapping[str, Any]:
    """Return the predicate of a signed entry. Its signature is not checked here."""
    try:
        said = json.loads(entry.body["payload"])["predicate"]
    except (KeyError, TypeError, ValueError):
        raise IntegrityError(f"audit log: entry {entry.number} ({entry.kind}) is not what was written") from None
    return said if isinstance(said, dict) else {}
