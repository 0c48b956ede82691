"""What a server asks of a client, and says on its own: guarded on its way there, and the answer on its way back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shipworthy.core.errors import StoreError
from shipworthy.core.events import Retrieved, Said
from shipworthy.core.messages import Document, say
from shipworthy.core.records import Stage
from shipworthy.core.served import Ending
from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import RpcError, RpcId, RpcNotification, RpcRequest, RpcResult
from shipworthy.dialects.mcp import CANCELLED, ERROR, PROGRESS, SERVER_ASKS, SERVER_SAYS
from shipworthy.dialects.mcp_shapes import NUMBER, BadShape, Fields
from shipworthy.gateway.mcp.turn import (
    BUSY,
    ENDED,
    UPSTREAM,
    McpRefusal,
    McpTurn,
    blocked,
    misshapen,
    not_recorded,
    not_served,
    now_served,
)

if TYPE_CHECKING:
    from shipworthy.gateway.mcp.session import McpSession

_COMES: tuple[Stage, ...] = ("retrieved",)
_LEAVES: tuple[Stage, ...] = ("tool_call",)
_BACK: Mapping[str, tuple[Stage, ...]] = {"sampling/createMessage": ("output", "tool_call")}
"""What a model said is looked at as an answer, and as what leaves for a server."""
_NEEDS: Mapping[str, str] = {
    "sampling/createMessage": "sampling",
    "elicitation/create": "elicitation",
    "roots/list": "roots",
}
_CODED = Fields(code=NUMBER, **ERROR.fields).need("code", "message")


class _Asking:
    """A request of the server's that the client is to answer."""

    def __init__(self, request: RpcRequest, number: int, turn: McpTurn) -> None:
        self.request, self.number, self.turn = request, number, turn
        self.token: RpcId | None = None
        self.answer: asyncio.Future[RpcResult | RpcError] = asyncio.get_running_loop().create_future()


