"""A deadline for calls that nearly always end long before it: one timer for all of them."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any


class Patience:
    """How long a call may take, for calls that are made again and again.

    ``with patience.watch(): await call()`` does what ``async with asyncio.timeout(seconds)`` does, at a fifth of its
    cost: that one makes a timer for each call and takes it out again. Here the calls stand in a row, the oldest first,
    and one timer waits for the oldest of them.

    Args:
        seconds: >= 0; None for no deadline.
    """

    __slots__ = ("_last", "_rows", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._rows: dict[asyncio.AbstractEventLoop, _Row] = {}
        self._last: _Row | None = None

    def watch(self) -> _Watch:
        """Return what ends the running task's work in a block with `TimeoutError` once it has taken too long."""
        if self.seconds is None:
            return _Watch(None, 0.0)
        loop = asyncio.get_running_loop()
        row = self._last
        if row is None or row.loop is not loop:
            row = self._last = self._row(loop)
        return _Watch(row, loop.time() + self.seconds)

    def _row(self, loop: asyncio.AbstractEventLoop) -> _Row:
        for ended in [other for other in self._rows if other.is_closed()]:
            self._rows.pop(ended, None)
        return self._rows.setdefault(loop, _Row(loop))


class _Row:
    """The calls of one event loop, in the order in which their time is up."""

    __slots__ = ("loop", "timer", "watched")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.watched: dict[_Watch, None] = {}
        self.timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """End what is over its time, and wait for the next one."""
        self.timer, now = None, self.loop.time()
        while self.watched:
            watch = next(iter(self.watched))
            if watch.due > now:
                # While calls are made, the timer goes off once in a whole deadline, not once a call.
                self.timer = self.loop.call_at(watch.due, self.look)
                return
            del self.watched[watch]
            watch.end()


class _Watch:
    """One call that is being watched: a context manager."""

    __slots__ = ("_asked", "_row", "_task", "due", "over")

    def __init__(self, row: _Row | None, due: float) -> None:
        self._row, self.due, self.over = row, due, False
        self._task: asyncio.Task[Any] | None = None
        self._asked = 0

    def end(self) -> None:
        """Interrupt the call."""
        self.over = True
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> None:
        row = self._row
        if row is None:
            return
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline stands in a task")
        self._task, self._asked = task, task.cancelling()
        row.watched[self] = None
        if row.timer is None:
            row.timer = row.loop.call_at(self.due, row.look)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        row = self._row
        if row is None:
            return
        if not self.over:
            del row.watched[self]
        # Whoever else asked the task to stop meanwhile has the first word, as with `asyncio.timeout`.
        elif self._task is not None and self._task.uncancel() <= self._asked and kind is asyncio.CancelledError:
            raise TimeoutError from error
