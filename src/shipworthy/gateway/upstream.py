"""Asking an upstream: one endpoint for all requests, and a call of its own for each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from shipworthy.core.credentials import resolve
from shipworthy.core.errors import TargetError, TargetFiltered
from shipworthy.core.messages import MessagePart
from shipworthy.core.protocols import Target
from shipworthy.core.records import Audio, Delta, Image, Message, Reply, Request, Usage, say
from shipworthy.dialects.openai import CUT, MISSHAPEN, finish_of, from_wire, is_filtered, text_of, to_wire
from shipworthy.dialects.openai_stream import Completion, deltas
from shipworthy.dialects.served import Asking
from shipworthy.exchange.channel import Channel, Places
from shipworthy.gateway.breaker import Breaker
from shipworthy.gateway.candidates import Candidates
from shipworthy.gateway.config import UpstreamSpec
from shipworthy.net.answer import HttpAnswer, describe_error
from shipworthy.net.endpoint import Endpoint, NoStream
from shipworthy.net.events import ServerEvent
from shipworthy.net.options import HttpOptions


class AskedEndpoint(Protocol):
    """One path of an upstream, as a call asks it; see `Endpoint`."""

    async def ask(self, body: Any, *, also: Mapping[str, str] | None = None) -> HttpAnswer:
        """Return the answer to a body, whatever its status."""

    def batches(self, body: Any, *, also: Mapping[str, str] | None = None) -> AsyncGenerator[list[ServerEvent], None]:
        """Yield the events of the answer as they arrive."""


class GatewayUpstream:
    """One upstream, in one worker.

    Args:
        name: as the gateway's file calls it.

    Raises:
        CredentialError: its key's reference leads nowhere.

    Attributes:
        secrets: its key; never in an answer, a log or an error.
        breaker: whether it is asked; `places` how often at one time.
    """

    def __init__(self, name: str, spec: UpstreamSpec) -> None:
        self.name, self.spec = name, spec
        self.breaker = Breaker(spec.breaker.failures, spec.breaker.open_s)
        self.places = Places(spec.concurrency)
        options = HttpOptions(
            timeout=spec.timeout_s,
            silence=spec.silence_s,
            retries=spec.retries,
            longest_wait=spec.timeout_s,
            max_bytes=spec.max_bytes,
            plain_http=spec.plain_http,
            ca_file=spec.ca_file,
        )
        prefix = "Bearer " if spec.key_header.lower() == "authorization" else ""
        credentials = {spec.key_header: (spec.key, prefix)} if spec.key is not None else None
        self._options, self._credentials = options, credentials
        self.secrets: tuple[str, ...] = (resolve(spec.key).strip(),) if spec.key is not None else ()
        self._endpoints: dict[str, Endpoint] = {}
        self._channel = Channel(
            UpstreamCall(Candidates((self,)), "", Asking(model="", messages=())),
            places=Places(_MOST_PLACES),  # each upstream that a request tries has its own
            timeout_s=None,  # the endpoint and the gateway's own limit of time see to it
            secrets=self.secrets,
        )

    def endpoint(self, path: str) -> AskedEndpoint:
        """Return the endpoint of a path below the upstream's address."""
        if path not in self._endpoints:
            url = self.spec.url.rstrip("/") + path
            self._endpoints[path] = Endpoint(url, self._options, credentials=self._credentials)
        return self._endpoints[path]

    def channel(self, call: Target) -> Channel:
        """Return a channel for one call."""
        found = copy(self._channel)
        found.target = call
        return found

    def hide(self, secrets: Sequence[str]) -> None:
        """Take these keys too out of every answer: those of upstreams that stand in for this one."""
        self._channel.hide(secrets)

    async def close(self) -> None:
        """Close its connections, once nobody uses them."""
        for endpoint in self._endpoints.values():
            await endpoint.close()


