"""Rates that a provider grants: requests and tokens a minute."""

from __future__ import annotations

import asyncio
import time


class Rate:
    """A token bucket that fills continuously. Fair: who came first is served first.

    Args:
        per_minute: units granted a minute, > 0. Six seconds' worth may be taken at once; what is granted in bursts
            beyond that, a provider's own limiter often refuses.
    """

    def __init__(self, per_minute: float) -> None:
        self.per_minute = per_minute
        self._per_second = per_minute / 60
        self._burst = max(1.0, per_minute / 10)
        self._left = self._burst
        self._filled = time.monotonic()
        self._lock: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def take(self, units: float = 1.0) -> None:
        """Wait until `units` may be spent, and spend them; more than a burst takes a full bucket and leaves a debt."""
        loop = asyncio.get_running_loop()
        if self._lock is None or self._loop is not loop:
            self._lock, self._loop = asyncio.Lock(), loop
        async with self._lock:
            self._fill()
            short = min(units, self._burst) - self._left
            if short > 0:
                await asyncio.sleep(short / self._per_second)
                self._fill()
            self._left -= units

    def correct(self, units: float) -> None:
        """Give back what was taken too much, or take (negative) what was taken too little. Never waits."""
        self._left = min(self._burst, self._left + units)

    def _fill(self) -> None:
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._filled) * self._per_second)
        self._filled = now
