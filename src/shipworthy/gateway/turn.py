"""One request: admitted, asked through one exchange, answered from what guards released, recorded before it ends."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, suppress
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from aiohttp import web
from msgspec.structs import replace

from shipworthy.core.errors import ShipworthyError, StoreError, TargetError, TargetFiltered, TargetTimeout
from shipworthy.core.events import GuardEvent, Timing
from shipworthy.core.foreign import kind_of
from shipworthy.core.records import Delta, Message, Usage
from shipworthy.core.served import Ending, Served
from shipworthy.dialects.served import Asking, BadBody
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.exchange import Exchange
from shipworthy.gateway.active import Active
from shipworthy.gateway.breaker import UpstreamOpen
from shipworthy.gateway.candidates import Candidates
from shipworthy.gateway.clients import GatewayClient
from shipworthy.gateway.declared import UNDECLARED, declared
from shipworthy.gateway.policy_stage import PolicyAsker
from shipworthy.gateway.refusal import HttpRefusal, retry_after
from shipworthy.gateway.trace import TraceContext
from shipworthy.gateway.upstream import UpstreamCall, by_choice
from shipworthy.net.answer import read_json

if TYPE_CHECKING:
    from shipworthy.gateway.approvals import ApprovalQueue

JSON = "application/json"


class Answering(Protocol):
    """Writes one answer in a client's dialect."""

    def whole(self, choices: Sequence[Sequence[Message]], finishes: Sequence[str], usage: Usage) -> Mapping[str, Any]:
        """Return a whole answer."""

    def piece(self, delta: Delta) -> Iterator[bytes]:
        """Yield what one piece is on the wire."""

    def end(self, finishes: Sequence[str], usage: Usage) -> Iterator[bytes]:
        """Yield the end of a stream."""

    def finish(self, choice: int, finish: str, *, calls: bool) -> str:
        """Return a finish reason (``stop``, ``length``, ``content_filter``) in the wire's words."""


class Dialect(Protocol):
    """What a route of conversations speaks."""

    def read(self, body: Any, also: Sequence[str]) -> Asking:
        """Read a request; raises `BadBody`."""

    def answering(self, asking: Asking, id: str, created: int) -> Answering:
        """Return what writes the answer to a request."""

    def error(self, refusal: HttpRefusal) -> Mapping[str, Any]:
        """Return an error's body."""

    def broken(self, refusal: HttpRefusal) -> bytes:
        """Return what says in a stream that the answer broke off."""


class Behind(Protocol):
    """What a request is served by: a gateway's worker, or guards inside of a product's process."""

    tell: Callable[[str], None]
    approvals: ApprovalQueue

    def admit(self, request: web.BaseRequest, active: Active) -> GatewayClient:
        """Return whose request it is; see `Gateway.admit`."""

    def flying(self, turn: RequestTurn) -> AbstractContextManager[None]:
        """Count a request in while it is served."""

    def begin_trace(self, headers: Mapping[str, str]) -> TraceContext | None:
        """Return the trace of a request; None where none is kept."""

    def refused(self, status: int) -> None:
        """Take in that a request was refused before it was anybody's."""

    async def keep(
        self, served: Served, active: Active, upstreams: Candidates | None = None, trace: TraceContext | None = None
    ) -> None:
        """Make a record durable; see `Gateway.keep`."""

    def headers(self, active: Active) -> dict[str, str]:
        """Return headers of every answer."""


