"""One request and its answer on a connection of aiohttp's pool, without what a session makes for each of them.

aiohttp opens the connections (names, proxies, TLS), keeps them and parses what comes back. What its session adds is a
request and a response object of some forty fields, a writer, cookies, redirects and a timer, all of which we left
unused: half of a request's CPU time. A request is one write here, and its head is written once for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Mapping

    import aiohttp
    from aiohttp.connector import Connection
    from aiohttp.streams import StreamReader

_BUFFER = 1 << 16
_LONGEST_LINE, _LONGEST_FIELD = 8_190, 65_536
_MOST_HEADS = 64
_UNSENDABLE = frozenset("\r\n\0")
_FRAMING = frozenset(("content-length", "transfer-encoding"))
"""Said with each body, by us."""


class Response:
    """The head of an answer whose body is still to be read: to its end, or `close`.

    Attributes:
        status: of the answer.
        headers: names in any case.
        content: the body as it arrives.
    """

    __slots__ = ("_connection", "content", "headers", "status")

    def __init__(self, connection: Connection, status: int, headers: Mapping[str, str], content: StreamReader) -> None:
        self._connection, self.status, self.headers, self.content = connection, status, headers, content

    @property
    def length(self) -> int | None:
        """How long the body says it is; None where it does not say."""
        said = self.headers.get("content-length", "")
        return int(said) if said.isascii() and said.isdigit() else None

    async def read(self) -> bytes:
        """Return the whole body as it came, and give the connection back."""
        content = self.content
        # Short answers come with their heads: there is nothing to wait for.
        whole = content.is_eof() and content.exception() is None
        data: bytes = content.read_nowait() if whole else await content.read()
        self.release()
        return data

    def release(self) -> None:
        """Give the connection back, after the last byte of the body; before it, this closes it."""
        self._connection.release()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class _Head(NamedTuple):
    """What requests with the same headers to one address have in common.

    Attributes:
        request: what the pool knows a connection by.
        head: all of it but the length of the body and the line feeds at the end.
        bodies: whether such a request says that its body is empty.
    """

    request: aiohttp.ClientRequest
    head: bytes
    bodies: bool


class ConnectionPool:
    """Connections of one event loop to one origin, through the proxy of each request if it has one.

    Args:
        trust: whom TLS trusts.
        idle_s: seconds after which an idle connection is closed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, trust: ssl.SSLContext | bool, *, idle_s: float) -> None:
        import aiohttp

        self._loop, self._trust = loop, trust
        self._connector = aiohttp.TCPConnector(limit=0, ssl=trust, keepalive_timeout=idle_s)
        self._patience = aiohttp.ClientTimeout()  # whoever asks bounds the whole exchange
        self._heads: dict[Any, _Head] = {}

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], payload: bytes, proxy: str | None
    ) -> Response:
        """Send a request and return the head of its answer, whatever its status. It is followed nowhere.

        Raises:
            Stale: a connection that was used before had been closed: nothing of an answer came.
            aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError, OSError: there is no answer.
        """
        from aiohttp import ClientOSError, ServerDisconnectedError

        key = method, url, proxy, tuple(headers.items())
        head = self._heads.get(key)
        if head is None:
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            head = self._heads[key] = self._head(method, url, headers, proxy)
        connection = await self._idle(head.request)
        if connection is None:
            connection, used = await self._connector.connect(head.request, [], self._patience), False
        else:
            used = True
        try:
            return await _over(connection, head, payload, method)
        except (ServerDisconnectedError, ClientOSError) as error:
            connection.close()
            # If a piece of an answer came back, aiohttp's error holds it in place of its sentence.
            if used and isinstance(getattr(error, "message", ""), str):
                raise Stale from None
            raise
        except BaseException:
            connection.close()
            raise

    async def close(self) -> None:
        """Close every connection."""
        await self._connector.close()

    async def _idle(self, request: aiohttp.ClientRequest) -> Connection | None:
        """Return an idle connection on which nothing arrived since its last answer.

        aiohttp keeps what was parsed from such bytes and hands it to whoever asks next: one answer too many from a
        confused server, and every answer after it belongs to another request.
        """
        while (connection := await self._connector._get(request.connection_key, [])) is not None:
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        return None

    def _head(self, method: str, url: str, headers: Mapping[str, str], proxy: str | None) -> _Head:
        import aiohttp
        from yarl import URL

        through = URL(proxy) if proxy else None
        request = aiohttp.ClientRequest(
            method, URL(url, encoded=True), headers=headers, loop=self._loop, ssl=self._trust, proxy=through
        )
        target, fields = request.url.raw_path_qs, list(request.headers.items())
        if through is not None and not request.is_ssl():
            # Such a proxy reads the request itself: all of the address, and its own credential. With TLS there is a
            # tunnel, and aiohttp gives it both when it is dug.
            target, login = str(request.url), aiohttp.BasicAuth.from_url(through)
            fields += [("Proxy-Authorization", login.encode())] if login is not None else []
        said = [f"{name}: {value}" for name, value in fields if name.lower() not in _FRAMING]
        lines = [f"{request.method} {target} HTTP/1.1", *said]
        if any(not _UNSENDABLE.isdisjoint(line) for line in lines):
            raise ValueError("a header holds a line break")
        bodies = request.method not in request.GET_METHODS
        return _Head(request, "\r\n".join(lines).encode(), bodies)


class Stale(Exception):
    """The other side had closed an idle connection just when it was used: no failure of the endpoint."""


async def _over(connection: Connection, head: _Head, payload: bytes, method: str) -> Response:
    from aiohttp import ServerDisconnectedError

    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise ServerDisconnectedError
    protocol.set_response_params(
        skip_payload=method == "HEAD",
        read_until_eof=True,
        auto_decompress=False,
        read_bufsize=_BUFFER,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_FIELD,
    )
    if payload or head.bodies:
        transport.write(b"%b\r\nContent-Length: %d\r\n\r\n%b" % (head.head, len(payload), payload))
    else:
        transport.write(head.head + b"\r\n\r\n")
    while True:
        message, content = await protocol.read()
        if not 100 <= message.code <= 199 or message.code == 101:
            return Response(connection, message.code, message.headers, content)
