"""What was said in many spans, for a watch or a sample: entered in the audit log before the first word is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from shipworthy.core.alarm_entry import CONTENT_LOOKED
from shipworthy.detect.redact import redact_text
from shipworthy.store.audit import AuditLog
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.keyring import Keyring
from shipworthy.telemetry.looks import content_of


def contents(
    view: FactView, keyring: Keyring, audit: AuditLog, spans: Sequence[tuple[str, str]], *, by: str, reason: str
) -> dict[tuple[str, str], list[Any]]:
    """Return the events of spans, as `core.events` writes them, by (trace, span); those without content are left out.

    Args:
        spans: (trace, span) in hex.
        by: who looks; a watch of this program says so.
        reason: why, redacted before it is entered.

    Raises:
        StoreError: the look cannot be entered: nothing is read then.
    """
    if not spans:
        return {}
    audit.append(
        CONTENT_LOOKED, {"id": "several", "by": by, "reason": redact_text(reason), "spans": len(spans)}, key="id"
    )
    found: dict[tuple[str, str], list[Any]] = {}
    opened: dict[tuple[str, str, int], list[bytes] | None] = {}
    for row in _places(view, spans):
        body = content_of(view.directory, keyring, row, opened)
        if body is not None:
            found[row[0], row[1]] = msgspec.json.decode(body)
    return found


def said_by(events: Sequence[Any], role: str) -> str:
    """Return what a role said last; empty where it said nothing."""
    for event in reversed(events):
        message = event.get("message", {}) if isinstance(event, dict) and event.get("type") == "said" else {}
        if message.get("role") == role:
            parts = (part.get("text", "") for part in message.get("parts", ()) if part.get("type") == "text")
            if text := "\n".join(filter(None, parts)):
                return text
    return ""


def _places(view: FactView, spans: Sequence[tuple[str, str]]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for begin in range(0, len(spans), 500):
        some = spans[begin : begin + 500]
        marks = ", ".join("(unhex(?), unhex(?))" for _ in some)
        rows += view.query(
            "SELECT lower(hex(trace)), lower(hex(span)), content, kept, block, place FROM facts"
            f" WHERE (trace, span) IN ({marks}) AND kept NOT IN ('', 'gone')",
            [part for pair in some for part in pair],
        )
    return rows
