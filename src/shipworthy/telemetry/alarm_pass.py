"""One pass: look at the streams, at S1, at evidence, at sentinels, and enter what was seen and raised."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from shipworthy.core.alarm import Alarm
from shipworthy.core.errors import StoreError
from shipworthy.stats.canary import CanaryState
from shipworthy.stats.detector import DayCount
from shipworthy.store.alarms import AlarmEntries, enter_look, read_alarms
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.standing import DecisionStandings
from shipworthy.telemetry.alarm_evidence import evidence_alarms, vendor_alarms
from shipworthy.telemetry.alarm_pages import pages
from shipworthy.telemetry.alarm_rates import NO_LOOKS, last_closed, look_at_rates
from shipworthy.telemetry.campaigns import campaign_alarms
from shipworthy.telemetry.canaries import hold, look_at_canaries
from shipworthy.telemetry.config import ServeConfig
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.streams import iso


class StreamState(NamedTuple):
    """How a stream stands: what it counts, days learnt of those it needs, and what is normal, in 10,000."""

    stream: str
    learnt: int
    needed: int
    baseline_per: float | None
    normal_per: float | None
    value: float
    height: float
    e_value: float


class AlarmPass(NamedTuple):
    """What a pass did.

    Attributes:
        raised: alarms that are new.
        days: that were looked at, ISO 8601; `late` events and sessions that came late of days before.
        streams: how each stands now.
        still: troubles that were seen again and have an open alarm.
        canaries: how each stands, where they were looked at; `held` what was done about those that are worse.
    """

    raised: list[Alarm]
    days: tuple[str, ...]
    late: DayCount
    streams: list[StreamState]
    still: int
    canaries: dict[str, CanaryState]
    held: list[str]


def alarm_pass(config: ServeConfig, audit: AuditLog, now: datetime | None = None, *, rates: bool = True) -> AlarmPass:
    """Look at everything that is watched, and enter what was seen. Not on an event loop.

    Args:
        rates: also at streams. Their state is made of all looks there were, which takes seconds of many streams after
            years: not for every S1.

    Raises:
        UsageError: there is no store.
        StoreError: it cannot be entered; nothing was, and the next pass sees the same again.
    """
    at = now or datetime.now(UTC)
    spec = config.alarms
    with _alone(config), FactView(config.state) as view:
        entries = read_alarms(audit, spec.name)
        looks = look_at_rates(spec, entries, view, at) if rates else NO_LOOKS
        found = list(looks.alarms)
        if spec.page:
            found += pages(spec, entries, view, at)
        if spec.evidence.watch:
            found += evidence_alarms(spec, DecisionStandings(Layout(config.workspace), audit), view, at)
        found += vendor_alarms(spec, audit, entries, at)
        if spec.campaigns.watch:
            found += campaign_alarms(config, audit, entries, view, at)
        look, states_of = looks.look, dict[str, CanaryState]()
        new_day = looks.look is not None or not _looked_today(entries, last_closed(spec, at))
        if spec.canaries and rates and new_day:
            canaries = look_at_canaries(spec, entries, view, at)
            found += canaries.alarms
            states_of = canaries.states
            if canaries.rows:
                whole = {"watch": spec.name, "day": iso(last_closed(spec, at)), "counts": [], "late": []}
                look = (look or whole) | {"canaries": canaries.rows}
        opened, new = entries.opened(), list[Alarm]()
        for alarm in found:
            if alarm.key not in opened:
                opened[alarm.key] = alarm
                new.append(alarm)
        raised = enter_look(audit, look, new)
    states = []
    for stream in looks.streams:
        watch = looks.watches[stream.key]
        states.append(
            StreamState(
                stream.id,
                len(watch.learnt),
                stream.spec.baseline_days,
                watch.normal.rate * 10_000 if watch.normal is not None else None,
                watch.highest if watch.normal is not None else None,
                watch.last.value,
                stream.spec.arl_days,
                watch.last.e_value,
            )
        )
    # Every open one, not the new alone: between the alarm and the lever a process may have been killed.
    held = hold(config, [h.alarm for h in read_alarms(audit).alarms if h.open]) if spec.canaries else []
    return AlarmPass(raised, looks.days, looks.late, states, len(found) - len(new), states_of, held)


def _looked_today(entries: AlarmEntries, day: int) -> bool:
    return any(entry.body["day"] == iso(day) and entry.body.get("canaries") for entry in entries.looks)


@contextmanager
def _alone(config: ServeConfig) -> Iterator[None]:
    """Be the only one that looks at this store: a server and a person may both want to."""
    try:
        config.state.mkdir(parents=True, exist_ok=True)
        handle = os.open(config.state / "alarms.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot look at {config.state}: {error.strerror or error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
