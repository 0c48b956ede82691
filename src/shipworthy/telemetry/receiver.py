"""The receiver: takes telemetry in, answers once it is on the disk, and answers who may ask what is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from shipworthy.core.errors import ShipworthyError, StoreError, UsageError
from shipworthy.detect.redact import seal_observed
from shipworthy.gateway.asked import asked_by_loopback, key_of
from shipworthy.gateway.clients import Clients, GatewayClient
from shipworthy.gateway.refusal import HttpRefusal, retry_after
from shipworthy.store.layout import Layout
from shipworthy.telemetry import otlp
from shipworthy.telemetry.body import JSON, PROTOBUF, accepted, read_packed, refused
from shipworthy.telemetry.config import Right, ServeConfig
from shipworthy.telemetry.read import observe
from shipworthy.telemetry.retention import sweep
from shipworthy.telemetry.store import Busy, DiskFull, TelemetryStore
from shipworthy.telemetry.whose import Whose

if TYPE_CHECKING:
    from shipworthy.store.audit import AuditLog
    from shipworthy.telemetry.alarm_keeper import AlarmKeeper
    from shipworthy.telemetry.exposition import Values
    from shipworthy.telemetry.outbox import Outbox

TRACES = "/v1/traces"
REPORTS = "/v1/reports"
_REPORT = 200_000
"""Bytes of a report."""
_LONG = 1 << 20
"""Bytes of a body that is read beside the loop: it takes a tenth of a second and more."""
_SWEEP_S = 3_600.0
_TEND_S = 1.0
_BUSY_S, _FULL_S = 1.0, 30.0
_SCRAPE_S = 5.0
"""Seconds that what the store holds is not counted anew for a scrape."""
_NO_IDS = "spans without a trace id of 16 bytes and a span id of 8 were left out"

Sealed = list[tuple[Any, Whose]]


class Receiver:
    """Takes telemetry in and answers questions about it.

    Args:
        config: read and checked.
        tell: is told what an operator should know; never text of a span.

    Raises:
        UsageError, StoreError: it cannot serve.
    """

    def __init__(self, config: ServeConfig, tell: Callable[[str], None]) -> None:
        self._config, self._tell = config, tell
        self._clients = Clients(config.clients())
        self.store = TelemetryStore(config.state, config.master(make=True), tell)
        self.keeper: AlarmKeeper | None = None
        self.outbox: Outbox | None = None
        if config.spec.alarms is not None:
            # What watches is imported where there is something to watch: nobody else waits for it.
            from shipworthy.telemetry.alarm_keeper import AlarmKeeper
            from shipworthy.telemetry.alarm_signals import system_of
            from shipworthy.telemetry.outbox import Outbox

            self.keeper = AlarmKeeper(config, self._audit, lambda: self.store.severe, tell)
            self.outbox = Outbox(config.spec.outputs, self._audit, cache(lambda: system_of(config)), tell)
        self._scraped: tuple[float, Values] = (-_SCRAPE_S, {})
        self._flying, self._system = 0, ""
        self.taken = self.again = self.rejected = 0
        self._routes: dict[tuple[str, str], Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]] = {
            ("POST", TRACES): self._traces,
            ("GET", "/health"): self._health,
            ("GET", "/metrics"): self._metrics,
            ("GET", "/v1/telemetry/rates"): self._rates,
            ("GET", "/v1/telemetry/alarms"): self._alarms,
            ("POST", "/v1/telemetry/content"): self._content,
            ("POST", "/v1/telemetry/delete"): self._delete,
            ("POST", REPORTS): self._report,
        }

    @cached_property
    def _audit(self) -> AuditLog:
        from shipworthy.store.audit import AuditLog

        return AuditLog(Layout(self._config.workspace).control_url)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is."""
        try:
            try:
                return await self._answer(request)
            except StoreError as error:
                raise _as_refusal(error) from None
            except UsageError as error:
                raise HttpRefusal(400, "invalid_request_error", str(error)) from None
            except ShipworthyError as error:
                raise HttpRefusal(500, "api_error", str(error)) from None
        except HttpRefusal as refusal:
            protobuf = request.path == TRACES and request.content_type == PROTOBUF
            return refused(refusal, retry_after(refusal), protobuf=protobuf)

    async def tend(self) -> None:
        """Keep house until cancelled."""
        waited = _SWEEP_S
        while True:
            try:
                await asyncio.to_thread(self.store.tend)
                if waited >= _SWEEP_S:
                    waited = 0.0
                    swept = await asyncio.to_thread(sweep, self._config.state, self._config.retention)
                    if any(swept):
                        self._tell(f"deleted by age: {swept.content} files of content, {swept.facts} of facts")
            except (OSError, ShipworthyError) as error:
                self._tell(f"keeping house failed, and is tried again: {error}")
            await asyncio.sleep(_TEND_S)
            waited += _TEND_S

    async def watch(self) -> None:
        """Look for alarms until cancelled."""
        while self.keeper is not None and self.outbox is not None:
            await asyncio.to_thread(self.keeper.tend)
            try:
                await self.outbox.start(self.keeper.entries.alarms)
            except ShipworthyError as error:
                self._tell(f"outputs cannot be told, which is tried again: {error}")
            await asyncio.sleep(_TEND_S)

    async def close(self) -> None:
        """Let go of the store, with all that was acknowledged in it."""
        await asyncio.to_thread(self.store.close)
        if self.outbox is not None:
            await self.outbox.close()
        if "_audit" in self.__dict__:
            self._audit.close()

    # ---- requests ----

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        route = self._routes.get((request.method, request.path))
        if route is None:
            known = [method for method, path in self._routes if path == request.path]
            if known:
                raise HttpRefusal(405, "invalid_request_error", f"{request.path} is asked with {known[0]}")
            raise HttpRefusal(404, "invalid_request_error", "this path is not served: spans go to " + TRACES)
        if not self._clients.asks_for_keys and not asked_by_loopback(request):
            said = "without keys, this receiver is asked by its loopback address only"
            raise HttpRefusal(403, "permission_error", said, code="host")
        if self._flying >= self._config.spec.limits.flying:
            raise HttpRefusal(429, "rate_limit_error", "too many requests are in flight", retry_s=_BUSY_S)
        self._flying += 1
        try:
            async with asyncio.timeout(self._config.spec.limits.request_s):
                return await route(request)
        except TimeoutError:
            raise HttpRefusal(408, "timeout_error", "the request took longer than it may", retry_s=_BUSY_S) from None
        finally:
            self._flying -= 1

    async def _traces(self, request: web.BaseRequest) -> web.StreamResponse:
        with self._admit(request, "send").place():
            kind = request.content_type
            if kind not in (PROTOBUF, JSON):
                raise HttpRefusal(415, "invalid_request_error", f"the content type must be {PROTOBUF} or {JSON}")
            self.store.admit()
            async with asyncio.timeout(self._config.spec.limits.body_s):
                data = await read_packed(request, self._config.spec.limits.body_bytes)
            if len(data) > _LONG:
                spans, rejected = await asyncio.to_thread(_read, data, kind)
            else:
                spans, rejected = _read(data, kind)
            if spans:
                self.again += await self.store.append(spans)
            self.taken += len(spans)
            self.rejected += rejected
            return accepted(rejected, _NO_IDS if rejected else "", protobuf=kind == PROTOBUF)

    async def _health(self, request: web.BaseRequest) -> web.StreamResponse:
        status, said = 200, "ok"
        try:
            self.store.admit()
        except StoreError as error:
            status, said = 503, str(error)
        told = {"status": said, "spans": self.taken, "again": self.again, "rejected": self.rejected}
        return web.Response(status=status, body=msgspec.json.encode(told), content_type=JSON)

    async def _metrics(self, request: web.BaseRequest) -> web.StreamResponse:
        from shipworthy.gateway.exposition import CONTENT_TYPE, text
        from shipworthy.telemetry.exposition import PREFIX, TELEMETRY_FAMILIES, store_values, watch_values

        with self._admit(request, "rates").place():
            now = time.monotonic()
            if now - self._scraped[0] > _SCRAPE_S:
                self._scraped = (now, await asyncio.to_thread(store_values, self._config))
            counted = {"taken": self.taken, "again": self.again, "rejected": self.rejected}
            values: Values = {
                **{("telemetry_spans_total", name): float(number) for name, number in counted.items()},
                **self._scraped[1],
                **watch_values(self._config, self.keeper, self.outbox.states if self.outbox is not None else {}),
            }
            page = text(values, TELEMETRY_FAMILIES, PREFIX)
            return web.Response(body=page.encode(), headers={"content-type": CONTENT_TYPE})

    async def _rates(self, request: web.BaseRequest) -> web.StreamResponse:
        from shipworthy.telemetry.facts import FactView
        from shipworthy.telemetry.rates import rates

        with self._admit(request, "rates").place():
            query = request.query
            asked: Any = query.get("by", "day,feature").split(",")
            hit: Any = query.get("hit", "violation")
            since, until = (_day(query.get(name, "")) for name in ("since", "until"))

            def counted() -> bytes:
                with FactView(self._config.state) as view:
                    found = rates(view, hit, asked, since=since, until=until, feature=query.get("feature", ""))
                return msgspec.json.encode({"rates": found.rates, "sessions": found.sessions})

            return web.Response(body=await asyncio.to_thread(counted), content_type=JSON)

    async def _alarms(self, request: web.BaseRequest) -> web.StreamResponse:
        from shipworthy.store.alarms import read_alarms

        with self._admit(request, "rates").place():

            def held() -> bytes:
                found = read_alarms(self._audit).alarms
                return msgspec.json.encode(
                    {"alarms": [{"alarm": one.alarm, "open": one.open, "closed": one.closed} for one in found]}
                )

            return web.Response(body=await asyncio.to_thread(held), content_type=JSON)

    async def _content(self, request: web.BaseRequest) -> web.StreamResponse:
        from shipworthy.telemetry.looks import look

        client = self._admit(request, "content")
        with client.place():
            asked = await self._asked(request, "id", "reason")
            found = await asyncio.to_thread(
                look, self._config.state, self.store.keyring, self._audit, asked["id"], by=client.name,
                reason=asked["reason"],
            )  # fmt: skip
            told = {"spans": [{**one.fact, "events": one.events, "why": one.why} for one in found]}
            return web.Response(body=msgspec.json.encode(told), content_type=JSON)

    async def _delete(self, request: web.BaseRequest) -> web.StreamResponse:
        from shipworthy.telemetry.looks import delete_subject

        client = self._admit(request, "delete")
        with client.place():
            asked = await self._asked(request, "subject", "reason")
            keys = await asyncio.to_thread(
                delete_subject, self.store.keyring, self._audit, asked["subject"], by=client.name,
                reason=asked["reason"],
            )  # fmt: skip
            return web.Response(body=msgspec.json.encode({"keys": keys}), content_type=JSON)

    async def _report(self, request: web.BaseRequest) -> web.StreamResponse:
        from shipworthy.telemetry.user_report import read_report, reported_system, take_report

        client = self._admit(request, "report")
        with client.place():
            async with asyncio.timeout(self._config.spec.limits.body_s):
                data = await read_packed(request, _REPORT)
            report = read_report(data)

            def keep() -> bytes:
                self._system = self._system or reported_system(self._config.workspace)
                taken = take_report(self._audit, report, system=self._system, client=client.name)
                return msgspec.json.encode({"signal": (*taken.new, *taken.known)[0].id, "new": bool(taken.new)})

            return web.Response(status=202, body=await asyncio.to_thread(keep), content_type=JSON)

    async def _asked(self, request: web.BaseRequest, *names: str) -> dict[str, str]:
        async with asyncio.timeout(self._config.spec.limits.body_s):
            data = await read_packed(request, 65_536)
        try:
            return dict.fromkeys(names, "") | msgspec.json.decode(data, type=dict[str, str])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise HttpRefusal(400, "invalid_request_error", f"the body is JSON: {', '.join(names)}, as text") from None

    def _admit(self, request: web.BaseRequest, right: Right) -> GatewayClient:
        client = self._clients.find(key_of(request))
        if client is None:
            raise HttpRefusal(401, "authentication_error", "no key, or none that is known here")
        if not self._clients.asks_for_keys:
            if right in ("content", "delete", "report"):
                said = f"without 'clients' there is nobody whom to enter as having done it: {right} needs a key"
                raise HttpRefusal(403, "permission_error", said)
        elif right not in self._config.spec.clients[client.name].may:
            raise HttpRefusal(403, "permission_error", f"this key has no right to {right!r}")
        return client


def _read(data: bytes, kind: str) -> tuple[Sealed, int]:
    """Return spans, redacted, with whose they are; and how many were left out."""
    received = otlp.read_protobuf(data) if kind == PROTOBUF else otlp.read_json(data)
    told = observe(received.spans)
    sealed = seal_observed([one.observed for one in told])
    return list(zip(sealed, [one.whose for one in told], strict=True)), received.rejected


def _as_refusal(error: StoreError) -> HttpRefusal:
    if isinstance(error, Busy):
        return HttpRefusal(429, "rate_limit_error", str(error), retry_s=_BUSY_S)
    wait = _FULL_S if isinstance(error, DiskFull) else _BUSY_S
    return HttpRefusal(503, "service_unavailable", str(error), retry_s=wait)


def _day(text: str) -> date | None:
    if not text:
        return None
    with suppress(ValueError):
        return date.fromisoformat(text)
    raise UsageError(f"{text[:20]!r} is no day: write it as 2027-01-31")
