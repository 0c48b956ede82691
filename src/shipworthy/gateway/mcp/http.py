"""A client over streamable HTTP: its requests, and the streams on which a server's own messages reach it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import BadRpc, RpcId, RpcRequest
from shipworthy.gateway.clients import GatewayClient
from shipworthy.gateway.mcp.session import McpSession
from shipworthy.gateway.mcp.sessions import wire_to
from shipworthy.gateway.mcp.turn import stopped
from shipworthy.gateway.refusal import HttpRefusal
from shipworthy.gateway.turn import JSON, read_bytes

if TYPE_CHECKING:
    from shipworthy.gateway.active import Active
    from shipworthy.gateway.gateway import Gateway

SESSION, VERSION = "mcp-session-id", "mcp-protocol-version"
_MOST_KEPT = 100
"""Messages of a server that wait for a client that listens to no stream."""


class EventStream:
    """One answer that is a stream of events, begun with its first message."""

    def __init__(self, request: web.BaseRequest, headers: Mapping[str, str], write_s: float) -> None:
        self._request, self._headers, self._write_s = request, headers, write_s
        self.response: web.StreamResponse | None = None
        self.open = True
        self._order = asyncio.Lock()

    async def begin(self) -> None:
        """Send the head."""
        async with self._order:
            await self._begin()

    async def _begin(self) -> None:
        if self.response is None:
            response = web.StreamResponse(headers=self._headers)
            response.content_type = "text/event-stream"
            await response.prepare(self._request)
            self.response = response

    async def send(self, message: Mapping[str, Any]) -> bool:
        """Send a message; False where nobody takes it."""
        if not self.open:
            return False
        try:
            async with asyncio.timeout(self._write_s), self._order:
                await self._begin()
                if self.response is not None:
                    await self.response.write(b"event: message\ndata: " + rpc.write(message) + b"\n\n")
            return True
        except (TimeoutError, OSError):
            self.open = False
            if (transport := self._request.transport) is not None:
                transport.abort()
            return False

    async def end(self) -> web.StreamResponse:
        """End the stream."""
        self.open = False
        if self.response is None:
            return web.Response(status=202, headers=self._headers)
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._write_s):
                await self.response.write_eof()
        return self.response


class HttpClientWire:
    """The streams of one session's client."""

    def __init__(self) -> None:
        self.answers: dict[RpcId, EventStream] = {}
        self.listens: EventStream | None = None
        self._kept: deque[Mapping[str, Any]] = deque()
        self.over = asyncio.Event()

    async def send(self, message: Mapping[str, Any], related: RpcId | None) -> bool:
        """Send a message of the server's: with the answer that it belongs to, else to whoever listens."""
        streams = [self.answers.get(related) if related is not None else None, self.listens, *self.answers.values()]
        for stream in streams:
            if stream is not None and await stream.send(message):
                return True
        if "id" in message or len(self._kept) >= _MOST_KEPT:  # nobody would answer in time
            return False
        self._kept.append(message)
        return True

    async def listen(self, stream: EventStream) -> None:
        """Send what waits, and then what comes, until the session is over or the client has gone."""
        self.listens = stream
        try:
            await stream.begin()
            while self._kept and await stream.send(self._kept[0]):
                self._kept.popleft()
            await self.over.wait()
        finally:
            self.listens = None


