"""A tool policy in front of a LlamaIndex agent: its tools, each under the policy.

    agent = FunctionAgent(tools=under_policy([search_mail, send_mail], conversation), llm=llm)

With ``ask="pause"`` a call that a person must see waits as LlamaIndex' own human-in-the-loop tools do: an
`InputRequiredEvent` with ``call``, ``tool`` and ``args`` is on the stream, and a `HumanResponseEvent` with the same
``call`` and the ``response`` "yes", or other ``args``, lets it pass. What a tool retriever finds is under no policy
unless it was put there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.values import written
from shipworthy.core.digests import digest
from shipworthy.core.errors import CallRefused
from shipworthy.core.extras import require
from shipworthy.core.foreign import kind_of
from shipworthy.core.messages import ToolCall

require("llama_index.core", extra="llama-index", package="llama-index-core")

from llama_index.core.tools import AsyncBaseTool, BaseTool, FunctionTool, ToolOutput, adapt_to_async_tool  # noqa: E402
from llama_index.core.workflow import HumanResponseEvent, InputRequiredEvent  # noqa: E402

_CONTEXT = "shipworthy_context"


def under_policy(
    tools: Iterable[BaseTool | Callable[..., Any]], conversation: Conversation, *, hears: bool = True
) -> list[FunctionTool]:
    """Return tools like these, under the policy of one conversation.

    Args:
        tools: the framework's, or functions.
        conversation: give the same one to every run of it.
        hears: the run's user message is the user's words. Not so in an agent that another one calls, whose message a
            model wrote: say False there, and give it the same conversation.
    """
    made = [tool if isinstance(tool, BaseTool) else FunctionTool.from_defaults(tool) for tool in tools]
    return [PolicyTool(adapt_to_async_tool(tool), conversation, hears=hears) for tool in made]


class PolicyTool(FunctionTool):
    """A tool under a policy; see `under_policy`. It is handed the run's context, and finds the user's words there."""

    def __init__(self, tool: AsyncBaseTool, conversation: Conversation, *, hears: bool = True) -> None:
        async def run(**given: Any) -> Any:
            return (await self.acall(**given)).raw_output

        super().__init__(async_fn=run, metadata=tool.metadata)
        self.requires_context, self.ctx_param_name = True, _CONTEXT
        self._tool, self._conversation, self._hears = tool, conversation, hears

    async def acall(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Make a call that the policy lets pass; tell the model of one that it does not."""
        conversation, context = self._conversation, kwargs.pop(_CONTEXT, None)
        try:
            if context is not None:
                try:
                    await self._hear(context)
                except Exception as error:
                    raise conversation.broken(error) from None
            pauses = conversation.ask == "pause" and context is not None
            call = self._call(args, kwargs, stable=pauses)
            allowed = await (self._paused(call, context) if pauses else conversation.allowed_async(call))
            given = dict(allowed.arguments)
            if isinstance(self._tool, FunctionTool) and self._tool.requires_context and self._tool.ctx_param_name:
                given[self._tool.ctx_param_name] = context
            with conversation.running(allowed):
                output = await self._tool.acall(**given)
            self._returned(allowed, output)
            return output
        except CallRefused as refused:
            return self._told(refused)

    def call(self, *args: Any, **kwargs: Any) -> ToolOutput:
        """Do the same outside of a run: nothing is heard, and nobody is waited for."""
        kwargs.pop(_CONTEXT, None)
        conversation = self._conversation
        try:
            call = self._call(args, kwargs)
            allowed = conversation.allowed(call)
            with conversation.running(allowed):
                output = self._tool.call(**allowed.arguments)
            self._returned(allowed, output)
            return output
        except CallRefused as refused:
            return self._told(refused)

    def _call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, stable: bool = False) -> ToolCall:
        """Return the call. A step that waited is done again, and must be known by its call then."""
        name = self.metadata.get_name()
        with self._conversation.guarded():
            if args:
                raise ValueError("a tool under a policy takes its arguments by their names")
        call = self._conversation.call(name, kwargs)
        return ToolCall(digest([name, call.arguments]), name, call.arguments) if stable else call

    async def _paused(self, call: ToolCall, context: Any) -> ToolCall:
        """Wait for a person where the policy asks for one. What this raises to wait must pass."""
        conversation = self._conversation
        word = conversation.decide(call)
        if word.verdict != "ask" or word.shadow:
            return conversation.allowed(call)
        try:
            said = await context.wait_for_event(
                HumanResponseEvent,
                waiter_id=call.id,
                waiter_event=InputRequiredEvent(prefix=word.reason, call=call.id, tool=call.name, args=call.arguments),
                requirements={"call": call.id},
            )
        except TimeoutError:
            raise conversation.refuse(call, "nobody", "nobody answered") from None
        with conversation.guarded(call.id):
            if said.get("args", None) is not None:
                return conversation.granted(
                    ToolCall(call.id, call.name, conversation.call("", said.get("args")).arguments)
                )
            if str(said.get("response", "")).strip().lower() == "yes":
                return conversation.granted(call)
        raise conversation.refuse(call)

    async def _hear(self, context: Any) -> None:
        """Take in the run's user message, and what earlier tools gave."""
        if self._hears and (said := await context.store.get("user_msg_str", default=None)):
            self._conversation.hear([said])
        memory = await context.store.get("memory", default=None)
        for message in await memory.aget_all() if memory is not None else ():
            if getattr(message.role, "value", message.role) in ("tool", "function"):
                self._conversation.read(message.content or "", "an earlier tool")

    def _returned(self, call: ToolCall, output: Any) -> None:
        conversation = self._conversation
        with conversation.guarded(call.id):
            if not isinstance(output, ToolOutput):
                raise TypeError(f"a tool gave a {kind_of(output)}")
            value, shown = output.raw_output, output.content
            # What the model reads is the value, as the framework writes it, or something else that others wrote.
            also = [] if shown in (str(value), written(value)) else [shown]
        conversation.returned(call, shown if output.is_error else value, *also, is_error=output.is_error)
        conversation.known(shown)

    def _told(self, refused: CallRefused) -> ToolOutput:
        return ToolOutput(
            tool_name=self.metadata.get_name(),
            content=str(refused),
            raw_input={},
            raw_output=str(refused),
            is_error=True,
        )
