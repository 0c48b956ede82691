"""How many may be in at one time: a semaphore whose limit can change."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress


class Turns:
    """Lets at most `limit` in at one time; who came first is let in first. Of one event loop.

    ``async with turns`` is the way in and out. Where every call of a run passes, `enter`, `wait` where that said no,
    and `leave` do the same without two coroutines for each.

    Attributes:
        limit: None for no limit. `change` sets it.
        inside: how many are in.
    """

    __slots__ = ("_waiting", "inside", "limit")

    def __init__(self, limit: int | None) -> None:
        self.limit, self.inside = limit, 0
        self._waiting: deque[asyncio.Future[None]] | None = None

    def enter(self) -> bool:
        """Go in if there is a place and nobody waits for it; say whether. Who is in calls `leave` in the end."""
        if self._waiting or (self.limit is not None and self.inside >= self.limit):
            return False
        self.inside += 1
        return True

    async def wait(self) -> bool:
        """Go in when it is one's turn. Returns true."""
        if self.enter():
            return True
        turn = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # It was our turn already: the next one's now.
            else:
                # Whoever left meanwhile has passed it over: it stands there no longer then.
                with suppress(ValueError):
                    self._waiting.remove(turn)
            raise
        return True

    def leave(self) -> None:
        """Go out, and let the next one in."""
        self.inside -= 1
        if self._waiting:
            self._admit()

    async def __aenter__(self) -> None:
        if not self.enter():
            await self.wait()

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def change(self, limit: int | None) -> None:
        """Set the limit. Those who are in stay in."""
        self.limit = limit
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self.limit is None or self.inside < self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.inside += 1
                turn.set_result(None)
