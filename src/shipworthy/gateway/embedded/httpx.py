"""Guards between a product's SDK and whom it asks: transports for HTTPX (`httpx`, and `httpx2` that newer SDKs use).

    transport = GuardedTransport(Guarded("gateway.yaml"), httpx.HTTPTransport())
    client = openai.OpenAI(http_client=httpx.Client(transport=transport))

Neither library is imported here: requests and answers are of the one that asks. A key, a proxy and certificates are the
inner transport's and the client's own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any, Self, TypeVar

from shipworthy.adapters.watch import guard_loop
from shipworthy.gateway.embedded.endpoint import InnerAnswer, SendOn
from shipworthy.gateway.embedded.guarded import WAYS, Guarded
from shipworthy.gateway.embedded.turn import GuardedAnswer, OutgoingPieces

T = TypeVar("T")

_THREADS = 256
"""Requests that one transport for synchronous clients sends at a time; a pool of HTTPX has 100 connections."""


class GuardedAsyncTransport:
    """A transport for ``AsyncClient``.

    Args:
        guarded: used by nothing else; closed with the transport.
        inner: sends what guards let pass, such as ``httpx.AsyncHTTPTransport()``.
    """

    def __init__(self, guarded: Guarded, inner: Any) -> None:
        self._guarded, self._inner = guarded, inner

    async def handle_async_request(self, request: Any) -> Any:
        """Answer one request."""
        path = request.url.path
        if self._guarded.passes(path):
            return await self._inner.handle_async_request(request)
        answer = await self._guarded.answer(
            request.method, path, request.headers, _bytes(await request.aread()), self._ask(request)
        )
        return _response(request, answer, _streams(_library(request)).asynchronous(answer.pieces))

    def _ask(self, request: Any) -> SendOn:
        async def ask(end: str, headers: Mapping[str, str], body: bytes) -> InnerAnswer:
            response = await self._inner.handle_async_request(_anew(request, end, headers, body))
            return InnerAnswer(response.status_code, _lower(response.headers), _AsyncPieces(response))

        return ask

    async def aclose(self) -> None:
        """Close the inner transport, and the guards' files."""
        await self._inner.aclose()
        await self._guarded.close()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)
        await self._guarded.close()


class GuardedTransport:
    """A transport for ``Client``. Guards run in a thread of their own, and the inner transport in others.

    Args:
        guarded: used by nothing else; closed with the transport.
        inner: sends what guards let pass, such as ``httpx.HTTPTransport()``.
    """

    def __init__(self, guarded: Guarded, inner: Any) -> None:
        self._guarded, self._inner = guarded, inner
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="shipworthy-httpx")

    def handle_request(self, request: Any) -> Any:
        """Answer one request."""
        path = request.url.path
        if self._guarded.passes(path):
            return self._inner.handle_request(request)
        body = _bytes(request.read())
        answer = _wait(self._guarded.answer(request.method, path, request.headers, body, self._ask(request)))
        return _response(request, answer, _streams(_library(request)).synchronous(answer.pieces))

    def _ask(self, request: Any) -> SendOn:
        async def ask(end: str, headers: Mapping[str, str], body: bytes) -> InnerAnswer:
            loop = asyncio.get_running_loop()
            sent = _anew(request, end, headers, body)
            sending = self._threads.submit(self._inner.handle_request, sent)
            try:
                response = await asyncio.wrap_future(sending, loop=loop)
            except asyncio.CancelledError:
                # The thread cannot be interrupted: what it brings is let go of when it comes.
                sending.add_done_callback(_let_go)
                raise
            return InnerAnswer(response.status_code, _lower(response.headers), _ThreadPieces(response, self._threads))

        return ask

    def close(self) -> None:
        """Close the inner transport, and the guards' files."""
        self._inner.close()
        self._end()

    def _end(self) -> None:
        _wait(self._guarded.close())
        self._threads.shutdown(wait=False)

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self._inner.__exit__(kind, error, trace)
        self._end()


class _AsyncPieces:
    def __init__(self, response: Any) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: AsyncIterator[bytes] = aiter(self._response.stream)
        return pieces

    async def aclose(self) -> None:
        await self._response.stream.aclose()


class _ThreadPieces:
    """Reads a synchronous answer in threads."""

    def __init__(self, response: Any, threads: ThreadPoolExecutor) -> None:
        self._response, self._threads = response, threads

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop, pieces = asyncio.get_running_loop(), iter(self._response.stream)
        while (piece := await loop.run_in_executor(self._threads, next, pieces, None)) is not None:
            yield piece

    async def aclose(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, self._response.stream.close)


class _Streams:
    """The two kinds of bodies that a library takes, as classes of its own."""

    def __init__(self, library: ModuleType) -> None:
        class Asynchronous(library.AsyncByteStream):  # type: ignore[name-defined, misc]
            def __init__(self, pieces: OutgoingPieces) -> None:
                self._pieces = pieces

            def __aiter__(self) -> AsyncIterator[bytes]:
                return self._pieces

            async def aclose(self) -> None:
                await self._pieces.aclose()

        class Synchronous(library.SyncByteStream):  # type: ignore[name-defined, misc]
            def __init__(self, pieces: OutgoingPieces) -> None:
                self._pieces = pieces

            def __iter__(self) -> Iterator[bytes]:
                while (piece := _wait(_next(self._pieces))) is not None:
                    yield piece

            def close(self) -> None:
                _wait(self._pieces.aclose())

        self.asynchronous, self.synchronous = Asynchronous, Synchronous


@cache
def _streams(library: ModuleType) -> _Streams:
    return _Streams(library)


def _library(request: Any) -> ModuleType:
    """Return the library that a request is of."""
    return import_module(type(request).__module__.partition(".")[0])


def _anew(request: Any, end: str, headers: Mapping[str, str], body: bytes) -> Any:
    """Return a request of the same kind with another body; time limits and all else that it carries are kept."""
    library, url = _library(request), request.url
    if not url.path.endswith(end):
        was = next(known for known in WAYS if url.path.endswith(known))
        url = url.copy_with(path=url.path.removesuffix(was) + end)
    return library.Request("POST", url, headers=dict(headers), content=body, extensions=request.extensions)


def _response(request: Any, answer: GuardedAnswer, stream: Any) -> Any:
    return _library(request).Response(answer.status, headers=dict(answer.headers), stream=stream, request=request)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def _next(pieces: OutgoingPieces) -> bytes | None:
    return await anext(pieces, None)


async def _bytes(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _let_go(sending: Any) -> None:
    if not sending.cancelled() and sending.exception() is None:
        sending.result().stream.close()


def _wait(doing: Coroutine[Any, Any, T]) -> T:
    """Do something in the guards' loop, and wait for it; whoever is interrupted ends it."""
    future = asyncio.run_coroutine_threadsafe(doing, guard_loop(os.getpid()))
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
