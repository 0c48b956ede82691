"""A tool policy in front of a LangChain agent (or any graph with LangGraph's tool node): a middleware.

    agent = create_agent(model, tools, middleware=[..., PolicyMiddleware(conversation)])

The last middleware of the list is the innermost: what stands behind this one could change a call after it was decided
over. With ``ask="pause"`` a call that a person must see interrupts the graph with the request that LangChain's own
`HumanInTheLoopMiddleware` makes, and goes on with its answers (approve, edit, reject); that needs a checkpointer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from shipworthy.adapters.conversation import Conversation
from shipworthy.core.errors import CallRefused
from shipworthy.core.extras import require
from shipworthy.core.messages import ToolCall

require("langchain", extra="langchain")

from langchain.agents.middleware import AgentMiddleware  # noqa: E402
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage  # noqa: E402
from langgraph.errors import GraphBubbleUp  # noqa: E402
from langgraph.prebuilt.tool_node import ToolCallRequest  # noqa: E402
from langgraph.types import Command, interrupt  # noqa: E402

Given = Any  # a ToolMessage, or a Command


class PolicyMiddleware(AgentMiddleware[Any, Any]):
    """Every tool that the agent runs, under the policy of one conversation.

    Args:
        conversation: give the same one to every run of it.
        hears: human messages are the user's words. Not so in an agent that another one calls, whose message a model
            wrote: say False there, and give it the same conversation.
    """

    def __init__(self, conversation: Conversation, *, hears: bool = True) -> None:
        super().__init__()
        self._conversation, self._hears = conversation, hears

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Given]) -> Given:
        """Make a call that the policy lets pass; tell the model of one that it does not."""
        try:
            call = self._call(request)
            allowed = self._paused(call) if self._pauses(call) else self._conversation.allowed(call)
            with self._conversation.running(allowed, GraphBubbleUp):  # the tool itself waits for somebody
                given = handler(_with(request, allowed))
            self._returned(allowed, given)
            return given
        except CallRefused as refused:
            return _told(request, refused)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Given]]
    ) -> Given:
        """Do the same in an event loop."""
        try:
            call = self._call(request)
            allowed = self._paused(call) if self._pauses(call) else await self._conversation.allowed_async(call)
            with self._conversation.running(allowed, GraphBubbleUp):  # the tool itself waits for somebody
                given = await handler(_with(request, allowed))
            self._returned(allowed, given)
            return given
        except CallRefused as refused:
            return _told(request, refused)

    def _call(self, request: ToolCallRequest) -> ToolCall:
        made = request.tool_call
        id = made["id"] or ""
        with self._conversation.guarded(id):
            self._hear(_messages(request.state))
        return self._conversation.call(made["name"], made["args"], id)

    def _pauses(self, call: ToolCall) -> bool:
        if self._conversation.ask != "pause":
            return False
        word = self._conversation.decide(call)
        return word.verdict == "ask" and not word.shadow

    def _paused(self, call: ToolCall) -> ToolCall:
        """Stop the graph for a person; the node begins again with their answer, and comes by here once more."""
        action = {"name": call.name, "args": call.arguments, "description": self._conversation.decide(call).reason}
        review = {"action_name": call.name, "allowed_decisions": ["approve", "edit", "reject"]}
        said = interrupt({"action_requests": [action], "review_configs": [review]})
        with self._conversation.guarded(call.id):
            decision = said["decisions"][0]
            if decision["type"] == "edit" and decision["edited_action"]["name"] == call.name:
                return self._conversation.granted(
                    self._conversation.call(call.name, decision["edited_action"]["args"], call.id)
                )
            if decision["type"] == "approve":
                return self._conversation.granted(call)
        raise self._conversation.refuse(call)

    def _hear(self, messages: Sequence[BaseMessage]) -> None:
        """Take in what the state holds: the user's words, and answers of earlier tools."""
        words: list[str] = []
        after_tools = False
        for message in messages:
            summary = "lc_source" in message.additional_kwargs  # a model's, in the shape of a human message
            if isinstance(message, AIMessage):
                after_tools = bool(message.tool_calls)
            elif isinstance(message, HumanMessage) and not after_tools and not summary:
                words.append(message.text)
            elif not isinstance(message, SystemMessage):
                # A human message beside the answers of tools is one that a tool put there.
                self._conversation.read(message.text, "an earlier tool")
        if self._hears:
            self._conversation.hear(words)

    def _returned(self, call: ToolCall, given: Given) -> None:
        """Take in what a tool gave: its message, or the messages that it puts into the state."""
        if isinstance(given, ToolMessage):
            self._conversation.returned(call, given.text, is_error=given.status == "error")
            return
        update = given.update if isinstance(given, Command) else given
        messages = [m for m in _messages(update) if isinstance(m, BaseMessage)]
        texts = [m.text for m in messages] or [""]
        self._conversation.returned(call, texts[0], *texts[1:])


def _messages(state: Any) -> Sequence[Any]:
    """Return the messages of a state: it may be a list of them, a mapping, or an object."""
    if isinstance(state, list):
        return state
    found = state.get("messages", ()) if isinstance(state, Mapping) else getattr(state, "messages", ())
    return found if isinstance(found, list) else [found]


def _with(request: ToolCallRequest, allowed: ToolCall) -> ToolCallRequest:
    """Return a request whose arguments are those that were decided over."""
    return request.override(tool_call={**request.tool_call, "args": allowed.arguments})


def _told(request: ToolCallRequest, refused: CallRefused) -> ToolMessage:
    made = request.tool_call
    return ToolMessage(str(refused), name=made["name"], tool_call_id=made["id"] or "", status="error")
