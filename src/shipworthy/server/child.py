"""The schedule beside `shipworthy serve`: a process of its own, so that a slow database holds up no telemetry."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_FIRST_S, _MOST_S = 1.0, 60.0
"""Seconds before it is started again where it ended by itself: twice as long each time."""
_GRACE_S = 40.0


async def keep_schedule(workspace: Path, tell: Callable[[str], None]) -> None:
    """Keep `shipworthy schedule run` running until cancelled; then ask it to end, and wait for it.

    The child ends when its standard input does, so it does not outlive this process, however that ends.
    """
    wait = _FIRST_S
    words = (sys.executable, "-m", "shipworthy", "schedule", "run", "--until-input-ends", "-C", str(workspace))
    while True:
        process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE_S)
            raise
        tell(f"the schedule ended with {code}; it is started again in {wait:.0f} s")
        await asyncio.sleep(wait)
        wait = min(_MOST_S, 2 * wait)
