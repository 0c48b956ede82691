"""Looks at rates: every day once, after it ended, with what came late of the days before; and the alarms of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from shipworthy.core.alarm import MOST_SPANS, Alarm
from shipworthy.core.observed import Hit
from shipworthy.stats.detector import DayCount, e_bh
from shipworthy.store.alarms import AlarmEntries, new_alarm_id
from shipworthy.telemetry.alarm_config import AlarmsSpec, StreamSpec
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.stream_watch import PER, Change, StreamWatch
from shipworthy.telemetry.streams import FIRST, RateStream, StreamDays, iso, streams_of

LATE_DAYS = 60
"""Days back that are looked at again for facts that came late; and `FARTHEST` those that a new stream begins with."""
FARTHEST = 400
_NONE = DayCount(0, 0)


class RateLooks(NamedTuple):
    """What a pass over the streams found.

    Attributes:
        look: the body of the entry to be made; None where there is no day to look at.
        alarms: raised by it.
        days: that were looked at, `late` (events, sessions) what came late of days before.
        watches: the state of each stream after it, by key; `streams` the streams.
    """

    look: dict[str, Any] | None
    alarms: list[Alarm]
    days: tuple[str, ...]
    late: DayCount
    watches: Mapping[str, StreamWatch]
    streams: Sequence[RateStream]


NO_LOOKS = RateLooks(None, [], (), _NONE, {}, [])
"""Of a pass that leaves the streams alone."""


def last_closed(spec: AlarmsSpec, now: datetime) -> int:
    """Return the last day, since 1970, that has ended and had its grace."""
    return ((now - timedelta(minutes=spec.grace_minutes)).astimezone(UTC).date() - FIRST).days - 1


def restore(specs: Mapping[str, StreamSpec], entries: AlarmEntries) -> dict[str, StreamWatch]:
    """Return the state of the streams as the entries of the control state make it, by key.

    Args:
        specs: key -> specification, of the streams there are now. Looks at others are left aside.
    """
    watches = {key: StreamWatch(spec) for key, spec in specs.items()}
    relearnt = sorted(
        (held.closed.entry, held.alarm.stream)
        for held in entries.alarms
        if held.closed is not None and held.closed.relearn
    )
    for entry in entries.looks:
        _relearn(watches, relearnt, entry.number)
        _replay(watches, entry.body["counts"], entry.body["late"])
    _relearn(watches, relearnt, None)
    return watches


def look_at_rates(spec: AlarmsSpec, entries: AlarmEntries, view: FactView, now: datetime) -> RateLooks:
    """Look at every stream's days that have ended since the last look."""
    found = streams_of(spec.streams, view.counts())
    streams = [one.stream for one in found]
    watches = restore({stream.key: stream.spec for stream in streams}, entries)
    last = last_closed(spec, now)
    counts: list[list[Any]] = []
    late: list[list[Any]] = []
    alarms: list[Alarm] = []
    for one in found:
        watch, key = watches[one.stream.key], one.stream.key
        days, missed = _days(one, watch, last)
        if not days:
            continue
        counts += [[key, day, *one.days.get(day, _NONE)] for day in days]
        late += [[key, day, *count] for day, count in missed.items()]
        had = [(day, one.days.get(day, _NONE)) for day in days]
        alarms += _take(_Watched(spec, one.stream, watch, view, last), had, missed)
    if not counts:
        return RateLooks(None, [], (), _NONE, watches, streams)
    ready = [(key, watch) for key, watch in watches.items() if watch.normal is not None]
    standing = {ready[place][0] for place in e_bh([watch.last.e_value for _, watch in ready], spec.level)}
    names = {stream.id for stream in streams if stream.key in standing}
    alarms = [_discovered(alarm, alarm.stream in names) for alarm in alarms]
    looked = tuple(iso(day) for day in sorted({row[1] for row in counts}))
    total = DayCount(sum(row[2] for row in late), sum(row[3] for row in late))
    look = {"watch": spec.name, "day": iso(last), "counts": counts, "late": late}
    return RateLooks(look, alarms, looked, total, watches, streams)


def behind(
    view: FactView,
    metric: Hit,
    since: str,
    day: str,
    *,
    feature: str = "",
    level: int | None = None,
    only: tuple[str, str] | None = None,
) -> tuple[str, ...]:
    """Return some of the facts with a hit, ``trace/span``, newest first.

    Args:
        since, day: first and last day.
        only: a column of facts, and the value that it has.
    """
    where, given = ["day BETWEEN ? AND ?", metric], [since, day]
    if feature:
        where.append("feature = ?")
        given.append(feature)
    if only is not None:
        where.append(f'"{only[0]}" = ?')
        given.append(only[1])
    if level is not None:
        where.append(f"severity = {int(level)}")
    rows = view.query(
        f"SELECT hex(trace), hex(span) FROM facts WHERE {' AND '.join(where)} ORDER BY time DESC LIMIT {MOST_SPANS}",
        given,
    )
    return tuple(f"{trace}/{span}".lower() for trace, span in rows)


