"""Drive an agent of the OpenAI Agents SDK: its own `Runner`, with its `ScriptedModel` for a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from agents import Agent, FunctionTool, RunConfig, Runner, default_tool_error_function
from agents.testing import ScriptedModel, assistant_message, function_call
from replay import Replayed, Step, ToolBroke

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.openai_agents import under_policy


def tool_of(session: Replayed, spec: Any) -> FunctionTool:
    """Return a tool as the SDK takes one with a schema of its own."""

    async def invoke(context: Any, arguments: str) -> Any:
        await asyncio.sleep(0)
        try:
            return session.run(spec.name, json.loads(arguments))
        except ToolBroke as broke:  # what `function_tool` does with it: else the run would end
            return default_tool_error_function(context, broke)

    return FunctionTool(spec.name, spec.description, dict(spec.parameters), invoke, strict_json_schema=False)


def script(steps: list[Step], ids: Iterator[str]) -> ScriptedModel:
    """Return a model that takes the steps of a turn."""
    calls = [[function_call(c["tool"], c["args"], call_id=next(ids)) for c in step] for step in steps]
    return ScriptedModel([*calls, [assistant_message("It is done.")]])


async def drive(session: Replayed, conversation: Conversation | None) -> None:
    """Run an agent through a session; every other turn is streamed."""
    tools = [tool_of(session, spec) for spec in session.specs]
    ids = (f"call-{n}" for n in range(10_000))
    history: list[Any] = []
    quiet = RunConfig(tracing_disabled=True)
    for number, (says, steps) in enumerate(session.turns):
        agent: Agent[Any] = Agent(name="agent", model=script(steps, ids), tools=[*tools])
        if conversation is not None:
            agent = under_policy(agent, conversation)
        said = [*history, {"role": "user", "content": says}]
        result: Any
        if number % 2:
            result = Runner.run_streamed(agent, said, run_config=quiet, max_turns=50)
            async for _ in result.stream_events():
                pass
        else:
            result = await Runner.run(agent, said, run_config=quiet, max_turns=50)
        history = result.to_input_list()
