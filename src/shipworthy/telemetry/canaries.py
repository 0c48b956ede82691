"""Canaries on the store: what a part of the traffic does, held against the rest, day by day; a bad one is held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.alarm import Alarm
from shipworthy.gateway import levers
from shipworthy.stats.canary import Canary, CanaryState
from shipworthy.stats.proportion import exact_shares
from shipworthy.store.alarms import AlarmEntries, new_alarm_id
from shipworthy.telemetry.alarm_config import AlarmsSpec, CanarySpec
from shipworthy.telemetry.alarm_rates import behind, last_closed
from shipworthy.telemetry.config import ServeConfig
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.streams import FIRST, iso

WHO = "serve: the watch for canaries"


class CanaryLook(NamedTuple):
    """What a pass found of canaries.

    Attributes:
        rows: for the entry of the look: key, and events and sessions in all so far of canary and control.
        states: how each stands, by its id.
        alarms: of those that are worse than they may be.
    """

    rows: list[list[Any]]
    states: dict[str, CanaryState]
    alarms: list[Alarm]


def look_at_canaries(spec: AlarmsSpec, entries: AlarmEntries, view: FactView, now: datetime) -> CanaryLook:
    """Hold each canary against its control, with what has come since the last look: late facts are in it, once each.

    A verdict that was reached stays, also when counts go on.
    """
    last = last_closed(spec, now)
    rows: list[list[Any]] = []
    states: dict[str, CanaryState] = {}
    alarms: list[Alarm] = []
    for one in spec.canaries:
        key = f"{one.id}@{one.digest}"
        watch, seen = _restored(one, key, entries)
        if (date.fromisoformat(one.begins) - FIRST).days > last:
            continue
        totals = _totals(one, view, last)
        canary, control = _pairs([max(0, total - before) for total, before in zip(totals, seen, strict=True)])
        new = [*canary, *control]
        state = watch.batch(canary, control)
        rows.append([key, *(before + more for before, more in zip(seen, new, strict=True))])
        states[one.id] = state
        if state.verdict == "hold":
            alarms.append(_alarm(one, state, view, iso(last), now))
    return CanaryLook(rows, states, alarms)


def hold(config: ServeConfig, alarms: Sequence[Alarm]) -> list[str]:
    """Pull the levers of canaries that are to be held, for everybody; one that is pulled already stays as it is.

    Returns what was done, or why it was not, in words.
    """
    said = []
    of = {f"canary:{one.id}": one for one in config.alarms.canaries if one.lever}
    for alarm in alarms:
        one = of.get(alarm.stream) if alarm.kind == "canary" else None
        if one is None:
            continue
        state: Path = config.path.parent / one.gateway
        if any(pulled.lever == one.lever and pulled.share == 1 and not pulled.ring for pulled in levers.read(state)):
            continue
        levers.pull(state, one.lever, WHO, f"{alarm.id}: {alarm.told}")
        said.append(f"the lever {one.lever} is pulled: the canary {one.id} is held ({alarm.id})")
    return said


def _restored(one: CanarySpec, key: str, entries: AlarmEntries) -> tuple[Canary, list[int]]:
    watch, seen = Canary(tolerated=one.tolerated, alpha=one.alpha), [0, 0, 0, 0]
    for entry in entries.looks:
        for name, *totals in entry.body.get("canaries", ()):
            if name == key:
                watch.batch(*_pairs([total - before for total, before in zip(totals, seen, strict=True)]))
                seen = list(totals)
    return watch, seen


def _pairs(counts: Sequence[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (events, sessions) of canary and control. Events beyond these sessions wait for the next look."""
    return (min(counts[0], counts[1]), counts[1]), (min(counts[2], counts[3]), counts[3])


def _totals(one: CanarySpec, view: FactView, last: int) -> list[int]:
    where, given = "", [one.canary, one.control, one.begins, iso(last)]
    if one.feature:
        where, given = " AND feature = ?", [*given, one.feature]
    rows = {
        value: (events, sessions)
        for value, events, sessions in view.query(
            f'SELECT value, count(*) FILTER (hit), count(*) FROM (SELECT "{one.field}" AS value, session, day,'
            f' bool_or({one.metric}) AS hit FROM facts WHERE "{one.field}" IN (?, ?) AND day BETWEEN ? AND ?{where}'
            " GROUP BY ALL) GROUP BY 1",
            given,
        )
    }
    return [*rows.get(one.canary, (0, 0)), *rows.get(one.control, (0, 0))]


def _alarm(one: CanarySpec, state: CanaryState, view: FactView, day: str, now: datetime) -> Alarm:
    share = exact_shares([state.canary_events], [state.canary_sessions])
    per, low, high = (float(part[0]) * 10_000 for part in share)
    control = 10_000 * state.control_events / max(1, state.control_sessions)
    return Alarm(
        id=new_alarm_id(now),
        kind="canary",
        stream=f"canary:{one.id}",
        severity=int(one.worst[1]),
        day=day,
        since=one.begins,
        told=f"{one.metric} in {per:.1f} of 10,000 sessions, {control:.1f} in the control,"
        f" of which {one.tolerated:g} times is tolerated",
        metric=one.metric,
        feature=one.feature,
        events=state.canary_events,
        sessions=state.canary_sessions,
        per=per,
        low=low,
        high=high,
        baseline_events=state.control_events,
        baseline_sessions=state.control_sessions,
        baseline_per=control,
        normal_per=control * one.tolerated,
        value=min(state.worse, 1e12),
        height=1 / one.alpha,
        e_value=min(state.worse, 1e12),
        spans=behind(view, one.metric, one.begins, day, feature=one.feature, only=(one.field, one.canary)),
    )
