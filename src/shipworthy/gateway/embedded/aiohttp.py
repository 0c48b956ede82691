"""Guards before what a product asks with aiohttp: a session with the one method that conversations need.

async with aiohttp.ClientSession() as session, GuardedSession(Guarded("gateway.yaml"), session) as guarded:
    async with guarded.post("https://api.openai.com/v1/chat/completions", json=body, headers=headers) as answer:
        said = await answer.json()
"""

from __future__ import annotations

import json as json_
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import aiohttp
import msgspec
from yarl import URL

from shipworthy.gateway.embedded.endpoint import InnerAnswer, SendOn
from shipworthy.gateway.embedded.guarded import WAYS, Guarded
from shipworthy.gateway.embedded.turn import OutgoingPieces


class SessionAnswer:
    """A guarded answer, read as one of aiohttp's.

    Attributes:
        status: HTTP status.
        headers: all of them ours, by their lower-case name.
    """

    def __init__(self, status: int, headers: Mapping[str, str], pieces: OutgoingPieces) -> None:
        self.status, self.headers, self._pieces = status, headers, pieces

    def iter_any(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the body as guards release them."""
        return self._pieces

    async def read(self) -> bytes:
        """Return all bytes of the body."""
        return b"".join([piece async for piece in self._pieces])

    async def text(self) -> str:
        """Return the body as a text."""
        return (await self.read()).decode()

    async def json(self) -> Any:
        """Return the body's JSON."""
        return json_.loads(await self.read())

    def raise_for_status(self) -> None:
        """Raise where the request was refused, or the upstream failed.

        Raises:
            aiohttp.ClientError: with the status.
        """
        if self.status >= 400:
            raise aiohttp.ClientError(f"status {self.status}")


class GuardedSession:
    """A session whose posts are guarded.

    Args:
        guarded: used by nothing else; closed with this.
        session: sends what guards let pass; its owner closes it. Its headers, cookies and time limits hold.
    """

    def __init__(self, guarded: Guarded, session: aiohttp.ClientSession) -> None:
        self._guarded, self._session = guarded, session

    def post(
        self, url: str, *, json: Any, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[SessionAnswer]:
        """SendOn; the answer is an async context, and leaving it ends the request. No redirect is followed."""
        return self._post(URL(url), json, headers or {})

    @asynccontextmanager
    async def _post(self, url: URL, body: Any, headers: Mapping[str, str]) -> AsyncGenerator[SessionAnswer, None]:
        sent = {**headers, "content-type": "application/json"}
        answer = await self._guarded.answer("POST", url.path, sent, _written(body), self._ask(url))
        try:
            yield SessionAnswer(*answer)
        finally:
            await answer.pieces.aclose()

    def _ask(self, url: URL) -> SendOn:
        async def ask(end: str, headers: Mapping[str, str], body: bytes) -> InnerAnswer:
            asked = url
            if not url.path.endswith(end):
                was = next(known for known in WAYS if url.path.endswith(known))
                asked = url.with_path(url.path.removesuffix(was) + end, keep_query=True)
            response = await self._session.post(asked, data=body, headers=headers, allow_redirects=False)
            given = {name.lower(): value for name, value in response.headers.items()}
            return InnerAnswer(response.status, given, _ResponsePieces(response))

        return ask

    async def close(self) -> None:
        """Close the guards' files."""
        await self._guarded.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()


class _ResponsePieces:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._response.content.iter_any())

    async def aclose(self) -> None:
        self._response.close()


async def _written(body: Any) -> AsyncIterator[bytes]:
    yield msgspec.json.encode(body)
