"""One session of a client with a server: every message of either is read, guarded, recorded, and made anew.

Identifiers never cross: each side gets ours. What nobody waits for is not passed on, and what the server does that no
server may ends the session.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from shipworthy.core.errors import StoreError
from shipworthy.core.foreign import kind_of
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Request, Stage
from shipworthy.core.served import Ending
from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import BadRpc, RpcError, RpcId, RpcMessage, RpcNotification, RpcRequest, RpcResult
from shipworthy.dialects.mcp_shapes import Shape
from shipworthy.gateway.mcp.asked import ClientAsks
from shipworthy.gateway.mcp.heard import ServerSays
from shipworthy.gateway.mcp.proxied import ProxiedServer
from shipworthy.gateway.mcp.released import ReleasedMessage, release
from shipworthy.gateway.mcp.turn import (
    BUSY,
    ENDED,
    UPSTREAM,
    McpRefusal,
    McpTurn,
    not_recorded,
    now_served,
    stopped,
)
from shipworthy.gateway.mcp.wire import ClientWire, ServerWire, WireBroken
from shipworthy.gateway.refusal import HttpRefusal

if TYPE_CHECKING:
    from shipworthy.gateway.active import Active
    from shipworthy.gateway.gateway import Gateway

_WINDOW_S = 10.0
_MOST_STRAYS = 100
"""Messages of a server that answer nothing, or cannot be read, before the session ends."""
_FORGOTTEN = 1_000
"""Requests that nobody waits for any more, whose late answers are no strays."""


class McpSession:
    """One session.

    Args:
        server: as it is in force; a session ends when that changes.
        wire: to it, not yet started.
        client: takes what the server says on its own.
        user: whose key it is, for records, limits and budgets.
        route: as it is recorded.
        over: is told that it has ended.

    Attributes:
        id: drawn at random; whoever knows it and has the key may use it. `name` stands for it where others read it.
        ended: why nothing is answered any more; empty while it is.
        used: monotonic time of the last message of the client.
        version: of the protocol, once it is agreed.
    """

    def __init__(
        self,
        gateway: Gateway,
        server: ProxiedServer,
        wire: ServerWire,
        client: ClientWire,
        *,
        user: str,
        route: str,
        over: Callable[[McpSession], None] = lambda session: None,
    ) -> None:
        self.gateway, self.server, self.wire, self.client = gateway, server, wire, client
        self.user, self.route, self._over = user, route, over
        self.id, self.name = secrets.token_hex(32), secrets.token_hex(8)
        self.ended = self.version = ""
        self.used = time.monotonic()
        self.flying: dict[RpcId, McpTurn] = {}
        self._numbers = count(1)
        self._waiting: dict[int, tuple[asyncio.Future[dict[str, Any]], RpcId]] = {}
        self._forgotten: deque[int] = deque(maxlen=_FORGOTTEN)
        self._strays = 0
        self._unasked: deque[float] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asks = ClientAsks(self)
        self.says = ServerSays(self)
        self._stray_told = False

    # ---- the client ------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Reach the server.

        Raises:
            McpRefusal: it cannot be reached.
        """
        try:
            async with asyncio.timeout(self.server.spec.start_s):
                await self.wire.start(self.hear)
        except WireBroken as error:
            raise McpRefusal(UPSTREAM, str(error), "upstream_error") from None
        except TimeoutError:
            raise McpRefusal(UPSTREAM, "the server did not start in time", "upstream_timeout") from None

    async def asked(self, request: RpcRequest) -> dict[str, Any] | None:
        """Return the answer to a client's request, once its record is on the disk; None where it cancelled it."""
        self.used = time.monotonic()
        turn = self.turn()
        ending: Ending = "failed"
        said = ""
        answer: dict[str, Any] | None
        if request.id in self.flying:
            return rpc.error(request.id, rpc.INVALID_REQUEST, "a request with this id is being answered")
        self.flying[request.id] = turn
        meta = request.params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        turn.token = token if isinstance(token, int | str) and not isinstance(token, bool) else None
        try:
            try:
                with self.gateway.flying(turn):
                    if len(self.flying) > self.server.spec.pending:
                        raise McpRefusal(BUSY, "as many requests as may be are being answered")
                    async with turn.deadline:
                        value = await self._asks.answer(request, turn)
                answer, ending = rpc.result(request.id, value), self._asks.ending(turn)
            except HttpRefusal as refusal:
                answer, ending, said = rpc.error(request.id, BUSY, refusal.message), "refused", refusal.message
            except Exception as error:
                refusal_ = turn.refusal(error)
                self._tell(error)
                ending, said = refusal_.ending, refusal_.said
                answer = rpc.error(request.id, refusal_.code, refusal_.said, refusal_.data)
            try:
                await turn.keep(ending, request.method, said)
            except StoreError as error:
                self.gateway.tell(turn.active.scrub(str(error)))
                refusal_ = not_recorded()
                answer = rpc.error(request.id, refusal_.code, refusal_.said)
            return None if turn.cancelled else answer
        except asyncio.CancelledError:
            # The client has gone. What was asked is recorded all the same.
            await self.quietly(turn, "gone", request.method, "the client left before it was answered")
            raise
        finally:
            self.flying.pop(request.id, None)

    async def said(self, message: RpcNotification | RpcResult | RpcError) -> bool:
        """Take in what else a client says; False where it is nothing that anybody waits for."""
        self.used = time.monotonic()
        if isinstance(message, RpcNotification):
            return await self._asks.said(message)
        return self.says.answered(message)

    # ---- the server ------------------------------------------------------------------------------------------------

    async def ask(self, method: str, params: Mapping[str, Any], whose: RpcId, number: int | None = None) -> Any:
        """Ask the server, and return its result as it said it: unguarded.

        Args:
            whose: the client's request.
            number: that it is asked under; from `number`.

        Raises:
            ServerSaidError: it answered with an error; McpRefusal: it did not answer.
        """
        number = next(self._numbers) if number is None else number
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future, whose
        try:
            await self.send(rpc.request(number, method, params))
            return await future
        finally:
            if self._waiting.pop(number, None) is not None and not self.ended:
                # Whoever asked does not wait any more. A server may not be told so of its first request.
                self._forgotten.append(number)
                if method != "initialize":
                    told = rpc.notification("notifications/cancelled", {"requestId": number})
                    self.spawn(self._send_quietly(told))

    def number(self) -> int:
        """Return a number for a request of ours, to either side."""
        return next(self._numbers)

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send the server a message.

        Raises:
            McpRefusal: it is gone.
        """
        if self.ended:
            raise McpRefusal(ENDED, self.ended, "upstream_error")
        try:
            await self.wire.send(message)
        except WireBroken as error:
            self.end(str(error))
            raise McpRefusal(UPSTREAM, str(error), "upstream_error") from None

    async def _send_quietly(self, message: Mapping[str, Any]) -> None:
        with suppress(McpRefusal):
            await self.send(message)

    async def hear(self, message: RpcMessage | BadRpc | None, related: RpcId | None) -> None:
        """Take in what the server says: one message after the other, so that none overtakes another."""
        if self.ended:
            return
        try:
            if message is None:
                self.end(self.wire.lost or "the server ended")
            elif isinstance(message, BadRpc):
                await self._misread(message)
            elif isinstance(message, RpcResult | RpcError):
                await self._answered(message)
            elif self._floods():
                self.end(f"the server said more than {self.server.spec.unasked} things unasked in {_WINDOW_S:g} s")
            elif isinstance(message, RpcRequest):
                self.says.asked(message, self.whose(related))
            else:
                await self.says.said(message, self.whose(related))
        except Exception as error:  # nothing of it was passed on
            self._tell(error)

    def whose(self, related: RpcId | None) -> RpcId | None:
        """Return the client's request that a message of the server belongs to; the only one that flies, or None."""
        if isinstance(related, int) and related in self._waiting:
            return self._waiting[related][1]
        return next(iter(self.flying)) if len(self.flying) == 1 else None

    def progress_of(self, token: RpcId) -> RpcId | None:
        """Return the client's request that progress is told of; None where there is none."""
        return self._waiting[token][1] if isinstance(token, int) and token in self._waiting else None

    def progress_token(self, whose: RpcId | None) -> RpcId | None:
        """Return the token that the client gave its request; None where it gave none."""
        flying = self.flying.get(whose) if whose is not None else None
        return flying.token if flying is not None else None

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What the client said that it can do."""
        return self._asks.capabilities

    def tools_changed(self) -> None:
        """Take in that the server's tools may be other ones."""
        self._asks.tools_changed()

    async def _answered(self, message: RpcResult | RpcError) -> None:
        number = message.id
        found = self._waiting.pop(number, None) if isinstance(number, int) else None
        if found is None:
            if number not in self._forgotten:
                await self.stray("the server answered something that nobody waits for")
            return
        if found[0].done():
            return
        if isinstance(message, RpcError):
            found[0].set_exception(ServerSaidError(message))
        else:
            found[0].set_result(message.result)

    async def _misread(self, bad: BadRpc) -> None:
        if bad.answers and isinstance(bad.id, int) and bad.id in self._waiting:
            future, _ = self._waiting.pop(bad.id)
            if not future.done():
                said = f"the server's answer cannot be used: {bad.said}"
                future.set_exception(McpRefusal(UPSTREAM, said, "upstream_error"))
            return
        if not bad.answers and bad.id is not None:
            await self._send_quietly(rpc.error(bad.id, bad.code, bad.said))
        await self.stray("the server sent what is no message of JSON-RPC")

    async def stray(self, said: str) -> None:
        """Take in something of the server's that is not passed on; too much of it ends the session."""
        self._strays += 1
        turn = self.turn()
        if self._strays <= _MOST_STRAYS:
            await self.quietly(turn, "upstream_error", "", said)
        if not self._stray_told:
            self._stray_told = True
            self.gateway.tell(f"MCP server {self.server.name}: {said}")
        if self._strays > _MOST_STRAYS:
            self.end(f"the server sent more than {_MOST_STRAYS} messages that cannot be used")

    def _floods(self) -> bool:
        now = time.monotonic()
        self._unasked.append(now)
        while now - self._unasked[0] > _WINDOW_S:
            self._unasked.popleft()
        return len(self._unasked) > self.server.spec.unasked

    # ---- what both need --------------------------------------------------------------------------------------------

    def turn(self) -> McpTurn:
        """Return the record of one message, still to be filled in, as the one that this task serves."""
        turn = McpTurn(self, self.active)
        now_served.set(turn)
        return turn

    @property
    def active(self) -> Active:
        """What is in force for this session at this moment: levers may be pulled for a part of all."""
        return self.gateway.keeper.look().seen_by(self.user, self.name)

    def serving(self) -> Active:
        """Return what is in force.

        Raises:
            McpRefusal: nothing is served, or not by this session.
        """
        active = self.active
        if active.stopped:
            raise stopped()
        if active.mcp.get(self.server.name) is not self.server:
            self.end("the gateway's file says something else of this server now: begin anew")
        self._asks.under(active)
        if self.ended:
            raise McpRefusal(ENDED, self.ended, "upstream_error")
        return active

    async def released(
        self, stages: Sequence[Stage], shape: Shape, value: Any, at: str, token: Any = 0, *, rewrite: bool = False
    ) -> ReleasedMessage:
        """Return a message as the guards that are in force now release it; see `released.release`.

        Args:
            token: stands in place of an identifier of theirs.

        Raises:
            BadShape: it is not of its shape; McpRefusal: nothing is served.
        """
        now_served.get().active = active = self.serving()
        media, ctx = self.server.spec.media == "pass", self.context()
        found = await release(
            active.pipeline, stages, shape, value, ctx, at=at, media=media, rewrite=rewrite, token=lambda was: token
        )
        self._asks.flagged(found.events)
        return found

    def context(self) -> GuardContext:
        """Return what guards are told of a message."""
        return GuardContext(Request(messages=(), user=self.user, session=self.name))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside what is going on; it ends with the session."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def quietly(self, turn: McpTurn, ending: Ending, model: str, said: str) -> None:
        """Record a message that nobody waits for."""
        try:
            await turn.keep(ending, model, said)
        except StoreError as error:
            self.gateway.tell(turn.active.scrub(str(error)))

    def end(self, why: str, *, killed: bool = False, quiet: bool = False) -> None:
        """End the session: whatever is under way is refused, and the server let go of.

        Args:
            killed: by the kill switch: the server gets no time to end by itself.
            quiet: it is nothing that an operator should know of.
        """
        if self.ended:
            return
        self.ended = why
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(stopped() if killed else McpRefusal(ENDED, why, "upstream_error"))
        self._waiting.clear()
        self.says.end()
        self._over(self)
        if not (killed or quiet):
            self.gateway.tell(f"MCP server {self.server.name}: a session ended: {why}")
        closing = asyncio.get_running_loop().create_task(self.wire.close(at_once=killed))
        self.gateway.sessions.closing.add(closing)
        closing.add_done_callback(self.gateway.sessions.closing.discard)

    async def close(self) -> None:
        """End the session because the client has gone, or the gateway ends."""
        if not self.ended:
            self.end("the session was closed", quiet=True)
        for task in tuple(self._tasks):
            task.cancel()
        await self.wire.close()

    def _tell(self, error: BaseException) -> None:
        if not isinstance(error, McpRefusal | TimeoutError):
            self.gateway.tell(f"a message of MCP failed: {kind_of(error)}")


class ServerSaidError(Exception):
    """A server answered with an error, in words of its own."""

    def __init__(self, error: RpcError) -> None:
        self.error = error
        super().__init__("the server answered with an error")
