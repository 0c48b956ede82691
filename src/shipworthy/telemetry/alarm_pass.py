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
from shipworthy.stats.detector import DayCount
from shipworthy.store.alarms import enter_look, read_alarms
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.standing import Standings
from shipworthy.telemetry.alarm_evidence import evidence_alarms, vendor_alarms
from shipworthy.telemetry.alarm_pages import pages
from shipworthy.telemetry.alarm_rates import look_at_rates
from shipworthy.telemetry.config import ServeConfig
from shipworthy.telemetry.facts import FactView


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
    """

    raised: list[Alarm]
    days: tuple[str, ...]
    late: DayCount
    streams: list[StreamState]
    still: int


def alarm_pass(config: ServeConfig, audit: AuditLog, now: datetime | None = None) -> AlarmPass:
    """Look at everything that is watched, and enter what was seen. Not on an event loop.

    Raises:
        UsageError: there is no store.
        StoreError: it cannot be entered; nothing was, and the next pass sees the same again.
    """
    at = now or datetime.now(UTC)
    spec = config.alarms
    with _alone(config), FactView(config.state) as view:
        entries = read_alarms(audit, spec.name)
        looks = look_at_rates(spec, entries, view, at)
        found = list(looks.alarms)
        if spec.page:
            found += pages(spec, entries, view, at)
        if spec.evidence.watch:
            found += evidence_alarms(spec, Standings(Layout(config.workspace), audit), view, at)
        found += vendor_alarms(spec, audit, entries, at)
        opened, new = entries.opened(), list[Alarm]()
        for alarm in found:
            if alarm.key not in opened:
                opened[alarm.key] = alarm
                new.append(alarm)
        raised = enter_look(audit, looks.look, new)
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
    return AlarmPass(raised, looks.days, looks.late, states, len(found) - len(new))


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
