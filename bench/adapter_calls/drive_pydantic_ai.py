"""Drive a pydantic-ai agent: its own loop, with its `FunctionModel` for a model, which is a script here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from pydantic_ai import Agent, Tool
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from replay import Replayed, Step, ToolBroke

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.pydantic_ai import PolicyCapability


def tool_of(session: Replayed, name: str, place: int) -> Any:
    """Return a tool's function; every other one is a coroutine function."""

    def run(**args: Any) -> str:
        try:
            return session.run(name, args)
        except ToolBroke as broke:
            from pydantic_ai import ModelRetry

            raise ModelRetry(str(broke)) from None

    async def wait(**args: Any) -> str:
        await asyncio.sleep(0)
        return run(**args)

    return wait if place % 2 else run


def script(steps: list[Step], ids: Iterator[str]) -> FunctionModel:
    """Return a model that takes the steps of a turn, whole or as a stream."""
    coming = iter([[(next(ids), call) for call in step] for step in steps])

    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        step = next(coming, None)
        if step is None:
            return ModelResponse(parts=[TextPart("It is done.")])
        return ModelResponse(parts=[ToolCallPart(c["tool"], c["args"], tool_call_id=id) for id, c in step])

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        import json

        step = next(coming, None)
        if step is None:
            yield "It is done."
            return
        for place, (id, call) in enumerate(step):
            text = json.dumps(call["args"])
            yield {place: DeltaToolCall(name=call["tool"], json_args=text[:3], tool_call_id=id)}
            yield {place: DeltaToolCall(json_args=text[3:])}

    return FunctionModel(respond, stream_function=stream)


async def drive(session: Replayed, conversation: Conversation | None) -> None:
    """Run an agent through a session; every other turn is streamed."""
    tools = [
        Tool.from_schema(tool_of(session, s.name, n), s.name, s.description, dict(s.parameters), takes_ctx=False)
        for n, s in enumerate(session.specs)
    ]
    ids = (f"call-{n}" for n in range(10_000))
    history: list[ModelMessage] = []
    for number, (says, steps) in enumerate(session.turns):
        agent = Agent(
            script(steps, ids), tools=tools, capabilities=[PolicyCapability(conversation)] if conversation else []
        )
        if number % 2:
            async with agent.run_stream(says, message_history=history) as streamed:
                await streamed.get_output()
                history = streamed.all_messages()
        else:
            history = (await agent.run(says, message_history=history)).all_messages()
