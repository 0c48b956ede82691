"""Guards in front of a product that serves conversations itself: an ASGI middleware.

    app.add_middleware(GuardMiddleware, guarded=Guarded("gateway.yaml", unguarded=["/", "/health"]))

Middlewares outside of it add headers (CORS, sessions): of the answers that it guards none of the app's own pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from multidict import CIMultiDict

from shipworthy.core.errors import TargetError
from shipworthy.core.foreign import kind_of
from shipworthy.gateway.embedded.endpoint import InnerAnswer, SendOn
from shipworthy.gateway.embedded.guarded import WAYS, Guarded
from shipworthy.gateway.embedded.turn import GuardedAnswer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_GRACE_S = 1.0
"""Seconds that an app has for the end of an answer that nobody reads any more, before it is told."""


class GuardMiddleware:
    """An app whose conversations are guarded: requests before it reads them, answers before its clients do.

    Requests of other paths are refused unless `Guarded` lists them, and so are WebSockets. Paths count below the
    app's own root, without a mount's.

    Args:
        app: answers chat completions, messages or embeddings; ``/responses`` is asked of its ``/chat/completions``.
        guarded: used by nothing else; closed when the app's lifespan ends.
    """

    def __init__(self, app: App, guarded: Guarded) -> None:
        self._app, self._guarded = app, guarded
        self._ending: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            try:
                await self._app(scope, receive, send)
            finally:
                await self._guarded.close()
        elif self._guarded.passes(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "this path is not guarded"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        heard = _Heard(receive)
        headers = CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        answering = self._guarded.answer(scope["method"], scope["path"], headers, heard.body(), self._ask(scope))
        serving = asyncio.create_task(_give(answering, send))
        leaving = asyncio.create_task(heard.gone.wait())
        watching = asyncio.create_task(heard.watch())
        try:
            await asyncio.wait({serving, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (watching, leaving, serving):
                task.cancel()
            await asyncio.wait({watching, leaving, serving})
        if not serving.cancelled():
            serving.result()

    def _ask(self, scope: Scope) -> SendOn:
        async def ask(end: str, headers: Mapping[str, str], body: bytes) -> InnerAnswer:
            path: str = scope["path"]
            if not path.endswith(end):
                path = path.removesuffix(next(known for known in WAYS if path.endswith(known))) + end
            sent = {**headers, "content-length": str(len(body))}
            asked = {
                **scope,
                "path": path,
                "raw_path": path.encode(),
                "headers": [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in sent.items()],
            }
            return await _AppPieces(self._app, asked, body, self._guarded.tell, self._ending).begin()

        return ask


async def _give(answering: Awaitable[GuardedAnswer], send: Send) -> None:
    answer = await answering
    try:
        written = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": written})
        async for piece in answer.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        await answer.pieces.aclose()


class _Heard:
    """What the server tells of a request: its body, and that its client has gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self.gone, self._whole = receive, asyncio.Event(), asyncio.Event()

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body's bytes; where the client goes first, nothing more comes."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
                await asyncio.Event().wait()  # whoever serves it is ended
            yield message.get("body", b"")
            more = message.get("more_body", False)
        self._whole.set()

    async def watch(self) -> None:
        """Wait until the client goes. Whoever reads the body hears of it before that is whole."""
        await self._whole.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone.set()


class _AppPieces:
    """The app's answer to one request, as it sends it.

    Args:
        tell: is told what kind of error the app failed with.
        ending: keeps what the app does after its answer.
    """

    def __init__(
        self, app: App, scope: Scope, body: bytes, tell: Callable[[str], None], ending: set[asyncio.Task[None]]
    ) -> None:
        self._app, self._scope, self._tell, self._ending = app, scope, tell, ending
        self._body: bytes | None = body
        self._gone, self._whole, self._closed = asyncio.Event(), False, False
        self._sent: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue(maxsize=1)
        self._task: asyncio.Future[None] | None = None

    async def begin(self) -> InnerAnswer:
        """Ask; returns with the head of the answer.

        Raises:
            TargetError: the app failed, or answered nothing.
        """
        self._task = asyncio.ensure_future(self._app(self._scope, self._receive, self._send))
        try:
            while (message := await self._next())["type"] != "http.response.start":
                pass
        except BaseException:
            await self.aclose()
            raise
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]}
        return InnerAnswer(message["status"], headers, self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while not self._whole:
            yield await self._more()

    async def aclose(self) -> None:
        """Let the app come to its end, or tell it that nobody listens any more. It is not waited for."""
        if self._closed or self._task is None:
            return
        self._closed = True
        task = asyncio.create_task(self._end(self._task))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, task: asyncio.Future[None]) -> None:
        with suppress(TimeoutError, TargetError):
            async with asyncio.timeout(_GRACE_S):
                while not self._whole:
                    await self._more()
        by_itself = self._whole or task.done()
        self._gone.set()
        while not self._sent.empty():
            self._sent.get_nowait()
        if not self._whole:
            await asyncio.wait({task}, timeout=_GRACE_S)
            task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (failed := task.exception()) is not None and by_itself:
            self._tell(f"the app failed: {kind_of(failed)}")  # not its words, which may quote a conversation

    async def _receive(self) -> MutableMapping[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if self._whole:
            return
        if self._gone.is_set():
            raise OSError("nobody listens any more")  # as servers do
        await self._sent.put(message)

    async def _more(self) -> bytes:
        message = await self._next()
        if message["type"] != "http.response.body":
            return b""
        self._whole = not message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body

    async def _next(self) -> MutableMapping[str, Any]:
        """Return the app's next message.

        Raises:
            TargetError: it ended without one.
        """
        task = self._task
        if task is None:
            raise TargetError("the app was not asked")
        getting = asyncio.ensure_future(self._sent.get())
        either: set[asyncio.Future[Any]] = {getting, task}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
        finally:
            if not getting.done():
                getting.cancel()
                with suppress(asyncio.CancelledError):
                    await getting
        if not self._sent.empty():
            return self._sent.get_nowait()
        raise TargetError("the app ended in mid-answer")
