"""One request inside of a product's process: the gateway's own, on a wire that is no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple, cast

from aiohttp import web
from multidict import CIMultiDict

from shipworthy.core.errors import TargetError
from shipworthy.gateway.active import Active
from shipworthy.gateway.candidates import Candidates
from shipworthy.gateway.embedded.endpoint import ProductUpstream
from shipworthy.gateway.routes.embeddings import Embedding
from shipworthy.gateway.turn import Behind, Dialect, RequestTurn


class WireRequest:
    """A request as the turn reads it: that much of aiohttp's."""

    transport = None
    content_length = None

    def __init__(self, path: str, headers: Mapping[str, str], body: AsyncIterator[bytes]) -> None:
        self.path, self.headers, self._body = path, CIMultiDict(headers), body

    @property
    def content_type(self) -> str:
        """What the body says that it is."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    @property
    def content(self) -> WireRequest:
        """The body."""
        return self

    def iter_any(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes."""
        return self._body


class Outlet:
    """What leaves of a stream, a piece at a time: the next one waits until somebody has taken this one.

    Attributes:
        begun: is set with the first piece.
    """

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._pieces: asyncio.Queue[tuple[bytes, bool] | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(1)

    async def put(self, data: bytes, *, last: bool) -> None:
        """Give out some bytes; the last ones wait for nobody."""
        if not last:
            await self._room.acquire()
        self._pieces.put_nowait((data, last))
        self.begun.set()

    async def take(self) -> tuple[bytes, bool] | None:
        """Return the next bytes, and whether they are the last; None where it ended without any."""
        piece = await self._pieces.get()
        self._room.release()
        return piece

    def end(self) -> None:
        """Take in that nothing more comes."""
        self._pieces.put_nowait(None)


class OutgoingPieces:
    """The bytes of a guarded answer. Close it: whoever leaves early ends the request, and its record says so.

    Args:
        outlet: what leaves of a stream; `task` makes it.
        whole: a whole answer, where there is no stream.
    """

    def __init__(
        self,
        outlet: Outlet | None = None,
        task: asyncio.Task[web.StreamResponse] | None = None,
        whole: bytes | None = None,
    ) -> None:
        self._outlet, self._task, self._whole = outlet, task, whole
        self._over = outlet is None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._whole is not None:
            data, self._whole = self._whole, None
            return data
        if self._over or self._outlet is None:
            await self.aclose()
            raise StopAsyncIteration
        piece = await self._outlet.take()
        if piece is None:
            self._over = True
            raise TargetError("the answer broke off")
        data, self._over = piece
        return data

    async def aclose(self) -> None:
        """End the request if it goes on; returns once its record is made."""
        if self._task is not None and not self._task.done():
            if not self._over:
                self._task.cancel()
            await asyncio.wait({self._task})


class GuardedAnswer(NamedTuple):
    """An answer: all of it ours, none of it the upstream's own bytes."""

    status: int
    headers: Mapping[str, str]
    pieces: OutgoingPieces


class InProcess(RequestTurn):
    """One conversation's request.

    Args:
        upstream: whom the product asks.
        pass_on: further fields of a request that it is sent.
    """

    def __init__(
        self,
        behind: Behind,
        request: WireRequest,
        dialect: Dialect,
        active: Active,
        *,
        upstream: ProductUpstream,
        pass_on: tuple[str, ...],
    ) -> None:
        # The turn asks nothing of it that is not there.
        super().__init__(behind, cast(web.BaseRequest, request), dialect, active)
        self._upstream, self._pass_on, self._outlet = upstream, pass_on, Outlet()

    async def begin(self) -> GuardedAnswer:
        """Begin to answer; returns with the first byte of a stream, or all of a whole answer."""
        outlet = self._outlet
        task = asyncio.create_task(self.answer())
        task.add_done_callback(lambda _: outlet.end())
        pieces, begun = OutgoingPieces(outlet, task), asyncio.create_task(outlet.begun.wait())
        try:
            await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await pieces.aclose()
            raise
        finally:
            begun.cancel()
        if outlet.begun.is_set():
            return GuardedAnswer(200, {**self._headers(), "content-type": "text/event-stream"}, pieces)
        response = task.result()
        body = response.body if isinstance(response, web.Response) else b""
        headers = {name.lower(): value for name, value in response.headers.items()}
        return GuardedAnswer(response.status, headers, OutgoingPieces(whole=cast(bytes, body or b"")))

    def _candidates(self, model: str, body: Mapping[str, Any]) -> tuple[Candidates, tuple[str, ...]]:
        return Candidates([self._upstream]), self._pass_on

    async def _write(self, data: bytes, *, last: bool = False) -> web.StreamResponse:
        if self._response is None:
            self._response = web.StreamResponse()  # that it has begun
        await self._outlet.put(data, last=last)
        return self._response


class InProcessEmbedding(InProcess, Embedding):
    """One request for vectors."""
