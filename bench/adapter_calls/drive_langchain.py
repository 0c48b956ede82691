"""Drive a LangChain agent: the graph of its own `create_agent`, with its `GenericFakeChatModel` for a model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool, ToolException
from replay import Replayed, Step, ToolBroke

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.langchain import PolicyMiddleware


class Scripted(GenericFakeChatModel):
    """LangChain's fake model says what it is given; it has no way to be told of tools, which this one ignores."""

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self


def tool_of(session: Replayed, spec: Any) -> StructuredTool:
    """Return a tool that is a function and a coroutine function, and says what went wrong."""

    def run(**args: Any) -> str:
        try:
            return session.run(spec.name, args)
        except ToolBroke as broke:
            raise ToolException(str(broke)) from None

    async def wait(**args: Any) -> str:
        await asyncio.sleep(0)
        return run(**args)

    return StructuredTool.from_function(
        run, wait, name=spec.name, description=spec.description or spec.name,
        args_schema=dict(spec.parameters), handle_tool_error=True,
    )  # fmt: skip


def script(steps: list[Step], ids: Iterator[str]) -> Scripted:
    """Return a model that takes the steps of a turn."""
    calls = [[{"name": c["tool"], "args": c["args"], "id": next(ids)} for c in step] for step in steps]
    return Scripted(messages=iter([*(AIMessage("", tool_calls=one) for one in calls), AIMessage("It is done.")]))


async def drive(session: Replayed, conversation: Conversation | None) -> None:
    """Run an agent through a session: in an event loop, without one, and streamed."""
    tools = [tool_of(session, spec) for spec in session.specs]
    ids = (f"call-{n}" for n in range(10_000))
    messages: list[Any] = []
    number = int(session.id.rpartition("-")[2])
    for turn, (says, steps) in enumerate(session.turns, start=number):
        agent = create_agent(
            script(steps, ids), tools, middleware=[PolicyMiddleware(conversation)] if conversation is not None else []
        )
        before: Any = {"messages": [*messages, {"role": "user", "content": says}]}
        limit: Any = {"recursion_limit": 200}
        if turn % 3 == 0:
            state = await agent.ainvoke(before, limit)
        elif turn % 3 == 1:
            state = await asyncio.to_thread(agent.invoke, before, limit)
        else:
            async for after in agent.astream(before, limit, stream_mode="values"):
                state = after
        messages = state["messages"]
