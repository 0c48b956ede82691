"""Code that is not ours and runs in this process: which of its exceptions are its own failure, and what they say.

A target, an attack, a scorer, a guard and a tool may raise anything: `SystemExit`, `KeyboardInterrupt`, a class of
their own without a message that can be read. All of it is a failure of theirs, recorded as such. Only what somebody
else asked for passes through: the cancelling of the task, and Ctrl-C where Python raises it in whoever runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 2_000
"""Characters of an exception's message that are kept."""

_UNREADABLE = "its message cannot be read"


class _Process:
    forks = 0


def _count() -> None:
    _Process.forks += 1


os.register_at_fork(after_in_child=_count)


@contextmanager
def same_interpreter() -> Iterator[None]:
    """Put back what foreign code set for all of the process: a lower recursion limit, what traces new threads."""
    deep, trace, profile = sys.getrecursionlimit(), threading.gettrace(), threading.getprofile()
    try:
        yield
    finally:
        if sys.getrecursionlimit() < deep:
            sys.setrecursionlimit(deep)
        if threading.gettrace() is not trace:
            threading.settrace(trace)
        if threading.getprofile() is not profile:
            threading.setprofile(profile)


def being_cancelled() -> bool:
    """Say whether somebody asked the running task to stop, as opposed to a cancellation that came up from within."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def must_pass(error: BaseException) -> bool:
    """Say whether an exception is no failure of the code that it came out of, because somebody asked all to stop."""
    if isinstance(error, asyncio.CancelledError):
        return being_cancelled()
    if isinstance(error, KeyboardInterrupt):
        # Python raises it in whichever frame runs, unless somebody handles the signal, as asyncio's runner does: it
        # cancels then, and an interrupt that is raised was raised by the code itself.
        main = threading.current_thread() is threading.main_thread()
        return main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return False


def take_back_cancelling() -> None:
    """Take back that the running task was asked to stop, once it is known that foreign code in it did the asking."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()


def message_of(error: BaseException) -> str:
    """Return an exception's message, or its class where it has none; whatever its ``__str__`` does."""
    try:
        text = str.__add__("", str(error))  # of a subclass of str, the text alone
    except BaseException as failure:
        if must_pass(failure):
            raise
        return f"{kind_of(error)}: {_UNREADABLE}"
    return text[:LONGEST] + "…" * (len(text) > LONGEST) if text else kind_of(error)


def kind_of(value: object) -> str:
    """Return the name of a value's class, whatever its metaclass says."""
    name: str = type.__dict__["__name__"].__get__(type(value))
    return name


def forks() -> int:
    """Return how many forks lie between this process and the one that Python was started in."""
    return _Process.forks


def leave_if_forked(since: int) -> None:
    """End a process that foreign code forked and let come back to us: there is one run, and it is its parent's.

    Args:
        since: `forks` when the work began.
    """
    if _Process.forks != since:
        os._exit(70)
