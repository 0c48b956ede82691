"""What may end a sitting from outside its plan: signals, and code of an attempt that will not let go.

Ctrl-C, SIGTERM and SIGHUP stop a run in the same way: what is finished is kept, and the command says how to go on. Code
that holds up the whole process, so that nothing else runs, is interrupted where it stands, which makes its attempt an
error; where it swallows that, too, the process ends.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, TypeVar

from shipworthy.core.errors import TargetTimeout
from shipworthy.core.foreign import forks, kind_of

T = TypeVar("T")

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BEAT_S = 0.5
LEAST_PATIENCE_S = 15.0
"""Seconds for which nothing else may run, however short a target's own deadline is."""
PRESSES = 2
"""Times that one piece of code which holds up everything is interrupted before the process ends."""
TWICE_S = 1.0
"""Signals closer together are one: a terminal and whoever started us may both send it."""
_POKE = signal.SIGURG
"""Wakes the main thread. Nothing in Python uses it, and by default it does nothing."""


class Blocked(TargetTimeout):
    """Code of an attempt held up the whole process."""


class Heed:
    """Runs a sitting's work, and says why it ended where it did not end by itself.

    Args:
        patience: seconds for which code may hold up the event loop.
        going_on: the command that goes on with the run.

    Attributes:
        why: what stopped the work; empty where nothing did.
    """

    def __init__(self, patience: float, going_on: str = "") -> None:
        self.why = ""
        self._patience, self._going_on = max(patience + 5, LEAST_PATIENCE_S), going_on
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beaten = self._told = 0.0
        self._interrupted: FrameType | None = None
        self._presses = 0
        self._over = threading.Event()

    def run(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Run the work on an event loop of its own; None where it was stopped, and `why` then says by what.

        Raises:
            Exception: what the work itself raised.
        """
        main = threading.current_thread() is threading.main_thread()
        before = self._listen() if main else {}
        self._beaten = time.monotonic()
        if main:
            threading.Thread(target=self._watch, args=(threading.get_ident(),), daemon=True).start()
        try:
            return asyncio.run(self._main(work))
        except BaseException as error:
            task = self._task
            if task is None or (task.done() and not task.cancelled() and task.exception() is error):
                raise
            self.why = self.why or _cause(error)
            if isinstance(error, OSError):  # what is left of the loop cannot even be tidied up
                logging.getLogger("asyncio").disabled = True
                sys.unraisablehook = lambda _: None
            return None
        finally:
            self._over.set()
            self._interrupted = None
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _main(self, work: Coroutine[Any, Any, T]) -> T:
        self._task, self._loop = asyncio.current_task(), asyncio.get_running_loop()
        self._beat()
        return await work

    def _listen(self) -> dict[signal.Signals, Any]:
        before: dict[signal.Signals, Any] = {}
        for number in STOPS:
            # Whoever started us may have it ignored (nohup, a shell's background job).
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, self._stop)
        before[_POKE] = signal.signal(_POKE, self._poked)
        return before

    def _stop(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._told and now - self._told < TWICE_S:
            return
        again, self._told = bool(self._told), now
        named = "you stopped it" if number == signal.SIGINT else f"it was sent {signal.Signals(number).name}"
        self.why = self.why or named
        if again or self._task is None or self._loop is None:
            raise KeyboardInterrupt
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _beat(self) -> None:
        self._beaten = time.monotonic()
        if self._loop is not None and not self._over.is_set():
            self._loop.call_later(BEAT_S, self._beat)

    def _watch(self, main: int) -> None:
        since = forks()
        while not self._over.wait(BEAT_S):
            if forks() != since:
                return
            held = time.monotonic() - self._beaten
            if held > self._patience * (PRESSES + 1):  # not even a signal reaches it: it computes outside of Python
                self._give_up()
            if held > self._patience:
                with suppress(ProcessLookupError):
                    signal.pthread_kill(main, _POKE)

    def _poked(self, number: int, frame: FrameType | None) -> None:
        if (now := time.monotonic()) - self._beaten <= self._patience:
            return
        held = frame
        while held is not None and held is not self._interrupted:
            held = held.f_back
        self._presses = self._presses + 1 if held is not None else 1  # the same call, which went on regardless
        if self._presses > PRESSES:
            self._give_up()
        self._interrupted, self._beaten = frame, now
        raise Blocked(f"it held up the whole process for {self._patience:g} s")

    def _give_up(self) -> None:
        """End the process. What was finished is on the disk, as after any crash."""
        with suppress(Exception):
            said = "error: code of an attempt holds up the whole process, and does not let go\n"
            sys.stderr.write(said + (f"Go on:    {self._going_on}\n" if self._going_on else ""))
            sys.stderr.flush()
        os._exit(4)


def _cause(error: BaseException) -> str:
    match error:
        case SystemExit():
            return f"code of an attempt called exit({error.code!r:.40})"
        case KeyboardInterrupt():
            return "you stopped it"
        case asyncio.CancelledError():
            return "code of an attempt cancelled the run"
        case OSError() if error.errno == errno.EBADF:
            return "code of an attempt closed files of this process"
        case RuntimeError():
            return "code of an attempt stopped the event loop"
        case _:
            return f"code of an attempt ended the event loop ({kind_of(error)})"
