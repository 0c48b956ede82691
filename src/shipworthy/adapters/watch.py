"""Guards beside an agent that is not ours: they look at its texts, and say what they find."""

from __future__ import annotations

import asyncio
import os
import threading
from functools import cache

from shipworthy.core.errors import GuardError
from shipworthy.core.events import Stage
from shipworthy.core.foreign import kind_of
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Request
from shipworthy.enforce.pipeline import Applied, Pipeline


class Watch:
    """Run a pipeline's guards from code that may or may not have an event loop, and wait for them.

    They run in one loop of their own, in a thread that ends with the process: a guard that waits for an endpoint needs
    one, and a framework's own loop cannot be waited for from within.

    Args:
        guards: the pipeline.
        user: whose texts they are.
    """

    def __init__(self, guards: Pipeline, user: str = "") -> None:
        self._guards, self._ctx = guards, GuardContext(Request(messages=(), user=user))
        # Each rule ends by its own time-out; this is for what computes on and cannot be interrupted.
        self._patience_s = 5.0 + sum(rule.timeout_s for rule in guards.rules)

    def look(self, stage: Stage, text: str) -> Applied:
        """Return what the guards make of a text.

        Raises:
            GuardError: that cannot be had.
        """
        asked = asyncio.run_coroutine_threadsafe(self._guards.apply(stage, text, self._ctx), guard_loop(os.getpid()))
        try:
            return asked.result(self._patience_s)
        except Exception as error:
            raise GuardError(f"the guards did not look at a text ({kind_of(error)})") from None


@cache
def guard_loop(process: int) -> asyncio.AbstractEventLoop:
    """Return the loop of a process in which guards run: a thread does not live on in a fork.

    Args:
        process: its id.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="guards", daemon=True).start()
    return loop
