"""HTTP/1.1 straight over asyncio and h11: one request at a time on a connection, connections kept and used again.

A general client looks at every connection it has for each request; at 256 connections httpx was measured at 8 CPU-ms
a request, this at 0.2. What is left out on purpose: redirects, cookies, proxies (`_proxied` has those), HTTP/2.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import quote, urlsplit

import h11

from shipworthy.core.errors import UsageError

HEAD_BYTES = 65_536
"""Longest status line and headers accepted."""
_SAFE = "%/:=&?~+!$,;'@()*[]"


class Broken(Exception):
    """The connection failed, or the other side spoke no HTTP: worth another try."""


class TooLong(Exception):
    """The answer is longer than was allowed."""


class Response(NamedTuple):
    """An answer: its status, its headers with names in lower case, and its whole body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Direct:
    """Connections to one address.

    Args:
        url: ``http://`` or ``https://``, as every request is sent to it.
        headers: sent with every request.
        trust: TLS settings; used for https only.
        max_bytes: longest body read, unpacked.
    """

    def __init__(self, url: str, headers: Mapping[str, str], trust: ssl.SSLContext, max_bytes: int) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if secure else 80)
        self._target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE).encode()
        self._trust = trust if secure else None
        self._requests: dict[tuple[str, int], h11.Request] = {}
        try:
            ours = {"host": parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()}
            merged = ours | {name.lower(): value for name, value in headers.items()}
            self._headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in merged.items()]
            self._request("POST", b"")
        except (h11.LocalProtocolError, UnicodeError) as error:
            raise UsageError(f"a header or the address cannot be sent ({type(error).__name__})") from None
        self._max_bytes = max_bytes
        self._idle: list[_Connection] = []
        self._closed = False

    async def ask(self, method: str, payload: bytes) -> Response:
        """Send one request and return the answer, whatever its status. Cancelling it closes the connection.

        Raises:
            Broken: no connection, or it ended before the answer did.
            TooLong: the answer is longer than allowed.
        """
        request = self._request(method, payload)
        while True:
            connection, used = self._warm(), True
            if connection is None:
                connection, used = await self._connect(), False
            try:
                response = await connection.exchange(request, payload, self._max_bytes)
            except Broken:
                connection.abort()
                # The other side may close what was idle just when we use it: that is no failure of the endpoint.
                if used and connection.silent:
                    continue
                raise
            except BaseException:
                connection.abort()
                raise
            if connection.reusable and not self._closed:
                self._idle.append(connection)
            else:
                connection.abort()
            return response

    async def close(self) -> None:
        """Close the idle connections; those in use close when they are given back."""
        self._closed = True
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abort()

    def _request(self, method: str, payload: bytes) -> h11.Request:
        key = method, len(payload)
        request = self._requests.get(key)
        if request is None:
            length = [(b"content-length", b"%d" % len(payload))] if payload or method != "GET" else []
            request = h11.Request(method=method, target=self._target, headers=[*self._headers, *length])
            if len(self._requests) < 4096:  # h11 checks every header; the length is all that differs
                self._requests[key] = request
        return request

    def _warm(self) -> _Connection | None:
        # The last returned first: what has been idle longest is left to be closed by the other side.
        while self._idle:
            if (connection := self._idle.pop()).reusable:
                return connection
        return None

    async def _connect(self) -> _Connection:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                _Connection, self._host, self._port, ssl=self._trust, happy_eyeballs_delay=0.25
            )
        except (OSError, ssl.SSLError, ValueError) as error:
            raise Broken(type(error).__name__) from None
        return connection


class _Connection(asyncio.Protocol):
    """One connection; one exchange at a time.

    Attributes:
        reusable: whether another request can be sent.
        silent: whether the other side has said nothing since the last request was sent.
    """

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Response] | None = None
        self._status, self._answer_headers, self._body = 0, dict[str, str](), bytearray()
        self._max_bytes = 0
        self.reusable, self.silent = True, True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def exchange(self, request: h11.Request, payload: bytes, max_bytes: int) -> asyncio.Future[Response]:
        """Send a request; the future has the answer."""
        self._waiter = asyncio.get_running_loop().create_future()
        self._status, self._answer_headers, self._body = 0, {}, bytearray()
        self._max_bytes, self.reusable, self.silent = max_bytes, False, True
        waiter = self._waiter
        if self._transport is None or self._transport.is_closing():
            self._fail(Broken("closed"))
            return waiter
        head = self._http.send(request) or b""
        body = (self._http.send(h11.Data(payload)) or b"") if payload else b""
        self._transport.write(head + body + (self._http.send(h11.EndOfMessage()) or b""))
        return waiter

    def abort(self) -> None:
        """Close at once."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.abort()  # Nobody asked: what follows could be taken for the next answer.
            return
        self.silent = False
        self._http.receive_data(data)
        self._read()

    def eof_received(self) -> None:
        if self._waiter is not None:
            self._http.receive_data(b"")
            self._read()
        self.reusable = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        self._fail(Broken(type(exc).__name__ if exc else "closed"))

    def _read(self) -> None:
        """Take what has arrived, until the answer is whole or more is needed."""
        try:
            while self._waiter is not None:
                event = self._http.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                if isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > self._max_bytes:
                        self._fail(TooLong())
                elif isinstance(event, h11.Response):
                    self._status = event.status_code
                    self._answer_headers = {n.decode("ascii"): v.decode("latin-1") for n, v in event.headers}
                elif isinstance(event, h11.EndOfMessage):
                    self._succeed()
                elif isinstance(event, h11.ConnectionClosed):
                    self._fail(Broken("closed"))
        except h11.RemoteProtocolError:
            self._fail(Broken("RemoteProtocolError"))

    def _succeed(self) -> None:
        try:
            body = _unpacked(bytes(self._body), self._answer_headers.get("content-encoding", ""), self._max_bytes)
        except (Broken, TooLong) as error:
            self._fail(error)
            return
        waiter, self._waiter = self._waiter, None
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE and not self._http.trailing_data[0]:
            self._http.start_next_cycle()
            self.reusable = True
        if waiter is not None and not waiter.done():
            waiter.set_result(Response(self._status, self._answer_headers, body))

    def _fail(self, error: Exception) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)


def _unpacked(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return a body as it was before compression. We ask for none; some gateways compress all the same."""
    kind = encoding.strip().lower()
    if kind in ("", "identity"):
        return body
    if kind not in ("gzip", "x-gzip", "deflate"):
        raise Broken(f"content-encoding {kind[:20]!r}")
    try:
        unpacker = zlib.decompressobj(wbits=47 if kind != "deflate" else 15)
        plain = unpacker.decompress(body, max_bytes + 1)  # a short body can unpack to gigabytes
    except zlib.error:
        raise Broken("compressed wrongly") from None
    if len(plain) > max_bytes:
        raise TooLong
    if not unpacker.eof:
        raise Broken("compressed body cut short")
    return plain
