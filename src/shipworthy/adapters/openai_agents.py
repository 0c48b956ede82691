"""A tool policy in front of an agent of the OpenAI Agents SDK: the same agent, whose every tool is under the policy.

    await Runner.run(under_policy(agent, conversation), prompt)

With ``ask="pause"`` a call that a person must see interrupts the run, as the SDK's own approvals do, and goes on when
its `RunState` was approved or rejected. Tools of MCP servers are under the policy too. A tool that the provider runs
(web search, code interpreter) cannot be stopped from here: an agent that has one is refused. Each agent that this one
hands over to needs to be put under the policy itself, with the same conversation.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.values import plain, written
from shipworthy.core.errors import CallRefused, UsageError
from shipworthy.core.extras import require
from shipworthy.core.foreign import kind_of

require("agents", extra="openai-agents", package="openai-agents")

from agents import Agent, FunctionTool, Tool, default_tool_error_function  # noqa: E402
from agents.run_context import RunContextWrapper  # noqa: E402
from agents.tool_context import ToolContext  # noqa: E402


def under_policy(agent: Agent[Any], conversation: Conversation, *, hears: bool = True) -> PolicyAgent:
    """Return an agent like this one, with all of its tools under the policy of one conversation.

    Args:
        hears: the input's user messages are the user's words. Not so in an agent that another one calls as a tool,
            whose input a model wrote: say False there, and give it the same conversation.
    """
    same = {each.name: getattr(agent, each.name) for each in fields(agent) if each.init}
    return PolicyAgent(**same | {"conversation": conversation, "hears": hears})


@dataclass
class PolicyAgent(Agent[Any]):
    """An agent whose tools are under a policy; see `under_policy`."""

    conversation: Conversation | None = None
    hears: bool = True
    _made: dict[int, tuple[FunctionTool, FunctionTool]] = field(default_factory=dict, repr=False)

    async def get_all_tools(self, run_context: RunContextWrapper[Any]) -> list[Tool]:
        """Return the agent's tools and those of its MCP servers, each under the policy.

        Raises:
            UsageError: one is not run here, so that nobody could stop it.
        """
        return [self._under(tool) for tool in await super().get_all_tools(run_context)]

    def _under(self, tool: Tool) -> FunctionTool:
        if not isinstance(tool, FunctionTool) or self.conversation is None:
            raise UsageError(f"a {kind_of(tool)} cannot be put under a policy: only functions that run here can")
        if id(tool) not in self._made:
            self._made[id(tool)] = tool, mediated(tool, self.conversation, hears=self.hears)
        return self._made[id(tool)][1]


def mediated(tool: FunctionTool, conversation: Conversation, *, hears: bool = True) -> FunctionTool:
    """Return a tool like this one under the policy of one conversation."""
    made = copy.copy(tool)
    made.on_invoke_tool = _invoker(tool, conversation, hears)
    if conversation.ask == "pause":
        made.needs_approval = _asks(tool, conversation, hears)
    return made


def _invoker(
    tool: FunctionTool, conversation: Conversation, hears: bool
) -> Callable[[ToolContext[Any], str], Awaitable[Any]]:
    async def invoke(context: ToolContext[Any], arguments: str) -> Any:
        try:
            with conversation.guarded(context.tool_call_id):
                _hear(context, conversation, hears)
            call = conversation.call(tool.name, arguments, context.tool_call_id)
            if conversation.ask == "pause" and context.is_tool_approved(tool.name, call.id):
                allowed = conversation.granted(call)
            else:
                allowed = await conversation.allowed_async(call)
            with conversation.running(allowed):
                # As it was decided over: a JSON text may say a thing twice.
                value = await tool.on_invoke_tool(context, msgspec.json.encode(allowed.arguments).decode())
            # The SDK has already made a text of what a tool raised.
            broke = isinstance(value, str) and value == default_tool_error_function(context, Exception())
            conversation.returned(allowed, _worth(value), is_error=broke)
            return value
        except CallRefused as refused:
            return str(refused)

    return invoke


def _asks(
    tool: FunctionTool, conversation: Conversation, hears: bool
) -> Callable[[RunContextWrapper[Any], dict[str, Any], str], Awaitable[bool]]:
    async def asks(context: RunContextWrapper[Any], arguments: dict[str, Any], id: str) -> bool:
        own = tool.needs_approval
        if callable(own):
            own = await own(context, arguments, id)
        try:
            with conversation.guarded(id):
                _hear(context, conversation, hears)
            word = conversation.decide(conversation.call(tool.name, arguments, id))
        except CallRefused:
            return bool(own)  # it is refused when it is made
        return bool(own) or (word.verdict == "ask" and not word.shadow)

    return asks


def _worth(value: Any) -> Any:
    """Return what a tool gave, out of the SDK's own wrapping of texts, in which answers of MCP servers come."""
    found = plain(value)
    parts = found if isinstance(found, list) else [found]
    if not parts or not all(isinstance(part, dict) and part.keys() == {"type", "text"} for part in parts):
        return value
    return "\n".join(str(part["text"]) for part in parts)


def _hear(context: RunContextWrapper[Any], conversation: Conversation, hears: bool) -> None:
    """Take in what the run's input holds: the user's words, and answers of earlier tools."""
    words: list[str] = []
    for item in context.turn_input:
        if not isinstance(item, Mapping):
            continue
        if item.get("role") == "user":
            words += _texts(item.get("content"))
        elif "output" in item:  # of an earlier tool, of whatever kind
            text = written(item["output"])
            conversation.settled(str(item.get("call_id", "")), text)
            conversation.read(text, "an earlier tool")
    if hears:
        conversation.hear(words)


def _texts(content: Any) -> Sequence[str]:
    """Return the texts of a message; pictures and files have none."""
    if isinstance(content, str):
        return [content]
    return [p["text"] for p in content or () if isinstance(p, Mapping) and isinstance(p.get("text"), str)]
