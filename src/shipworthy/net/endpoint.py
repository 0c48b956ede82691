"""Asking an HTTP endpoint: retries, limits, bounds, streams, and errors that carry neither key nor text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec

from shipworthy.core.credentials import resolve
from shipworthy.core.deadline import Patience
from shipworthy.core.errors import TargetError, TargetTimeout, UsageError
from shipworthy.net import address
from shipworthy.net.answer import HttpAnswer, HttpCall, read_json, status_within
from shipworthy.net.client import Broken, Client, Distrusted, TooLong
from shipworthy.net.events import EventReader, ServerEvent
from shipworthy.net.options import HttpOptions
from shipworthy.net.retry import RETRIED, backoff, retry_after
from shipworthy.net.upstream import Upstream
from shipworthy.net.wire import Response

REDIRECTS = frozenset({301, 302, 303, 307, 308})
EVENTS = "text/event-stream"

Reference = str | Callable[[], str]
"""A credential reference, ``env:NAME`` or ``file:PATH``; or a function that returns a key this process made itself."""


class NoStream(Exception):
    """The endpoint answered with something that is no stream of events: the whole answer."""

    def __init__(self, answer: HttpAnswer) -> None:
        self.answer = answer
        super().__init__(f"status {answer.status}, {answer.media_type or 'no content type'}")


class _Begun(NamedTuple):
    """A stream of which the first bytes are here."""

    pieces: AsyncGenerator[bytes, None]
    first: bytes


A = TypeVar("A")


class Endpoint:
    """One HTTP endpoint. Connections and limits are those of its `Upstream`: endpoints of one origin share them.

    Args:
        url: where; without user, password or fragment.
        headers: sent as they are, and part of what the target declares.
        credentials: header name -> (reference, prefix). Resolved when first needed, sent to `url` only (redirects are
            never followed), kept out of every message.

    Raises:
        UsageError: the address is none, or carries a credential, or a key would travel in the clear.
    """

    def __init__(
        self,
        url: str,
        options: HttpOptions | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        credentials: Mapping[str, tuple[Reference, str]] | None = None,
    ) -> None:
        self.url, self.options = url, options or HttpOptions()
        self._headers = dict(headers or {})
        self._credentials = dict(credentials or {})
        address.check_headers(self._headers)
        parts = address.check(url, secret=bool(self._credentials), plain_http=self.options.plain_http)
        self.origin, self._address = address.origin(parts), address.encoded(parts)
        references = sorted(_shown(reference) for reference, _ in self._credentials.values())
        self._upstream = Upstream.of(" ".join([self.origin, *references]))
        self._upstream.join(self, self.options)
        self._patience = Patience(self.options.timeout)
        self._open = True
        self._sent: dict[str, str] | None = None

    @property
    def name(self) -> str:
        """Origin and credential reference: endpoints of one name share connections and limits."""
        return self._upstream.name

    @property
    def concurrency(self) -> int | None:
        """Requests in flight that the endpoints of this name allow together; None for no limit."""
        return self._upstream.concurrency

    async def ask(
        self,
        body: Any,
        *,
        tokens: int = 0,
        used: Callable[[HttpAnswer], int | None] | None = None,
        method: str = "POST",
        timeout: float | None = None,  # noqa: ASYNC109 - of one try, not of the call
        also: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Send one request and return the answer, whatever its status, once it is final.

        Args:
            tokens: what the request may cost, for the limit on tokens a minute.
            used: reads from an answer what it did cost; None where it does not say.
            timeout: seconds for one try, in place of the options'.
            also: headers of this request alone, none of them a credential.

        Raises:
            TargetTimeout: no try was answered in time.
            TargetError: the connection kept breaking, the answer was too long, or it pointed elsewhere.
        """
        upstream = self._joined()
        client, headers = upstream.client(self.options), self._prepared()
        if also:
            headers = {**headers, **also}
        payload = b"" if method == "GET" else msgspec.json.encode(body)
        patience = self._patience if timeout is None else Patience(timeout)

        async def once() -> tuple[HttpAnswer, float | None]:
            # Around all of it: a body that trickles in would never end.
            with patience.watch():
                response = await client.open(method, self._address, headers, payload)
                return await self._whole(client, response)

        async with upstream.turns():
            return await self._try(once, tokens, used, self.options.timeout if timeout is None else timeout)

    async def events(
        self, body: Any, *, tokens: int = 0, method: str = "POST", also: Mapping[str, str] | None = None
    ) -> AsyncGenerator[ServerEvent, None]:
        """Send one request and yield the events of its answer as they arrive; the rest as for `batches`."""
        async with aclosing(self.batches(body, tokens=tokens, method=method, also=also)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def batches(
        self, body: Any, *, tokens: int = 0, method: str = "POST", also: Mapping[str, str] | None = None
    ) -> AsyncGenerator[list[ServerEvent], None]:
        """Send one request and yield the events of its answer as they arrive, together those that arrive together.

        It is tried again as `ask` does until the first byte of the stream is here, and never after it. Whoever stops
        early closes it (`contextlib.aclosing`): that closes the connection. `also` as for `ask`.

        Raises:
            NoStream: the answer is no stream of events; it holds the whole answer.
            TargetTimeout: no byte in time, too long a silence, or the whole took longer than `timeout`.
            TargetError: as for `ask`; or the stream broke off, and how much had arrived.
        """
        upstream = self._joined()
        client, headers = upstream.client(self.options), {**self._prepared(), "Accept": EVENTS, **(also or {})}
        payload = b"" if method == "GET" else msgspec.json.encode(body)
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def once() -> tuple[_Begun | HttpAnswer, float | None]:
            nonlocal began
            began = loop.time()
            with self._patience.watch():
                response = await client.open(method, self._address, headers, payload)
                if response.status != 200 or _media_type(response) != EVENTS:
                    return await self._whole(client, response)
                pieces = client.pieces(response, self.options.max_bytes)
                try:
                    first = await anext(pieces, b"")
                except BaseException:
                    await pieces.aclose()
                    raise
                return _Begun(pieces, first), None

        async with upstream.turns():
            begun = await self._try(once, tokens, None, self.options.timeout)
            if isinstance(begun, HttpAnswer):
                raise NoStream(begun)
            try:
                async for batch in self._read(begun, began + self.options.timeout):
                    yield batch
            finally:
                await begun.pieces.aclose()

    def call(self, body: Any, method: str = "POST") -> HttpCall:
        """Return a request as it would be sent, ``$KEY`` where a credential goes."""
        keys = {name: f"{prefix}$KEY" for name, (_, prefix) in self._credentials.items()}
        return HttpCall(method, self.url, {"Content-Type": "application/json", **self._headers, **keys}, body)

    async def close(self) -> None:
        """Leave the upstream; the last endpoint to leave closes its connections."""
        self._open = False
        await self._upstream.leave(self)

    def spent(self, expected: int, really: int) -> None:
        """Say what a stream did cost in tokens, for the limit on tokens a minute."""
        self._upstream.spent(expected, really)

    def _joined(self) -> Upstream:
        if not self._open:
            self._upstream.join(self, self.options)
            self._open = True
        return self._upstream

    async def _try(
        self,
        once: Callable[[], Awaitable[tuple[A, float | None]]],
        tokens: int,
        used: Callable[[HttpAnswer], int | None] | None,
        seconds: float,
    ) -> A:
        """Ask until the answer is final; `once` returns an answer, or a stream, and how long to wait if it failed."""
        upstream = self._upstream
        for attempt in range(self.options.retries + 1):
            last = attempt == self.options.retries
            await upstream.wait(tokens)
            wait: float | None = None
            try:
                answer, wait = await once()
            except TimeoutError:
                raise TargetTimeout(f"{self.origin} did not answer within {seconds:g} s") from None
            except TooLong:
                raise TargetError(f"{self.origin} answered more than {self.options.max_bytes} bytes") from None
            except Distrusted as error:
                upstream.spent(tokens, 0)
                raise TargetError(f"no connection to {self.origin}: {error}") from None
            except Broken as error:
                upstream.spent(tokens, 0)
                if last:
                    raise TargetError(f"the connection to {self.origin} failed ({error})") from None
            else:
                if not isinstance(answer, HttpAnswer):
                    return answer
                upstream.spent(tokens, used(answer) if used else None)
                if answer.status not in RETRIED or last:
                    return answer
                if wait is not None:
                    if wait > self.options.longest_wait:
                        return answer
                    upstream.hold(wait)
            await asyncio.sleep((wait or 0.0) + backoff(attempt))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _whole(self, client: Client, response: Response) -> tuple[HttpAnswer, float | None]:
        """Return a whole answer, and the seconds it asks to wait."""
        status, headers = response.status, response.headers
        if not 100 <= status <= 999:
            response.close()
            raise TargetError(f"{self.origin} answered with the status {status}, which is none")
        if status in REDIRECTS and "location" in headers:
            response.close()
            try:
                host = urlsplit(headers["location"]).hostname or "another path"
            except ValueError:
                host = "what is no address"
            raise TargetError(
                f"{self.origin} redirects to {host}: not followed; put the final address in the configuration"
            )
        data = await client.read(response, self.options.max_bytes)
        body, is_json = None, True
        try:
            body = read_json(data)
        except ValueError:
            is_json = False
        if status == 200 and (within := status_within(body)):
            status = within
        wait = retry_after(headers) if status in RETRIED else None
        return HttpAnswer(status, body, is_json, _media_type(response)), wait

    async def _read(self, begun: _Begun, until: float) -> AsyncIterator[list[ServerEvent]]:
        reader, loop, data = EventReader(), asyncio.get_running_loop(), begun.first
        heard, arrived, events = loop.time(), 0, 0
        while data:
            arrived, lines = arrived + len(data), reader.lines
            if batch := reader.feed(data):
                events += len(batch)
                yield batch
            # Only whole lines are a sign of life; and the time that the caller took is not the server's silence.
            if reader.lines > lines:
                heard = loop.time()
            so_far = f"after {events} events and {arrived} bytes"
            try:
                async with asyncio.timeout_at(min(until, heard + self.options.silence)):
                    data = await anext(begun.pieces, b"")
            except TimeoutError:
                late = f"took longer than {self.options.timeout:g} s"
                quiet = f"was silent for {self.options.silence:g} s"
                raise TargetTimeout(
                    f"{self.origin}: the stream {late if loop.time() >= until else quiet}, {so_far}"
                ) from None
            except TooLong:
                raise TargetError(f"{self.origin} answered more than {self.options.max_bytes} bytes") from None
            except Broken as error:
                raise TargetError(f"{self.origin}: the stream broke off {so_far} ({error})") from None
        if batch := reader.end():
            yield batch

    def _prepared(self) -> dict[str, str]:
        if self._sent is None:
            self._sent = {
                "Content-Type": "application/json",
                "Accept": "application/json",
                # A short compressed answer can unpack to gigabytes.
                "Accept-Encoding": "identity",
                "User-Agent": "shipworthy",
                **self._headers,
                **{name: prefix + _secret(reference) for name, (reference, prefix) in self._credentials.items()},
            }
        return self._sent


def _media_type(response: Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _shown(reference: Reference) -> str:
    """Return a reference for a name. What is none may be a pasted key, and is not shown."""
    if isinstance(reference, str):
        return reference if reference.startswith(("env:", "file:")) else "unknown"
    return "own"


def _secret(reference: Reference) -> str:
    value = resolve(reference) if isinstance(reference, str) else reference()
    if not value.isascii() or any(c in value for c in "\r\n\0") or not value.strip():
        raise UsageError("the credential is not something a header can carry (look for line breaks or other alphabets)")
    return value.strip()
