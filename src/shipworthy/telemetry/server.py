"""Sockets and the process of `shipworthy serve`."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web

from shipworthy.core.collector import held_back
from shipworthy.gateway.listening import listen
from shipworthy.gateway.sockets import BACKLOG, GRACE_S, PatientServer, address, bind
from shipworthy.telemetry.config import ServeConfig
from shipworthy.telemetry.receiver import Receiver


@asynccontextmanager
async def receiving(
    config: ServeConfig, bound: socket.socket, tell: Callable[[str], None]
) -> AsyncGenerator[Receiver, None]:
    """Serve on a socket while the block runs; then let requests in flight end, and make segments of all there is."""
    receiver = Receiver(config, tell)
    limits = config.spec.limits
    runner = web.ServerRunner(
        PatientServer(receiver.handle, limits.idle_s, limits.header_bytes),
        handle_signals=False,
        shutdown_timeout=GRACE_S,
    )
    await runner.setup()
    tending = [asyncio.create_task(receiver.tend()), asyncio.create_task(receiver.watch())]
    try:
        await web.SockSite(runner, bound, backlog=BACKLOG).start()
        yield receiver
    finally:
        for task in tending:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await runner.cleanup()
        await receiver.close()


def run(
    config: ServeConfig, tell: Callable[[str], None], beside: Callable[[], Coroutine[Any, Any, None]] | None = None
) -> int:
    """Serve until told to end (SIGTERM, SIGINT). Returns the exit code.

    Args:
        beside: runs while it serves, and is cancelled at the end; it must not raise.

    Raises:
        UsageError, StoreError: it cannot serve as configured.
    """
    bound = bind(*listen(config.spec.listen))
    return asyncio.run(_work(config, bound, tell, beside))


async def _work(
    config: ServeConfig, bound: socket.socket, tell: Callable[[str], None],
    beside: Callable[[], Coroutine[Any, Any, None]] | None,
) -> int:  # fmt: skip
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, ended.set)
    with held_back():
        async with receiving(config, bound, tell):
            tell(f"listening on {address(bound)}")
            if not config.spec.clients:
                tell("no 'clients': whoever is on this machine may send telemetry and read rates; nobody may look")
            if config.spec.alarms is None:
                tell("no 'alarms': what comes in is counted, and nothing is watched")
            gc.collect()
            gc.freeze()
            other = asyncio.create_task(beside()) if beside is not None else None
            await ended.wait()
            if other is not None:
                other.cancel()
                with suppress(asyncio.CancelledError):
                    await other
            tell("ending: what was acknowledged becomes segments")
    return 0
