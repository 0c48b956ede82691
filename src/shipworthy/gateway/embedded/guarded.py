"""The guards of a gateway's file, in a product's process: what its transports, sessions and apps hand requests to."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiohttp import web

from shipworthy.core.errors import GuardError, UsageError
from shipworthy.core.served import Served
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.gateway.active import Active, Keeper
from shipworthy.gateway.approvals import ApprovalQueue
from shipworthy.gateway.candidates import Candidates
from shipworthy.gateway.clients import GatewayClient
from shipworthy.gateway.config import read_embedded
from shipworthy.gateway.dialects import ANTHROPIC, OPENAI, Responses
from shipworthy.gateway.embedded.endpoint import ProductUpstream, SendOn
from shipworthy.gateway.embedded.turn import GuardedAnswer, InProcess, InProcessEmbedding, OutgoingPieces, WireRequest
from shipworthy.gateway.flying import Flying
from shipworthy.gateway.gateway import TRAFFIC
from shipworthy.gateway.refusal import HttpRefusal
from shipworthy.gateway.routes.embeddings import EmbeddingsDialect
from shipworthy.gateway.sealing import Sealing
from shipworthy.gateway.trace import TraceContext
from shipworthy.gateway.turn import JSON, Dialect, RequestTurn
from shipworthy.store.traffic import TrafficLog


class _Way(NamedTuple):
    """What ends of paths stand for."""

    dialect: Callable[[], Dialect]
    turn: type[InProcess] = InProcess
    messages: bool = False


WAYS: Mapping[str, _Way] = {
    "/chat/completions": _Way(lambda: OPENAI),
    "/responses": _Way(Responses),
    "/embeddings": _Way(EmbeddingsDialect, InProcessEmbedding),
    "/messages": _Way(lambda: ANTHROPIC, messages=True),
}
"""End of a path -> how what is asked there is guarded. ``/responses`` is asked of ``/chat/completions``."""


class Guarded:
    """Guards of one gateway's file, for one transport, session or app; used on one event loop.

    Requests whose path ends in one of `WAYS` are read, guarded, asked anew, and answered from what guards released, as
    the gateway does; all others are refused. Levers and the kill switch are read afresh for each request, and the files
    five times a second while a request was ever made.

    Args:
        config: path of the gateway's file. What it says of the gateway's own process and connections counts for nothing
            here: `listen`, `workers`, `clients`, `upstreams`, `mcp`, `telemetry`.
        client: who the product is, in rings, budgets and records.
        records: write the traffic log; a request that cannot be recorded is not answered then. Without it nothing of
            what was served is kept.
        unguarded: paths, ``*`` for any part of one, that are passed on unread: for what is no conversation.
        pass_on: further fields of a request's body that are sent on.
        stream_usage: ask streams for their tokens, where they are asked for in chat completions.
        tell: is told what an operator should know, a line each, without text of a conversation; standard error if left
            out.

    Raises:
        WorkspaceError: every problem of the files, with file and line.
        UsageError: a guard cannot be built.
        StoreError: the traffic log cannot be written.
    """

    def __init__(
        self,
        config: str | Path,
        *,
        client: str = "",
        records: bool = True,
        unguarded: Sequence[str] = (),
        pass_on: Sequence[str] = (),
        stream_usage: bool = True,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.tell = tell or _to_stderr
        read = read_embedded(Path(config))
        self._flying = Flying()
        self._keeper = Keeper(read, self.tell, self._flying.kill, read_embedded)
        self.approvals = ApprovalQueue(read.state, self.tell, lambda: self._keeper.active.secrets)
        self._log = TrafficLog(read.state / TRAFFIC) if records else None
        self._sealing, self._client = Sealing(), GatewayClient(client, None)
        self._unguarded, self._pass_on, self._stream_usage = tuple(unguarded), tuple(pass_on), stream_usage
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def digest(self) -> str:
        """``sha256:…`` of the guards in force: the one that an evaluation of them has."""
        return self._keeper.look().digest

    @property
    def stopped(self) -> bool:
        """Whether the kill switch is pulled."""
        return self._keeper.look().stopped

    @property
    def pipeline(self) -> Pipeline:
        """The guards in force, for adapters of frameworks (`shipworthy.adapters.around`): levers as they are now.

        Raises:
            GuardError: the kill switch is pulled.
        """
        active = self._keeper.look()
        if active.stopped:
            raise GuardError("an operator has stopped this product's models")
        return active.pipeline

    def passes(self, path: str) -> bool:
        """Say whether a path is passed on unread: it is listed, and could be no way of a conversation."""
        plain = re.sub("/+", "/", path).rstrip("/").lower()
        if plain.endswith(tuple(WAYS)) or "%" in path or self.stopped:
            return False
        return any(fnmatchcase(path, pattern) for pattern in self._unguarded)

    async def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: AsyncIterator[bytes], ask: SendOn
    ) -> GuardedAnswer:
        """Answer a request; one that is not is refused in its client's dialect.

        Args:
            ask: asks for the path that was asked for, but for its end.

        Raises:
            UsageError: it is used in another process, or on a second event loop.
        """
        self._here()
        end = next((end for end in WAYS if path.endswith(end)), "")
        active = self._keeper.look()
        if not end:
            return _refused(self, active, path, _not_guarded(path))
        if method != "POST":
            said = f"{end} is asked with POST"
            return _refused(self, active, path, HttpRefusal(405, "invalid_request_error", said, code="method"))
        way = WAYS[end]
        upstream = ProductUpstream.asked(ask, headers, messages=way.messages, stream_usage=self._stream_usage)
        turn = way.turn(
            self,
            WireRequest(path, headers, body),
            way.dialect(),
            active,
            upstream=upstream,
            pass_on=self._pass_on,
        )
        return await turn.begin()

    async def close(self) -> None:
        """Let go of files. What is still being served cannot be recorded any more, and fails."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        await self.approvals.close()
        self._sealing.close()
        if self._log is not None:
            self._log.close()

    # ---- what a request is served by -------------------------------------------------------------------------------

    def admit(self, request: web.BaseRequest, active: Active) -> GatewayClient:
        """Return the product."""
        return self._client

    def flying(self, turn: RequestTurn) -> AbstractContextManager[None]:
        """Count a request in while it is served; see `Flying.enter`."""
        return self._flying.enter(turn)

    def begin_trace(self, headers: Mapping[str, str]) -> TraceContext | None:
        """Keep no trace."""
        return None

    def refused(self, status: int) -> None:
        """Take in that a request was refused before it was anybody's: nothing is counted here."""

    async def keep(
        self, served: Served, active: Active, upstreams: Candidates | None = None, trace: TraceContext | None = None
    ) -> None:
        """Make a record durable, redacted, where records are wanted.

        Raises:
            StoreError: it is not.
        """
        if self._log is not None:
            await self._sealing.append(self._log, served, active.secrets)

    def headers(self, active: Active) -> dict[str, str]:
        """Return headers of every answer: all of them ours."""
        policy = {"x-shipworthy-policy": active.policy.digest} if active.policy is not None else {}
        return {"x-shipworthy-guards": active.digest, **policy, "cache-control": "no-store"}

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _here(self) -> None:
        """Hold it to its process and its loop, and look at the files there from now on."""
        if os.getpid() != self._process:
            raise UsageError("these guards were made before the process forked: make them in each worker")
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None and not self._loop.is_closed():
            raise UsageError("these guards are used on another event loop already: make some for each")
        self._loop, self._watching = loop, loop.create_task(self._keeper.watch())


def _refused(guarded: Guarded, active: Active, path: str, refusal: HttpRefusal) -> GuardedAnswer:
    dialect = ANTHROPIC if "/messages" in path else OPENAI
    body = msgspec.json.encode(dialect.error(refusal))
    headers = {**guarded.headers(active), "content-type": JSON}
    return GuardedAnswer(refusal.status, headers, OutgoingPieces(whole=body))


def _not_guarded(path: str) -> HttpRefusal:
    named = path if re.fullmatch(r"/[A-Za-z0-9/_.-]{1,80}", path) else "this path"
    said = (
        f"{named} is not guarded, and what no guard looks at is not passed on. Guarded are paths that end in "
        f"{', '.join(WAYS)}. Name it under `unguarded` to pass it on unread"
    )
    return HttpRefusal(404, "invalid_request_error", said, code="not_served")


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"shipworthy: {line}\n")
