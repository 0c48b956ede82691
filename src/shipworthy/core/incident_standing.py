"""Where incidents stand, by the entries of an audit log alone: for packs, whose readers have no rows. Standard library.

`incidents.incident` folds the rows, which say more; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from shipworthy.core.incident_entry import INCIDENT_MARKS


class IncidentStanding(NamedTuple):
    """An incident, by its entries.

    Attributes:
        entries: numbers, oldest first.
        severity: as it was rated last; empty before.
        times: mark -> when, ISO 8601, as said last; without what a reopening took back.
        verified: whether ``contained`` was found by a replay of the reproduction.
        cases: suites that it brought.
        state: ``open``, ``contained``, ``resolved`` or ``closed``.
    """

    id: str
    entries: tuple[int, ...]
    severity: str
    times: Mapping[str, str]
    verified: bool
    cases: tuple[str, ...]
    state: str

    @property
    def minutes(self) -> float | None:
        """From ``aware`` to ``contained``; None where it is not contained by a replay."""
        aware, contained = self.times.get("aware"), self.times.get("contained")
        if not aware or not contained or not self.verified:
            return None
        return (datetime.fromisoformat(contained) - datetime.fromisoformat(aware)).total_seconds() / 60


def standings_of(entries: Iterable[tuple[int, Mapping[str, Any]]]) -> list[IncidentStanding]:
    """Return the incidents of some entries, in the order in which they were opened.

    Args:
        entries: number and body of each entry of the kind `incident_entry.INCIDENT`, in their order.
    """
    found: dict[str, IncidentStanding] = {}
    for number, body in entries:
        id = str(body["incident"])
        one = found.get(id, IncidentStanding(id, (), "", {}, False, (), "open"))
        found[id] = _after(one._replace(entries=(*one.entries, number)), body)
    return list(found.values())


def _after(one: IncidentStanding, body: Mapping[str, Any]) -> IncidentStanding:
    what, about = str(body["what"]), str(body["about"])
    if what in INCIDENT_MARKS:
        one = one._replace(times={**one.times, what: str(body["at"])})
        if what == "contained":
            one = one._replace(verified=body["outcome"] == "replayed")
    elif what == "rated":
        return one._replace(severity=str(body["severity"]))
    elif what == "case":
        return one._replace(cases=(*one.cases, about))
    elif what == "reopened":
        kept = {mark: at for mark, at in one.times.items() if mark not in ("contained", "resolved")}
        return one._replace(times=kept, verified=False, state="open")
    elif what == "closed":
        return one._replace(state="closed")
    if one.state == "closed":
        return one
    state = "resolved" if "resolved" in one.times else "contained" if "contained" in one.times else "open"
    return one._replace(state=state)
