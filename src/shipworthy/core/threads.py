"""Threads for a plain function: a call that never returns holds up neither the others nor the end of the process."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from shipworthy.core.foreign import forks, kind_of, leave_if_forked, same_interpreter

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class Threads:
    """As many threads as calls at one time; whoever calls bounds them. They are daemons: the interpreter's exit does
    not wait for one that hangs, as it does for those of `asyncio.to_thread`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: list[queue.SimpleQueue[_Job | None]] = []

    async def call(self, function: Callable[..., Any], *given: Any) -> Any:
        """Call a function in a thread, in a copy of the caller's context. Raises what it raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()
        try:
            jobs = self._idle.pop()
        except IndexError:
            jobs = queue.SimpleQueue()
            threading.Thread(target=self._work, args=(jobs,), name=self._name, daemon=True).start()
        jobs.put((loop, future, lambda: context.run(function, *given)))
        return await future

    def close(self) -> None:
        """Let the threads that have nothing to do end."""
        while self._idle:
            self._idle.pop().put(None)

    def _work(self, jobs: queue.SimpleQueue[_Job | None]) -> None:
        since = forks()
        while (job := jobs.get()) is not None:
            loop, future, work = job
            result, error = None, None
            trace, profile = sys.gettrace(), sys.getprofile()
            try:
                with same_interpreter():
                    try:
                        result = work()
                    finally:
                        # First of all, and without a call of Python's: a tracer that raises would do so in each.
                        sys.settrace(trace)
                        sys.setprofile(profile)
            except BaseException as raised:
                error = raised
            leave_if_forked(since)
            self._idle.append(jobs)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(_settle, future, result, error)
            del job, loop, future, work, result, error  # nothing of a call lives until the next one


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # whoever waited has given up
        return
    if isinstance(error, StopIteration | GeneratorExit):
        # No future can carry them: the one would never end the call, the other would close whoever waits for it.
        error = RuntimeError(kind_of(error)).with_traceback(error.__traceback__)
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