class RequestTurn:
    """One request.

    Args:
        dialect: that the client speaks.
        active: what is in force, to its end.

    Attributes:
        ending, status, error: as in `Served`.
        deadline: ends the request, when its time is up or the kill switch is pulled.
        killed: whether it was the kill switch.
    """

    def __init__(self, gateway: Behind, request: web.BaseRequest, dialect: Dialect, active: Active) -> None:
        self._gateway, self._request, self._dialect, self.active = gateway, request, dialect, active
        self.number, self._began, self._clock = secrets.token_hex(16), time.time(), time.perf_counter()
        self.client: GatewayClient | None = None
        self.asking: Asking | None = None
        self.exchange: Exchange | None = None
        self.upstreams: Candidates | None = None
        self.declared = UNDECLARED
        self.trace: TraceContext | None = None
        self.error = ""
        self.ending: Ending = "failed"
        self.status = 0
        self.deadline: asyncio.Timeout = asyncio.timeout(active.config.spec.limits.request_s)
        self.killed = self._kept = self._withheld = False
        self._response: web.StreamResponse | None = None

    async def answer(self) -> web.StreamResponse:
        """Serve the request, and return its answer, sent already where it was a stream."""
        try:
            with self._gateway.flying(self):
                try:
                    async with self.deadline:
                        return await self._served()
                except _Slow:
                    return await self._left()
                except Exception as error:
                    return await self._refuse(self._as_refusal(error))
        except asyncio.CancelledError:
            # The client has gone, or the process ends. What was asked and answered is recorded all the same.
            if not self._kept and self.client is not None:
                self.ending, self.error = "gone", "the client left before its answer ended, or the gateway did"
                await asyncio.shield(asyncio.ensure_future(self._keep_quietly()))
            raise

    def kill(self) -> None:
        """End it: the kill switch was pulled. What has its record already is over, but for its last words."""
        self.killed = True
        if self._kept:
            return
        with suppress(RuntimeError):  # it has ended by itself
            self.deadline.reschedule(asyncio.get_running_loop().time())

    async def _served(self) -> web.StreamResponse:
        self.client = client = self._gateway.admit(self._request, self.active)
        self.trace = self._gateway.begin_trace(self._request.headers)
        self.declared = declared(self._request.headers)
        self.active = self.active.seen_by(client.name, self.declared.session)
        if self.active.stopped:
            raise _stopped()
        if self.active.throttle is not None:
            self.active.throttle.take("an operator has limited how often this gateway is asked")
        with client.place():
            asking, upstream = await self._read(client)
            return await self._answered(asking, upstream, client)

    async def _answered(self, asking: Asking, upstream: Candidates, client: GatewayClient) -> web.StreamResponse:
        """Ask and answer; a route that is no conversation has its own."""
        call = UpstreamCall(upstream, "/chat/completions", asking)
        exchange = self._exchange(upstream.channel(call), client)
        answering = self._dialect.answering(asking, self.number, int(self._began))
        if asking.stream:
            return await self._stream(asking, exchange, call, answering)
        return await self._whole(asking, exchange, call, answering)

    def _exchange(self, channel: Channel, client: GatewayClient, *, converses: bool = True) -> Exchange:
        session, mediation = self.declared.session, self.active.mediation
        policy = self.active.policy if converses else None
        if policy is not None:
            beat = self._beat if self.asking is not None and self.asking.stream else None
            until = self.deadline.when() or math.inf
            asker = PolicyAsker(client.name, session, f"GR-{self.number}", until, beat)
            asks = self.active.config.spec.approvals
            approver = self._gateway.approvals.approver(asker, asks.timeout_s) if asks is not None else None
            mediation = mediation.before(policy.open(asker), approver)
        self.exchange = Exchange(
            channel, mediation, user=client.name, session=session, keep=False, calls_leave=policy is not None
        )
        return self.exchange

    async def _beat(self) -> None:
        """Tell a client that waits for a person's word that it still does: a comment, of which nothing is read."""
        await self._write(b": waiting\n\n")

    async def _read(self, client: GatewayClient) -> tuple[Asking, Candidates]:
        body = await read_body(self._request, self.active)
        model = body.get("model") if isinstance(body, dict) else None
        asked = self.active.in_place_of(model) if isinstance(model, str) else ""
        found = self._candidates(asked, body) if isinstance(model, str) else None
        upstream, passed = found or (None, ())
        try:
            asking = self._dialect.read(body, passed)
        except BadBody as error:
            raise HttpRefusal(400, "invalid_request_error", str(error), field=error.field) from None
        if upstream is None or not client.may_ask(asking.model):
            said = "there is no such model for this key"
            raise HttpRefusal(404, "invalid_request_error", said, field="model", code="model_not_found")
        if asked != asking.model:
            asking = replace(asking, model=asked)
        self.asking, self.upstreams = asking, upstream
        if self.trace is not None and (told := self.active.config.spec.telemetry) is not None and told.propagate:
            upstream.headers = self.trace.onward
        return asking, upstream

    def _candidates(self, model: str, body: Mapping[str, Any]) -> tuple[Candidates, tuple[str, ...]] | None:
        """Return who is asked for a model; see `Active.candidates`."""
        return self.active.candidates(model, body)

    # ---- whole -----------------------------------------------------------------------------------------------------

    async def _whole(
        self, asking: Asking, exchange: Exchange, call: UpstreamCall, answering: Answering
    ) -> web.StreamResponse:
        try:
            reply = await exchange.ask(asking.messages)
        except TargetError as error:
            raise upstream_refusal(error, call.status) from None
        if self._blocked:
            choices: list[Sequence[Message]] = [reply.messages] * asking.choices
            finishes = ["content_filter"] * asking.choices
        else:
            choices = list(by_choice(reply.messages, call.sizes))
            finishes = list(call.finishes)
            places = accumulate((len(messages) for messages in choices), initial=0)
            self._held_back(finishes, {n for n, at in enumerate(places) if at in exchange.refused} - {
                n for n, messages in enumerate(choices) if any(m.tool_calls for m in messages)})  # fmt: skip
        finishes = [
            answering.finish(number, finish, calls=any(message.tool_calls for message in messages))
            for number, (messages, finish) in enumerate(zip(choices, finishes, strict=True))
        ]
        return await self._give(answering.whole(choices, finishes, call.usage))

    async def _give(self, body: Mapping[str, Any]) -> web.StreamResponse:
        """Return a whole answer, once its record is on the disk."""
        await self._over(blocked=self._blocked or self._withheld)
        return web.Response(body=msgspec.json.encode(body), content_type=JSON, headers=self._headers())

    # ---- in pieces -------------------------------------------------------------------------------------------------

    async def _stream(
        self, asking: Asking, exchange: Exchange, call: UpstreamCall, answering: Answering
    ) -> web.StreamResponse:
        called: set[int] = set()
        try:
            async with aclosing(exchange.stream(asking.messages)) as pieces:
                async for piece in pieces:
                    if piece.channel == "tool_call":
                        called.add(piece.choice)
                    for event in answering.piece(piece):
                        await self._write(event)
        except TargetError as error:
            raise upstream_refusal(error, call.status) from None
        blocked = self._blocked
        finishes = ["content_filter"] * asking.choices if blocked else list(call.finishes)
        self._held_back(finishes, exchange.refused - called)
        finishes = [answering.finish(n, finish, calls=n in called) for n, finish in enumerate(finishes)]
        await self._over(blocked=blocked or self._withheld)
        return await self._write(b"".join(answering.end(finishes, call.usage)), last=True)

    async def _over(self, *, blocked: bool) -> None:
        """Record an answer that is whole; one that was killed a moment ago is none."""
        if self.killed:
            raise _stopped()
        self.ending, self.status = "blocked" if blocked else "answered", 200
        await self._keep()

    async def _write(self, data: bytes, *, last: bool = False) -> web.StreamResponse:
        """Send some bytes; a client that does not take them in time is cut off."""
        try:
            with self.active.writing.watch():
                response = self._response
                if response is None:
                    response = _Stream(headers=self._headers())
                    response.content_type = "text/event-stream"
                    await response.prepare(self._request)
                    self._response = response
                await (response.write_eof(data) if last else response.write(data))
                return response
        except TimeoutError:
            self._cut()
            raise _Slow from None
        except OSError:  # aiohttp's own for a client that has gone is one
            raise _Slow from None

    def _cut(self) -> None:
        if (transport := self._request.transport) is not None:
            transport.abort()

    def _held_back(self, finishes: list[str], choices: set[int]) -> None:
        """Take in of which choices the policy kept back every call: they did not end as the upstream says."""
        self._withheld = bool(choices)
        for choice in choices & set(range(len(finishes))):
            finishes[choice] = "content_filter"

    # ---- how it ends -----------------------------------------------------------------------------------------------

    @property
    def _blocked(self) -> bool:
        """Whether a guard kept back question or answer, not only a document or a tool's result."""
        events = self.exchange.events if self.exchange is not None else ()
        return any(
            isinstance(e, GuardEvent) and e.action == "block" and not e.shadow and e.stage != "retrieved"
            for e in events
        )

    def _as_refusal(self, error: Exception) -> HttpRefusal:
        if isinstance(error, HttpRefusal):
            return error
        if isinstance(error, TimeoutError) and self.killed:
            return _stopped()
        if isinstance(error, TimeoutError):
            limit = self.active.config.spec.limits.request_s
            return HttpRefusal(
                504, "timeout_error", f"the answer took longer than {limit:g} s", code="late", ending="late"
            )
        if isinstance(error, StoreError):
            said = "the request cannot be recorded, and what is not recorded is not answered"
            return HttpRefusal(503, "service_unavailable", said, code="not_recorded", ending="failed")
        self._gateway.tell(f"a request failed: {kind_of(error)}" + _told(error, self.active))
        said = "the gateway failed; nothing of an answer was passed on unseen"
        return HttpRefusal(500, "api_error", said, ending="failed")

    async def _left(self) -> web.StreamResponse:
        """Record a request whose client does not take its answer."""
        response = self._response
        self.ending, self.error = "gone", "the client did not take its answer, or left"
        self.status = response.status if response is not None else 0
        if not self._kept:
            await self._keep_quietly()
        return response if response is not None else web.Response(status=499)

    async def _refuse(self, refusal: HttpRefusal) -> web.StreamResponse:
        response = self._response
        self.status = response.status if response is not None else refusal.status
        if self.client is None:
            self._gateway.refused(refusal.status)
        elif not self._kept:
            self.ending, self.error = refusal.ending, refusal.message
            try:
                await self._keep()
            except StoreError as error:
                self._gateway.tell(self.active.scrub(str(error)))
                if refusal.status < 500:
                    refusal = self._as_refusal(error)
        if response is None:
            headers = {**self._headers(), **retry_after(refusal)}
            body = msgspec.json.encode(self._dialect.error(refusal))
            return web.Response(status=refusal.status, body=body, content_type=JSON, headers=headers)
        try:
            await self._write(self._dialect.broken(refusal), last=True)
        except (_Slow, OSError):
            self._cut()
        return response

    def _headers(self) -> dict[str, str]:
        return {**self._gateway.headers(self.active), "x-shipworthy-request": f"GR-{self.number}"}

    async def _keep_quietly(self) -> None:
        try:
            await self._keep()
        except StoreError as error:
            self._gateway.tell(self.active.scrub(str(error)))

    async def _keep(self) -> None:
        """Make the record of this request durable, redacted.

        Raises:
            StoreError: it is not.
        """
        self._kept = True
        exchange, asking = self.exchange, self.asking
        spans = tuple(exchange.spans) if exchange is not None else ()
        seconds = time.perf_counter() - self._clock
        keeping = self._gateway.keep(
            Served(
                id=f"GR-{self.number}",
                route=self._request.path,
                ending=self.ending,
                client=self.client.name if self.client is not None else "",
                upstream=self.upstreams.name if self.upstreams is not None else "",
                model=asking.model if asking is not None else "",
                guards=self.active.digest,
                base=self.active.base if self.active.levers else "",
                policy=self.active.policy.digest if self.active.policy is not None else "",
                levers=self.active.levers,
                decision=self.active.config.spec.decision,
                prompt=self.declared.prompt_digest,
                index=self.declared.index_digest,
                streamed=asking is not None and asking.stream,
                status=self.status,
                events=tuple(exchange.events) if exchange is not None else (),
                error=self.active.scrub(self.error) if self.error else "",
                timing=Timing(self._began, seconds, exchange.guard_seconds if exchange is not None else 0.0, spans),
            ),
            self.active,
            self.upstreams,
            self.trace,
        )
        # Whoever stops waiting for it does not stop it.
        await asyncio.shield(asyncio.ensure_future(keeping))


