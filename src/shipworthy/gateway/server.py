"""Sockets and processes: the gateway behind aiohttp's server, in one worker or several."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from shipworthy.core.collector import held_back
from shipworthy.gateway.active import Active
from shipworthy.gateway.config import Config
from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.meter import new_run
from shipworthy.gateway.sockets import BACKLOG, GRACE_S, PatientServer, address, bind
from shipworthy.gateway.spent import SpentBook

_QUICK_S, _MOST_QUICK = 5.0, 3
"""A worker that ends within so many seconds of its start, so often in a row, is not started again."""


def listen(config: Config) -> socket.socket:
    """Return the socket that a gateway listens on. Errors as for `bind`."""
    return bind(config.host, config.port)


@asynccontextmanager
async def serving(
    config: Config, bound: socket.socket, tell: Callable[[str], None], run: str = ""
) -> AsyncGenerator[Gateway, None]:
    """Serve on a socket while the block runs; then let requests in flight end. `run` as for `Gateway`."""
    gateway = Gateway(config, tell, run)
    SpentBook(config.state).clean()
    limits = config.spec.limits
    server = PatientServer(gateway.handle, limits.idle_s, limits.header_bytes)
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=GRACE_S)
    await runner.setup()
    watch = asyncio.create_task(gateway.watch())
    try:
        site = web.SockSite(runner, bound, backlog=BACKLOG)
        await site.start()
        yield gateway
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        gateway.sessions.hush()
        await runner.cleanup()
        await gateway.close()


def run(config: Config, tell: Callable[[str], None]) -> int:
    """Serve until told to end (SIGTERM, SIGINT). Returns the exit code.

    Raises:
        UsageError, StoreError: it cannot serve as configured.
    """
    made = Active(config)  # all that can be wrong is found before anything listens
    bound = listen(config)
    tell(f"guards {made.digest}")
    if made.policy is not None:
        tell(f"policy {made.policy.digest}{', in shadow' if made.policy.policy.shadow else ''}")
    for stage in made.describe()["stages_without_a_rule"]:
        tell(f"no rule of {config.spec.guards} looks at {stage}: what passes there is not looked at")
    tell(f"listening on {address(bound)}" + (f", {config.spec.workers} workers" if config.spec.workers > 1 else ""))
    if config.spec.workers == 1:
        return asyncio.run(_work(config, bound, tell))
    return _supervise(config, bound, tell)


async def _work(config: Config, bound: socket.socket, tell: Callable[[str], None], run: str = "") -> int:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, ended.set)
    # The collector, at its own thresholds, looks through every request in flight all the time.
    with held_back():
        async with serving(config, bound, tell, run) as gateway:
            again: set[asyncio.Task[None]] = set()

            def reload() -> None:
                again.add(task := loop.create_task(gateway.keeper.reload()))
                task.add_done_callback(again.discard)

            loop.add_signal_handler(signal.SIGHUP, reload)
            # What is there now stays: looking through it would hold up all requests for a tenth of a second.
            gc.collect()
            gc.freeze()
            await ended.wait()
    return 0


def _supervise(config: Config, bound: socket.socket, tell: Callable[[str], None]) -> int:
    """Keep so many workers running, and pass on what the process is told."""
    run = new_run()
    workers: dict[int, float] = {}
    told: list[int] = []

    def heed(sign: int, _frame: object) -> None:
        told.append(sign)
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGHUP if sign == signal.SIGHUP else signal.SIGTERM)

    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, heed)
    quick = 0

    def ending() -> bool:
        return any(sign != signal.SIGHUP for sign in told)

    while True:
        while len(workers) < config.spec.workers and not ending():
            workers[_fork(config, bound, tell, run)] = time.monotonic()
        if not workers:
            return 0
        try:
            worker, status = os.wait()
        except (InterruptedError, ChildProcessError):
            continue
        began = workers.pop(worker, None)
        if began is None or ending():
            continue
        quick = quick + 1 if time.monotonic() - began < _QUICK_S else 0
        tell(f"worker {worker} ended ({status}), another one is started")
        if quick >= _MOST_QUICK * config.spec.workers:
            tell("workers end as soon as they start: giving up")
            heed(signal.SIGTERM, None)


def _fork(config: Config, bound: socket.socket, tell: Callable[[str], None], run: str) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    if worker := os.fork():
        return worker
    code = 70
    try:
        for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(sign, signal.SIG_DFL)
        code = asyncio.run(_work(config, bound, tell, run))
    except BaseException as error:
        tell(f"a worker failed: {error}")
    finally:
        os._exit(code)
