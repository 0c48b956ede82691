"""The gateway of one worker: what all its routes share."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import msgspec
from aiohttp import web

from shipworthy.core.errors import StoreError
from shipworthy.core.served import Served
from shipworthy.gateway.active import Active, Keeper
from shipworthy.gateway.approvals import ApprovalQueue
from shipworthy.gateway.asked import asked_by_loopback, key_of
from shipworthy.gateway.candidates import Candidates
from shipworthy.gateway.clients import GatewayClient
from shipworthy.gateway.config import Config
from shipworthy.gateway.flying import Flying, InFlight
from shipworthy.gateway.levers import WATCH_S
from shipworthy.gateway.mcp.sessions import McpSessions
from shipworthy.gateway.meter import Meter
from shipworthy.gateway.refusal import HttpRefusal, retry_after
from shipworthy.gateway.routes import Route, dialect_of, find, route_of
from shipworthy.gateway.sealing import Sealing
from shipworthy.gateway.telemetry import Telemetry
from shipworthy.gateway.trace import TraceContext, begin
from shipworthy.gateway.turn import JSON
from shipworthy.store.traffic import TrafficLog

TRAFFIC = "traffic"
"""Folder of the traffic log in the gateway's own."""


class Gateway:
    """One worker's gateway.

    Args:
        config: read and checked.
        tell: is told what an operator should know, a line each; never text of a conversation.
        run: the same in all workers of one gateway; see `Meter`.

    Raises:
        UsageError, StoreError: it cannot serve.
    """

    def __init__(self, config: Config, tell: Callable[[str], None], run: str = "") -> None:
        self.tell = tell
        self._flying = Flying()
        self.sessions = McpSessions(self)
        self.keeper = Keeper(config, tell, self._kill)
        self.log = TrafficLog(config.state / TRAFFIC)
        self.meter = Meter(config.state, run)
        self.meter.now(self.keeper.active, 0)
        told = config.spec.telemetry
        self.telemetry = Telemetry(told, tell, self.meter.exported) if told is not None else None
        self.approvals = ApprovalQueue(config.state, tell, lambda: self.keeper.active.secrets)
        self._routes: dict[str, Route] = find()
        self._sealing = Sealing()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is."""
        try:
            route = route_of(request.path, self._routes)
            if route is None:
                raise HttpRefusal(
                    404, "invalid_request_error", _not_served(request.path, self._routes), code="not_served"
                )
            if request.method not in route.method.split(", "):
                said = f"{route.path} is asked with {route.method}"
                raise HttpRefusal(405, "invalid_request_error", said, code="method")
            self._check_host(request)
            return await route.answer(self, request)
        except HttpRefusal as refusal:
            self.meter.refused(refusal.status)
            body = msgspec.json.encode(dialect_of(request.path).error(refusal))
            headers = {**self.headers(self.keeper.active), **retry_after(refusal)}
            return web.Response(status=refusal.status, body=body, content_type=JSON, headers=headers)

    def admit(self, request: web.BaseRequest, active: Active) -> GatewayClient:
        """Return whose request it is.

        Raises:
            Refusal: it has no key that is known. Nothing is recorded of it.
        """
        client = active.clients.find(key_of(request))
        if client is None:
            raise HttpRefusal(401, "authentication_error", "no key, or none that is known here", code="invalid_api_key")
        return client

    def flying(self, turn: InFlight) -> AbstractContextManager[None]:
        """Count a request in while it is served; see `Flying.enter`."""
        return self._flying.enter(turn)

    @property
    def flying_now(self) -> int:
        """Requests that this worker is serving."""
        return len(self._flying)

    async def watch(self) -> None:
        """Look at levers and files, and write down what other workers' scrapes tell of this one, until cancelled."""

        async def write_down() -> None:
            while True:
                await asyncio.sleep(WATCH_S)
                self.meter.now(self.keeper.active, len(self._flying))

        await asyncio.gather(self.keeper.watch(), write_down())

    def begin_trace(self, headers: Mapping[str, str]) -> TraceContext | None:
        """Return the trace of a request; None where none is kept."""
        return begin(headers, self.telemetry.spec.sample) if self.telemetry is not None else None

    async def keep(
        self,
        served: Served,
        active: Active,
        upstreams: Candidates | None = None,
        trace: TraceContext | None = None,
    ) -> None:
        """Make a record durable, redacted; count the request in, and tell of it.

        Args:
            upstreams: that it was for; `trace` that it is in.

        Raises:
            StoreError: it is not.
        """
        try:
            served = await self._sealing.append(self.log, served, active.secrets)
        except StoreError:
            self.meter.not_recorded()
            raise
        waited: float | None
        if upstreams is not None:
            waited, stepped_in = upstreams.seconds, upstreams.stepped_in
        else:
            waited, stepped_in = None if served.upstream else 0.0, False
        self.meter.served(served, waited, models=active.models, stepped_in=stepped_in)
        if self.telemetry is not None and trace is not None:
            self.telemetry.served(served, trace, active, upstreams)

    def refused(self, status: int) -> None:
        """Count a request that was refused before it was anybody's."""
        self.meter.refused(status)

    def headers(self, active: Active) -> dict[str, str]:
        """Return headers of every answer: all of them ours, none of a client's or an upstream's."""
        policy = {"x-shipworthy-policy": active.policy.digest} if active.policy is not None else {}
        return {"x-shipworthy-guards": active.digest, **policy, "cache-control": "no-store", "server": "shipworthy"}

    async def close(self) -> None:
        """Let go of connections and files."""
        await self.sessions.close()
        await self.approvals.close()
        await self.keeper.close()
        self._sealing.close()
        if self.telemetry is not None:
            await asyncio.to_thread(self.telemetry.close)
        self.log.close()
        self.meter.close()

    def _kill(self) -> None:
        self._flying.kill()
        self.sessions.kill()

    def _check_host(self, request: web.BaseRequest) -> None:
        """Where no key is asked for, refuse names that a web page could have made to lead here (DNS rebinding)."""
        if not self.keeper.active.clients.asks_for_keys and not asked_by_loopback(request):
            said = "without keys, this gateway is asked by its loopback address only"
            raise HttpRefusal(403, "permission_error", said, code="host")


def _not_served(path: str, routes: dict[str, Route]) -> str:
    served = ", ".join(sorted(routes))
    named = path if re.fullmatch(r"/[A-Za-z0-9/_.-]{1,80}", path) else "this path"
    return f"{named} is not served: what no guard looks at is not passed on. Served are {served}"
