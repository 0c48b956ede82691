"""All sessions of one process: found by their ids, ended when nobody uses them, or when the kill switch is pulled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from shipworthy.gateway.mcp.child import ChildWire
from shipworthy.gateway.mcp.proxied import ProxiedServer
from shipworthy.gateway.mcp.remote import RemoteWire
from shipworthy.gateway.mcp.wire import ServerWire
from shipworthy.gateway.refusal import HttpRefusal

if TYPE_CHECKING:
    from shipworthy.gateway.gateway import Gateway
    from shipworthy.gateway.mcp.http import HttpClientWire
    from shipworthy.gateway.mcp.session import McpSession


def wire_to(server: ProxiedServer) -> ServerWire:
    """Return what reaches a server, not yet started."""
    return ChildWire(server) if server.spec.command else RemoteWire(server)


class McpSessions:
    """The sessions of a gateway.

    Attributes:
        closing: servers that are being let go of.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._open: dict[str, tuple[McpSession, HttpClientWire | None]] = {}
        self.closing: set[asyncio.Task[None]] = set()

    def add(self, session: McpSession, client: HttpClientWire | None = None) -> None:
        """Take in a session.

        Raises:
            HttpRefusal: there are as many of its server as there may be.
        """
        same = sum(other.server.name == session.server.name for other, _ in self._open.values())
        if same >= session.server.spec.sessions:
            raise HttpRefusal(
                503, "overloaded_error", "as many sessions as may be are open with this server", retry_s=1.0
            )
        self._open[session.id] = session, client
        self._look_later(session, session.server.spec.idle_s)

    def find(self, id: str, server: str, user: str) -> tuple[McpSession, HttpClientWire | None] | None:
        """Return a session by its id; None where there is none, or it is somebody else's."""
        found = self._open.get(id)
        if found is None or found[0].server.name != server or found[0].user != user:
            return None
        return found

    def drop(self, session: McpSession) -> None:
        """Forget a session that has ended."""
        self._open.pop(session.id, None)

    def kill(self) -> None:
        """End all sessions: the kill switch was pulled."""
        for session in self._all():
            session.end("an operator has stopped this gateway", killed=True)

    def hush(self) -> None:
        """End the streams on which clients only listen: they would keep the gateway from ending."""
        for _, client in self._open.values():
            if client is not None:
                client.over.set()

    async def close(self) -> None:
        """End all sessions, and wait for their servers to be gone."""
        for session in self._all():
            with suppress(Exception):
                await session.close()
        if self.closing:
            await asyncio.wait(set(self.closing), timeout=10)

    def _look_later(self, session: McpSession, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._look, session)

    def _look(self, session: McpSession) -> None:
        """End a session that nobody uses; one that somebody listens to is in use, and so is a client's own process."""
        if session.id not in self._open:
            return
        client, idle_s = self._open[session.id][1], session.server.spec.idle_s
        left = idle_s - (time.monotonic() - session.used)
        if session.flying or client is None or client.listens is not None:
            self._look_later(session, idle_s)
        elif left > 0:
            self._look_later(session, left)
        else:
            session.end(f"nobody used the session for {idle_s:g} s", quiet=True)

    def _all(self) -> Iterator[McpSession]:
        return iter([session for session, _ in self._open.values()])
