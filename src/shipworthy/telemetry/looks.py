"""Looking at what was said: a right of its own, and an entry in the audit log before the first word is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.alarm_entry import CONTENT_LOOKED, SUBJECT_DELETED
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.detect.redact import redact_text
from shipworthy.store.audit import AuditLog
from shipworthy.telemetry import blocks, journal
from shipworthy.telemetry.fact import TelemetryFact
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.keyring import Keyring, unseal
from shipworthy.telemetry.segment import GONE, JOURNAL, content_file

_DESTROYED = "the key of the person it is about was destroyed"
_LEAST_REASON = 8
_MOST = 1_000


class ShownSpan(NamedTuple):
    """What is left of one span's content.

    Attributes:
        fact: columns of its fact.
        events: as `core.events` writes them, redacted; None where there is no content.
        why: there is none; empty where there is.
    """

    fact: dict[str, Any]
    events: list[Any] | None
    why: str


def look(directory: Path, keyring: Keyring, audit: AuditLog, id: str, *, by: str, reason: str) -> list[ShownSpan]:
    """Return the content of a span, or of all spans of a trace, once it is entered who looks and why.

    Args:
        id: 16 hex digits of a span, or 32 of a trace.
        by: who looks, as they were identified.
        reason: why, in words; redacted before it is entered.

    Raises:
        UsageError: no such id, no reason.
        StoreError: the look cannot be entered: nothing is shown then.
    """
    id, reason = id.lower(), reason.strip()
    if len(id) not in (16, 32) or not set(id) <= set("0123456789abcdef"):
        raise UsageError("name a span by 16 hex digits, or a trace by 32")
    if len(reason) < _LEAST_REASON:
        raise UsageError("say why you look, in a few words: whoever reads the audit log will ask")
    if not by.strip():
        raise UsageError("nobody looks at content without a name")
    column = "span" if len(id) == 16 else "trace"
    with FactView(directory, threads=1) as view:
        rows = view.query(
            "SELECT time::VARCHAR, hex(trace), hex(span), feature, kind, dialect, model, ending, severity, violation,"
            " pii, refusal, content, kept, block, place FROM facts"
            f" WHERE {column} = unhex(?) ORDER BY time LIMIT {_MOST}",
            [id],
        )
    if not rows:
        raise UsageError(f"there is no {column} {id} here")
    audit.append(
        CONTENT_LOOKED, {"id": id, "by": by.strip(), "reason": redact_text(reason), "spans": len(rows)}, key="id"
    )
    return [_looked(directory, keyring, row) for row in rows]


def delete_subject(keyring: Keyring, audit: AuditLog, subject: str, *, by: str, reason: str) -> int:
    """Destroy the key of a person, and enter that it was done. Facts stay; nothing leads from them to the person.

    Returns how many keys were destroyed: 0 where none was theirs, which is entered, too.

    Raises:
        UsageError: nobody is named.
        StoreError: the key is not destroyed, or that it was cannot be entered; the message says which.
    """
    if not subject:
        raise UsageError("name the person as the telemetry does")
    tag = keyring.tag(subject).hex()
    destroyed = keyring.destroy(subject)
    body = {"subject": tag, "keys": destroyed, "by": by.strip(), "reason": redact_text(reason.strip())}
    audit.append(SUBJECT_DELETED, body, key="subject")
    return destroyed


def content_of(
    directory: Path, keyring: Keyring, row: tuple[Any, ...], opened: dict[tuple[str, str, int], list[bytes] | None]
) -> bytes | None:
    """Return what was said in one of many spans; None where that is gone. The caller has entered that it looks.

    Args:
        row: trace and span in hex, then content, kept, block and place of the fact.
        opened: blocks that were opened for others, kept between calls.
    """
    trace, span, name, kept, block, place = row
    if not name:
        return _in_journals(directory, keyring, trace, span)[0]
    at = (name, kept, block)
    if at not in opened:
        try:
            opened[at] = blocks.read_block(content_file(directory, name, kept), *at, keyring)
        except FileNotFoundError:
            opened[at] = None
    bodies = opened[at]
    return bodies[place] if bodies is not None and place < len(bodies) else None


def _looked(directory: Path, keyring: Keyring, row: tuple[Any, ...]) -> ShownSpan:
    names = ("time", "trace", "span", "feature", "kind", "dialect", "model", "ending", "severity", "violation", "pii",
             "refusal")  # fmt: skip
    fact = dict(zip(names, row, strict=False))
    fact["trace"], fact["span"] = fact["trace"].lower(), fact["span"].lower()
    name, kept, block, place = row[len(names) :]
    if not kept:
        return ShownSpan(fact, None, "it came without content")
    if kept == GONE:
        return ShownSpan(fact, None, _DESTROYED)
    if not name:
        body, why = _in_journals(directory, keyring, fact["trace"], fact["span"])
    else:
        body, why = _in_segment(content_file(directory, name, kept), keyring, (name, kept, block), place)
    return ShownSpan(fact, msgspec.json.decode(body) if body is not None else None, why)


def _in_segment(file: Path, keyring: Keyring, block: tuple[str, str, int], place: int) -> tuple[bytes | None, str]:
    try:
        bodies = blocks.read_block(file, *block, keyring)
    except FileNotFoundError:
        return None, "its time was up"
    if bodies is None:
        return None, _DESTROYED
    if place >= len(bodies):
        raise IntegrityError(f"{file} has no content at {block[2]}/{place}")
    return bodies[place], ""


def _in_journals(directory: Path, keyring: Keyring, trace: str, span: str) -> tuple[bytes | None, str]:
    decoder = msgspec.json.Decoder(TelemetryFact)
    for path in sorted((directory / JOURNAL).glob(f"*{journal.SUFFIX}")):
        try:
            frames = list(journal.read(path))
        except FileNotFoundError:
            continue
        for frame in frames:
            facts = [decoder.decode(line) for line in frame.facts.splitlines()]
            for group in frame.groups:
                for at, place in enumerate(group.facts):
                    if (facts[place].trace, facts[place].span) == (trace, span):
                        cipher = keyring.key(group.slot)
                        if cipher is None:
                            return None, _DESTROYED
                        return unseal(cipher, group.sealed, journal.about()).split(b"\n")[at], ""
    return None, "it is on its way into a segment: look again in a moment, or its key was destroyed"
