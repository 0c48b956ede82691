"""How many may be in at one time: a semaphore whose limit can change."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Lets at most `limit` in at one time; who came first is let in first. Of one event loop.

    Attributes:
        limit: None for no limit. `change` sets it.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit, self._in = limit, 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if not self._waiting and (self.limit is None or self._in < self.limit):
            self._in += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # It was our turn already: the next one's now.
            else:
                self._waiting.remove(turn)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def change(self, limit: int | None) -> None:
        """Set the limit. Those who are in stay in."""
        self.limit = limit
        self._admit()

    def _leave(self) -> None:
        self._in -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self.limit is None or self._in < self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self._in += 1
                turn.set_result(None)
