"""Asking whom the product asks: by a way of its own, with its own headers, in the dialect that it speaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from copy import copy
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import msgspec

from shipworthy.core.errors import ShipworthyError, TargetError, TargetTimeout
from shipworthy.core.foreign import kind_of
from shipworthy.dialects import anthropic_ask
from shipworthy.exchange.channel import Places
from shipworthy.gateway.config import BreakerSpec, UpstreamSpec
from shipworthy.gateway.upstream import GatewayUpstream
from shipworthy.net.answer import HttpAnswer, read_json, status_within
from shipworthy.net.endpoint import EVENTS, REDIRECTS, NoStream
from shipworthy.net.events import EventReader, ServerEvent

MOST_BYTES = 8_000_000
"""Of one answer."""
_KEYS = ("authorization", "x-api-key", "api-key")
_FEWEST = 8
"""Characters of a key that is taken out of answers; less is a placeholder, which may be a word."""
_BODYS = frozenset({
    "accept", "accept-encoding", "content-encoding", "content-length", "content-type", "expect", "transfer-encoding",
})  # fmt: skip
"""Headers that are about a body, and are written anew with it."""


class Pieces(Protocol):
    """The bytes of an answer as they come."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield them."""

    async def aclose(self) -> None:
        """Let go of the connection."""


class InnerAnswer(NamedTuple):
    """What came back: status, headers by their lower-case name, and the bytes."""

    status: int
    headers: Mapping[str, str]
    pieces: Pieces


SendOn = Callable[[str, Mapping[str, str], bytes], Awaitable[InnerAnswer]]
"""Sends a body, with headers, to the path that the product asked, but for its end, which is given."""


class ProductEndpoint:
    """One path, asked by the product's own way.

    Args:
        ask: the way.
        end: of the path, such as ``/chat/completions``.
        headers: of the product's request: all but those about its body, and ours, go along.
        messages: it speaks Anthropic's messages; chat completions otherwise.
    """

    def __init__(self, ask: SendOn, end: str, headers: Mapping[str, str], *, messages: bool) -> None:
        self._ask, self._end, self._messages = ask, end, messages
        self._headers = {
            name: value
            for name, value in headers.items()
            if name.lower() not in _BODYS and not name.lower().startswith("x-shipworthy-")
        }

    async def ask(self, body: Any, *, also: Mapping[str, str] | None = None) -> HttpAnswer:
        """Send a body and return the answer, whatever its status.

        Raises:
            TargetTimeout: it was not answered in time.
            TargetError: the connection broke, or the answer was too long, points elsewhere or comes packed.
        """
        answer = await self._sent(body, "application/json", also)
        try:
            return await self._whole(answer)
        finally:
            await answer.pieces.aclose()

    async def batches(
        self, body: Any, *, also: Mapping[str, str] | None = None
    ) -> AsyncGenerator[list[ServerEvent], None]:
        """Send a body and yield the events of the answer, together those that arrive together.

        Raises:
            NoStream: the answer is no stream of events; it holds the whole answer.
            TargetTimeout, TargetError: as for `ask`; or the stream broke off.
        """
        answer = await self._sent(body, EVENTS, also)
        try:
            if answer.status != 200 or _media_type(answer) != EVENTS:
                raise NoStream(await self._whole(answer))
            _check_plain(answer)
            reader, stream = EventReader(), anthropic_ask.MessageStream() if self._messages else None
            async with aclosing(_read(answer.pieces)) as pieces:
                async for piece in pieces:
                    if batch := reader.feed(piece):
                        yield _events(batch, stream)
            if batch := reader.end():
                yield _events(batch, stream)
        finally:
            await answer.pieces.aclose()

    async def _sent(self, body: Any, accept: str, also: Mapping[str, str] | None) -> InnerAnswer:
        body = anthropic_ask.body_of(body) if self._messages else body
        # A short packed answer can unpack to gigabytes.
        ours = {"accept": accept, "accept-encoding": "identity", "content-type": "application/json"}
        try:
            return await self._ask(self._end, {**self._headers, **(also or {}), **ours}, msgspec.json.encode(body))
        except Exception as error:
            raise _broken(error) from None

    async def _whole(self, answer: InnerAnswer) -> HttpAnswer:
        if answer.status in REDIRECTS:
            raise TargetError("the upstream points elsewhere: not followed; give the client the final address")
        _check_plain(answer)
        data = bytearray()
        async with aclosing(_read(answer.pieces)) as pieces:
            async for piece in pieces:
                data += piece
        body, is_json = None, True
        try:
            body = read_json(bytes(data))
        except ValueError:
            is_json = False
        status = answer.status
        if status == 200 and (within := status_within(body)):
            status = within
        if status == 200 and self._messages and is_json:
            body = anthropic_ask.completion_of(body)
        return HttpAnswer(status, body, is_json, _media_type(answer))


