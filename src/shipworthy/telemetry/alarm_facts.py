"""The facts behind an alarm: what a person looks at next."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from shipworthy.core.alarm import Alarm
from shipworthy.telemetry.facts import FactView


class FactBehind(NamedTuple):
    """One fact behind an alarm; times in UTC, ids in hex."""

    time: str
    trace: str
    span: str
    feature: str
    model: str
    severity: int
    decision: str
    guards: str


def facts_behind(directory: Path, alarm: Alarm) -> list[FactBehind]:
    """Return the facts that an alarm names and that are still kept, newest first.

    Raises:
        UsageError: there is no store.
    """
    pairs = [one.split("/") for one in alarm.spans]
    if not pairs:
        return []
    with FactView(directory, threads=1) as view:
        marks = ", ".join("(unhex(?), unhex(?))" for _ in pairs)
        rows = view.query(
            "SELECT time::VARCHAR, lower(hex(trace)), lower(hex(span)), feature, model, severity, decision, guards"
            f" FROM facts WHERE (trace, span) IN ({marks}) ORDER BY time DESC",
            [part for pair in pairs for part in pair],
        )
    return [FactBehind(*row) for row in rows]