class McpRequest:
    """One HTTP request."""

    def __init__(self, gateway: Gateway, request: web.BaseRequest, server: str) -> None:
        self._gateway, self._request, self._server = gateway, request, server
        self._active: Active = gateway.keeper.look()
        self._client: GatewayClient = gateway.admit(request, self._active)

    async def answer(self) -> web.StreamResponse:
        """Answer it.

        Raises:
            HttpRefusal: it is none that is served.
        """
        if self._server not in self._active.mcp or not self._client.may_use(self._server):
            raise HttpRefusal(404, "invalid_request_error", "there is no such MCP server for this key")
        if self._active.stopped:
            raise HttpRefusal(503, "service_unavailable", stopped().said, code="stopped", ending="stopped")
        with self._client.place():
            if self._request.method == "POST":
                return await self._post()
            session, client = self._session()
            if self._request.method == "DELETE":
                await session.close()
                return web.Response(status=200, headers=self._headers())
        # A stream that is open for as long as a session counts in no limit of requests.
        return await self._listen(client)

    async def _post(self) -> web.StreamResponse:
        self._check_accepts("application/json")
        data = await read_bytes(self._request, self._active, self._active.mcp[self._server].spec.max_bytes)
        try:
            message = rpc.read(data)
        except BadRpc as bad:
            return self._json(rpc.error(bad.id, bad.code, bad.said), 400)
        if isinstance(message, RpcRequest) and message.method == "initialize":
            return await self._initialize(message)
        session, client = self._session()
        if not isinstance(message, RpcRequest):
            # What nobody waits for is told so by the status alone.
            return web.Response(status=202 if await session.said(message) else 400, headers=self._headers())
        stream = EventStream(self._request, self._headers(), self._active.config.spec.limits.write_s)
        if message.id not in session.flying:
            client.answers[message.id] = stream
        try:
            answer = await session.asked(message)
            if stream.response is None and answer is not None:
                return self._json(answer)
            if answer is not None:
                await stream.send(answer)
            return await stream.end()
        finally:
            if client.answers.get(message.id) is stream:
                del client.answers[message.id]

    async def _initialize(self, message: RpcRequest) -> web.StreamResponse:
        if self._request.headers.get(SESSION):
            raise HttpRefusal(400, "invalid_request_error", "a session is initialized once")
        server, client = self._active.mcp[self._server], HttpClientWire()

        def over(session: McpSession) -> None:
            client.over.set()
            self._gateway.sessions.drop(session)

        session = McpSession(
            self._gateway,
            server,
            wire_to(server),
            client,
            user=self._client.name,
            route="/mcp/NAME",
            over=over,
        )
        self._gateway.sessions.add(session, client)
        try:
            answer = await session.asked(message)
        except asyncio.CancelledError:
            await session.close()
            raise
        if answer is None or "error" in answer:
            await session.close()
            return self._json(answer or {})
        return self._json(answer, more={SESSION: session.id})

    async def _listen(self, client: HttpClientWire) -> web.StreamResponse:
        self._check_accepts("text/event-stream")
        if client.listens is not None:
            raise HttpRefusal(409, "invalid_request_error", "this session has a stream already")
        stream = EventStream(self._request, self._headers(), self._active.config.spec.limits.write_s)
        await client.listen(stream)
        return await stream.end()

    def _session(self) -> tuple[McpSession, HttpClientWire]:
        id = self._request.headers.get(SESSION, "")
        if not id:
            raise HttpRefusal(400, "invalid_request_error", f"a request of a session carries the header {SESSION}")
        found = self._gateway.sessions.find(id, self._server, self._client.name)
        session, client = found if found is not None else (None, None)
        if session is None or client is None:
            raise HttpRefusal(404, "invalid_request_error", "there is no such session: initialize a new one")
        version = self._request.headers.get(VERSION, "")
        if version and session.version and version != session.version:
            raise HttpRefusal(400, "invalid_request_error", f"{VERSION} is not the revision that was agreed")
        return session, client

    def _check_accepts(self, kind: str) -> None:
        accepts = self._request.headers.get("accept", "")
        if kind not in accepts and "*/*" not in accepts:
            raise HttpRefusal(406, "invalid_request_error", f"the client must accept {kind}")

    def _json(
        self, message: Mapping[str, Any], status: int = 200, more: Mapping[str, str] | None = None
    ) -> web.Response:
        headers = {**self._headers(), **(more or {})}
        return web.Response(status=status, body=rpc.write(message), content_type=JSON, headers=headers)

    def _headers(self) -> dict[str, str]:
        return self._gateway.headers(self._gateway.keeper.active)
