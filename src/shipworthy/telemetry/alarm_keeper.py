"""When a server looks: as soon as something of severity S1 is on the disk, once a day has ended, and every hour."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from shipworthy.core.errors import ShipworthyError
from shipworthy.core.foreign import kind_of
from shipworthy.store.alarms import AlarmEntries, read_alarms
from shipworthy.store.audit import AuditLog
from shipworthy.telemetry.alarm_pass import AlarmPass, alarm_pass
from shipworthy.telemetry.alarm_rates import last_closed
from shipworthy.telemetry.alarm_signals import tell_triage
from shipworthy.telemetry.config import ServeConfig

EVERY_S = 3_600.0
AGAIN_S = 30.0
"""Seconds after which a pass that failed is tried again."""
REFRESH_S = 15.0
SEVERE_S = 5.0
"""Seconds between two looks for S1: a flood of it is one page after the other, and not a look a second."""


class AlarmKeeper:
    """Looks for alarms while a store is served. A look that fails is told, tried again, and stops nothing.

    Args:
        severe: returns how many spans of severity S1 have been kept.
        tell: is told what an operator should know.

    Attributes:
        failed: why the last look failed; empty where it did not.
        looked: Unix time of the last look that did not; 0 before it.
        last: what it gave; `entries` the alarms there are, at most `REFRESH_S` old.
    """

    def __init__(
        self,
        config: ServeConfig,
        audit: AuditLog,
        severe: Callable[[], int],
        tell: Callable[[str], None],
    ) -> None:
        self._config, self._audit, self._severe, self._tell = config, audit, severe, tell
        self._seen = self._day = -1
        self._next = self._read = self._soonest = 0.0
        self.failed = ""
        self.looked = 0.0
        self.last: AlarmPass | None = None
        self.entries = AlarmEntries()

    def tend(self) -> None:
        """Look, where it is time to. Not on an event loop."""
        at, severe = datetime.now(UTC), self._severe()
        day = last_closed(self._config.alarms, at)
        now = time.monotonic()
        if self.failed and now < self._next:
            return
        whole = day != self._day or now >= self._next
        if not whole and (severe == self._seen or now < self._soonest):
            self._refresh(now)
            return
        try:
            found = alarm_pass(self._config, self._audit, at, rates=whole)
            self.entries = read_alarms(self._audit)
            # All that are open, not the new ones alone: a process may have been killed between an alarm and its signal.
            tell_triage(self._audit, self._config, [held.alarm for held in self.entries.alarms if held.open])
        except Exception as error:
            # Whatever it is: a watch that ends in silence would look like a quiet day.
            why = str(error) if isinstance(error, ShipworthyError | OSError) else kind_of(error)
            if why != self.failed:
                self._tell(f"nobody is watching: a look at the alarms failed, and is tried again: {why}")
            self.failed, self._next = why, now + AGAIN_S
            return
        if self.failed:
            self._tell("the alarms are looked at again")
        if not whole and self.last is not None:
            found = found._replace(streams=self.last.streams)
        self._seen, self._day, self._read, self._soonest = severe, day, now, now + SEVERE_S
        if whole:
            self._next = now + EVERY_S
        self.failed, self.looked, self.last = "", time.time(), found
        for done in found.held:
            self._tell(done)
        for alarm in found.raised:
            self._tell(f"ALARM {alarm.id} {alarm.stream}: {alarm.told}")
        if any(found.late):
            self._tell(f"{found.late.sessions:,} sessions of days before came late, and were counted with this look")

    def _refresh(self, now: float) -> None:
        """Read the alarms again: somebody may have closed one."""
        if now - self._read < REFRESH_S:
            return
        try:
            self.entries, self._read = read_alarms(self._audit), now
        except (ShipworthyError, OSError) as error:
            self.failed, self._next = str(error), now + AGAIN_S
            self._tell(f"the alarms cannot be read, which is tried again: {error}")
