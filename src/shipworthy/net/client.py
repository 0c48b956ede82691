"""The one place that asks over HTTP: aiohttp's connections and parser, with what they leave open closed.

What is different from aiohttp's own client, and why: no cookies, no redirects, no netrc; bodies are unpacked here, so
that a short one cannot become gigabytes; proxies only when asked for; a request over a connection that turns out to be
closed is sent again at once. How one request goes over a connection is in `net.wire`.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

from shipworthy.core.errors import UsageError
from shipworthy.net.wire import ConnectionPool, Response, Stale

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

IDLE_S = 15.0
"""Seconds after which an idle connection is closed: before most servers do it."""


class Broken(Exception):
    """The connection failed, or the other side spoke no HTTP: worth another try."""


class Distrusted(Exception):
    """The other side could not show that it is who we asked for, or speaks no TLS that we do: no use in trying again.

    The message says why, and what to do.
    """


class TooLong(Exception):
    """The answer is longer than was allowed."""


class Client:
    """Connections to one origin, one pool for each event loop that asks.

    Args:
        ca_file: PEM file of a certificate authority that is trusted beside the system's own.
        proxies: go through the proxies that the environment names.
    """

    def __init__(self, *, ca_file: str = "", proxies: bool = False) -> None:
        self._ca_file, self._proxies = ca_file, proxies
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, ConnectionPool] = WeakKeyDictionary()
        self._trust: ssl.SSLContext | None = None

    async def open(self, method: str, url: str, headers: Mapping[str, str], payload: bytes) -> Response:
        """Send one request and return the head of its answer, whatever its status.

        What was opened must be read to its end or closed: `read` and `pieces` see to it.

        Raises:
            Broken: no connection, or it ended before the head of the answer did.
            Distrusted: its certificate is not one that we believe.
        """
        import aiohttp
        from aiohttp.http_exceptions import HttpProcessingError

        pool = self._pools.get(asyncio.get_running_loop()) or await self._begin(url)
        while True:
            try:
                found = await pool.exchange(method, url, headers, payload, self._proxy(url) if self._proxies else None)
            except Stale:
                continue
            except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
                _refuse_distrusted(error)
                raise Broken(_name(error)) from None
            # What is coded in a way that we cannot undo would be read as if it were not.
            if (coding := found.headers.get("transfer-encoding", "").strip().lower()) in ("", "identity", "chunked"):
                return found
            found.close()
            raise Broken(f"transfer-encoding {coding[:20]!r}")

    async def read(self, response: Response, max_bytes: int) -> bytes:
        """Return the whole body, unpacked.

        Raises:
            Broken: it ended early.
            TooLong: it is longer than allowed.
        """
        length = response.length
        if length is not None and length <= max_bytes and not response.headers.get("content-encoding"):
            try:
                return await response.read()
            except BaseException as error:
                response.close()
                raise _broken(error) from None
        return b"".join([piece async for piece in self.pieces(response, max_bytes)])

    async def pieces(self, response: Response, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives, unpacked; errors as for `read`."""
        content = response.content
        try:
            unpack = Unpacker(response.headers.get("content-encoding", ""))
            left = max_bytes
            while data := await content.readany():
                piece = unpack.feed(data, left)
                left -= len(piece)
                if piece:
                    yield piece
            unpack.end()
        except BaseException as error:
            raise _broken(error) from None
        finally:
            # After the last byte this gives the connection back; before it, it closes it.
            if content.at_eof():
                response.release()
            else:
                response.close()

    async def close(self) -> None:
        """Close every connection."""
        here = asyncio.get_running_loop()
        pools, self._pools = list(self._pools.items()), WeakKeyDictionary()
        for loop, pool in pools:
            if loop is here or loop.is_closed():
                await pool.close()
            else:
                asyncio.run_coroutine_threadsafe(pool.close(), loop)

    async def _begin(self, url: str) -> ConnectionPool:
        """Return a new pool of the running loop; those of loops that have ended go."""
        for loop in [loop for loop in self._pools if loop.is_closed()]:
            await self._pools.pop(loop).close()
        trust: ssl.SSLContext | bool = True
        if url.startswith("https:") or self._proxies:
            trust = self._trust = self._trust or _trust(self._ca_file)
        here = asyncio.get_running_loop()
        pool = self._pools[here] = ConnectionPool(here, trust, idle_s=IDLE_S)
        return pool

    def _proxy(self, url: str) -> str | None:
        parts = urlsplit(url)
        if proxy_bypass(parts.netloc):
            return None
        named = getproxies()
        found = named.get(parts.scheme) or named.get("all")
        if found and urlsplit(found).scheme not in ("http", "https"):
            raise UsageError(f"the environment names a {urlsplit(found).scheme} proxy: only http and https ones work")
        return found or None


