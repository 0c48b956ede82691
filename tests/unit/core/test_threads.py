"""Threads of plain functions: what one sets for all of the process is put back."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from shipworthy.core.threads import Threads


def _bad(*_):
    raise RuntimeError


SETS = {
    "a low recursion limit": lambda: sys.setrecursionlimit(80),
    "a tracer of new threads": lambda: threading.settrace(_bad),
    "a tracer": lambda: sys.settrace(_bad),
    "a profiler of new threads": lambda: threading.setprofile(_bad),
    "a profiler": lambda: sys.setprofile(_bad),
}


@pytest.mark.parametrize("what", SETS)
def test_what_a_function_sets_for_all_is_put_back(what):
    before = sys.getrecursionlimit(), threading.gettrace(), threading.getprofile()
    threads = Threads("t")

    async def both():
        first = await asyncio.gather(threads.call(SETS[what]), return_exceptions=True)
        # The same thread goes on, and so does a new one.
        return first, await asyncio.gather(threads.call(len, "abc"), threads.call(len, "ab"))

    try:
        first, then = asyncio.run(asyncio.wait_for(both(), 30))
    finally:
        threads.close()
    assert then == [3, 2]
    assert first == [None] or isinstance(first[0], RuntimeError)
    assert (sys.getrecursionlimit(), threading.gettrace(), threading.getprofile()) == before
