"""What a client asks of a server, and what it says: guarded on its way there, and the answer on its way back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.mcp_results import worth
from shipworthy.core.errors import CallRefused, StoreError
from shipworthy.core.events import Approval, Called, Event, GuardEvent, PolicyEvent, Returned
from shipworthy.core.messages import ToolCall, ToolResult
from shipworthy.core.records import Stage
from shipworthy.core.served import Ending
from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import RpcId, RpcNotification, RpcRequest
from shipworthy.dialects.mcp import CALL_RESULT, CLIENT_ASKS, CLIENT_SAYS, ERROR, PROGRESS, TOOL, VERSIONS
from shipworthy.dialects.mcp import CANCELLED as CANCELLED_METHOD
from shipworthy.dialects.mcp_shapes import NUMBER, BadShape, Fields, ListOf, MetaField, Shape
from shipworthy.enforce.pipeline import WITHHELD
from shipworthy.enforce.policy.decision import REFUSED
from shipworthy.gateway.mcp.released import ReleasedMessage
from shipworthy.gateway.mcp.tools import DriftedTools, PinnedTools
from shipworthy.gateway.mcp.turn import UPSTREAM, McpRefusal, McpTurn, blocked, misshapen, not_served, now_served
from shipworthy.gateway.policy_stage import PolicyAsker

if TYPE_CHECKING:
    from shipworthy.gateway.active import Active
    from shipworthy.gateway.mcp.session import McpSession

_LEAVES: tuple[Stage, ...] = ("tool_call",)
_COMES: tuple[Stage, ...] = ("retrieved",)
_UNDER_POLICY = {"resources/read", "prompts/get"}
_READ_BY_A_MODEL = {
    "resources/read",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
    "completion/complete",
}
_CODED = Fields(code=NUMBER, **ERROR.fields).need("code", "message")
_LISTED = ListOf(TOOL)
_BESIDE = Fields(_meta=MetaField())


class ClientAsks:
    """One session's client."""

    def __init__(self, session: McpSession) -> None:
        self._session = session
        self._conversation: Conversation | None = None
        self._policy = session.active.mcp_policy
        if self._policy is not None:
            self._conversation = Conversation(self._policy, session.user, ask=self._ask, record=_record)
        self._tools = PinnedTools(session.server.read.pins, self._page)
        self._state = "new"
        self._whose: RpcId = 0
        self.capabilities: Mapping[str, Any] = {}

    def tools_changed(self) -> None:
        """Take in that the server's tools may be other ones."""
        self._tools.changed()

    def under(self, active: Active) -> None:
        """Take in which policy is in force. Its mode may change; of what was never told it, it cannot know."""
        policy, mine = active.mcp_policy, self._policy
        if policy is None or mine is None:
            if policy is not mine:
                self._session.end("the tool policy was put in force, or off: begin anew")
        elif policy.file != mine.file:
            self._session.end("the tool policy is another one now: begin anew")
        elif self._conversation is not None:
            self._conversation.shadow = policy.shadow

    def flagged(self, events: Sequence[GuardEvent]) -> None:
        """Take in what guards found: what they flag, without a change, tightens the tools."""
        if self._conversation is not None:
            for event in events:
                if event.tightens:
                    self._conversation.session.flag(event.guard)

    async def _ask(self, call: ToolCall, word: PolicyEvent) -> Approval:
        """Ask a person in the gateway's queue; where there is none, the answer is no."""
        session, turn = self._session, now_served.get()
        asks = turn.active.config.spec.approvals
        if asks is None:
            return Approval(1, call.id, "nobody", granted=False, reason="there is nobody to ask")
        until = turn.deadline.when() or math.inf
        asker = PolicyAsker(session.user, session.name, turn.id, until)
        return await session.gateway.approvals.approver(asker, asks.timeout_s).approve(call, word)

    @staticmethod
    def ending(turn: McpTurn) -> Ending:
        """Return how a message that was answered ended."""
        if any(isinstance(e, GuardEvent) and e.action == "block" and not e.shadow for e in turn.events):
            return "blocked"
        word = next((e for e in reversed(turn.events) if isinstance(e, PolicyEvent)), None)
        granted = any(isinstance(e, Approval) and e.granted for e in turn.events)
        return "refused" if word and word.verdict != "allow" and not word.shadow and not granted else "answered"

    # ---- what it asks ----------------------------------------------------------------------------------------------

    async def answer(self, request: RpcRequest, turn: McpTurn) -> dict[str, Any]:
        """Return the answer to a request.

        Raises:
            McpRefusal: there is none.
        """
        session, method = self._session, request.method
        known = CLIENT_ASKS.get(method)
        if known is None:
            raise not_served(method)
        if (method == "initialize") != (self._state == "new"):
            said = "the first request is 'initialize'" if self._state == "new" else "a session is initialized once"
            raise McpRefusal(rpc.INVALID_REQUEST, said)
        session.serving()
        try:
            if method == "initialize":
                return await self._initialize(request, turn)
            if method == "tools/list":
                return await self._list_tools(request, turn)
            if method == "tools/call":
                return await self._call_tool(request, turn)
            return await self._other(request, turn)
        except DriftedTools as drifted:
            active = turn.active
            session.gateway.tell(f"MCP server {session.server.name}: {active.scrub(str(drifted))}")
            said = "the server's tools are not the pinned ones: the session is over"
            session.end(said)
            raise McpRefusal(UPSTREAM, said, "upstream_error") from None

    async def _initialize(self, request: RpcRequest, turn: McpTurn) -> dict[str, Any]:
        session = self._session
        self._state = "offered"
        try:
            await session.start()
            params = dict(await self._out(request, turn, CLIENT_ASKS["initialize"].params, request.params))
            if params["protocolVersion"] not in VERSIONS:
                params["protocolVersion"] = VERSIONS[-1]
            self.capabilities = params["capabilities"]
            found = await self._asked("initialize", params, request)
            version = found.get("protocolVersion")
            if version not in VERSIONS:
                said = "the server speaks no revision of the protocol that is spoken here"
                raise McpRefusal(UPSTREAM, said, "upstream_error")
            result = await self._back("initialize", found, turn)
            await session.wire.opened(version)
        except BaseException:
            session.end("the session could not be opened")
            raise
        session.version = version
        turn.events.append(Returned(1, ToolResult(str(request.id), "initialize", rpc.write(result).decode())))
        return result

    async def _list_tools(self, request: RpcRequest, turn: McpTurn) -> dict[str, Any]:
        """Return the tools, all on one page: they were read whole, to be held against their pins."""
        await self._out(request, turn, CLIENT_ASKS["tools/list"].params, request.params)
        self._whose = request.id
        tools = await self._tools.listed()
        released = turn.note(await self._session.released(_COMES, _LISTED, tools, "the list of tools"))
        if released.blocked:
            raise blocked()
        turn.events.append(Returned(1, ToolResult(str(request.id), "tools/list", released.text)))
        return {"tools": released.value}

    async def _page(self, params: Mapping[str, Any]) -> Any:
        return await self._asked_bare("tools/list", params, self._whose)

    async def _call_tool(self, request: RpcRequest, turn: McpTurn) -> dict[str, Any]:
        session = self._session
        number = session.number()
        rest = {name: item for name, item in request.params.items() if name not in ("name", "arguments")}
        name, arguments = request.params.get("name"), request.params.get("arguments") or {}
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise misshapen("a call has a 'name' and 'arguments', an object")
        if not self._tools.has(name):
            raise McpRefusal(rpc.INVALID_PARAMS, "there is no pinned tool of this name")
        self._whose = request.id
        await self._tools.check()
        # What is beside the arguments leaves, too.
        beside = turn.note(await self._shaped(_LEAVES, _BESIDE, rest, "the call", number))
        call = await self._guarded(ToolCall(f"call-{number}", name, arguments), turn)
        if beside.blocked or call is None:
            return _tool_error(REFUSED)
        conversation = self._conversation
        try:
            if conversation is not None:
                call = await self._decided(call, turn, conversation)
            else:
                turn.events.append(Called(1, call))
        except CallRefused as refused:
            return _tool_error(str(refused))
        params = {"name": call.name, "arguments": call.arguments, **beside.value}
        try:
            given = await self._asked("tools/call", params, request, number)
            released = await self._back_released("tools/call", given, turn)
        except McpRefusal as refused:
            if conversation is not None:
                conversation.returned(self._named(call), refused.said, is_error=True)
            raise
        result: dict[str, Any] = _tool_error(WITHHELD) if released.blocked else released.value
        if conversation is None:
            text = WITHHELD if released.blocked else released.text
            turn.events.append(Returned(1, ToolResult(call.id, call.name, text, bool(result.get("isError")))))
            return result
        try:
            with conversation.guarded(call.id):
                value, also = worth(conversation.session.policy, self._named(call).name, result)
            conversation.returned(self._named(call), value, *also, is_error=bool(result.get("isError")))
        except CallRefused as refused:
            return _tool_error(str(refused))
        return result

    async def _guarded(self, call: ToolCall, turn: McpTurn) -> ToolCall | None:
        """Return a call as guards let it be made; None where they do not."""
        pipeline = self._session.serving().pipeline
        passage = await pipeline.call(call, self._session.context())
        turn.events += passage.events
        turn.guarded(passage.seconds)
        self.flagged(passage.events)
        made: ToolCall | None = passage.value
        return made

    async def _decided(self, call: ToolCall, turn: McpTurn, conversation: Conversation) -> ToolCall:
        """Return a call as policy and person let it be made; what they changed goes past the guards like any call."""
        asked = conversation.call(self._session.server.spec.prefix + call.name, call.arguments, call.id)
        allowed = replace(await conversation.allowed_async(asked), name=call.name)
        if allowed.arguments == call.arguments:
            return allowed
        again = await self._guarded(allowed, turn)
        if again is None:
            conversation.returned(asked, REFUSED, is_error=True)
            raise CallRefused(REFUSED)
        return again

    def _named(self, call: ToolCall) -> ToolCall:
        """Return a call under its tool's name in the policy."""
        return replace(call, name=self._session.server.spec.prefix + call.name)

    async def _other(self, request: RpcRequest, turn: McpTurn) -> dict[str, Any]:
        session, method = self._session, request.method
        number = session.number()
        params = await self._out(request, turn, CLIENT_ASKS[method].params, request.params, number)
        asked = ToolCall(f"call-{number}", method, {k: v for k, v in params.items() if k != "_meta"})
        conversation = self._conversation if method in _UNDER_POLICY else None
        try:
            if conversation is not None:
                made = await self._decided(asked, turn, conversation)
                params = {**made.arguments, **({"_meta": params["_meta"]} if "_meta" in params else {})}
            elif asked.arguments:
                turn.events.append(Called(1, asked))
            result = await self._back(method, await self._asked(method, params, request, number), turn)
            text = rpc.write({k: v for k, v in result.items() if k != "_meta"}).decode() if result else ""
            if conversation is not None:
                conversation.returned(self._named(asked), text)
            elif text:
                turn.events.append(Returned(1, ToolResult(asked.id, method, text)))
                if self._conversation is not None and method in _READ_BY_A_MODEL:
                    self._conversation.read(text, method)
        except CallRefused as refused:
            raise McpRefusal(rpc.INVALID_REQUEST, str(refused), "refused") from None
        return result

    # ---- what it says ----------------------------------------------------------------------------------------------

    async def said(self, message: RpcNotification) -> bool:
        """Take in a notification; False where it is not passed on."""
        session, method = self._session, message.method
        if method == CANCELLED_METHOD:
            id = message.params.get("requestId")
            if (flying := session.flying.get(id) if isinstance(id, int | str) else None) is not None:
                flying.cancel()
            return flying is not None
        shape = CLIENT_SAYS.get(method)
        turn = session.turn()
        try:
            if shape is None:
                raise not_served(method)
            if self._state == "new":
                raise McpRefusal(rpc.INVALID_REQUEST, "the first request is 'initialize'")
            session.serving()
            if method == "notifications/initialized":
                self._state = "open"
            token: Any = message.params.get("progressToken")
            known = session.says.token_of(token) if method == PROGRESS else None
            if method == PROGRESS and known is None:
                raise McpRefusal(rpc.INVALID_PARAMS, "it is progress of nothing that was asked")
            released = turn.note(await self._shaped(_LEAVES, shape, message.params, "the message", known))
            if released.blocked:
                raise blocked()
            await turn.keep("answered", method)
            await session.send(rpc.notification(method, released.value))
        except (McpRefusal, StoreError, TimeoutError) as error:
            refusal = turn.refusal(error)
            await session.quietly(turn, refusal.ending, method if shape is not None else "", refusal.said)
            return False
        return True

    # ---- there and back --------------------------------------------------------------------------------------------

    async def _out(
        self, request: RpcRequest, turn: McpTurn, shape: Fields, params: Mapping[str, Any], number: Any = 0
    ) -> dict[str, Any]:
        """Return parameters as guards let them leave."""
        released = turn.note(await self._shaped(_LEAVES, shape, params, request.method, number))
        if released.blocked:
            raise blocked()
        made: dict[str, Any] = released.value
        return made

    async def _shaped(
        self, stages: tuple[Stage, ...], shape: Shape, value: Any, at: str, token: Any
    ) -> ReleasedMessage:
        """Release what the client sent; it is told what is wrong with it."""
        try:
            return await self._session.released(stages, shape, value, at, token)
        except BadShape as bad:
            raise misshapen(bad.said, bad.field) from None

    async def _asked_bare(self, method: str, params: Mapping[str, Any], whose: RpcId, number: Any = None) -> Any:
        """Ask the server; its error is released like anything else that it says."""
        from shipworthy.gateway.mcp.session import ServerSaidError

        try:
            return await self._session.ask(method, params, whose, number)
        except ServerSaidError as said:
            error = said.error
            told = {"code": error.code, "message": error.message, "data": error.data}
            released = await self._from_server(_COMES, _CODED, told, "the server's error")
            now_served.get().note(released)
            if released.blocked:
                raise McpRefusal(
                    UPSTREAM, "the server answered with an error, which a guard kept back", "blocked"
                ) from None
            value = released.value
            raise McpRefusal(value["code"], value["message"], "upstream_error", value.get("data")) from None

    async def _asked(self, method: str, params: Mapping[str, Any], request: RpcRequest, number: Any = None) -> Any:
        return await self._asked_bare(method, params, request.id, number)

    async def _back(self, method: str, found: Any, turn: McpTurn) -> dict[str, Any]:
        released = await self._back_released(method, found, turn)
        if released.blocked:
            raise blocked()
        made: dict[str, Any] = released.value
        return made

    async def _back_released(self, method: str, found: Any, turn: McpTurn) -> ReleasedMessage:
        shape = CALL_RESULT if method == "tools/call" else CLIENT_ASKS[method].result
        rewrite = method in ("tools/call", "resources/read")
        return turn.note(await self._from_server(_COMES, shape, found, "the server's answer", rewrite=rewrite))

    async def _from_server(
        self, stages: tuple[Stage, ...], shape: Shape, value: Any, at: str, *, rewrite: bool = False
    ) -> ReleasedMessage:
        """Release what the server said; whoever asked is told only in words of ours what is wrong with it."""
        try:
            return await self._session.released(stages, shape, value, at, rewrite=rewrite)
        except BadShape as bad:
            raise McpRefusal(UPSTREAM, bad.said, "upstream_error") from None


def _record(event: Event) -> None:
    now_served.get().events.append(event)


def _tool_error(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": True}
