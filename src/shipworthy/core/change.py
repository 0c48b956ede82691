"""A change that files and digests do not show: a vendor's model, a law, an index that was built anew. Standard library.

Somebody says it, or a sentinel finds it, and the audit chain keeps it in order: what was measured before it lapses.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

CHANGED = "change.recorded"
"""The kind of entry that holds a change."""

OF_SUBJECT = ("vendor-model", "prompt", "index", "guard", "tool-policy", "skill", "mcp", "data")
"""Kinds of change after which the system under test is another one: all that was measured on it lapses."""
OF_SCORING = ("judge", "suite")
OF_DUTIES = ("taxonomy", "law")
CHANGE_KINDS = (*OF_SUBJECT, *OF_SCORING, *OF_DUTIES, "other")


class ChangeRecord(NamedTuple):
    """A change, as an entry of the audit chain holds it.

    Attributes:
        system: id of the system that it is about.
        kind: one of `CHANGE_KINDS`.
        about: of what: a target, suite, clause, taxonomy reference or another id; empty for the system under test, or
            for every judge.
        was, now: digests, versions or fingerprints; empty where nobody knows.
        since: the day from which it counts, ``2026-12-02``; empty for when it was entered.
        reason: in words.
        source: who says so: ``person``, or the id of a sentinel.
        entry: its number in the audit chain; `at` when it was entered.
    """

    system: str
    kind: str
    about: str = ""
    was: str = ""
    now: str = ""
    since: str = ""
    reason: str = ""
    source: str = "person"
    entry: int = 0
    at: str = ""

    @property
    def told(self) -> str:
        """What changed, in words.

        >>> ChangeRecord("SYS-a", "vendor-model", "", "fp_1", "fp_2").told
        'vendor-model: fp_1 -> fp_2'
        """
        about = f" {self.about}" if self.about else ""
        moved = f": {self.was or 'unknown'} -> {self.now or 'unknown'}" if self.was or self.now else ""
        return f"{self.kind}{about}{moved}"

    def counts(self, today: date) -> bool:
        """Say whether its day has come."""
        return not self.since or self.since <= today.isoformat()


SAID = ("system", "kind", "about", "was", "now", "since", "reason", "source")
"""Fields of the entry's body, all of them texts."""


def change_of(number: int, at: str, body: Mapping[str, Any]) -> ChangeRecord:
    """Return the change that an entry holds.

    Raises:
        ValueError: it is none.
    """
    if set(body) != set(SAID) or any(type(body[name]) is not str for name in SAID):
        raise ValueError(f"entry {number} is no change: it has other fields")
    if body["kind"] not in CHANGE_KINDS:
        raise ValueError(f"entry {number} is no change: there is no kind {body['kind']!a}")
    if body["since"]:
        date.fromisoformat(body["since"])
    return ChangeRecord(**{name: body[name] for name in SAID}, entry=number, at=at)