class ProductUpstream(GatewayUpstream):
    """Whom the product asks, with some keys; `asked` makes one for a request.

    Args:
        secrets: the keys.
        stream_usage: ask streams for their tokens.
    """

    _ask: SendOn
    _sent: Mapping[str, str]
    _messages: bool

    def __init__(self, secrets: tuple[str, ...], stream_usage: bool) -> None:
        super().__init__("product", _spec(stream_usage))
        self.secrets = secrets
        self.hide(secrets)

    @staticmethod
    def asked(ask: SendOn, headers: Mapping[str, str], *, messages: bool, stream_usage: bool) -> ProductUpstream:
        """Return whom one request asks, by its own way and with its own headers."""
        keys = (headers.get(name, "").rpartition(" ")[2].strip() for name in _KEYS)
        secrets = tuple(key for key in keys if len(key) >= _FEWEST)
        # All the ways in which a key can be written are worked out once, and not for each request.
        found = copy(_known(secrets, stream_usage))
        found.places = Places(1)
        found._ask, found._sent, found._messages = ask, headers, messages
        return found

    def endpoint(self, path: str) -> ProductEndpoint:
        """Return the endpoint of a path, as it was written in chat completions."""
        end = "/messages" if self._messages else path
        return ProductEndpoint(self._ask, end, self._sent, messages=self._messages)


def _spec(stream_usage: bool) -> UpstreamSpec:
    # The product's own client tries again, and has its own limits.
    return UpstreamSpec(
        url="http://product", retries=0, concurrency=1, breaker=BreakerSpec(failures=0), stream_usage=stream_usage
    )


@lru_cache(maxsize=64)
def _known(secrets: tuple[str, ...], stream_usage: bool) -> ProductUpstream:
    return ProductUpstream(secrets, stream_usage)


def _events(batch: list[ServerEvent], stream: anthropic_ask.MessageStream | None) -> list[ServerEvent]:
    if stream is None:
        return batch
    return [ServerEvent(data) for event in batch for data in stream.take(event.data)]


async def _read(pieces: Pieces) -> AsyncGenerator[bytes, None]:
    taken = 0
    try:
        async for piece in pieces:
            taken += len(piece)
            if taken > MOST_BYTES:
                raise TargetError(f"the upstream answered more than {MOST_BYTES} bytes")
            yield piece
    except Exception as error:
        raise _broken(error) from None


def _broken(error: Exception) -> TargetError:
    """Return what a failure of the product's own way is to the exchange; its words may quote an address."""
    if isinstance(error, TargetError):
        return error
    if isinstance(error, ShipworthyError):
        return TargetError(str(error))
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return TargetTimeout("the upstream did not answer in time")
    return TargetError(f"the connection to the upstream failed ({kind_of(error)})")


def _check_plain(answer: InnerAnswer) -> None:
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise TargetError("the upstream's answer comes packed, which was not asked for")


def _media_type(answer: InnerAnswer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()
