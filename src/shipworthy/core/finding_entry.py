"""The entries of the audit chain about findings, and what follows from them. Standard library only.

`findings` writes these entries, a gate reads them, and the verifier of a pack works out from the same entries, by the
same rules, which findings stood in the way. An entry holds what must not be forgotten; the words are in its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shipworthy.core.severity import Severity

Json = Mapping[str, Any]

STEPS = (
    "opened", "linked", "assigned", "accepted", "rejected", "fixed", "promoted", "verified", "closed", "reopened",
)  # fmt: skip
"""What may happen to a finding; each is a kind of entry."""

FINDING_OPENED = "finding.opened"
FINDING_LINKED = "finding.linked"
FINDING_ASSIGNED = "finding.assigned"
FINDING_ACCEPTED = "finding.accepted"
FINDING_REJECTED = "finding.rejected"
FINDING_FIXED = "finding.fixed"
FINDING_PROMOTED = "finding.promoted"
FINDING_VERIFIED = "finding.verified"
FINDING_CLOSED = "finding.closed"
FINDING_REOPENED = "finding.reopened"
KINDS = tuple(f"finding.{step}" for step in STEPS)

BLOCKING = ("S1", "S2")
"""Severities of findings that block a release when they are overdue, or were seen again after they were closed."""
RISK_ACCEPTED = "risk.accepted"
"""The kind of the signed entry that an accepted finding of these severities rests on; see `core.signoff`."""

_TEXTS = ("id", "system", "step", "severity", "due", "expires", "run", "suite", "suite_digest", "subject_digest")
_WHOLE = ("tries", "hits", "acceptance")
FACTS = (*_TEXTS, *_WHOLE, "limit")
"""What an entry repeats of its row."""


class FindingTerm(NamedTuple):
    """One deadline of a finding, and how it ended.

    Attributes:
        due: the moment, ISO 8601, UTC; `severity` that the finding had by then.
        met: when a passing re-run verified the remediation; empty where none has.
        taken: the term ended because the risk was ``accepted``, or because it was ``rejected``; empty otherwise.
    """

    due: str
    severity: Severity
    met: str = ""
    taken: str = ""


class FindingStanding(NamedTuple):
    """Where a finding stands at a moment.

    Attributes:
        state: ``open``, ``fixed``, ``verified``, ``closed``, ``accepted`` or ``rejected``.
        due: when it must be verified; of an accepted one, when it must be after the acceptance has expired.
        expires: of an accepted one, the last day of it; `acceptance` the signed entry that it rests on, 0 for none.
        reactivated: an acceptance expired, so that it is open again.
        run: of the last passing re-run; `suite` its regression case, `suite_digest` as it was then.
        recurred: the run in which it was seen again after it was closed; empty where it was not.
        opened: when it was; `closed` when it was; empty where it is not.
        entry: number of its last entry.
        terms: its deadlines, oldest first; the last one may be running.
    """

    id: str
    system: str
    severity: Severity
    state: str
    due: str
    opened: str
    entry: int
    before: str = ""
    expires: str = ""
    acceptance: int = 0
    reactivated: bool = False
    run: str = ""
    suite: str = ""
    suite_digest: str = ""
    recurred: str = ""
    closed: str = ""
    terms: tuple[FindingTerm, ...] = ()

    def overdue(self, at: str) -> bool:
        """Say whether it is still to be remedied after its deadline."""
        return self.state in ("open", "fixed") and bool(self.due) and moment(self.due) < moment(at)


class FindingBlock(NamedTuple):
    """A finding that stands in the way of a release.

    Attributes:
        finding: its id.
        due: its deadline.
        recurred: the run in which it was seen again; empty where it is only overdue.
        entry: number of its last entry, on which this rests.
    """

    finding: str
    severity: str
    due: str
    recurred: str
    entry: int

    @property
    def reason(self) -> str:
        """Why it stands in the way."""
        if self.recurred:
            return f"it is of severity {self.severity} and closed, and its regression case failed in {self.recurred}"
        return f"it is of severity {self.severity} and was to be remedied by {self.due}, which no re-run has shown"


def check_body(kind: str, body: Json) -> None:
    """Check the body of an entry about a finding.

    Raises:
        ValueError: it is none.
    """
    if set(body) != {*FACTS, "row"}:
        raise ValueError("it has other fields")
    if any(type(body[name]) is not str for name in (*_TEXTS, "row")):
        raise ValueError("a text in it is none")
    if any(type(body[name]) is not int or body[name] < 0 for name in _WHOLE):
        raise ValueError("a number in it is none")
    if type(body["limit"]) not in (int, float) or not 0 <= body["limit"] <= 1:
        raise ValueError("its limit is no rate")
    if (
        kind != f"finding.{body['step']}"
        or body["step"] not in STEPS
        or body["severity"] not in ("S1", "S2", "S3", "S4")
    ):
        raise ValueError("a word in it is none")
    for name in ("due", "expires"):
        if body[name]:
            moment(body[name])


def moment(text: str) -> datetime:
    """Return a time, or a day, as a moment in UTC; a day is its beginning.

    Raises:
        ValueError: it is none.
    """
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def standings(entries: Iterable[tuple[int, str, str, Json]], at: str, system: str = "") -> dict[str, FindingStanding]:
    """Return where each finding stands at a moment, by its id, in the order in which they were opened.

    What does not follow is left out, and fails closed: a closure without a passing re-run and a regression case before
    it closes nothing.

    Args:
        entries: number, time, kind and body of the chain's entries; those of other kinds are passed over.
        at: the moment; an acceptance that has expired by then is none.
        system: only its findings; all if empty.
    """
    found: dict[str, FindingStanding] = {}
    for number, when, kind, body in entries:
        if kind not in KINDS or (system and body["system"] != system):
            continue
        id = str(body["id"])
        if kind == FINDING_OPENED:
            if id not in found:
                term = FindingTerm(body["due"], body["severity"])
                found[id] = FindingStanding(
                    id, body["system"], body["severity"], "open", body["due"], when, number, terms=(term,)
                )
        elif id in found:
            found[id] = _step(_expired(found[id], when), number, when, body)
    return {id: _expired(one, at) for id, one in found.items()}


def _expired(one: FindingStanding, at: str) -> FindingStanding:
    if one.state != "accepted" or moment(at).date().isoformat() <= one.expires:
        return one
    # What was shown before it was accepted is not lost; the term begins again.
    return one._replace(state=one.before, reactivated=True, terms=(*one.terms, FindingTerm(one.due, one.severity)))


def _step(one: FindingStanding, number: int, when: str, body: Json) -> FindingStanding:
    step: str = body["step"]
    one = one._replace(entry=number)
    ended = one.state in ("closed", "rejected")
    if step == "assigned" and not ended:
        # Another severity has another deadline; the term that runs is that one's from here on.
        due = body["due"] or one.due
        one = one._replace(severity=body["severity"], due=due)
        return one if one.state == "accepted" else _term(one, due=due, severity=body["severity"])
    if step == "accepted" and one.state in ("open", "fixed", "verified"):
        return _term(one, taken="accepted")._replace(
            state="accepted", before=one.state, expires=body["expires"], acceptance=body["acceptance"], due=body["due"],
            reactivated=False,
        )  # fmt: skip
    if step == "rejected" and not ended:
        return _term(one, taken="rejected")._replace(state="rejected")
    if step == "fixed" and one.state in ("open", "verified"):
        return one._replace(state="fixed")
    if step == "promoted":
        return one._replace(suite=body["suite"], suite_digest=body["suite_digest"])
    if step == "verified" and body["hits"]:
        return one._replace(state="open") if one.state in ("fixed", "verified") else one
    if step == "verified" and one.state in ("open", "fixed", "verified") and body["run"]:
        one = one._replace(state="verified", run=body["run"], suite=body["suite"], suite_digest=body["suite_digest"])
        return one if one.terms[-1].met else _term(one, met=when)
    if step == "closed" and one.state == "verified" and one.run and one.suite:
        return one._replace(state="closed", closed=when, recurred="", reactivated=False)
    if step == "reopened" and one.state in ("closed", "rejected", "verified"):
        one = one._replace(
            state="open", closed="", due=body["due"], recurred=body["run"], run="", severity=body["severity"]
        )
        return one._replace(terms=(*one.terms, FindingTerm(body["due"], body["severity"])))
    return one


def _term(one: FindingStanding, **changes: Any) -> FindingStanding:
    return one._replace(terms=(*one.terms[:-1], one.terms[-1]._replace(**changes)))


def blocking(standing: Iterable[FindingStanding], at: str) -> list[FindingBlock]:
    """Return the findings that stand in the way of a release at a moment, in the order of their ids.

    Those are the ones of severity S1 or S2 that are overdue, or that were seen again after they were closed. An
    accepted one stands in the way, too, unless it rests on a signed acceptance of a risk.
    """
    found = []
    for one in standing:
        if one.severity not in BLOCKING:
            continue
        unsigned = one.state == "accepted" and not one.acceptance
        late = one.overdue(at) or (unsigned and moment(one.due) < moment(at))
        again = one.recurred and (one.state in ("open", "fixed") or unsigned)
        if late or again:
            found.append(FindingBlock(one.id, one.severity, one.due, one.recurred if again else "", one.entry))
    return sorted(found)