class ServerSays:
    """One session's server."""

    def __init__(self, session: McpSession) -> None:
        self._session = session
        self._asking: dict[RpcId, _Asking] = {}
        self._by_number: dict[int, _Asking] = {}

    # ---- what it asks ----------------------------------------------------------------------------------------------

    def asked(self, request: RpcRequest, whose: RpcId | None) -> None:
        """Begin to serve a request of the server's; its answer is sent when there is one."""
        session = self._session
        if request.id in self._asking:
            said = "a request with this id is being answered"
            session.spawn(self._send(rpc.error(request.id, rpc.INVALID_REQUEST, said)))
        elif len(self._asking) >= session.server.spec.pending:
            session.spawn(self._send(rpc.error(request.id, BUSY, "as many requests as may be are being answered")))
        elif request.method == "ping":
            session.spawn(self._send(rpc.result(request.id, {})))
        else:
            turn = session.turn()
            asking = _Asking(request, session.number(), turn)
            self._asking[request.id] = self._by_number[asking.number] = asking
            session.spawn(self._serve(asking, whose))

    async def _send(self, message: Mapping[str, Any]) -> None:
        try:
            await self._session.send(message)
        except McpRefusal:
            return

    async def _serve(self, asking: _Asking, whose: RpcId | None) -> None:
        session, request, turn = self._session, asking.request, asking.turn
        now_served.set(turn)
        ending: Ending = "answered"
        said, method = "", request.method if request.method in SERVER_ASKS else ""
        try:
            async with turn.deadline:
                answer = rpc.result(request.id, await self._answer(asking, whose))
        except Exception as error:
            refusal = turn.refusal(error)
            ending, said = refusal.ending, refusal.said
            answer = rpc.error(request.id, refusal.code, refusal.said, refusal.data)
            if isinstance(error, TimeoutError):
                told = rpc.notification(CANCELLED, {"requestId": asking.number})
                await session.client.send(told, whose)
        finally:
            self._asking.pop(request.id, None)
            self._by_number.pop(asking.number, None)
        try:
            await turn.keep(ending, method, said)
        except StoreError as failed:
            session.gateway.tell(turn.active.scrub(str(failed)))
            refusal = not_recorded()
            answer = rpc.error(request.id, refusal.code, refusal.said)
        if not turn.cancelled:
            await self._send(answer)

    async def _answer(self, asking: _Asking, whose: RpcId | None) -> dict[str, Any]:
        session, request, turn = self._session, asking.request, asking.turn
        known = SERVER_ASKS.get(request.method)
        if known is None:
            raise not_served(request.method)
        if session.capabilities.get(_NEEDS[request.method]) is None:
            raise McpRefusal(rpc.METHOD_NOT_FOUND, "the client did not say that it can do this")
        token: Any = (request.params.get("_meta") or {}).get("progressToken") if request.params else None
        asking.token = token if isinstance(token, int | str) else None
        try:
            released = turn.note(
                await self._session.released(_COMES, known.params, request.params, request.method, asking.number)
            )
        except BadShape as bad:
            raise misshapen(bad.said, bad.field) from None
        if released.blocked:
            raise blocked()
        turn.events.append(Retrieved(1, Document(id=request.method, text=released.text)))
        if not await session.client.send(rpc.request(asking.number, request.method, released.value), whose):
            raise McpRefusal(UPSTREAM, "the client cannot be asked at this moment", "gone")
        answer = await asking.answer
        stages = _BACK.get(request.method, _LEAVES)
        try:
            if isinstance(answer, RpcError):
                told = {"code": answer.code, "message": answer.message, "data": answer.data}
                released = turn.note(await self._session.released(stages, _CODED, told, "the client's error"))
            else:
                released = turn.note(
                    await self._session.released(stages, known.result, answer.result, "the client's answer")
                )
        except BadShape as bad:
            raise McpRefusal(UPSTREAM, bad.said, "refused") from None
        if released.blocked:
            raise blocked()
        turn.events.append(Said(1, say("assistant", released.text)))
        value: dict[str, Any] = released.value
        if isinstance(answer, RpcError):
            raise McpRefusal(value["code"], value["message"], "answered", value.get("data"))
        return value

    def answered(self, message: RpcResult | RpcError) -> bool:
        """Take in a client's answer; False where nobody waits for it."""
        asking = self._by_number.get(message.id) if isinstance(message.id, int) else None
        if asking is None or asking.answer.done():
            return False
        asking.answer.set_result(message)
        return True

    def token_of(self, token: Any) -> RpcId | None:
        """Return the server's token for progress of a request that it asked; None where there is none."""
        asking = self._by_number.get(token) if isinstance(token, int) else None
        return asking.token if asking is not None else None

    # ---- what it says ----------------------------------------------------------------------------------------------

    async def said(self, message: RpcNotification, whose: RpcId | None) -> None:
        """Pass on what the server says on its own, as guards release it."""
        session, method = self._session, message.method
        if method == CANCELLED:
            id: Any = message.params.get("requestId")
            asking = self._asking.get(id) if isinstance(id, int | str) else None
            if asking is not None:
                asking.turn.cancel()
            return
        shape = SERVER_SAYS.get(method)
        if shape is None:
            await session.stray("the server said something that is not served")
            return
        token: Any = None
        if method == PROGRESS:
            token = message.params.get("progressToken")
            whose = session.progress_of(token)
            token = session.progress_token(whose)
            if whose is None or token is None:
                await session.stray("the server told of progress of nothing that was asked")
                return
        if method == "notifications/tools/list_changed":
            session.tools_changed()
        turn = session.turn()
        try:
            released = turn.note(await self._session.released(_COMES, shape, message.params, method, token))
            if released.blocked:
                raise blocked()
            if released.text:
                turn.events.append(Retrieved(1, Document(id=method, text=released.text)))
            await turn.keep("answered", method)
        except (McpRefusal, StoreError, BadShape) as error:
            refusal = (
                McpRefusal(UPSTREAM, error.said, "upstream_error")
                if isinstance(error, BadShape)
                else turn.refusal(error)
            )
            await session.quietly(turn, refusal.ending, method, refusal.said)
            return
        await session.client.send(rpc.notification(method, released.value), whose)

    def end(self) -> None:
        """Let go of what is under way."""
        for asking in self._asking.values():
            if not asking.answer.done():
                asking.answer.set_exception(McpRefusal(ENDED, "the session is over", "gone"))
