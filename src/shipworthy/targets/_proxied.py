"""HTTP through the proxies that the environment names, by httpx; for everything else there is `_direct`.

httpx's pool looks at every connection it has for each request it starts or ends: at 256 connections that was measured
at 8 CPU-ms a request, against 1.5 where every client has one connection. So clients of one connection each are lent
out, the last returned first.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import httpx

from shipworthy.targets._direct import Broken, Response, TooLong


class Proxied:
    """Connections to one address, through a proxy where the environment names one. Arguments as for `Direct`."""

    def __init__(self, url: str, headers: Mapping[str, str], trust: ssl.SSLContext, max_bytes: int) -> None:
        self._url, self._headers, self._trust, self._max_bytes = url, dict(headers), trust, max_bytes
        self._all: list[httpx.AsyncClient] = []
        self._idle: list[httpx.AsyncClient] = []

    async def ask(self, method: str, payload: bytes) -> Response:
        """Send one request and return the answer, whatever its status; errors as for `Direct.ask`."""
        client = self._idle.pop() if self._idle else self._client()
        try:
            async with client.stream(method, self._url, content=payload) as response:
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > self._max_bytes:
                        raise TooLong
            return Response(response.status_code, dict(response.headers), bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Broken(type(error).__name__) from None
        finally:
            # After a failure, or when cancelled, httpx has closed the connection; the client opens another.
            self._idle.append(client)

    async def close(self) -> None:
        """Close every connection."""
        clients, self._all, self._idle = self._all, [], []
        for client in clients:
            await client.aclose()

    def _client(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            headers=self._headers,
            timeout=None,  # noqa: S113 - the caller bounds the whole exchange
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            follow_redirects=False,
            trust_env=True,
            verify=self._trust,
        )
        self._all.append(client)
        return client
