"""A process that watches the one that does the work, where that runs code which is not ours.

Such code can end its process in ways that nothing in there can catch: ``os._exit(0)``, a crash in C, memory that runs
out. The exit code would then be the code's word, and 0 means ship. So the work is done in a child; what the command
exits with is what the child *said* before it ended, else 4; and everything that it started ends with it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

FAILURE = 4
PATIENCE_S = 5.0
"""Seconds from one signal to the next after which the next one ends the work, and for which the work may take to end
after it has said its exit code."""
_PDEATHSIG, _SUBREAPER = 1, 36
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_BY_TERMINAL = 0x80
"""`si_code` of a signal that the kernel sent, as for Ctrl-C: it went to the child as well."""


class _Ours:
    told: int | None = None
    """In the child: the descriptor that leads to the watching process, and the pipe that it was."""
    pipe = 0
    pid = 0


def wanted(argv: list[str]) -> bool:
    """Say whether a command may run code that is not ours, and this system can watch it."""
    if sys.platform != "linux":
        return False
    if "--allow-code" in argv or "scan" in argv:  # what is named on scan's own command line is allowed by that
        return True
    from shipworthy.core.errors import UsageError
    from shipworthy.core.grants import Grants
    from shipworthy.core.settings import Settings

    try:
        return bool(Grants.load(Settings.load().grants_file).code)
    except UsageError:  # the command will say so
        return False


def tell(going_on: str) -> None:
    """Tell the watching process how to go on if this one ends here; nothing where none watches."""
    _say({"going_on": going_on})


def watched(work: Callable[[], int]) -> int:
    """Do some work in a child, and return its exit code; in the child, exit with it.

    To be called before anything is imported that starts threads.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    reading, writing = os.pipe()
    me = os.getpid()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*_FORWARDED, signal.SIGCHLD})
    child = os.fork()
    if child == 0:
        os.close(reading)
        libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_SUBREAPER, 0, 0, 0, 0)
        if os.getppid() != me:
            os._exit(FAILURE)
        _Ours.told, _Ours.pid, _Ours.pipe = writing, os.getpid(), os.fstat(writing).st_ino
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _work(work)
    os.close(writing)
    os.set_blocking(reading, False)
    return _Watch(child, reading).end()


def _work(work: Callable[[], int]) -> NoReturn:
    code = FAILURE
    try:
        code = work()
    finally:
        if os.getpid() != _Ours.pid:
            os._exit(FAILURE)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        _say({"code": code})
        sys.exit(code)


def _say(message: dict[str, Any]) -> None:
    if _Ours.told is not None and os.getpid() == _Ours.pid:
        with suppress(OSError):
            # Foreign code may have closed it, and its number may be another file's by now.
            if os.fstat(_Ours.told).st_ino == _Ours.pipe:
                os.write(_Ours.told, json.dumps(message).encode() + b"\n")


class _Watch:
    """Waits for the child, hands on signals, and says what became of it."""

    def __init__(self, child: int, reading: int) -> None:
        self._child, self._reading, self._heard = child, reading, b""
        self._signalled = self._last = 0.0
        self._said: float | None = None
        self._known: dict[str, Any] = {}
        self._by_us = ""

    def end(self) -> int:
        """Return the exit code."""
        status: int | None = None
        while status is None:
            came = signal.sigtimedwait({*_FORWARDED, signal.SIGCHLD}, 0.5)
            if came is not None and came.si_signo in _FORWARDED:
                self._hand_on(came)
            self._listen()
            status = self._reaped()
            if status is None and self._said is not None and time.monotonic() - self._said > PATIENCE_S:
                # It is done; threads that it cannot end, or what it does on leaving, hold it up.
                self._kill()
        self._listen()
        _end_children()
        if (code := self._known.get("code")) is not None:
            return int(code)
        self._tell(status)
        return FAILURE

    def _hand_on(self, came: signal.struct_siginfo) -> None:
        now = time.monotonic()
        if self._signalled and now - self._signalled > PATIENCE_S:
            self._by_us = signal.Signals(came.si_signo).name
            self._kill()
            return
        if now - self._last > 1.0:
            self._signalled = self._signalled or now
        self._last = now
        if came.si_code != _BY_TERMINAL:
            with suppress(ProcessLookupError):
                os.kill(self._child, came.si_signo)

    def _listen(self) -> None:
        with suppress(BlockingIOError):
            while piece := os.read(self._reading, 65_536):
                self._heard += piece
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            with suppress(ValueError):
                self._known |= json.loads(line)
        if "code" in self._known and self._said is None:
            self._said = time.monotonic()

    def _reaped(self) -> int | None:
        """Bury the child, and whatever else was left to us, if it has ended."""
        found = None
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._child:
                    found = ended[1]
        return found

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)

    def _tell(self, status: int) -> None:
        if self._by_us:
            how = f"it was stopped by a second {self._by_us}"
        elif os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            how = f"it was ended by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")
        elif os.waitstatus_to_exitcode(status) == FAILURE:
            how = "it ended before its time"
        else:
            how = f"code that it ran ended it, with exit code {os.waitstatus_to_exitcode(status)}"
        with suppress(OSError):
            sys.stderr.write(f"error: {how}\n")
            if going_on := self._known.get("going_on"):
                sys.stderr.write(f"       What was finished is kept.\nGo on:    {going_on}\n")
            sys.stderr.flush()


def _end_children() -> None:
    """End what the work has left behind: having lost their parents, they are ours by now."""
    for number, patience in ((None, 0.3), (signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)):
        until = time.monotonic() + patience
        if number is not None:
            for pid in _children():
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        while _left() and time.monotonic() < until:
            time.sleep(0.01)


def _left() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _children() -> list[int]:
    me, found = os.getpid(), []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                # The name, in parentheses, may hold anything; the parent is the second word after it.
                if int((place / "stat").read_bytes().rpartition(b")")[2].split()[1]) == me:
                    found.append(int(place.name))
    return found
