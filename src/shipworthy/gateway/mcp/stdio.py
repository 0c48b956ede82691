"""A client on standard input and output: the process that it starts in place of the server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import INVALID_REQUEST, BadRpc, RpcId, RpcLines, RpcRequest
from shipworthy.gateway.active import Active
from shipworthy.gateway.config import Config
from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.mcp.session import McpSession
from shipworthy.gateway.mcp.sessions import wire_to

_PIECE = 1 << 16
_GRACE_S = 5.0
"""Seconds that answers under way have when the client's input has ended."""


class StdioClientWire:
    """A client that reads what is written to a file descriptor.

    Args:
        file: to write to; nothing else may.
        write_s: that the client may take for a message.
    """

    def __init__(self, file: int, write_s: float) -> None:
        self._file, self._write_s = file, write_s
        self._order = asyncio.Lock()
        self.gone = asyncio.Event()

    async def send(self, message: Mapping[str, Any], related: RpcId | None = None) -> bool:
        """Write a message; False where nobody takes it."""
        if self.gone.is_set():
            return False
        data = rpc.write(message) + b"\n"
        try:
            async with self._order, asyncio.timeout(self._write_s):
                while data:
                    try:
                        data = data[os.write(self._file, data) :]
                    except BlockingIOError:
                        await self._writable()
        except (OSError, TimeoutError):
            self.gone.set()
            return False
        return True

    async def _writable(self) -> None:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        try:
            loop.add_writer(self._file, ready.set)
        except (OSError, NotImplementedError):  # a plain file is always ready
            return
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._file)


def run(config: Config, server: str, tell: Callable[[str], None]) -> int:
    """Serve one client on standard input and output, until it ends or SIGTERM comes. Returns the exit code.

    Raises:
        UsageError: the file names no such server; StoreError: nothing can be recorded.
    """
    if server not in config.mcp:
        hint = did_you_mean(server, list(config.mcp)) if config.mcp else "it names none"
        raise UsageError(f"{config.path} names no MCP server {server!r}: {hint}")
    Active(config)  # all that can be wrong is found before anything starts
    return asyncio.run(_serve(config, server, tell))


async def _serve(config: Config, server: str, tell: Callable[[str], None]) -> int:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, ended.set)
    # Whatever else in this process prints must not get between messages.
    out = os.dup(1)
    os.dup2(2, 1)
    os.set_blocking(out, False)
    gateway = Gateway(config, tell)
    watch = asyncio.create_task(gateway.watch())
    client = StdioClientWire(out, config.spec.limits.write_s)
    served = gateway.keeper.look().mcp[server]
    session = McpSession(gateway, served, wire_to(served), client, user="", route="gateway mcp")
    gateway.sessions.add(session)
    reading = asyncio.create_task(_read(session, client, served.spec.max_bytes))
    try:
        waits = {reading, asyncio.create_task(ended.wait()), asyncio.create_task(client.gone.wait())}
        _, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        await session.close()
        await gateway.close()
    return 0


async def _read(session: McpSession, client: StdioClientWire, most: int) -> None:
    """Serve what the client says until its input ends, and let the answers under way leave."""
    lines, under_way = RpcLines(most), set[asyncio.Task[None]]()
    reader = asyncio.StreamReader(limit=_PIECE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    while data := await reader.read(_PIECE):
        for line in lines.feed(data):
            try:
                if line is None:
                    raise BadRpc(INVALID_REQUEST, f"a message is longer than {most:,} bytes")
                message = rpc.read(line)
            except BadRpc as bad:
                await client.send(rpc.error(bad.id, bad.code, bad.said))
                continue
            if isinstance(message, RpcRequest):
                task = loop.create_task(_answer(session, client, message))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                await asyncio.sleep(0)  # it is under way before the next message, which may cancel it, is read
            else:
                await session.said(message)
    if under_way:
        await asyncio.wait(under_way, timeout=_GRACE_S)
    for task in tuple(under_way):
        task.cancel()


async def _answer(session: McpSession, client: StdioClientWire, request: RpcRequest) -> None:
    answer = await session.asked(request)
    if answer is not None:
        await client.send(answer)
