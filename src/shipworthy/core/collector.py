"""Python's garbage collector, held back while very many records are made or read."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

EVERY = 50_000
"""Containers that may be made, and not yet freed, before the collector looks: a busy run has as many on their way.

At Python's own 700 it looks through them a hundred times before they are done, and finds nothing: measured over HTTP
with 256 connections, a fifth of all CPU time. Cycles are still collected, some megabytes later.
"""

_lock = threading.Lock()
_held = 0
_before: tuple[int, int, int] = gc.get_threshold()


@contextmanager
def held_back() -> Iterator[None]:
    """Let the collector look at every `EVERY` new containers only, in the whole process, until the block ends.

    May be nested and used from several threads: the last to leave puts back what the first found. Where the collector
    was turned off, or looks more rarely already, nothing changes. Wrong around code that makes large objects in cycles:
    they would pile up.
    """
    global _before, _held
    with _lock:
        if not _held:
            _before = gc.get_threshold()
            if 0 < _before[0] < EVERY:
                gc.set_threshold(EVERY, *_before[1:])
        _held += 1
    try:
        yield
    finally:
        with _lock:
            _held -= 1
            if not _held:
                gc.set_threshold(*_before)