class _Stream(web.StreamResponse):
    """An answer in pieces, whose head is sent together with its first piece: one packet and one system call less."""

    _send_headers_immediately = False


class _Slow(Exception):
    """The client does not take what is sent, or has gone: there is nobody to tell."""


def _stopped() -> HttpRefusal:
    said = "an operator has stopped this gateway"
    return HttpRefusal(503, "service_unavailable", said, code="stopped", ending="stopped")


def _told(error: Exception, active: Active) -> str:
    return f": {active.scrub(str(error))}" if isinstance(error, ShipworthyError) else ""


_SAME = {400, 404, 413, 422, 429}
"""Statuses of an upstream that say something about the request, and not about the gateway."""


def upstream_refusal(error: TargetError, status: int) -> HttpRefusal:
    """Return what a client is told of an upstream's failure.

    Args:
        status: of the upstream's answer, where that was an error; else 0.
    """
    if isinstance(error, TargetFiltered):
        said = "the provider's own filter refused the prompt or the answer"
        return HttpRefusal(400, "invalid_request_error", said, code="content_filter", ending="filtered")
    if isinstance(error, UpstreamOpen):
        said = "the upstreams of this model have failed too often, and are not asked for now"
        return HttpRefusal(503, "service_unavailable", said, code="upstream_open", retry_s=ceil(error.retry_s),
                           ending="upstream_error")  # fmt: skip
    if isinstance(error, TargetTimeout):
        return HttpRefusal(504, "timeout_error", "the upstream did not answer in time", ending="upstream_timeout")
    if status in _SAME:
        kind = "rate_limit_error" if status == 429 else "invalid_request_error"
        return HttpRefusal(status, kind, f"the upstream refused the request with status {status}",
                       code="upstream", ending="upstream_error")  # fmt: skip
    return HttpRefusal(502, "api_error", "the upstream failed to give an answer that can be passed on", code="upstream",
                   ending="upstream_error")  # fmt: skip


