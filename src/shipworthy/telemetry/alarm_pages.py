"""Pages: anything of severity S1 is an alarm at once, without statistics."""

from __future__ import annotations

from datetime import UTC, datetime

from shipworthy.core.alarm import MOST_SPANS, Alarm
from shipworthy.store.alarms import AlarmEntries, new_alarm_id
from shipworthy.telemetry.alarm_config import AlarmsSpec
from shipworthy.telemetry.facts import FactView

_BACK_US = 3_600 * 1_000_000


def pages(spec: AlarmsSpec, entries: AlarmEntries, view: FactView, now: datetime) -> list[Alarm]:
    """Return an alarm for each feature in which something of severity S1 came in since the last page.

    Each names its facts and the moment of the last receipt, from which the next one goes on. Where that is in the
    future, because the clock was put back, the last hour is paged for again rather than not at all.
    """
    stamp = int(now.timestamp() * 1e6)
    seen = max((h.alarm.received for h in entries.alarms if _mine(h.alarm, spec)), default=0)
    if seen > stamp:
        seen = stamp - _BACK_US
    rows = view.query(
        "SELECT feature, count(*), count(DISTINCT session), min(time)::VARCHAR, epoch_us(max(received)),"
        " list(lower(hex(trace)) || '/' || lower(hex(span)) ORDER BY received DESC)[1:?] FROM facts"
        " WHERE severity = 1 AND (violation OR pii) AND received > make_timestamp(?) GROUP BY feature ORDER BY 1",
        [MOST_SPANS, seen],
    )
    return [
        Alarm(
            id=new_alarm_id(),
            kind="page",
            stream=f"{spec.name}:s1",
            about=f"{feature}@{received}",
            severity=1,
            day=now.astimezone(UTC).date().isoformat(),
            since=began[:10],
            told=f"S1: {_many(number, 'span')} in {_many(sessions, 'session')}" + (f" of {feature}" if feature else ""),
            metric="violation",
            feature=feature,
            events=sessions,
            spans=tuple(spans),
            received=received,
        )
        for feature, number, sessions, began, received, spans in rows
    ]


def _mine(alarm: Alarm, spec: AlarmsSpec) -> bool:
    return alarm.kind == "page" and alarm.stream == f"{spec.name}:s1"


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
