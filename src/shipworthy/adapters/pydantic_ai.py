"""A tool policy in front of a pydantic-ai agent: a capability over all of its tools, or a toolset around some.

    agent.run(prompt, capabilities=[PolicyCapability(conversation)])

With ``ask="pause"`` a call that a person must see ends the run with `DeferredToolRequests`, as pydantic-ai's own
approvals do, and goes on with `DeferredToolResults`. Tools that the provider runs are not seen here, and not mediated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.values import written
from shipworthy.core.errors import CallRefused
from shipworthy.core.extras import require

require("pydantic_ai", extra="pydantic-ai", package="pydantic-ai-slim")

from pydantic_ai import RunContext, ToolReturn  # noqa: E402
from pydantic_ai.capabilities import AbstractCapability  # noqa: E402
from pydantic_ai.exceptions import ApprovalRequired, CallDeferred  # noqa: E402
from pydantic_ai.messages import ModelMessage, ModelRequest, ToolReturnPart, UserPromptPart  # noqa: E402
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool, WrapperToolset  # noqa: E402


@dataclass
class PolicyCapability(AbstractCapability[Any]):
    """Every tool of the agent that runs here, under the policy of one conversation.

    Attributes:
        conversation: give the same one to every run of it.
        hears: the run's user prompts are the user's words. Not so in an agent that another one calls, whose prompt a
            model wrote: say False there, and give it the same conversation.
    """

    conversation: Conversation
    hears: bool = True

    def get_wrapper_toolset(self, toolset: AbstractToolset[Any]) -> AbstractToolset[Any]:
        """Stand before all tools of a run."""
        return PolicyToolset(toolset, self.conversation, self.hears)


@dataclass
class PolicyToolset(WrapperToolset[Any]):
    """The same around one toolset: its tools, and no others."""

    conversation: Conversation
    hears: bool = True
    _heard: dict[str, int] = field(default_factory=dict, repr=False)

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        """Make a call that the policy lets pass; return what the model is told of one that it does not."""
        conversation = self.conversation
        try:
            with conversation.guarded(ctx.tool_call_id or ""):
                self._hear(ctx)
            call = conversation.call(name, tool_args, ctx.tool_call_id or "")
            if conversation.ask == "pause":
                if ctx.tool_call_approved:
                    allowed = conversation.granted(call)
                elif (word := conversation.decide(call)).verdict == "ask" and not word.shadow:
                    raise ApprovalRequired(metadata={"why": word.reason})
                else:
                    allowed = conversation.allowed(call)
            else:
                allowed = await conversation.allowed_async(call)
            if allowed.arguments != call.arguments:
                with conversation.guarded(call.id):
                    tool_args = tool.args_validator.validate_python(allowed.arguments)
            with conversation.running(allowed, ApprovalRequired, CallDeferred):
                value = await super().call_tool(name, tool_args, ctx, tool)
            if isinstance(value, ToolReturn):
                # Its content is sent as a user's message, and is not the user's.
                conversation.returned(allowed, value.return_value, *_texts(value.content or ()))
            else:
                conversation.returned(allowed, value)
            return value
        except CallRefused as refused:
            return str(refused)

    def _hear(self, ctx: RunContext[Any]) -> None:
        """Take in what the run's messages hold that was not heard yet."""
        run = ctx.run_id or ""
        messages = ctx.messages[self._heard.get(run, 0) :]
        self._heard[run] = len(ctx.messages)
        own = _texts(ctx.prompt or ())
        if self.hears:
            words = [text for message in messages for text in _said(message, own)]
            self.conversation.hear(words or own)
        for message in messages:
            for part in message.parts:
                if isinstance(part, ToolReturnPart):
                    self.conversation.settled(part.tool_call_id, written(part.content))
            for source, text in _others(message, own if self.hears else ()):
                self.conversation.read(text, source)


def _said(message: ModelMessage, own: Sequence[str]) -> list[str]:
    """Return the user's words in a message. Beside what tools gave, only the run's own prompt is theirs."""
    if not isinstance(message, ModelRequest):
        return []
    tools = any(isinstance(part, ToolReturnPart) for part in message.parts)
    texts = [t for part in message.parts if isinstance(part, UserPromptPart) for t in _texts(part.content)]
    return [text for text in texts if not tools or text in own]


def _others(message: ModelMessage, own: Sequence[str]) -> list[tuple[str, str]]:
    """Return what others wrote in a message, and where it comes from."""
    if not isinstance(message, ModelRequest):
        return []
    found = [("an earlier tool", written(p.content)) for p in message.parts if isinstance(p, ToolReturnPart)]
    if found:
        texts = [t for part in message.parts if isinstance(part, UserPromptPart) for t in _texts(part.content)]
        found += [("an earlier tool", text) for text in texts if text not in own]
    return found


def _texts(content: Any) -> list[str]:
    """Return the texts of a prompt; pictures and files have none."""
    parts = [content] if isinstance(content, str) else content
    found = [part if isinstance(part, str) else getattr(part, "content", None) for part in parts]
    return [text for text in found if isinstance(text, str)]
