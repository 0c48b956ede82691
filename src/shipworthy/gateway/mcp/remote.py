"""A server that is reached over streamable HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import INVALID_REQUEST, BadRpc, RpcError, RpcId, RpcMessage, RpcResult
from shipworthy.dialects.mcp import CANCELLED
from shipworthy.gateway.mcp.proxied import ProxiedServer
from shipworthy.gateway.mcp.wire import Hear, WireBroken
from shipworthy.net.client import Broken, Client, Distrusted, TooLong
from shipworthy.net.events import EventReader
from shipworthy.net.wire import Response

_JSON, _EVENTS = "application/json", "text/event-stream"
_SESSION = "mcp-session-id"
_STREAM_BYTES = 1 << 40
"""Of a whole stream: it is bounded message by message."""
_END_S = 2.0
"""Seconds for telling a server that a session is over."""
_AGAIN_S = 1.0
"""Seconds before a stream that ended is opened again."""


class RemoteWire:
    """A server over HTTP. Redirects are never followed."""

    def __init__(self, server: ProxiedServer) -> None:
        spec = server.spec
        self._spec = spec
        self._client = Client(ca_file=spec.ca_file)
        self._headers = {"accept": f"{_JSON}, {_EVENTS}", "content-type": _JSON}
        if server.key:
            prefix = "Bearer " if spec.key_header.lower() == "authorization" else ""
            self._headers[spec.key_header] = prefix + server.key
        self._session = ""
        self._hear: Hear | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: dict[RpcId, asyncio.Task[None]] = {}
        self._order = asyncio.Lock()
        self.lost = ""

    async def start(self, hear: Hear) -> None:
        self._hear = hear

    async def send(self, message: Mapping[str, Any]) -> None:
        if self.lost:
            raise WireBroken(self.lost)
        id = message.get("id") if "method" in message else None
        if id is not None:
            self._asking[id] = self._spawn(self._ask(message, id))
            return
        if message.get("method") == CANCELLED and (asking := self._asking.get(message["params"]["requestId"])):
            asking.cancel()  # its connection is of no more use
        response = await self._open("POST", rpc.write(message))
        response.close()
        if not 200 <= response.status < 300:
            raise WireBroken(f"the server refused a message with status {response.status}")

    async def opened(self, version: str) -> None:
        self._headers["mcp-protocol-version"] = version
        self._spawn(self._listen())

    async def close(self, *, at_once: bool = False) -> None:
        for task in tuple(self._tasks):
            if task is not asyncio.current_task():
                task.cancel()
        if self._session and not self.lost:
            self.lost = "the session was closed"
            with suppress(Exception):
                async with asyncio.timeout(_END_S):
                    (await self._open("DELETE", b"")).close()
        await self._client.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open(self, method: str, payload: bytes) -> Response:
        headers = {**self._headers, **({_SESSION: self._session} if self._session else {})}
        try:
            return await self._client.open(method, self._spec.url, headers, payload)
        except Broken as error:
            raise WireBroken(f"the server cannot be reached ({error})") from None
        except Distrusted as error:
            raise WireBroken(str(error)) from None

    async def _ask(self, message: Mapping[str, Any], id: RpcId) -> None:
        """Send a request, and pass on what its answer holds."""
        try:
            await self._answered(message, id)
        finally:
            self._asking.pop(id, None)

    async def _answered(self, message: Mapping[str, Any], id: RpcId) -> None:
        try:
            response = await self._open("POST", rpc.write(message))
            if message.get("method") == "initialize" and _is_session(response.headers.get(_SESSION, "")):
                self._session = response.headers[_SESSION]
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.status == 404 and self._session:
                response.close()
                self.lost = "the server does not know the session any more"
                await self._tell(None, None)
                return
            if kind == _EVENTS and response.status == 200:
                answered = await self._stream(response, id)
            elif kind == _JSON:
                answered = await self._take(await self._client.read(response, self._spec.max_bytes), id)
            else:
                response.close()
                raise WireBroken(f"the server answered with status {response.status}")
            if answered:
                return
            said = "the server's answer ended without what was asked for"
        except WireBroken as error:
            said = str(error)
        except (Broken, TooLong):
            said = "the server's answer broke off, or was longer than it may be"
        await self._tell(BadRpc(INVALID_REQUEST, said, id, answers=True), id)

    async def _listen(self) -> None:
        """Keep a stream open for what the server says on its own, where it offers one."""
        while not self.lost:
            try:
                response = await self._open("GET", b"")
            except WireBroken:
                return
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.status != 200 or kind != _EVENTS:
                response.close()
                return
            with suppress(Broken, TooLong):
                await self._stream(response, None)
            await asyncio.sleep(_AGAIN_S)

    async def _stream(self, response: Response, id: RpcId | None) -> bool:
        """Pass on what a stream holds; say whether the answer to a request was in it."""
        events, size, answered = EventReader(), 0, False
        async for piece in self._client.pieces(response, _STREAM_BYTES):
            size += len(piece)
            for event in events.feed(piece):
                size = 0
                answered = await self._take(event.data.encode("utf-8", "replace"), id) or answered
            if size > self._spec.max_bytes:
                raise TooLong
        for event in events.end():
            answered = await self._take(event.data.encode("utf-8", "replace"), id) or answered
        return answered

    async def _take(self, data: bytes, id: RpcId | None) -> bool:
        """Pass on a message; say whether it answers a request."""
        if not data.strip():
            return False
        try:
            message = rpc.read(data)
        except BadRpc as bad:
            await self._tell(bad, id)
            return bad.answers and bad.id == id
        await self._tell(message, id)
        return isinstance(message, RpcResult | RpcError) and message.id == id

    async def _tell(self, message: RpcMessage | BadRpc | None, id: RpcId | None) -> None:
        if self._hear is not None:
            async with self._order:  # of several streams, one message at a time
                await self._hear(message, id)


def _is_session(id: str) -> bool:
    return 0 < len(id) <= 1_000 and id.isascii() and id.isprintable() and " " not in id
