"""Drive a LlamaIndex agent: its own `FunctionAgent`, with its `MockFunctionCallingLLM` for a model."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.workflow import Context
from pydantic import BaseModel, ConfigDict
from replay import Replayed, Step

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.llama_index import under_policy


class Anything(BaseModel):
    """The arguments of a tool: the framework wants a class, and does not check them against it."""

    model_config = ConfigDict(extra="allow")


def tool_of(session: Replayed, spec: Any, place: int) -> FunctionTool:
    """Return a tool; every other one is a coroutine function."""

    def run(**args: Any) -> str:
        return session.run(spec.name, args)

    async def wait(**args: Any) -> str:
        await asyncio.sleep(0)
        return session.run(spec.name, args)

    told = ToolMetadata(name=spec.name, description=spec.description or spec.name, fn_schema=Anything)
    return FunctionTool(async_fn=wait, metadata=told) if place % 2 else FunctionTool(fn=run, metadata=told)


def script(steps: list[Step]) -> MockFunctionCallingLLM:
    """Return a model that takes the steps of a turn."""
    coming = iter(steps)

    def respond(messages: Any, **options: Any) -> ChatMessage:
        step = next(coming, None)
        if step is None:
            return ChatMessage(role="assistant", content="It is done.")
        calls = [
            ToolCallBlock(tool_call_id=f"{id(step)}-{n}", tool_name=c["tool"], tool_kwargs=c["args"])
            for n, c in enumerate(step)
        ]
        return ChatMessage(role="assistant", blocks=calls)

    return MockFunctionCallingLLM(response_generator=respond)


async def drive(session: Replayed, conversation: Conversation | None) -> None:
    """Run an agent through a session; every other turn without a stream."""
    tools: list[Any] = [tool_of(session, spec, n) for n, spec in enumerate(session.specs)]
    if conversation is not None:
        tools = under_policy(tools, conversation)
    history: list[ChatMessage] = []
    for number, (says, steps) in enumerate(session.turns):
        agent = FunctionAgent(tools=tools, llm=script(steps), streaming=number % 2 == 0)
        context = Context(agent)
        running = agent.run(says, ctx=context, chat_history=history, max_iterations=60)
        async for _ in running.stream_events():
            pass
        await running
        history = await (await context.store.get("memory")).aget_all()