class Unpacker:
    """Takes a body's compression off. We ask for none; some gateways compress all the same.

    Raises:
        Broken: the encoding is not one that we know.
    """

    def __init__(self, encoding: str) -> None:
        kind = encoding.strip().lower()
        if kind not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Broken(f"content-encoding {kind[:20]!r}")
        self._zlib = None if kind in ("", "identity") else zlib.decompressobj(wbits=15 if kind == "deflate" else 47)

    def feed(self, data: bytes, most: int) -> bytes:
        """Return what the next bytes unpack to, at most `most` of it.

        Raises:
            Broken: it is not compressed as it says.
            TooLong: it would be more.
        """
        if self._zlib is not None:
            try:
                data = self._zlib.decompress(data, most + 1)
            except zlib.error:
                raise Broken("compressed wrongly") from None
        if len(data) > most:
            raise TooLong
        return data

    def end(self) -> None:
        """Raise `Broken` if the compressed body was cut short."""
        if self._zlib is not None and not self._zlib.eof:
            raise Broken("compressed body cut short")


MOST_AUTHORITIES = 8 << 20
"""Bytes of certificates; a system's whole list of authorities takes a few hundred kilobytes."""


def _trust(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        try:
            path = Path(ca_file)
            if path.exists() and not path.is_file():  # a pipe or a device never ends
                raise UsageError(f"ca_file {ca_file}: it is no plain file")
            if path.stat().st_size > MOST_AUTHORITIES:
                raise UsageError(f"ca_file {ca_file}: it is larger than {MOST_AUTHORITIES >> 20} MB")
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ValueError) as error:
            raise UsageError(f"ca_file {ca_file}: {getattr(error, 'strerror', '') or 'no certificate in it'}") from None
    return context


_ASK_FOR_CA = "name the authority that signed it with `ca_file: FILE.pem`, if you trust it"
_DISTRUST = {
    9: "it is not valid yet",
    10: "it has expired",
    18: f"it is signed by itself; {_ASK_FOR_CA}",
    19: f"an authority in its chain is not known here; {_ASK_FOR_CA}",
    20: f"the authority that signed it is not known here; {_ASK_FOR_CA}",
    21: f"the authority that signed it is not known here; {_ASK_FOR_CA}",
    23: "it was revoked",
    62: "it is for another host",
    64: "it is for another address",
}
"""What OpenSSL's verification codes mean for whoever configured the endpoint."""


def _refuse_distrusted(error: BaseException) -> None:
    """Raise `Distrusted` where TLS failed for good; a connection that was cut is none of that."""
    # aiohttp's own errors are of ssl's classes, too, and hold nothing of them.
    found = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(found, ssl.SSLCertVerificationError):
        why = _DISTRUST.get(found.verify_code) or found.verify_message or "it cannot be verified"
        raise Distrusted(f"its certificate is not trusted: {why}") from None
    if isinstance(found, ssl.SSLError) and getattr(found, "reason", None) in _NO_TLS:
        raise Distrusted(f"it speaks no TLS that we do ({found.reason.lower().replace('_', ' ')})") from None


_NO_TLS = {
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "HTTP_REQUEST",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "NO_PROTOCOLS_AVAILABLE",
    "RECORD_LAYER_FAILURE",
}


def _broken(error: BaseException) -> BaseException:
    """Return an error of reading as `Broken`, and every other one as it is."""
    import aiohttp

    return Broken(_name(error)) if isinstance(error, aiohttp.ClientError | ConnectionError | ssl.SSLError) else error


def _name(error: BaseException) -> str:
    """Return what went wrong in one word: the system's own error, where there is one behind aiohttp's."""
    import aiohttp

    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer ended early"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return type(error.certificate_error).__name__
    if isinstance(error, aiohttp.ClientConnectorError):
        return type(error.os_error).__name__
    return type(error).__name__
