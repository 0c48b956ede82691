"""Connections to one endpoint, each a pool of its own.

httpx's pool looks at every connection it has for each request it starts or ends: at 256 connections that was measured
at 8 CPU-ms a request, against 1 ms where every connection is a pool of one. So clients of one connection each are
lent out, the last returned first: what is warm is used again, and what is idle can be closed by the other side.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx


class Connections:
    """Lends clients that hold one connection each.

    Args:
        make: makes a client; called when all are lent out.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._all: list[httpx.AsyncClient] = []
        self._idle: list[httpx.AsyncClient] = []

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[httpx.AsyncClient]:
        """Lend a client for one request."""
        if self._idle:
            client = self._idle.pop()
        else:
            client = self._make()
            self._all.append(client)
        try:
            yield client
        finally:
            # After a failure, or when cancelled, httpx has closed the connection; the client opens another.
            self._idle.append(client)

    async def close(self) -> None:
        """Close every connection."""
        clients, self._all, self._idle = self._all, [], []
        await asyncio.gather(*(client.aclose() for client in clients))
