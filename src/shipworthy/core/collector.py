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


class _State:
    """Who holds the collector back, and what its thresholds were before."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held = 0
        self.before = gc.get_threshold()


_state = _State()


@contextmanager
def held_back() -> Iterator[None]:
    """Let the collector look at every `EVERY` new containers only, in the whole process, until the block ends.

    May be nested and used from several threads: the last to leave puts back what the first found. Where the collector
    was turned off, or looks more rarely already, nothing changes. Wrong around code that makes large objects in cycles:
    they would pile up.
    """
    with _state.lock:
        if not _state.held:
            _state.before = gc.get_threshold()
            if 0 < _state.before[0] < EVERY:
                gc.set_threshold(EVERY, *_state.before[1:])
        _state.held += 1
    try:
        yield
    finally:
        with _state.lock:
            _state.held -= 1
            if not _state.held:
                gc.set_threshold(*_state.before)