def _days(one: StreamDays, watch: StreamWatch, last: int) -> tuple[list[int], dict[int, DayCount]]:
    """Return the days to look at, and what came late of those that were."""
    if watch.looked:
        begin = max(watch.looked) + 1
    elif one.days:
        begin = max(min(one.days), last - FARTHEST)
    else:
        return [], {}
    missed = {}
    if watch.looked and begin <= last:
        for day, had in one.days.items():
            if last - LATE_DAYS <= day < begin:
                before = watch.looked.get(day, _NONE)
                more = DayCount(max(0, had.events - before.events), max(0, had.sessions - before.sessions))
                if any(more):
                    missed[day] = more
    return list(range(begin, last + 1)), missed


class _Watched(NamedTuple):
    spec: AlarmsSpec
    stream: RateStream
    watch: StreamWatch
    view: FactView
    last: int


def _take(watched: _Watched, days: Sequence[tuple[int, DayCount]], missed: Mapping[int, DayCount]) -> list[Alarm]:
    """Take days in, and return the alarms that they raise."""
    spec, stream, watch, view, last = watched
    for day, more in missed.items():
        watch.late(day, more)
    late = DayCount(sum(m.events for m in missed.values()), sum(m.sessions for m in missed.values()))
    raised = []
    for day, count in days:
        look = watch.take(day, count, late)
        if look.alarm:
            raised.append(_rate_alarm(stream, watch, day, view))
            watch.reset()
        normal = watch.normal
        if (
            day == last and spec.silence and normal is not None and not count.sessions and not late.sessions
            and normal.sessions / normal.days >= spec.silence_sessions
        ):  # fmt: skip
            told = f"no session on {iso(day)}; {normal.sessions / normal.days:,.0f} a day were usual"
            raised.append(_alarm("silence", stream, day, told, normal_of=watch))
        late = _NONE
    return raised


def _rate_alarm(stream: RateStream, watch: StreamWatch, day: int, view: FactView) -> Alarm:
    change = watch.change()
    assert change is not None  # noqa: S101 - the detector has just won something
    normal = f"{watch.highest:.1f} are still normal"
    told = f"{stream.spec.metric} in {change.per:.1f} of 10,000 sessions since {iso(change.since)}; {normal}"
    spans = behind(
        view, stream.spec.metric, iso(change.since), iso(day), feature=stream.feature, level=stream.spec.level
    )
    return _alarm("rate", stream, day, told, normal_of=watch, change=change, spans=spans)


def _alarm(
    kind: Any, stream: RateStream, day: int, told: str, *, normal_of: StreamWatch, change: Change | None = None,
    spans: tuple[str, ...] = (),
) -> Alarm:  # fmt: skip
    normal, look = normal_of.normal, normal_of.last
    return Alarm(
        id=new_alarm_id(),
        kind=kind,
        stream=stream.id,
        severity=stream.spec.raises,
        day=iso(day),
        since=iso(change.since) if change is not None else "",
        told=told,
        metric=stream.spec.metric,
        feature=stream.feature,
        events=change.events if change is not None else 0,
        sessions=change.sessions if change is not None else 0,
        per=change.per if change is not None else None,
        low=change.low if change is not None else 0.0,
        high=change.high if change is not None else 0.0,
        baseline_events=normal.events if normal is not None else 0,
        baseline_sessions=normal.sessions if normal is not None else 0,
        baseline_days=normal.days if normal is not None else 0,
        baseline_per=normal.rate * PER if normal is not None else None,
        normal_per=normal_of.highest,
        value=min(look.value, 1e12),
        height=stream.spec.arl_days,
        e_value=min(look.e_value, 1e12),
        spans=spans,
    )


def _discovered(alarm: Alarm, standing: bool) -> Alarm:
    from msgspec.structs import replace

    return replace(alarm, discovered=True) if standing and alarm.kind == "rate" else alarm


def _replay(watches: Mapping[str, StreamWatch], counts: Sequence[Any], late: Sequence[Any]) -> None:
    missed: dict[str, dict[int, DayCount]] = {}
    for key, day, events, sessions in late:
        missed.setdefault(key, {})[day] = DayCount(events, sessions)
    for key, day, events, sessions in counts:
        watch = watches.get(key)
        if watch is None:
            continue
        came = missed.pop(key, {})
        for of, more in came.items():
            watch.late(of, more)
        more = DayCount(sum(m.events for m in came.values()), sum(m.sessions for m in came.values()))
        if watch.take(day, DayCount(events, sessions), more).alarm:
            watch.reset()


def _relearn(watches: Mapping[str, StreamWatch], relearnt: list[tuple[int, str]], until: int | None) -> None:
    while relearnt and (until is None or relearnt[0][0] < until):
        _, name = relearnt.pop(0)
        for key, watch in watches.items():
            if key.rpartition("@")[0] == name:
                watch.relearn()
