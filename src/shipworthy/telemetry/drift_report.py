"""Input drift of the last days against the days before, by columns and, where somebody says why, by words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.stats.two_samples import CloudDistance
from shipworthy.store.audit import AuditLog
from shipworthy.telemetry.contents import contents, said_by
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.input_drift import ColumnDrift, input_drift, word_drift
from shipworthy.telemetry.keyring import Keyring


class DriftReport(NamedTuple):
    """How far each column is apart, and the words where they were read."""

    columns: list[ColumnDrift]
    words: CloudDistance | None


def drift_report(
    view: FactView,
    days: int,
    before: int,
    *,
    feature: str = "",
    texts: int = 0,
    opened: tuple[Keyring, AuditLog] | None = None,
    by: str = "",
    reason: str = "",
    today: date | None = None,
) -> DriftReport:
    """Hold the last whole days against the days before them.

    Args:
        days, before: how many of each.
        texts: of users that are read of either time; none if left out. Then `opened`, `by` and `reason` are needed.

    Raises:
        UsageError: nothing in one of the times, or no reason to read.
        StoreError: the look cannot be entered.
    """
    last = (today or datetime.now(UTC).date()) - timedelta(days=1)
    first = last - timedelta(days=days - 1)
    times = ((first - timedelta(days=before), first - timedelta(days=1)), (first, last))
    columns = input_drift(view, *times, feature=feature)
    if not texts:
        return DriftReport(columns, None)
    if opened is None or len(reason.strip()) < 8:
        raise UsageError("say with --reason why texts are read: whoever reads the audit log will ask")
    said = [_texts(view, opened, time, texts, feature, by, reason) for time in times]
    return DriftReport(columns, word_drift(*said))


def _texts(  # noqa: PLR0917 - all of one call
    view: FactView, opened: tuple[Keyring, AuditLog], time: tuple[date, date], many: int, feature: str, by: str,
    reason: str,
) -> list[str]:  # fmt: skip
    where, given = "day BETWEEN ? AND ? AND kept NOT IN ('', 'gone')", [time[0].isoformat(), time[1].isoformat()]
    if feature:
        where, given = f"{where} AND feature = ?", [*given, feature]
    rows = view.query(
        f"SELECT lower(hex(trace)), lower(hex(span)) FROM facts WHERE {where}"
        " ORDER BY md5(hex(trace) || hex(span)) LIMIT ?",
        [*given, many],
    )
    held = contents(view, *opened, [(trace, span) for trace, span in rows], by=by, reason=reason)
    return [text for events in held.values() if (text := said_by(events, "user"))]