async def read_body(request: web.BaseRequest, active: Active) -> Any:
    """Return a request's JSON.

    Raises:
        Refusal: it is none, is too long or takes too long.
    """
    try:
        return read_json(await read_bytes(request, active, active.config.spec.limits.body_bytes))
    except ValueError:
        raise HttpRefusal(400, "invalid_request_error", "the body is no JSON, or lies too deep") from None


async def read_bytes(request: web.BaseRequest, active: Active, most: int) -> bytes:
    """Return the body of a request that says that it is JSON.

    Args:
        most: bytes of it.

    Raises:
        Refusal: it does not say so, is too long or takes too long.
    """
    limits = active.config.spec.limits
    if request.content_type != JSON:
        raise HttpRefusal(415, "invalid_request_error", f"the content type must be {JSON}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HttpRefusal(415, "invalid_request_error", "a compressed body is not read")
    too_long = HttpRefusal(413, "invalid_request_error", f"the body is longer than {most:,} bytes")
    if (request.content_length or 0) > most:
        raise too_long
    data = bytearray()
    try:
        with active.reading.watch():
            async for piece in request.content.iter_any():
                data += piece
                if len(data) > most:
                    raise too_long
    except TimeoutError:
        raise HttpRefusal(408, "timeout_error", f"the body took longer than {limits.body_s:g} s") from None
    return bytes(data)
