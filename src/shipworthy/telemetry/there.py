"""Which spans a store has: for imports, which may bring the same file twice."""

from __future__ import annotations

import time
from hashlib import md5

import numpy as np

from shipworthy.core.observed import Observed
from shipworthy.telemetry.fact import AHEAD, FUTURE_US
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.store import TelemetryStore

_DAY_US = 86_400 * 1_000_000
_DAYS = 64
"""Days whose spans are kept in memory at one time: eight bytes a span."""
_NO_TIME = -1
"""In place of a day: spans whose clock was ahead have the time of their receipt."""


class SpansThere:
    """The spans of a store, by day, read when the first span of a day is asked for.

    Trace and span together are known by 64 bits of their MD5: among ten million spans of a day, a new one is taken for
    one that is there once in two million million times.
    """

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self._days: dict[int, np.ndarray] = {}
        self._new: set[int] = set()

    def add(self, observed: Observed) -> bool:
        """Say whether a span is there already; if not, it is from now on."""
        key = int.from_bytes(
            md5(bytes.fromhex(observed.trace) + bytes.fromhex(observed.span), usedforsecurity=False).digest()[8:],
            "little",
        )
        if key in self._new:
            return True
        keys = self._of(self._day(observed))
        at = int(np.searchsorted(keys, np.uint64(key)))
        if at < len(keys) and int(keys[at]) == key:
            return True
        self._new.add(key)
        return False

    @staticmethod
    def _day(observed: Observed) -> int:
        if observed.started <= 0 or observed.started > time.time() * 1e6 + FUTURE_US:
            return _NO_TIME
        return observed.started // _DAY_US

    def _of(self, day: int) -> np.ndarray:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _DAYS:
                del self._days[next(iter(self._days))]
            where = f"skew & {AHEAD} = {AHEAD}" if day == _NO_TIME else f"day = DATE '1970-01-01' + {int(day)}"
            with FactView(self._store.directory, threads=1) as view:
                rows = view.numbers(f"SELECT md5_number_lower(trace || span) AS key FROM facts WHERE {where}")
            found = self._days[day] = np.sort(rows)
        return found