class UpstreamCall:
    """One request's call, as the exchange's target.

    Attributes:
        finishes: why each choice ended: ``stop`` or ``length``.
        sizes: how many messages of the whole reply belong to each choice: its words, and its refusal if it has one.
        usage: what it took.
        status: of the upstream's answer, once it has come; 0 while it has not, and where it broke off.
    """

    def __init__(self, upstreams: Candidates, path: str, asking: Asking) -> None:
        self._upstreams, self._path, self._asking = upstreams, path, asking
        self.finishes: list[str] = []
        self.sizes: list[int] = []
        self.usage = Usage()
        self.status = 0

    def describe(self) -> Mapping[str, Any]:
        return {"target": "gateway"}

    async def send(self, request: Request) -> Reply:
        """Answer in one piece."""

        async def attempt(upstream: GatewayUpstream) -> Reply:
            body = self._body(upstream, request, stream=False)
            return self._whole(await upstream.endpoint(self._path).ask(body, also=self._upstreams.headers))

        return await self._upstreams.ask(self, attempt)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces as they arrive and, last, the whole reply; an endpoint that does not stream is borne."""
        async with aclosing(self._upstreams.stream(self, lambda upstream: self._pieces(upstream, request))) as pieces:
            async for piece in pieces:
                yield piece

    async def _pieces(self, upstream: GatewayUpstream, request: Request) -> AsyncGenerator[Delta | Reply, None]:
        completion = Completion()
        endpoint = upstream.endpoint(self._path)
        try:
            body = self._body(upstream, request, stream=True)
            async with aclosing(endpoint.batches(body, also=self._upstreams.headers)) as batches:
                async for batch in batches:
                    found, error = self._taken(completion, batch)
                    for delta in found:
                        yield delta
                    if error is not None:
                        raise error
                    if completion.done:
                        break
        except NoStream as other:
            reply = self._whole(other.answer)
            for number, messages in enumerate(by_choice(reply.messages, self.sizes)):
                for delta in deltas(Reply(messages=tuple(messages[:1]))):
                    if delta.channel == "tool_call":  # those of all choices are counted through
                        yield replace(delta, index=number * _MOST_CALLS + delta.index, choice=number)
                    else:
                        yield replace(delta, index=number)
                for refusal in messages[1:]:
                    yield Delta(refusal.text, "refusal", number)
            yield reply
            return
        replies = [completion.reply(number) for number in completion.choices] or [completion.reply()]
        self.status = 200
        if completion.choices != list(range(len(completion.choices))):
            raise TargetError("the upstream left out a choice")
        self._ended(replies, [completion.finishes.get(number, "") for number in completion.choices])
        self.sizes = [1] * len(replies)
        yield self._reply([reply.messages[0] for reply in replies], replies[0])

    def _taken(self, completion: Completion, batch: list[ServerEvent]) -> tuple[list[Delta], TargetError | None]:
        """Return the pieces of events that arrived together, joined where they go on, and the error behind them."""
        found: list[Delta] = []
        error = None
        for event in batch:
            try:
                found += map(self._known, completion.take(event.data))
            except TargetError as failed:
                self.status = 0 if _tells_an_error(event.data) else 200
                error = failed
                break
        return _together(found), error

    async def close(self) -> None:
        """Nothing: connections are the upstream's."""

    def _body(self, upstream: GatewayUpstream, request: Request, *, stream: bool) -> dict[str, Any]:
        spec = upstream.spec
        body = {"model": spec.model or self._asking.model, "messages": to_wire(request.messages), **self._asking.fields}
        body["stream"] = stream
        if stream and spec.stream_usage:
            body["stream_options"] = {"include_usage": True}
        return body

    def _whole(self, answer: HttpAnswer) -> Reply:
        self.status = answer.status
        if answer.status != 200:
            if is_filtered(answer.body):
                raise TargetFiltered("the provider's filter refused the prompt")
            raise TargetError(f"the upstream answered {describe_error(answer)}")
        if not answer.is_json:
            raise TargetError("the upstream did not answer JSON")
        body = answer.body
        try:
            wire = _dealt(body["choices"])
        except MISSHAPEN as error:
            raise TargetError(f"the upstream's answer is no chat completion ({type(error).__name__})") from None
        messages: list[Message] = []
        replies: list[Reply] = []
        self.sizes = []
        for parts, refusal in wire:
            reply = from_wire({**body, "choices": parts})
            replies.append(reply)
            messages += [reply.messages[0], *([say("assistant", refusal)] if refusal else [])]
            self.sizes.append(2 if refusal else 1)
        if not replies:
            raise TargetError("the upstream's answer holds no choice")
        self._ended(replies, [finish_of(parts[-1]) for parts, _ in wire])
        return self._reply(messages, replies[0])

    def _ended(self, replies: list[Reply], said: list[str]) -> None:
        self.finishes = ["length" if reply.finish == "length" or word in CUT else "stop"
                         for reply, word in zip(replies, said or [""], strict=False)]  # fmt: skip
        if len(replies) > self._asking.choices:
            raise TargetError("the upstream answered with more choices than were asked for")

    def _reply(self, messages: list[Message], first: Reply) -> Reply:
        for message in messages:
            for part in message.parts:
                _spoken(part)
        self.usage = first.usage
        return Reply(messages=tuple(messages), usage=first.usage, finish=first.finish, model=first.model)

    def _known(self, delta: Delta) -> Delta:
        choice = delta.choice if delta.channel == "tool_call" else delta.index
        if not 0 <= choice < self._asking.choices:
            raise TargetError("the upstream answered with a choice that was not asked for")
        return delta


_MOST_PLACES = 1_000_000_000
_MOST_CALLS = 10_000
"""Of one choice; `MAX_CALL` of the exchange ends an answer long before."""


def _tells_an_error(data: str) -> bool:
    try:
        read = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return False
    return isinstance(read, dict) and bool(read.get("error"))


def _spoken(part: MessagePart) -> None:
    if isinstance(part, Image | Audio):
        raise TargetError("the upstream's answer holds a picture or a sound, which no guard can look at")


def _dealt(choices: Any) -> list[tuple[list[dict[str, Any]], str]]:
    """Return the wire's choices by index, each with its refusal taken out: it goes out in a field of its own."""
    found: dict[int, tuple[list[dict[str, Any]], list[str]]] = {}
    for choice in choices:
        message = dict(choice["message"])
        refusal = text_of(message.pop("refusal", None))
        parts, refusals = found.setdefault(int(choice.get("index") or 0), ([], []))
        parts.append({**choice, "index": 0, "message": message})
        refusals.append(refusal)
    return [(parts, "".join(refusals)) for _, (parts, refusals) in sorted(found.items())]


def _together(pieces: Sequence[Delta]) -> list[Delta]:
    """Return pieces with neighbours of one channel made one piece: guards, record and client then see it once."""
    found: list[Delta] = []
    texts: list[str] = []
    last: Delta | None = None
    for piece in pieces:
        if (
            last is not None
            and piece.index == last.index
            and piece.channel == last.channel
            and piece.choice == last.choice
            and not piece.id
            and not piece.name
        ):
            texts.append(piece.text)
            continue
        if len(texts) > 1:
            found[-1] = replace(found[-1], text="".join(texts))
        found.append(piece)
        last, texts = piece, [piece.text]
    if len(texts) > 1:
        found[-1] = replace(found[-1], text="".join(texts))
    return found


def by_choice(messages: tuple[Message, ...], sizes: list[int]) -> list[list[Message]]:
    """Return the messages of each choice."""
    found, at = [], 0
    for size in sizes:
        found.append(list(messages[at : at + size]))
        at += size
    return found
