"""The sockets that a service listens on, and the server of aiohttp behind them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from shipworthy.core.errors import UsageError

BACKLOG = 512
SEND_BYTES = 256 << 10
"""Of an answer that the system keeps for a client that does not take it; beyond them the client is waited for."""
GRACE_S = 20.0
"""Seconds that requests in flight have to end when the service is told to."""


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        UsageError: nothing can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)  # for its connections too
        made.bind((host, port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise UsageError(f"cannot listen on {where}: {error.strerror or error}") from None
    made.setblocking(False)
    return made


def address(bound: socket.socket) -> str:
    """Return where a socket listens, as clients write it."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class PatientServer(web.Server):
    """Hangs up on a connection whose first head is not whole in time. Not every aiohttp counts time before that.

    Args:
        handle: answers a request.
        idle_s: seconds without a whole head.
        header_bytes: of each line of a head.
    """

    def __init__(
        self,
        handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        idle_s: float,
        header_bytes: int,
    ) -> None:
        super().__init__(
            self._heard,
            keepalive_timeout=idle_s,
            handler_cancellation=True,  # a client that leaves ends what is done for it
            lingering_time=0,  # what a refused client still sends is not waited for
            max_line_size=header_bytes,
            max_field_size=header_bytes,
            auto_decompress=False,
            access_log=None,
        )
        self._handle, self._idle_s = handle, idle_s
        self._silent: set[RequestHandler] = set()

    def __call__(self) -> RequestHandler:
        made = super().__call__()
        self._silent.add(made)
        asyncio.get_running_loop().call_later(self._idle_s, self._look, made)
        return made

    def _look(self, handler: RequestHandler) -> None:
        if handler in self._silent:
            self._silent.discard(handler)
            handler.force_close()

    async def _heard(self, request: web.BaseRequest) -> web.StreamResponse:
        self._silent.discard(request.protocol)
        return await self._handle(request)
