"""What happened outside of shipworthy, and counts in its numbers: a merge, a deployment, an answer in a survey.

Somebody, or a pipeline, says it; the audit chain keeps it in order. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

OCCURRED = "occurrence.recorded"
"""The kind of entry that holds an occurrence."""

FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "change.merged": ((), ("branch", "files")),
    "deploy.ga": (("tier",), ("decision", "subject", "environment")),
    "memo.accepted": ((), ("title",)),
    "mitigation.enforced": ((), ("memo", "where")),
    "pattern.seen": (("where",), ("digest",)),
    "survey.sent": (("invited",), ()),
    "survey.answered": (("score",), ("who",)),
    "review.done": (("by", "corrected"), ()),
    "training.done": (("who", "passed"), ("score",)),
    "sessions.counted": (("sessions", "from", "to"), ()),
}
"""Kind -> the fields that it must have, and those that it may have beside."""

WORDS = frozenset({"branch", "title", "environment", "where", "by", "memo"})
"""Fields that hold what people write."""
NAMES = frozenset({"decision", "subject", "digest"})
"""Fields that hold an id or a digest; the others are numbers, days and codes."""

WHAT: Mapping[str, str] = {
    "change.merged": "a commit that entered the product; about: its hash",
    "deploy.ga": "a version that became generally available; about: its name; tier: low, medium or high",
    "memo.accepted": "a research memo that was accepted; about: its id",
    "mitigation.enforced": "a mitigation that is in force in production; about: its id; memo: what it came from",
    "pattern.seen": "a mitigation pattern found in a team's configuration; about: the pattern; where: the team",
    "survey.sent": "a survey; about: its id; invited: how many people were asked",
    "survey.answered": "one answer; about: the survey; score: 1 to 5; who: a code, never a name",
    "review.done": "a safety review that was reviewed blind again; about: its id; by: the team; corrected: yes or no",
    "training.done": "somebody finished a module; about: the module; who: a code; passed: yes or no; score: 0 to 100",
    "sessions.counted": "sessions of a surface without telemetry; about: the surface; from, to: days",
}

_ABOUT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,119}")
_WHOLE = re.compile(r"[0-9]{1,12}")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WORD = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class Occurrence(NamedTuple):
    """An occurrence, as an entry of the audit chain holds it.

    Attributes:
        system: id of the system that it is about.
        kind: one of `FIELDS`.
        about: of what: a commit, a version, a survey, a pattern; see `WHAT`.
        when: it happened, ISO 8601, UTC.
        fields: what else is said, by name; texts.
        source: who says so: ``person``, ``git``, or the name of a pipeline.
        entry: its number in the audit chain; `at` when it was entered.
    """

    system: str
    kind: str
    about: str
    when: str
    fields: Mapping[str, str] = {}
    source: str = "person"
    entry: int = 0
    at: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it the same as another one: it is counted once, however often it is said."""
        return (self.system, self.kind, self.about, self.when, *(f"{k}={v}" for k, v in sorted(self.fields.items())))

    @property
    def moment(self) -> datetime:
        """When it happened."""
        return moment(self.when)


def moment(text: str) -> datetime:
    """Return a time with its zone; one without is UTC, and a day is its first moment.

    Raises:
        ValueError: it is none.
    """
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def checked(said: Occurrence) -> Occurrence:
    """Return an occurrence with its time in UTC.

    Raises:
        ValueError: it has a kind, a field or a value that there is not; it says which and what may stand there.
    """
    if said.kind not in FIELDS:
        raise ValueError(f"there is no kind {said.kind[:80]!a}: {', '.join(FIELDS)}")
    must, may = FIELDS[said.kind]
    if missing := [name for name in must if name not in said.fields]:
        raise ValueError(f"{said.kind} needs {' and '.join(missing)} ({WHAT[said.kind]})")
    if unknown := [name for name in said.fields if name not in (*must, *may)]:
        known = ", ".join((*must, *may)) or "none"
        raise ValueError(f"{said.kind} has no field {unknown[0][:80]!a}; its fields: {known}")
    if not _ABOUT.fullmatch(said.about):
        raise ValueError(f"{said.kind}: say what it is about in letters, digits and _.:/@+-, at most 120")
    if not _WORD.fullmatch(said.source):
        raise ValueError("the source must be a text of at most 200 characters, on one line")
    for name, value in said.fields.items():
        _check(said.kind, name, value)
    if said.kind == "sessions.counted" and said.fields["from"] > said.fields["to"]:
        raise ValueError("sessions.counted: 'from' is after 'to'")
    try:
        when = moment(said.when)
    except (ValueError, OverflowError):
        raise ValueError(f"{said.when[:80]!a} is no time: write 2026-12-31 or 2026-12-31T09:30:00Z") from None
    return said._replace(when=when.isoformat(timespec="seconds").replace("+00:00", "Z"), fields=dict(said.fields))


def _check(kind: str, name: str, value: str) -> None:
    wanted, right = "a text of at most 200 characters, on one line", bool(_WORD.fullmatch(value))
    if name in ("invited", "sessions", "files"):
        wanted, right = "a whole number", bool(_WHOLE.fullmatch(value))
    elif name == "score":
        most = 5 if kind == "survey.answered" else 100
        wanted = f"a whole number from {1 if most == 5 else 0} to {most}"
        right = bool(_WHOLE.fullmatch(value)) and (most == 100 or int(value) >= 1) and int(value) <= most
    elif name in ("corrected", "passed"):
        wanted, right = "yes or no", value in ("yes", "no")
    elif name == "tier":
        wanted, right = "low, medium or high", value in ("low", "medium", "high")
    elif name == "who":
        wanted = "a code of letters, digits, _ and -: an entry stays for ever, so no name"
        right = bool(_CODE.fullmatch(value))
    elif name in ("from", "to"):
        wanted, right = "a day, 2026-12-31", _is_day(value)
    if not right:
        raise ValueError(f"{name} must be {wanted}")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_BODY = ("system", "kind", "about", "when", "fields", "source")


def occurrence_of(number: int, at: str, body: Mapping[str, Any]) -> Occurrence:
    """Return the occurrence that an entry holds.

    Raises:
        ValueError: it is none.
    """
    fields = body.get("fields")
    texts = [body.get(name) for name in _BODY if name != "fields"]
    if set(body) != set(_BODY) or not isinstance(fields, dict):
        raise ValueError(f"entry {number} is no occurrence: it has other fields")
    if any(type(text) is not str for text in (*texts, *fields, *fields.values())):
        raise ValueError(f"entry {number} is no occurrence: a value in it is no text")
    try:
        return checked(Occurrence(**{name: body[name] for name in _BODY}, entry=number, at=at))
    except ValueError as error:
        raise ValueError(f"entry {number} is no occurrence: {error}") from None
