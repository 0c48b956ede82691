"""A server that is started here, as a child of this process, and speaks on its standard streams."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import INVALID_REQUEST, BadRpc, RpcLines
from shipworthy.gateway.mcp.proxied import ProxiedServer
from shipworthy.gateway.mcp.wire import Hear, WireBroken

_PASSED = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TMPDIR", "TZ")
"""Variables that the child gets from this process: none that holds a credential."""
WRITE_S = 30.0
"""Seconds that a server may take for what it is sent."""
_PIECE = 1 << 16
_END_S = 2.0
"""Seconds that a server has to end by itself, once its input has."""


class ChildWire:
    """A child.

    Args:
        show_errors: what it writes on its standard error is shown on ours; otherwise nobody reads it.
    """

    def __init__(self, server: ProxiedServer, *, show_errors: bool = False) -> None:
        self._server, self._show = server, show_errors
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self.lost = ""

    async def start(self, hear: Hear) -> None:
        spec = self._server.spec
        env = {name: os.environ[name] for name in _PASSED if name in os.environ} | self._server.env
        try:
            self._process = await asyncio.create_subprocess_exec(
                *spec.command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=None if self._show else DEVNULL,
                cwd=self._server.read.folder,
                env=env,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no command"
            raise WireBroken(f"the server cannot be started: {why}") from None
        self._reading = asyncio.get_running_loop().create_task(self._read(self._process, hear))

    async def send(self, message: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None or self.lost:
            raise WireBroken(self.lost or "the server was not started")
        try:
            async with self._writing, asyncio.timeout(WRITE_S):
                process.stdin.write(rpc.write(message) + b"\n")
                await process.stdin.drain()
        except TimeoutError:
            self.lost = f"the server did not take what it was sent for {WRITE_S:g} s"
            raise WireBroken(self.lost) from None
        except (OSError, RuntimeError):
            raise WireBroken(self.lost or "the server ended") from None

    async def opened(self, version: str) -> None:
        """Nothing: a child needs not be told."""

    async def close(self, *, at_once: bool = False) -> None:
        process, reading = self._process, self._reading
        if process is None:
            return
        self._process = None
        if process.stdin is not None:
            with suppress(OSError, RuntimeError):
                process.stdin.close()
        try:
            async with asyncio.timeout(0 if at_once else _END_S):
                await process.wait()
        except TimeoutError:
            pass
        # Its whole group: what it started must not outlive the session.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if reading is not None and reading is not asyncio.current_task():
            reading.cancel()

    async def _read(self, process: Process, hear: Hear) -> None:
        lines = RpcLines(self._server.spec.max_bytes)
        stream = process.stdout
        while stream is not None and (data := await stream.read(_PIECE)):
            await hear_lines(lines, data, hear)
        status = await process.wait()
        self.lost = self.lost or f"the server ended, with status {status}"
        await hear(None, None)


async def hear_lines(lines: RpcLines, data: bytes, hear: Hear) -> None:
    """Pass on the messages that some bytes of a stream complete."""
    for line in lines.feed(data):
        if line is None:
            await hear(BadRpc(INVALID_REQUEST, "a message is longer than it may be"), None)
            continue
        try:
            message = rpc.read(line)
        except BadRpc as bad:
            await hear(bad, None)
        else:
            await hear(message, None)
